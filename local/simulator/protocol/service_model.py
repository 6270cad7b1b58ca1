"""Requests checked against botocore's service model, with the messages of AWS's own validation.

Types, required and unknown members, lengths, ranges, enumerations and patterns. AWS itself ignores members that it does
not know; here they are refused, because a misspelled one would otherwise pass unnoticed. "Known" means known to the
emulator's pinned botocore: it refuses members of a newer one, too.
"""

import functools
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import botocore.loaders
import botocore.model

from local.simulator.protocol.errors import invalid

_JSON_TYPES: Mapping[str, tuple[type, ...]] = {
    "structure": (dict,),
    "map": (dict,),
    "list": (list,),
    "string": (str,),
    "blob": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
}
_NUMBERS = ("integer", "long", "float", "double")


@functools.cache
def service(name: str) -> Any:
    """botocore's model of a service, such as `bedrock-runtime`."""
    description = botocore.loaders.Loader().load_service_model(name, "service-2")
    return botocore.model.ServiceModel(description, name)


def check(service_name: str, operation: str, parameters: Mapping[str, Any]) -> None:
    """Refuse parameters that do not fit the operation's input shape.

    Raises:
        ServiceError: ValidationException naming every offending member.
    """
    problems = list(_problems(service(service_name).operation_model(operation).input_shape, parameters, ""))
    if problems:
        noun = "error" if len(problems) == 1 else "errors"
        raise invalid(f"{len(problems)} validation {noun} detected: {'; '.join(problems)}")


def _problems(shape: Any, value: object, path: str) -> Iterator[str]:
    if getattr(shape, "is_document_type", False):
        return
    allowed = _JSON_TYPES[shape.type_name]
    if not isinstance(value, allowed) or (isinstance(value, bool) and shape.type_name != "boolean"):
        yield _problem(path, f"Member must be of type {shape.type_name}")
        return
    yield from _CHECKS.get(shape.type_name, _no_problems)(shape, value, path)
    yield from _range_problems(shape, value, path)


def _problem(path: str, constraint: str) -> str:
    return f"Value at '{path or 'body'}' failed to satisfy constraint: {constraint}"


def _no_problems(_shape: Any, _value: Any, _path: str) -> Iterator[str]:
    yield from ()


def _structure_problems(shape: Any, value: Mapping[str, Any], path: str) -> Iterator[str]:
    # A JSON null is an absent member.
    present = {name: member for name, member in value.items() if member is not None}
    for name in shape.required_members:
        if name not in present:
            yield _problem(_join(path, name), "Member must not be null")
    for name, member in present.items():
        if name in shape.members:
            yield from _problems(shape.members[name], member, _join(path, name))
        else:
            yield _problem(_join(path, name), f"Member is not known; known: {', '.join(shape.members)}")
    if getattr(shape, "is_tagged_union", False) and len(present) != 1:
        yield _problem(path, f"Exactly one member must be set of: {', '.join(shape.members)}")


def _list_problems(shape: Any, value: list[Any], path: str) -> Iterator[str]:
    for index, item in enumerate(value):
        yield from _problems(shape.member, item, _join(path, str(index)))


def _map_problems(shape: Any, value: Mapping[str, Any], path: str) -> Iterator[str]:
    for key, item in value.items():
        yield from _problems(shape.key, key, _join(path, "key"))
        yield from _problems(shape.value, item, _join(path, key))


def _string_problems(shape: Any, value: str, path: str) -> Iterator[str]:
    if shape.enum and value not in shape.enum:
        yield _problem(path, f"Member must satisfy enum value set: [{', '.join(shape.enum)}]")
    pattern = _pattern(shape.metadata.get("pattern"))
    if pattern is not None and not pattern.fullmatch(value):
        yield _problem(path, f"Member must satisfy regular expression pattern: {shape.metadata['pattern']}")


def _range_problems(shape: Any, value: Any, path: str) -> Iterator[str]:
    is_number = shape.type_name in _NUMBERS
    if not is_number and not isinstance(value, str | list | dict):
        return
    size, of = (value, "value") if is_number else (len(value), "length")
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and size < low:
        yield _problem(path, f"Member must have {of} greater than or equal to {low}")
    if high is not None and size > high:
        yield _problem(path, f"Member must have {of} less than or equal to {high}")


@functools.cache
def _pattern(source: str | None) -> re.Pattern[str] | None:
    if source is None:
        return None
    try:
        return re.compile(source)
    except re.error:
        return None  # Written for Java: some of its syntax is not Python's.


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


_CHECKS: Mapping[str, Callable[[Any, Any, str], Iterator[str]]] = {
    "structure": _structure_problems,
    "list": _list_problems,
    "map": _map_problems,
    "string": _string_problems,
}
