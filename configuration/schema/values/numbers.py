"""Numbers within the bounds that a person can mean."""

from typing import Annotated

from pydantic import Field

Days = Annotated[int, Field(ge=1, le=3650)]
Share = Annotated[float, Field(ge=0, le=1)]
# Bounds that a person can mean. With less or more a number has an exponent in templates, or is a slip of the finger.
Dollars = Annotated[float, Field(ge=0.0001, le=1_000_000_000)]
Rate = Annotated[float, Field(ge=0, le=1_000_000)]
Requests = Annotated[int, Field(ge=1, le=1_000_000_000)]
Tokens = Annotated[int, Field(ge=1, le=1_000_000_000_000)]
AnswerTokens = Annotated[int, Field(ge=1, le=1_000_000)]
Bound = Annotated[float, Field(ge=-1_000_000_000, le=1_000_000_000)]
