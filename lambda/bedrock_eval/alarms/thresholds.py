"""The thresholds of alarms, each declared once: unit, default, bounds, and whether a model may have its own.

The schema of the environment file, its reference and the constructs follow from this table.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any

from bedrock_eval.alarms.units import Unit, figure
from bedrock_eval.errors import UserError

TOTAL_FAILURE_PERCENT = 50
"""What a guarded rate reads at least when every request fails; a threshold from here on need not ever be passed."""

MILLISECONDS = Unit("ms")
SPEED = Unit("output tokens per second")
SHARE_OF_REQUESTS = Unit("% of requests")
SHARE_OF_CALLS = Unit("% of calls")
SHARE_OF_QUOTA = Unit("% of the quota")
REQUESTS = Unit("request", "requests", adds_up=True)
TOKENS = Unit("token", "tokens", adds_up=True)
DOLLARS = Unit("US dollar", "US dollars", adds_up=True)
DAYS = Unit("day", "days")
_DEVIATIONS = Unit("standard deviation", "standard deviations")


class ThresholdError(UserError, ValueError):
    """A threshold out of its bounds; the message names it, its value and what is allowed."""


@dataclass(frozen=True)
class Declaration:
    """How a threshold is declared, beside its name, type and default.

    Attributes:
        doc: what it limits.
        low: the lowest value allowed, or with `open` the end that is not.
        high: the highest, likewise. The bounds are those that a person can mean; beyond them a number has an exponent
            in templates, the alarm cannot change its state, or it is a slip of the finger.
        per_model: a model may have a threshold of its own.
    """

    doc: str
    unit: Unit
    low: float
    high: float
    open: bool = False
    per_model: bool = False

    def allows(self, value: float) -> bool:
        """Compare a value with the bounds."""
        return self.low < value < self.high if self.open else self.low <= value <= self.high

    @property
    def allowed(self) -> str:
        """The bounds in words."""
        low, high = figure(self.low), figure(self.high)
        return f"above {low}, below {high}" if self.open else f"{low} to {high}"


def _declared(default: float | None, declaration: Declaration) -> Any:
    return field(default=default, metadata={"declaration": declaration})


def _limit(doc: str, unit: Unit, *, high: float, low: float = 1) -> Any:
    """No default: without a value there is no alarm of the kind."""
    return _declared(None, Declaration(doc, unit, low, high, per_model=True))


def _share(default: float, doc: str, unit: Unit = SHARE_OF_REQUESTS, *, high: float = 100, **more: bool) -> Any:
    return _declared(default, Declaration(doc, unit, 0, high, open=True, **more))


def _error_share(default: float, doc: str) -> Any:
    return _share(default, doc, high=TOTAL_FAILURE_PERCENT)


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """The thresholds of an application's alarms, or of those of one model. None: no alarm of the kind.

    Rates are per cent of all requests in 5 minutes. With fewer requests than `traffic_floor`, rates, speeds and
    latencies are not judged.
    """

    latency_p90_ms: float = _declared(
        10_000, Declaration("p90 latency to the last token.", MILLISECONDS, 1, 86_400_000, per_model=True)
    )
    latency_anomaly: float | None = _limit(
        "Width of the band above the latency that CloudWatch expects. The band needs two weeks of traffic.",
        _DEVIATIONS,
        low=0.1,
        high=10,
    )
    output_tokens_per_second: float | None = _declared(
        10,
        Declaration(
            "Speed of streamed answers; 80 % of what the model usually gives is a good bound.",
            SPEED,
            0.01,
            1_000_000,
            per_model=True,
        ),
    )
    server_error_percent: float = _error_share(
        5, "Server errors. Total failure can read as 50 %, so the threshold must be lower."
    )
    client_error_percent: float = _error_share(
        10, "Requests that Bedrock refuses, throttled ones not counted. The threshold must be below 50 as well."
    )
    throttle_percent: float = _share(5, "Throttled requests.")
    throttle_count: int = _declared(
        20,
        Declaration(
            "Throttled requests in 5 minutes. It also counts when every request is throttled.",
            REQUESTS,
            1,
            1_000_000_000,
            per_model=True,
        ),
    )
    traffic_floor: int = _declared(
        20,
        Declaration(
            "Requests in 5 minutes. With fewer, rates, speeds and latencies are not judged.",
            REQUESTS,
            1,
            1_000_000_000,
            per_model=True,
        ),
    )
    quota_percent: float = _declared(
        80, Declaration("Use of each quota that is declared for a model.", SHARE_OF_QUOTA, 0.001, 100)
    )
    tokens_per_hour: int | None = _limit(
        "Tokens of each model in an hour, cached ones included.", TOKENS, high=1_000_000_000_000
    )
    tokens_per_day: int | None = _limit(
        "Tokens of each model in a day, cached ones included.", TOKENS, high=1_000_000_000_000
    )
    cost_per_hour: float | None = _limit(
        "Estimated cost of each model in an hour, by its rates.", DOLLARS, low=0.0001, high=1_000_000_000
    )
    cost_per_day: float | None = _limit(
        "Estimated cost of each model in a day, by its rates.", DOLLARS, low=0.0001, high=1_000_000_000
    )
    end_of_life_days: int = _declared(60, Declaration("Days until the end of life of a model.", DAYS, 1, 3_650))
    guardrail_intervention_percent: float = _share(
        20, "Calls of ApplyGuardrail in which the guardrail intervenes.", SHARE_OF_CALLS
    )
    model_intervention_percent: float = _share(
        20,
        "Requests to a model in which a guardrail intervenes, counted in the invocation log.",
        per_model=True,
    )
    inconclusive_days: int = _declared(
        3, Declaration("Days of a week with an undecided gate. The alarm is off by default.", DAYS, 1, 7)
    )

    @property
    def limits_cost(self) -> bool:
        """True where there is a threshold of cost."""
        return self.cost_per_hour is not None or self.cost_per_day is not None

    def check(self) -> None:
        """Compare every threshold with its bounds.

        Raises:
            ThresholdError: one is out of them.
        """
        for name, declaration in DECLARATIONS.items():
            value = getattr(self, name)
            if value is not None and not declaration.allows(value):
                raise ThresholdError(f"threshold {name}: {value:g} is not allowed; allowed: {declaration.allowed}")


DECLARATIONS: Mapping[str, Declaration] = MappingProxyType(
    {each.name: each.metadata["declaration"] for each in fields(Thresholds)}
)
"""Every threshold by its name."""
