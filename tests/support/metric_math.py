"""Metric math of templates, evaluated as the emulator does, under each reading of its page."""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from urllib.request import Request, urlopen

from local.emulator.cloudwatch.metric_math.evaluator import Scope
from local.emulator.cloudwatch.metric_math.parser import parse
from local.emulator.cloudwatch.metric_math.readings import Readings, document
from local.emulator.cloudwatch.metric_math.values import Series

EVERY_READING = tuple(Readings.every())
PERIOD = 300

Points = Mapping[int, float]

_parsed = cache(parse)


def evaluated(
    expression: str,
    series: Mapping[str, Points],
    readings: Readings,
    *,
    grid: Sequence[int] = (0,),
    period: int = PERIOD,
    searched: Mapping[str, Sequence[Points]] | None = None,
) -> dict[int, float]:
    """The points of an expression, by the start of their period.

    Args:
        series: what is behind each id of the expression: points, none for a metric that was never published.
        searched: what each text of a SEARCH finds.
    """
    scope = Scope(
        queries={name: {"MetricStat": {"Name": name, "Period": period}} for name in series},
        read=lambda stat: Series(series[stat["Name"]], period),
        search=lambda text, _statistic, _period: [Series(points, period) for points in (searched or {})[text]],
        grid=lambda _: grid,
        readings=readings,
    )
    (line,) = scope.as_series(scope.evaluate(_parsed(expression)))
    return dict(line.points)


def said(expression: str, values: Mapping[str, float | None]) -> set[float | None]:
    """The values of an expression in one period, by each reading; None for a metric that was never published."""
    series = {name: {} if value is None else {0: value} for name, value in values.items()}
    found = [evaluated(expression, series, readings).get(0) for readings in EVERY_READING]
    return {None if value is None else digits(value) for value in found}


def digits(value: float) -> float:
    """Twelve of them: a sum may be added up in another order."""
    return float(f"{value:.12g}")


def choose(emulator_url: str, readings: Readings | str) -> None:
    """Let an emulator that runs evaluate by these; as text, by what may not be readings."""
    body = readings if isinstance(readings, str) else json.dumps(document(readings))
    request = Request(f"{emulator_url}/_emulator/readings", data=body.encode(), method="POST")
    with urlopen(request, timeout=30) as answer:
        answer.read()
