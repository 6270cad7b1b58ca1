"""Functions by name. Each takes its call unevaluated: some need the text or the past of an argument."""

import itertools
import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from local.emulator.cloudwatch.metric_math.context import Context
from local.emulator.cloudwatch.metric_math.nodes import Node
from local.emulator.cloudwatch.metric_math.operators import finite
from local.emulator.cloudwatch.metric_math.readings import WithoutElse
from local.emulator.cloudwatch.metric_math.values import Band, ExpressionError, Series, Value

Function = Callable[[Context, Node], Value]
FUNCTIONS: dict[str, Function] = {}


def _function(name: str) -> Callable[[Function], Function]:
    def register(function: Function) -> Function:
        FUNCTIONS[name] = function
        return function

    return register


def _of_each_point(values: Mapping[int, float], operation: Callable[[float], float]) -> dict[int, float]:
    results = {t: finite(operation, v) for t, v in values.items()}
    return {t: v for t, v in results.items() if v is not None}


def _argument(context: Context, node: Node, index: int) -> Value:
    return context.evaluate(node.children[index])


def _series_of(value: Value) -> list[Series]:
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, Series)]


def _present(series: Sequence[Series], time: int) -> list[float]:
    return [item.points[time] for item in series if time in item.points]


def _missing_as_zero(series: Sequence[Series], time: int) -> list[float]:
    return [item.points.get(time, 0.0) for item in series]


def _aggregate(
    name: str,
    operation: Callable[[list[float]], float],
    *,
    there: Callable[[Sequence[Series], int], list[float]] = _present,
) -> None:
    """Register MAX and similar functions: one series becomes a number, an array of series one series."""

    @_function(name)
    def run(context: Context, node: Node) -> Value:
        value = _argument(context, node, 0)
        if isinstance(value, Series):
            return operation(list(value.points.values())) if value.points else Series({}, value.period)
        if not isinstance(value, list):
            raise ExpressionError(f"Error in expression: {name} needs a time series or an array")
        series, numbers = _series_of(value), [item for item in value if isinstance(item, float)]
        if not series:
            return operation(numbers) if numbers else Series({}, context.period())
        times = sorted({t for item in series for t in item.points})
        points = {t: operation([*there(series, t), *numbers]) for t in times}
        return Series(points, max(item.period for item in series))


def _per_series(name: str, operation: Callable[[Series], Mapping[int, float]]) -> None:
    """Register a function from one series to one series; it applies to each member of an array."""

    @_function(name)
    def run(context: Context, node: Node) -> Value:
        def one(value: Value) -> Value:
            if isinstance(value, list):
                return [one(item) for item in value]
            if isinstance(value, Series):
                return Series(operation(value), value.period, value.label)
            if isinstance(value, float) and name in _ON_NUMBERS:
                return _ON_NUMBERS[name](value)
            raise ExpressionError(f"Error in expression: {name} needs a time series")

        return one(_argument(context, node, 0))


_ON_NUMBERS: dict[str, Callable[[float], float]] = {
    "ABS": abs,
    "CEIL": lambda v: float(math.ceil(v)),
    "FLOOR": lambda v: float(math.floor(v)),
    "LOG": math.log,
    "LOG10": math.log10,
}


def _running_sum(series: Series) -> dict[int, float]:
    total, sums = 0.0, {}
    for t in sorted(series.points):
        total += series.points[t]
        sums[t] = total
    return sums


def _differences(series: Series, *, per_second: bool) -> dict[int, float]:
    times = sorted(series.points)
    return {
        after: (series.points[after] - series.points[before]) / ((after - before) if per_second else 1)
        for before, after in itertools.pairwise(times)
    }


def _calendar(name: str, part: Callable[[int], float]) -> None:
    """Register a function that gives a part of the time in every period of the requested range."""

    @_function(name)
    def run(context: Context, node: Node) -> Value:
        series = _one_series(context, node)
        times = context.grid(series.period) if series.points or context.readings.fill_of_empty else ()
        return Series({t: float(part(t)) for t in times}, series.period, series.label)


_aggregate("MAX", max)
_aggregate("MIN", min)
_aggregate("SUM", math.fsum)
_aggregate("AVG", statistics.fmean, there=_missing_as_zero)
_aggregate("STDDEV", statistics.pstdev)
for _name, _operation in _ON_NUMBERS.items():
    _per_series(_name, lambda series, operation=_operation: _of_each_point(series.points, operation))  # type: ignore[misc]
_per_series("RUNNING_SUM", _running_sum)
_per_series("DIFF", lambda series: _differences(series, per_second=False))
_per_series("RATE", lambda series: _differences(series, per_second=True))
_calendar("HOUR", lambda time: datetime.fromtimestamp(time, UTC).hour)
_calendar("MINUTE", lambda time: datetime.fromtimestamp(time, UTC).minute)
_calendar("DAY", lambda time: datetime.fromtimestamp(time, UTC).isoweekday())
_calendar("EPOCH", lambda time: time)


@_function("PERIOD")
def _period(context: Context, node: Node) -> Value:
    return float(_one_series(context, node).period)


@_function("DATAPOINT_COUNT")
def _datapoint_count(context: Context, node: Node) -> Value:
    return float(len(_one_series(context, node).points))


