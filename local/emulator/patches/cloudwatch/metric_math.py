"""GetMetricData and GetMetricStatistics over the JSON protocol.

Stock ministack answers every Expression with InternalError, treats a query without dimensions as "all dimension sets
together", and returns the oldest value first. CloudWatch evaluates metric math, knows a metric only by its exact set
of dimensions, and returns the newest value first unless ScanBy says otherwise.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from ministack.services import cloudwatch

from local.emulator.cloudwatch.metric_math.values import ExpressionError, Series
from local.emulator.cloudwatch.metric_reader import Window, aligned, points_of, statistics_of

Answer = tuple[int, dict[str, str], bytes]
Handler = Callable[..., Answer]

_MAX_QUERIES = 500
_MAX_DATAPOINTS = 1_440
_PROPERTY = re.compile(r"\$\{PROP\('([^']+)'\)\}")


def _refusal(code: str, message: str) -> Answer:
    answer: Answer = cloudwatch._error(code, message, 400, use_json=True)
    return answer


def _window(request: Mapping[str, Any], period: int) -> Window:
    start, end = cloudwatch._parse_ts(request.get("StartTime")), cloudwatch._parse_ts(request.get("EndTime"))
    if start is None or end is None or start >= end:
        raise ExpressionError("The parameter StartTime must be less than the parameter EndTime.")
    return aligned(start, end, period)


def _label(query: Mapping[str, Any], series: Series, *, several: bool) -> str:
    """A label that names properties says which series it is; any other gets the series' own name behind it."""
    wanted, stat = str(query.get("Label") or ""), query.get("MetricStat")
    if _PROPERTY.search(wanted):
        return _PROPERTY.sub(lambda found: series.properties.get(found[1], found[0]), wanted)
    if several:
        return " ".join(filter(None, [wanted, series.label]))
    return wanted or (str(stat["Metric"]["MetricName"]) if stat else "")


def _result(
    query: Mapping[str, Any], series: Series, *, start: float, several: bool, ascending: bool
) -> dict[str, Any]:
    first = start // series.period * series.period
    times = sorted((t for t in series.points if t >= first), reverse=not ascending)
    return {
        "Id": query["Id"],
        "Label": _label(query, series, several=several) or query["Id"],
        "Timestamps": [cloudwatch._ts_iso(t) for t in times],
        "Values": [series.points[t] for t in times],
        "StatusCode": "Complete",
    }


def metric_data(request: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The MetricDataResults of a GetMetricData request. Raises ExpressionError."""
    queries = request.get("MetricDataQueries") or []
    if len(queries) > _MAX_QUERIES:
        raise ExpressionError(f"The collection MetricDataQueries must not have a size greater than {_MAX_QUERIES}.")
    periods = [int(q["MetricStat"]["Period"]) for q in queries if q.get("MetricStat")]
    periods += [int(q["Period"]) for q in queries if q.get("Period")]
    # One aligned start serves every period: whole multiples of the longest are whole multiples of the others.
    scope = _window(request, max(periods, default=60)).scope(queries)
    ascending = request.get("ScanBy") == "TimestampAscending"
    start = cloudwatch._parse_ts(request["StartTime"])
    results = []
    for query in queries:
        if query.get("ReturnData") is False:
            continue
        lines = scope.as_series(scope.value(query["Id"]))
        several = len(lines) > 1 or bool(query.get("Expression", "").lstrip().upper().startswith("SEARCH"))
        results += [_result(query, line, start=start, several=several, ascending=ascending) for line in lines]
    return results


def metric_statistics(request: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The Datapoints of a GetMetricStatistics request. Raises ExpressionError."""
    period = int(request.get("Period") or 60)
    window = _window(request, period)
    if len(window.grid(period)) > _MAX_DATAPOINTS:
        raise ExpressionError(
            f"You have requested up to {len(window.grid(period)):,} datapoints, which exceeds the limit of "
            f"{_MAX_DATAPOINTS:,}. You may reduce the datapoints requested by increasing Period, or decreasing the "
            "time range."
        )
    buckets: dict[int, list[Mapping[str, Any]]] = {}
    for point in points_of(request).between(window.start, window.end):
        buckets.setdefault(int(point["Timestamp"] // period) * period, []).append(point)
    return [_datapoint(request, start, points) for start, points in sorted(buckets.items())]


def _datapoint(request: Mapping[str, Any], start: int, points: list[Mapping[str, Any]]) -> dict[str, Any]:
    basic = {name: statistics_of(points, name) for name in request.get("Statistics") or []}
    extended = {name: statistics_of(points, name) for name in request.get("ExtendedStatistics") or []}
    datapoint: dict[str, Any] = {"Timestamp": cloudwatch._ts_iso(start), "Unit": points[0].get("Unit", "None"), **basic}
    if extended:
        datapoint["ExtendedStatistics"] = {name: value for name, value in extended.items() if value is not None}
    return datapoint


def _json_only(stock: Handler, answer: Callable[[Mapping[str, Any]], dict[str, Any]], code: str) -> Handler:
    """The boto3 and CDK clients of this project speak JSON; other protocols keep ministack's own handler."""

    def handle(params: Any, data: Any, is_cbor: bool, is_json: bool = False) -> Answer:
        if not is_json:
            return stock(params, data, is_cbor, is_json)
        try:
            return cloudwatch._json_ok(answer(data))  # type: ignore[no-any-return]
        except ExpressionError as error:
            return _refusal(code, str(error))

    return handle


def apply() -> None:
    """Replace the two read operations."""
    cloudwatch._get_metric_data = _json_only(
        cloudwatch._get_metric_data, lambda request: {"MetricDataResults": metric_data(request)}, "ValidationError"
    )
    cloudwatch._get_metric_statistics = _json_only(
        cloudwatch._get_metric_statistics,
        lambda request: {"Datapoints": metric_statistics(request), "Label": request.get("MetricName", "")},
        "InvalidParameterCombination",
    )
