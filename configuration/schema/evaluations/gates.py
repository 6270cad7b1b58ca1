"""The gates of an evaluation."""

from typing import Self

from pydantic import ConfigDict, Field, model_validator
from pydantic.config import JsonDict

from bedrock_eval.scores import METRICS, MetricDefinition
from configuration.schema.evaluations.metrics import MetricName
from configuration.schema.values.base import Strict, absent, refused
from configuration.schema.values.numbers import Bound


class AnyGateConfig(Strict):
    """A requirement on a metric: bounds of its mean, a largest drop against the baseline, or both."""

    model_config = ConfigDict(json_schema_extra=refused(absent("min", "max", "max_drop")))

    metric: str = Field(min_length=1, description="One of the evaluation's metrics, criteria or ratings.")
    min: Bound | None = Field(default=None, description="Lowest mean that passes, in the metric's unit.")
    max: Bound | None = Field(default=None, description="Highest mean that passes, in the metric's unit.")
    max_drop: float | None = Field(
        default=None,
        ge=0,
        le=1_000_000_000,
        description="How much worse than in the `baseline` run the mean may be, in the metric's unit.",
    )

    @model_validator(mode="after")
    def _has_a_bound(self) -> Self:
        if self.min is None and self.max is None and self.max_drop is None:
            raise ValueError("neither min, max nor max_drop is given; needed: at least one of them")
        if self.min is not None and self.max is not None and self.min >= self.max:
            raise ValueError(f"min {self.min:g} is not below max {self.max:g}")
        return self


def _outside_range(metric: MetricDefinition) -> JsonDict:
    """The schema that matches a gate with a bound outside the metric's range."""
    span: JsonDict = {"minimum": metric.low} if metric.low is not None else {}
    if metric.high is not None:
        span["maximum"] = metric.high
    bounds: JsonDict = {"min": span, "max": span}
    if metric.low is not None and metric.high is not None:
        bounds["max_drop"] = {"exclusiveMaximum": metric.high - metric.low}
    fitting: JsonDict = {"properties": bounds}
    return {"properties": {"metric": {"const": metric.name}}, "required": ["metric"], "not": fitting}


class GateConfig(AnyGateConfig):
    """A requirement on a metric: bounds of its mean, a largest drop against the baseline, or both."""

    model_config = ConfigDict(
        json_schema_extra=refused(absent("min", "max", "max_drop"), *map(_outside_range, METRICS.values()))
    )

    metric: MetricName = Field(description="One of the evaluation's `metrics`.")
