"""The models of an environment: ids, rates, quotas."""

from datetime import date
from typing import Annotated, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from configuration.schema.alarms import ModelAlarmsConfig
from configuration.schema.values.base import Strict, absent, refused, told
from configuration.schema.values.names import Region
from configuration.schema.values.numbers import Rate, Requests, Tokens


def _day(text: str) -> str:
    try:
        date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a date; allowed: a day, as 2026-12-31") from None
    return text


Day = Annotated[
    str,
    Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", json_schema_extra=told("a day, as 2026-12-31")),
    AfterValidator(_day),
]


class RatesConfig(Strict):
    """What tokens of a model cost, in US dollars per million. What has no rate is counted as unpriced, never as 0."""

    input: Rate = Field(description="Input tokens that were neither read from nor written to a cache.")
    output: Rate = Field(description="Output tokens.")
    cache_read: Rate | None = Field(default=None, description="Input tokens read from a cache.")
    cache_write: Rate | None = Field(default=None, description="Input tokens written to a cache.")
    verified_until: Day | None = Field(
        default=None, description="The day after which synth warns that nobody has compared the rates with AWS's."
    )


class QuotaConfig(Strict):
    """The account's on-demand quotas of a model, as Service Quotas shows them; what is not given is not watched."""

    model_config = ConfigDict(json_schema_extra=refused(absent("tokens_per_minute", "requests_per_minute")))

    tokens_per_minute: Tokens | None = Field(
        default=None, description="Input and weighted output tokens in a minute, all callers together."
    )
    requests_per_minute: Requests | None = Field(
        default=None, description="Requests in a minute, all callers together."
    )

    @model_validator(mode="after")
    def _has_a_quota(self) -> Self:
        if self.tokens_per_minute is None and self.requests_per_minute is None:
            raise ValueError("no quota is given; needed: tokens_per_minute, requests_per_minute or both")
        return self


class ModelConfig(Strict):
    """A model that the environment uses: monitored, allowed to the evaluation role, and open to candidates."""

    id: str = Field(
        description="Foundation model id (`amazon.nova-lite-v1:0`) or inference profile id (`us.` `global.` ...)."
    )
    destination_regions: tuple[Region, ...] = Field(
        default=(), description="Overrides the built-in table of Regions that the profile can route to."
    )
    rates: RatesConfig | None = Field(default=None, description="Left out: its price is unknown and shown so.")
    quota: QuotaConfig | None = Field(
        default=None, description="Left out: how much of its quota is used is neither drawn nor alarmed on."
    )
    alarms: ModelAlarmsConfig = Field(
        default=ModelAlarmsConfig(), description="Thresholds of this model, where it differs from the others."
    )
    profile: bool = Field(
        default=False,
        description="Make an application inference profile with tags for cost allocation, for the application to call; "
        "its ARN is an output and in Parameter Store. Dashboard, alarms and costs then watch the profile.",
    )
