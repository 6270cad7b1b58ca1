"""Frozen dataclasses to JSON values and back, with the path of whatever does not fit.

CloudFormation hands every scalar of a custom resource's properties over as a string, so `decode` reads "3", "0.5" and
"true" where the field is an int, a float or a bool.
"""

import contextlib
import dataclasses
import json
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from functools import lru_cache
from typing import Any, TypeVar, Union, get_args, get_origin

from bedrock_eval.errors import UserError

T = TypeVar("T")


class DecodeError(UserError, ValueError):
    """A JSON value does not fit the dataclass; the message begins with the path of the value."""


def encode(value: object) -> Any:
    """The JSON value of a dataclass, enum, mapping, sequence or scalar. Fields that are None are left out."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        pairs = ((field.name, getattr(value, field.name)) for field in dataclasses.fields(value))
        return {name: encode(item) for name, item in pairs if item is not None}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): encode(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [encode(item) for item in value]
    return value


def decode(kind: type[T], value: object, path: str = "$") -> T:
    """Read a JSON value as the dataclass (or annotated type) `kind`.

    Raises:
        DecodeError: naming the path, what stands there and what is allowed.
    """
    return typing.cast(T, _decode(kind, value, path))


def read(kind: type[T], text: str | bytes, path: str) -> T:
    """Read JSON text as `kind`.

    Args:
        path: what errors call the text.

    Raises:
        DecodeError: not JSON, or naming the path of what does not fit.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DecodeError(f"{path}: not JSON: {error}") from None
    return decode(kind, value, path)


def _decode(kind: Any, value: object, path: str) -> object:
    if kind is Any:
        return value
    return _decoder(kind)(kind, value, path)


def _decoder(kind: Any) -> Callable[[Any, object, str], object]:
    by_origin = {
        Union: _decode_optional,
        types.UnionType: _decode_optional,
        tuple: _decode_tuple,
        dict: _decode_mapping,
        Mapping: _decode_mapping,
    }
    origin = get_origin(kind)
    if origin in by_origin:
        return by_origin[origin]
    if dataclasses.is_dataclass(kind):
        return _decode_dataclass
    return _decode_enum if isinstance(kind, type) and issubclass(kind, Enum) else _decode_scalar


def _decode_optional(kind: Any, value: object, path: str) -> object:
    if value is None and type(None) in get_args(kind):
        return None
    inner = [argument for argument in get_args(kind) if argument is not type(None)]
    return _decode(inner[0], value, path)


def _decode_tuple(kind: Any, value: object, path: str) -> tuple[object, ...]:
    if not isinstance(value, list):
        raise DecodeError(f"{path}: {_shown(value)} is not a list")
    arguments = get_args(kind)
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        return tuple(_decode(arguments[0], item, f"{path}[{index}]") for index, item in enumerate(value))
    if len(arguments) != len(value):
        raise DecodeError(f"{path}: {len(value)} items, {len(arguments)} are needed")
    pairs = zip(arguments, value, strict=True)
    return tuple(_decode(argument, item, f"{path}[{index}]") for index, (argument, item) in enumerate(pairs))


def _decode_mapping(kind: Any, value: object, path: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise DecodeError(f"{path}: {_shown(value)} is not an object")
    inner = get_args(kind)[1]
    return {str(key): _decode(inner, item, f"{path}.{key}") for key, item in value.items()}


def _decode_dataclass(kind: Any, value: object, path: str) -> object:
    if not isinstance(value, dict):
        raise DecodeError(f"{path}: {_shown(value)} is not an object")
    fields = _fields(kind)
    unknown = sorted(set(value) - set(fields))
    if unknown:
        raise DecodeError(f"{path}: unknown key {unknown[0]!r}; allowed: {', '.join(fields)}")
    arguments: dict[str, object] = {}
    for name, (hint, required) in fields.items():
        if name in value:
            arguments[name] = _decode(hint, value[name], f"{path}.{name}")
        elif required and type(None) in get_args(hint):
            arguments[name] = None
        elif required:
            raise DecodeError(f"{path}: key {name!r} is missing")
    return kind(**arguments)


@lru_cache(maxsize=64)
def _fields(kind: Any) -> dict[str, tuple[Any, bool]]:
    """Each field's annotation, and whether it has no default."""
    hints = typing.get_type_hints(kind)
    return {
        field.name: (
            hints[field.name],
            field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING,
        )
        for field in dataclasses.fields(kind)
    }


def _decode_enum(kind: type[Enum], value: object, path: str) -> Enum:
    try:
        return kind(value)
    except ValueError:
        allowed = ", ".join(str(member.value) for member in kind)
        raise DecodeError(f"{path}: {_shown(value)} is not allowed; allowed: {allowed}") from None


def _decode_scalar(kind: Any, value: object, path: str) -> object:
    if kind is bool and (isinstance(value, bool) or value in ("true", "false")):
        return value in (True, "true")
    if kind is str and isinstance(value, str):
        return value
    if kind in (int, float) and isinstance(value, int | float | str) and not isinstance(value, bool):
        # CloudFormation's texts have no digits of other scripts, blanks or underscores, which Python takes.
        plain = not isinstance(value, str) or (value.isascii() and "_" not in value and value == value.strip())
        with contextlib.suppress(ValueError, OverflowError):
            number = kind(value)
            if plain and (isinstance(value, str) or number == value):
                return number
    names = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}
    raise DecodeError(f"{path}: {_shown(value)} is not {names.get(kind, kind)}")


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
