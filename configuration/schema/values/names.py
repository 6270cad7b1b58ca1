"""Names of the user's own, and Regions."""

from typing import Annotated

from pydantic import AfterValidator, Field

from bedrock_eval.names import NAME_PATTERN, NAME_RULE, is_name
from configuration.schema.values.base import told

Region = Annotated[
    str, Field(pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9]$", json_schema_extra=told("a Region's name, as us-east-1"))
]


def check_name(text: str) -> str:
    """The text, if it is a name.

    Raises:
        ValueError: it is none; the message says what is allowed.
    """
    if not is_name(text):
        raise ValueError(f"{text!r} is not a name; allowed: {NAME_RULE}")
    return text


Name = Annotated[
    str,
    AfterValidator(check_name),
    Field(json_schema_extra={"pattern": f"^{NAME_PATTERN}$", **told(NAME_RULE)}),
]
