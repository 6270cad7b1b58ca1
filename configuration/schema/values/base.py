"""The strict base class, and what its JSON Schemas say beside pydantic's own.

The loader and editors show `patternErrorMessage` when a pattern does not match.
"""

from typing import Any

from pydantic import BaseModel, BeforeValidator, ConfigDict
from pydantic.config import JsonDict


def pattern_error(message: str) -> JsonDict:
    """The text that says what is allowed, where a pattern does not match."""
    return {"patternErrorMessage": message}


def enum(values: tuple[int, ...] | tuple[str, ...]) -> JsonDict:
    """The values that editors suggest."""
    return {"enum": list(values)}


def _as_tuple(value: object) -> object:
    # Below a validator of our own pydantic sees Python's lists, which are no tuples when it is strict.
    return tuple(value) if isinstance(value, list) else value


AsTuple = BeforeValidator(_as_tuple)
"""Tuples inside of a value that has a short form, as a candidate that is given as its model's name."""


def refused(*together: Any) -> JsonDict:
    """Combinations of keys that editors refuse: each a schema that a wrong mapping matches."""
    return {"not": {"anyOf": list(together)}}


def text_of(most: int) -> JsonDict:
    """A text of 1 to `most` characters."""
    return {"minLength": 1, "maxLength": most}


def absent(*keys: str) -> JsonDict:
    """The schema that matches a mapping without any of the keys."""
    return {"properties": {key: {"type": "null"} for key in keys}}


class Strict(BaseModel):
    """A frozen model that refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
