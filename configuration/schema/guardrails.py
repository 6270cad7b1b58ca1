"""The guardrails that are watched, and what others watch."""

from typing import Annotated

from pydantic import Field

from configuration.schema.values.base import Strict, pattern_error
from configuration.schema.values.names import Name

WatchedElsewhere = Annotated[
    str,
    Field(
        # A `*` alone would silence the alarms.
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]{2,2047}\*?$",
        json_schema_extra=pattern_error(
            "an id or ARN, as us.amazon.nova-2-lite-v1:0, or its beginning and a *, as eu.anthropic.*"
        ),
    ),
]


class GuardrailConfig(Strict):
    """An existing guardrail to monitor."""

    name: Name = Field(description="Name in alarms and on the dashboard.")
    id: str = Field(
        pattern=r"^([a-z0-9]{1,64}|arn:[a-z-]+:bedrock:[a-z0-9-]+:[0-9]{12}:guardrail/[a-z0-9]{1,64})$",
        description="Guardrail id in this account and Region, or ARN.",
        json_schema_extra=pattern_error("a guardrail's id, as gr1abcd2efgh, or its ARN"),
    )
    version: str = Field(
        pattern=r"^([1-9][0-9]{0,7}|DRAFT)$",
        description="The version that requests use.",
        json_schema_extra=pattern_error('DRAFT or a number in quotes, as "1"'),
    )

    @property
    def is_arn(self) -> bool:
        return self.id.startswith("arn:")
