"""What the classes of the schema are made of: the strict base, and the kinds of values that stand in several places.

`patternErrorMessage` is what people are told when a pattern does not match: by the loader, and by editors.
"""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.config import JsonDict

from bedrock_eval.names import NAME_PATTERN, NAME_RULE, is_name


def check_name(text: str) -> str:
    """The text, if it is a name.

    Raises:
        ValueError: it is none; the message says what is allowed.
    """
    if not is_name(text):
        raise ValueError(f"{text!r} is not a name; allowed: {NAME_RULE}")
    return text


def told(message: str) -> JsonDict:
    """What people are told of a value that is not allowed."""
    return {"patternErrorMessage": message}


def enum(values: tuple[int, ...] | tuple[str, ...]) -> JsonDict:
    """The values that editors offer."""
    return {"enum": list(values)}


Name = Annotated[
    str,
    AfterValidator(check_name),
    Field(json_schema_extra={"pattern": f"^{NAME_PATTERN}$", **told(NAME_RULE)}),
]
Share = Annotated[float, Field(ge=0, le=1)]


def _as_tuple(value: object) -> object:
    # Below a validator of our own pydantic sees Python's lists, which are no tuples when it is strict.
    return tuple(value) if isinstance(value, list) else value


AsTuple = BeforeValidator(_as_tuple)
"""For tuples inside of what may be given shorter, as a candidate by its model's name alone."""


class Strict(BaseModel):
    """Frozen, and no key that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
