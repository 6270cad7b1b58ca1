"""Results of expressions: a number, a text, time series, an anomaly band."""

from collections.abc import Mapping
from dataclasses import dataclass, field


class ExpressionError(ValueError):
    """The expression cannot be parsed or evaluated; the message is written for its author."""


@dataclass(frozen=True)
class Series:
    """Values by the start of their period (epoch seconds), with the period in seconds.

    Attributes:
        properties: the properties that a label can name with PROP, of a metric that a SEARCH found.
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