@_function("REMOVE_EMPTY")
def _remove_empty(context: Context, node: Node) -> Value:
    return [series for series in _series_of(_argument(context, node, 0)) if series.points]


@_function("TIME_SERIES")
def _time_series(context: Context, node: Node) -> Value:
    return context.as_series(_argument(context, node, 0))[0]


def _one_series(context: Context, node: Node) -> Series:
    value = _argument(context, node, 0)
    if not isinstance(value, Series):
        raise ExpressionError(f"Error in expression: {node.text} needs a time series")
    return value


@_function("METRICS")
def _metrics(context: Context, node: Node) -> Value:
    wanted = node.children[0].text if node.children else ""
    metrics = [name for name, query in context.queries.items() if query.get("MetricStat")]
    return [context.value(name) for name in metrics if wanted in name]


@_function("SEARCH")
def _search(context: Context, node: Node) -> Value:
    arguments = [context.evaluate(child) for child in node.children]
    if len(arguments) not in {2, 3} or not all(isinstance(text, str) for text in arguments[:2]):
        raise ExpressionError("Error in expression: SEARCH needs a query, a statistic and a period")
    period = arguments[2] if len(arguments) == 3 else float(context.period())
    if not isinstance(period, float):
        raise ExpressionError("Error in expression: the period of SEARCH is a number of seconds")
    return list(context.found(str(arguments[0]), statistic=str(arguments[1]), period=int(period)))


@_function("IF")
def _if(context: Context, node: Node) -> Value:
    if len(node.children) not in {2, 3}:
        raise ExpressionError("Error in expression: IF needs two or three arguments")
    condition, chosen, *other = (context.evaluate(child) for child in node.children)
    otherwise = other[0] if other else None
    if isinstance(condition, float):
        return chosen if condition else Series({}, context.period()) if otherwise is None else otherwise
    if not isinstance(condition, Series):
        raise ExpressionError("Error in expression: the condition of IF is a number or one time series")
    # Assumption: if-without-else
    if otherwise is None and context.readings.without_else is WithoutElse.ZERO:
        otherwise = 0.0
    if otherwise is None and context.readings.without_else is WithoutElse.NO_SERIES and 0 in condition.points.values():
        return Series({}, condition.period, condition.label)
    chosen_at = {t: _chosen(chosen if holds else otherwise, t, chosen) for t, holds in condition.points.items()}
    points = {t: v for t, v in chosen_at.items() if v is not None}
    return Series(points, condition.period, condition.label)


def _chosen(source: Value | None, time: int, first: Value) -> float | None:
    """A series without a point there counts as 0, but beside a number it leaves a gap, as the page's tables have it."""
    if isinstance(source, Series):
        return source.points.get(time, 0.0 if isinstance(first, Series) else None)
    return source if isinstance(source, float) else None


@_function("FILL")
def _fill(context: Context, node: Node) -> Value:
    value, filler = _argument(context, node, 0), _argument(context, node, 1)

    def one(series: Value) -> Value:
        if isinstance(series, list):
            return [one(item) for item in series]
        # Assumption: fill-without-points
        if not isinstance(series, Series) or not (series.points or context.readings.fill_of_empty):
            return series
        return Series(_filled(series, filler, context.grid(series.period)), series.period, series.label)

    return one(value)


def _filled(series: Series, filler: Value, grid: Sequence[int]) -> dict[int, float]:
    points = dict(series.points)
    missing = [t for t in grid if t not in points]
    if isinstance(filler, float):
        points.update(dict.fromkeys(missing, filler))
    elif isinstance(filler, Series):
        points.update({t: filler.points[t] for t in missing if t in filler.points})
    elif filler in {"REPEAT", "LINEAR"}:
        known = sorted(points)
        for t in missing:
            before = max((k for k in known if k < t), default=None)
            after = min((k for k in known if k > t), default=None)
            if before is None or (filler == "LINEAR" and after is None):
                continue
            start = series.points[before]
            rise = (series.points[after] - start) / (after - before) if filler == "LINEAR" and after is not None else 0
            points[t] = start + rise * (t - before)
    else:
        raise ExpressionError("Error in expression: FILL needs a number, a time series, REPEAT or LINEAR")
    return dict(sorted(points.items()))


@_function("ANOMALY_DETECTION_BAND")
def _anomaly_band(context: Context, node: Node) -> Value:
    """Mean +- k standard deviations of the past weeks: in place of the model that CloudWatch trains."""
    width = _argument(context, node, 1) if len(node.children) > 1 else 2.0
    if not isinstance(width, float):
        raise ExpressionError("Error in expression: the width of ANOMALY_DETECTION_BAND is a number")
    past = context.past().evaluate(node.children[0])
    if not isinstance(past, Series):
        raise ExpressionError("Error in expression: ANOMALY_DETECTION_BAND needs one time series")
    grid = context.grid(past.period)
    if len(past.points) < 2:
        return Band(Series({}, past.period), Series({}, past.period))
    middle, spread = statistics.fmean(past.points.values()), statistics.pstdev(past.points.values())
    lower, upper = middle - width * spread, middle + width * spread
    return Band(
        Series(dict.fromkeys(grid, lower), past.period, "expected range low"),
        Series(dict.fromkeys(grid, upper), past.period, "expected range high"),
    )
