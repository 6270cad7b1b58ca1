"""From the catalogue to CloudWatch: the only place of this package that makes a CloudWatch metric."""

from collections.abc import Mapping

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

from bedrock_eval import catalogue

SEARCH = r"""SEARCH\('\{([^}]*)\} MetricName="([^"]*)"""
"""How a search begins, as a pattern: its namespace and dimensions, and the name of the metric."""


def metric(  # noqa: PLR0913 - all by keyword but the first
    entry: catalogue.Metric,
    *,
    dimensions: Mapping[str, str],
    period: Duration,
    statistic: str | None = None,
    label: str | None = None,
    color: str | None = None,
) -> cloudwatch.Metric:
    """One series of the catalogue. No unit is set: a unit that differs from the published one matches nothing.

    Args:
        dimensions: values by name; those that the entry does not have are left out.
        statistic: overrides the catalogue's, as for a second percentile of one latency.

    Raises:
        ValueError: a dimension of the entry has no value.
    """
    return cloudwatch.Metric(
        namespace=entry.namespace,
        metric_name=entry.name,
        dimensions_map=_values(entry, dimensions),
        statistic=statistic or entry.statistic,
        period=period,
        label=label,
        color=color,
    )


def search(
    entry: catalogue.Metric, *, period: Duration, dimensions: Mapping[str, str] | None = None
) -> cloudwatch.MathExpression:
    """Every series of an entry that CloudWatch has seen in two weeks. For dashboards: alarms cannot search.

    Each series is labelled with the value of the entry's last dimension.

    Args:
        dimensions: values that the series must have; the other dimensions of the entry are free.
    """
    return cloudwatch.MathExpression(
        expression=_search(entry, period, dimensions or {}),
        using_metrics={},
        label=f"${{PROP('Dim.{entry.dimensions[-1]}')}}",
        period=period,
    )


def search_sum(entry: catalogue.Metric, *, period: Duration) -> cloudwatch.MathExpression:
    """What `search` finds, added up at each time: a part of other expressions."""
    return cloudwatch.MathExpression(
        expression=f"SUM({_search(entry, period, {})})", using_metrics={}, label=entry.title, period=period
    )


def _search(entry: catalogue.Metric, period: Duration, dimensions: Mapping[str, str]) -> str:
    schema = ",".join((entry.namespace, *entry.dimensions))
    wanted = " ".join(f'{name}="{value}"' for name, value in {"MetricName": entry.name, **dimensions}.items())
    return f"SEARCH('{{{schema}}} {wanted}', '{entry.statistic}', {int(period.to_seconds())})"


def _values(entry: catalogue.Metric, dimensions: Mapping[str, str]) -> dict[str, str] | None:
    missing = [name for name in entry.dimensions if not dimensions.get(name)]
    if missing:
        raise ValueError(f"{entry.namespace} {entry.name}: no value for dimension {', '.join(missing)}")
    return {name: dimensions[name] for name in entry.dimensions} or None
