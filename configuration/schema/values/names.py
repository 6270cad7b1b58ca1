"""Names of the user's own, and Regions."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from bedrock_eval.known_models.table import REGIONS
from bedrock_eval.names import NAME_PATTERN, NAME_RULE, is_name
from bedrock_eval.wording import suggestion
from configuration.schema.values.base import pattern_error

_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]")
_A_REGION = "a Region's name, as us-east-1"


def _region(text: str) -> str:
    if not _REGION.fullmatch(text):
        raise ValueError(f"{text!r} is not allowed{suggestion(text, REGIONS)}; allowed: {_A_REGION}")
    return text


Region = Annotated[
    str,
    AfterValidator(_region),
    Field(json_schema_extra={"pattern": f"^{_REGION.pattern}$", **pattern_error(_A_REGION)}),
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
    Field(json_schema_extra={"pattern": f"^{NAME_PATTERN}$", **pattern_error(NAME_RULE)}),
]
