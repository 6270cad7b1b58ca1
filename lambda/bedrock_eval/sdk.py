"""What the boto3 of a runtime knows of AWS, by its own service models: Lambda may carry an older one than ours.

What these lack in a request botocore refuses, whatever it says; what they lack in an answer it drops without a word.
Clients, operations and shapes are botocore's, which the core does not import.
"""

from collections.abc import Collection, Mapping
from typing import Any

from bedrock_eval.errors import UserError


class UnknownFieldError(UserError, ValueError):
    """A request says what the runtime's boto3 cannot send; the message names operation and field."""


def fitting(client: Any, *, optional: Collection[str] = ()) -> Any:
    """The client, which from now on leaves out what its boto3 does not know and what says nothing.

    A field that is false, None or empty asks for what happens without it. Any other one that is not known is refused,
    with UnknownFieldError: a service would do without it something else than was asked.

    Args:
        optional: fields of the request that may be lost whatever they say.
    """

    def fit(params: Mapping[str, Any], model: Any, **_: Any) -> Mapping[str, Any]:
        return fitted(params, model, optional=optional)

    client.meta.events.register("provide-client-params", fit)
    return client


def fitted(request: Mapping[str, Any], operation: Any, *, optional: Collection[str] = ()) -> Mapping[str, Any]:
    """The request of an operation as its model takes it.

    Raises:
        UnknownFieldError: a field is not known and not its default.
    """
    if operation.input_shape is None:
        return request
    known = {
        key: value for key, value in request.items() if key not in optional or key in _members(operation.input_shape)
    }
    found: Mapping[str, Any] = _fitted(known, operation.input_shape, operation=operation.name, path="")
    return found


def dropped(client: Any, operation: str, *fields: str) -> tuple[str, ...]:
    """Those of an answer's fields, written `a.b.c`, that the client's boto3 does not hand on."""
    shape = client.meta.service_model.operation_model(operation).output_shape
    return tuple(field for field in fields if not _is_known(shape, field.split(".")))


def _fitted(value: Any, shape: Any, *, operation: str, path: str) -> Any:
    if shape.type_name == "list" and isinstance(value, list | tuple):
        return [
            _fitted(item, shape.member, operation=operation, path=f"{path}[{index}]")
            for index, item in enumerate(value)
        ]
    if shape.type_name == "map" and isinstance(value, Mapping):
        return {
            key: _fitted(item, shape.value, operation=operation, path=f"{path}.{key}") for key, item in value.items()
        }
    # A document is free JSON. A value of another type than the model's is botocore's to refuse.
    if shape.type_name != "structure" or shape.metadata.get("document") or not isinstance(value, Mapping):
        return value
    fitting_members = {}
    for key, item in value.items():
        field = f"{path}.{key}".removeprefix(".")
        if key in shape.members:
            fitting_members[key] = _fitted(item, shape.members[key], operation=operation, path=field)
        elif not _says_nothing(item):
            raise UnknownFieldError(
                f"{operation}: the function's boto3 does not know {field}; needed: a runtime with a newer one, or a "
                "request without it"
            )
    return fitting_members


def _says_nothing(value: object) -> bool:
    """Whether a field asks for what happens without it."""
    if isinstance(value, Mapping):
        return all(map(_says_nothing, value.values()))
    return value is None or value is False or (isinstance(value, str | bytes | list | tuple) and not value)


def _members(shape: Any) -> Mapping[str, Any]:
    """Of a structure; none of anything else."""
    members: Mapping[str, Any] = getattr(shape, "members", {})
    return members


def _is_known(shape: Any, names: list[str]) -> bool:
    for name in names:
        if name not in _members(shape):
            return False
        shape = shape.members[name]
    return True
