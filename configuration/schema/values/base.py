"""The strict base class, and what its JSON Schemas say beside pydantic's own.

`patternErrorMessage` is what people are told when a pattern does not match: by the loader, and by editors.
"""

from typing import Any

from pydantic import BaseModel, BeforeValidator, ConfigDict
from pydantic.config import JsonDict


def told(message: str) -> JsonDict:
    """What people are told of a value that is not allowed."""
    return {"patternErrorMessage": message}


def enum(values: tuple[int, ...] | tuple[str, ...]) -> JsonDict:
    """The values that editors offer."""
    return {"enum": list(values)}


def _as_tuple(value: object) -> object:
    # Below a validator of our own pydantic sees Python's lists, which are no tuples when it is strict.
    return tuple(value) if isinstance(value, list) else value


AsTuple = BeforeValidator(_as_tuple)
"""For tuples inside of what may be given shorter, as a candidate by its model's name alone."""


def refused(*together: Any) -> JsonDict:
    """What several keys may not say together, for editors: each a schema that a wrong mapping matches."""
    return {"not": {"anyOf": list(together)}}


def text_of(most: int) -> JsonDict:
    """A text of 1 to `most` characters."""
    return {"minLength": 1, "maxLength": most}


def absent(*keys: str) -> JsonDict:
    """Matches a mapping in which none of the keys is given."""
    return {"properties": {key: {"type": "null"} for key in keys}}


class Strict(BaseModel):
    """Frozen, and no key that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
