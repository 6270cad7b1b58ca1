"""The models of an environment: ids, rates, quotas."""

from datetime import date
from typing import Annotated, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from configuration.schema.alarms import ModelAlarmsConfig
from configuration.schema.values.base import Strict, absent, pattern_error, refused
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
    Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", json_schema_extra=pattern_error("a day, as 2026-12-31")),
    AfterValidator(_day),
]


class RatesConfig(Strict):
    """Rates of a model, in US dollars per million tokens. Tokens without a rate are counted as unpriced, never as 0."""

    input: Rate = Field(description="Input tokens that are neither read from nor written to a cache.")
    output: Rate = Field(description="Output tokens.")
    cache_read: Rate | None = Field(default=None, description="Input tokens read from a cache.")
    cache_write: Rate | None = Field(default=None, description="Input tokens written to a cache.")
    verified_until: Day | None = Field(
        default=None, description="Last day on which the rates count as checked. After it `cdk synth` warns."
    )


class QuotaConfig(Strict):
    """On-demand quotas of a model in this account, as Service Quotas shows them.

    A quota that is left out has no alarm.
    """

    model_config = ConfigDict(json_schema_extra=refused(absent("tokens_per_minute", "requests_per_minute")))

    tokens_per_minute: Tokens | None = Field(
        default=None, description="Input and weighted output tokens per minute of all callers."
    )
    requests_per_minute: Requests | None = Field(default=None, description="Requests per minute of all callers.")

    @model_validator(mode="after")
    def _has_a_quota(self) -> Self:
        if self.tokens_per_minute is None and self.requests_per_minute is None:
            raise ValueError("no quota is given; needed: tokens_per_minute, requests_per_minute or both")
        return self


class ModelConfig(Strict):
    """A model that the environment uses.

    It is monitored, the evaluation role may call it, and candidates can name it.
    """

    id: str = Field(
        description="Foundation model id (`amazon.nova-lite-v1:0`) or inference profile id (`us.` `global.` ...)."
    )
    destination_regions: tuple[Region, ...] = Field(
        default=(), description="Regions that the inference profile routes to, instead of those in the built-in table."
    )
    rates: RatesConfig | None = Field(default=None, description="Left out: the cost of the model is unknown.")
    quota: QuotaConfig | None = Field(
        default=None, description="Left out: no graph and no alarm for the use of the quota."
    )
    alarms: ModelAlarmsConfig = Field(
        default=ModelAlarmsConfig(), description="Thresholds of this model that differ from those in `alarms`."
    )
    profile: bool = Field(
        default=False,
        description="Create an application inference profile with cost allocation tags, for the application "
        "to call. Its ARN is an output and a parameter in Parameter Store. Dashboard, alarms and "
        "costs then use the profile's metrics.",
    )
