"""The series that alarms watch and graphs draw: metric math over what the catalogue names."""

from collections.abc import Mapping
from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

from bedrock_eval import catalogue
from bedrock_eval.alarms.kinds import AlarmKind
from bedrock_eval.alarms.thresholds import Thresholds
from bedrock_eval.alarms.units import plain
from bedrock_eval_cdk.monitoring.metrics import metric

Series = cloudwatch.Metric | cloudwatch.MathExpression


@dataclass(frozen=True)
class MathTerm:
    """One metric of an expression, with the dimensions that it is read with."""

    entry: catalogue.Metric
    dimensions: Mapping[str, str]


@dataclass(frozen=True)
class Math:
    """Metric math over terms by their id, where not every metric of the kind is read with the same dimensions.

    Attributes:
        expression: None: the kind's own.
    """

    expression: str | None
    terms: Mapping[str, MathTerm]


def watched_series(  # noqa: PLR0913 - all by keyword but the first
    kind: AlarmKind,
    *,
    dimensions: Mapping[str, str],
    thresholds: Thresholds,
    math: Math | None = None,
    drawn: bool = False,
    label: str | None = None,
    color: str | None = None,
) -> Series:
    """The series that the threshold of a kind is about, the same on the alarm and on the dashboard.

    Args:
        drawn: for a graph, which leaves out what the alarm does not judge.
    """
    period = Duration.seconds(kind.window.seconds)
    if math is None and kind.expression is None:
        (entry,) = kind.metrics.values()
        return metric(entry, dimensions=dimensions, period=period, label=label, color=color)
    math = math or Math(None, {name: MathTerm(entry, dimensions) for name, entry in kind.metrics.items()})
    # Assumption: missing-is-zero, fill-without-points, if-without-else
    return cloudwatch.MathExpression(
        expression=math.expression or _filled(kind, thresholds, drawn=drawn),
        using_metrics={
            name: metric(term.entry, dimensions=term.dimensions, period=period) for name, term in math.terms.items()
        },
        period=period,
        label=label or kind.name,
        color=color,
    )


def _filled(kind: AlarmKind, thresholds: Thresholds, *, drawn: bool) -> str:
    limit = kind.threshold(thresholds) if kind.threshold else None
    expression = kind.drawn if drawn and kind.drawn else kind.expression
    return str(expression).format(floor=thresholds.traffic_floor, threshold=None if limit is None else plain(limit))
