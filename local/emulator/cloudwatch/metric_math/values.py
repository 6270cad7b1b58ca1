"""What an expression gives: a number, a text, time series, an anomaly band."""

from collections.abc import Mapping
from dataclasses import dataclass, field


class ExpressionError(ValueError):
    """The expression cannot be parsed or evaluated; the message is what CloudWatch would say to its author."""


@dataclass(frozen=True)
class Series:
    """Values by the start of their period (epoch seconds), with the period in seconds.

    Attributes:
        properties: what a label may name by PROP, of a metric that a search has found.
    """

    points: Mapping[int, float]
    period: int
    label: str = ""
    properties: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Band:
    """The range in which an anomaly detector expects a metric."""

    lower: Series
    upper: Series


Value = float | Series | Band | str | list["Value"]
