"""The subscriptions and the budget of an environment."""

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from configuration.schema.values.base import Strict, refused
from configuration.schema.values.numbers import Dollars

_ENDPOINTS = {"email": r"[^@\s]+@[^@\s]+\.[^@\s]+", "https": r"https://\S+", "sqs": r"arn:[a-z-]+:sqs:\S+"}


class SubscriptionConfig(Strict):
    """A subscription to the alarm topic."""

    model_config = ConfigDict(
        json_schema_extra=refused(
            {
                "properties": {"protocol": {"const": "chat"}, "endpoint": {"type": "string"}},
                "required": ["protocol", "endpoint"],
            },
            *(
                {
                    "properties": {
                        "protocol": {"const": protocol},
                        "endpoint": {"not": {"type": "string", "pattern": f"^{pattern}$"}},
                    },
                    "required": ["protocol"],
                }
                for protocol, pattern in _ENDPOINTS.items()
            ),
        )
    )

    protocol: Literal["email", "https", "sqs", "chat"] = Field(
        description="How people are notified. chat: a topic for Amazon Q Developer in chat applications "
        "(Slack, Microsoft Teams), whose channel configuration subscribes itself."
    )
    endpoint: str | None = Field(
        default=None, min_length=1, description="E-mail address, https:// URL or ARN of a queue; chat has none."
    )

    @model_validator(mode="after")
    def _endpoint_fits(self) -> Self:
        if self.protocol == "chat":
            if self.endpoint is not None:
                raise ValueError("protocol chat takes no endpoint; the channel's configuration names the topic")
            return self
        needed = {"email": "an e-mail address", "https": "an https:// URL", "sqs": "the ARN of a queue"}
        if not re.fullmatch(_ENDPOINTS[self.protocol], self.endpoint or ""):
            raise ValueError(
                f"endpoint {self.endpoint!r} does not fit protocol {self.protocol}; needed: {needed[self.protocol]}"
            )
        return self


def _once(percents: tuple[float, ...]) -> tuple[float, ...]:
    if len(set(percents)) < len(percents):
        raise ValueError("a percentage is given twice; needed: each once")
    return percents


# Assumption: budget-tag-active
class BudgetConfig(Strict):
    """A monthly budget of AWS Budgets that notifies the alarm topic.

    Its figures are those of the bill, up to a day late.
    """

    monthly_usd: Dollars = Field(description="US dollars per month, without credits and refunds.")
    notify_percent: Annotated[tuple[Annotated[float, Field(ge=0.1, le=1000)], ...], AfterValidator(_once)] = Field(
        default=(80, 100),
        min_length=1,
        max_length=5,
        description="Percentages of the budget at which AWS Budgets notifies.",
        json_schema_extra={"uniqueItems": True},
    )
    scope: Literal["application", "account"] = Field(
        default="application",
        description="application: costs with the tag `application`. Model calls have it only through "
        "profiles (`profile: true`), and only after the tag is activated for cost allocation. "
        "account: the whole bill.",
    )
