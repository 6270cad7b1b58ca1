"""What the classes of the schema are made of: the strict base, and the kinds of values that stand in several places.

`patternErrorMessage` is what people are told when a pattern does not match: by the loader, and by editors.
"""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.config import JsonDict

from bedrock_eval.jobs.rules import TAG_TEXT
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


def refused(*together: Any) -> JsonDict:
    """What several keys may not say together, for editors: each a schema that a wrong mapping matches."""
    return {"not": {"anyOf": list(together)}}


def absent(*keys: str) -> JsonDict:
    """Matches a mapping in which none of the keys is given."""
    return {"properties": {key: {"type": "null"} for key in keys}}


# CloudFormation and we add some to the 50 that most services take.
MOST_TAGS = 45
OWN_TAGS = ("application", "environment", "owner")
"""What carries the environment's own values; in IAM keys of tags differ by more than case."""


def tags(most: int) -> JsonDict:
    """Keys and values of tags, as editors check them."""
    own = "|".join("".join(f"[{letter}{letter.upper()}]" for letter in key) for key in OWN_TAGS)
    return {
        "maxProperties": most,
        "propertyNames": {
            "minLength": 1,
            "maxLength": 128,
            "pattern": f"^(?![aA][wW][sS]:|({own})$){TAG_TEXT.pattern}$",
        },
        "additionalProperties": {"type": "string", "maxLength": 256, "pattern": f"^{TAG_TEXT.pattern}$"},
    }


# Bounds that a person can mean. With less or more a number has an exponent in templates, or is a slip of the finger.
Milliseconds = Annotated[float, Field(ge=1, le=86_400_000)]
Dollars = Annotated[float, Field(ge=0.0001, le=1_000_000_000)]
Rate = Annotated[float, Field(ge=0, le=1_000_000)]
PerSecond = Annotated[float, Field(ge=0.01, le=1_000_000)]
Requests = Annotated[int, Field(ge=1, le=1_000_000_000)]
Tokens = Annotated[int, Field(ge=1, le=1_000_000_000_000)]
AnswerTokens = Annotated[int, Field(ge=1, le=1_000_000)]
Bound = Annotated[float, Field(ge=-1_000_000_000, le=1_000_000_000)]


class Strict(BaseModel):
    """Frozen, and no key that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
