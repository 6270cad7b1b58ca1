"""CloudWatch metric math: one parser, one evaluator, no ministack.

The language is the one of "Using metric math" in the CloudWatch user guide. An operator between two series has a value
where either has one and takes the missing one as 0, FILL closes gaps, functions over an array take what is there at
each time (AVG counts the missing as 0), and a division by zero leaves a gap. What that page leaves open is a reading,
see readings.py. Anything not implemented is refused by name, never skipped.
"""

import itertools
import math
import re
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from local.emulator.cloudwatch.readings import Readings, WithoutElse, current


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


class _Token(NamedTuple):
    kind: str
    text: str
    position: int


_TOKEN = re.compile(
    r"""\s*(?:(?P<number>\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+)|(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<string>'[^']*'|"[^"]*")|(?P<operator>\*\*|<=|>=|==|!=|&&|\|\||[-+*/^<>(),\[\]]))""",
    re.VERBOSE,
)
_MAX_DEPTH = 50


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    position = 0
    stripped = text.rstrip()
    while position < len(stripped):
        match = _TOKEN.match(stripped, position)
        if match is None or match.lastgroup is None:
            raise ExpressionError(f"Error in expression: unexpected '{stripped[position:].lstrip()[:1]}'")
        found.append(_Token(match.lastgroup, match.group(match.lastgroup), match.start(match.lastgroup)))
        position = match.end()
    return [*found, _Token("end", "", len(stripped))]


@dataclass(frozen=True)
class Node:
    """A parsed expression: ``kind`` is number, string, name, array, call or operator; ``text`` its name or value."""

    kind: str
    text: str
    children: tuple["Node", ...] = ()

    def walk(self) -> Iterator["Node"]:
        """This node and all below it."""
        yield self
        for child in self.children:
            yield from child.walk()


class _Parser:
    _LEVELS: tuple[frozenset[str], ...] = (
        frozenset({"OR", "||"}),
        frozenset({"AND", "&&"}),
        frozenset({"<", ">", "<=", ">=", "==", "!="}),
        frozenset({"+", "-"}),
        frozenset({"*", "/"}),
    )

    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._at = 0
        self._depth = 0

    def parse(self) -> Node:
        node = self._binary(0)
        if self._tokens[self._at].kind != "end":
            self._fail()
        return node

    def _fail(self) -> None:
        token = self._tokens[self._at]
        what = f"'{token.text}' at character {token.position}" if token.text else "the end"
        hint = "; the power operator is ^" if token.text == "**" else ""
        raise ExpressionError(f"Error in expression: unexpected {what}{hint}")

    def _take(self, text: str) -> bool:
        if self._tokens[self._at].kind == "operator" and self._tokens[self._at].text == text:
            self._at += 1
            return True
        return False

    def _expect(self, text: str) -> None:
        if not self._take(text):
            self._fail()

    def _binary(self, level: int) -> Node:
        if level == len(self._LEVELS):
            return self._unary()
        left = self._binary(level + 1)
        while self._tokens[self._at].text in self._LEVELS[level] and self._tokens[self._at].kind != "string":
            operator = self._tokens[self._at].text
            self._at += 1
            left = Node("operator", {"&&": "AND", "||": "OR"}.get(operator, operator), (left, self._binary(level + 1)))
        return left

    def _unary(self) -> Node:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise ExpressionError("Error in expression: nested too deeply")
        try:
            if self._take("-"):
                return Node("operator", "-", (Node("number", "0"), self._unary()))
            base = self._primary()
            return Node("operator", "^", (base, self._unary())) if self._take("^") else base
        finally:
            self._depth -= 1

    def _primary(self) -> Node:
        token = self._tokens[self._at]
        if token.kind == "operator" and token.text in "([":
            self._at += 1
            if token.text == "[":
                return Node("array", "", self._list("]"))
            inner = self._binary(0)
            self._expect(")")
            return inner
        if token.kind not in {"number", "string", "name"}:
            self._fail()
        self._at += 1
        if token.kind == "string":
            return Node("string", token.text[1:-1])
        if token.kind == "name" and self._take("("):
            return Node("call", token.text.upper(), self._list(")"))
        return Node(token.kind, token.text)

    def _list(self, closing: str) -> tuple[Node, ...]:
        items: list[Node] = []
        if self._take(closing):
            return ()
        while True:
            items.append(self._binary(0))
            if self._take(closing):
                return tuple(items)
            self._expect(",")


def parse(text: str) -> Node:
    """Parse an expression. Raises ExpressionError; an unknown function is named in its message."""
    node = _Parser(text).parse()
    for part in node.walk():
        if part.kind == "call" and part.text not in FUNCTIONS:
            raise ExpressionError(f"Error in expression: Unsupported function '{part.text}'")
    return node


@dataclass
class Scope:
    """What the queries of one request (or one alarm) see.

    ``read`` gives the series of a MetricStat, ``search`` those of a SEARCH (query, statistic, period), ``grid`` every
    period start of the asked range for a period in seconds, and ``training`` the same queries over past weeks, from
    which an anomaly band is taken.
    """

    queries: Mapping[str, Mapping[str, Any]]
    read: Callable[[Mapping[str, Any]], Series]
    search: Callable[[str, str, int], Sequence[Series]]
    grid: Callable[[int], Sequence[int]]
    training: Callable[[], "Scope"] | None = None
    readings: Readings = field(default_factory=current)
    _known: dict[str, Value] = field(default_factory=dict)
    _open: set[str] = field(default_factory=set)

    def value(self, query_id: str) -> Value:
        """The value of one query, computed once. Raises ExpressionError for an unknown or circular reference."""
        if query_id not in self._known:
            if query_id not in self.queries:
                raise ExpressionError(f"Error in expression: unknown identifier '{query_id}'")
            if query_id in self._open:
                raise ExpressionError(f"Error in expression: '{query_id}' refers to itself")
            self._open.add(query_id)
            query = self.queries[query_id]
            stat = query.get("MetricStat")
            self._known[query_id] = self.read(stat) if stat else evaluate(parse(str(query.get("Expression", ""))), self)
            self._open.discard(query_id)
        return self._known[query_id]

    def period(self) -> int:
        """The shortest period of any query, in seconds; that of constant results."""
        stats = [int(q["MetricStat"]["Period"]) for q in self.queries.values() if q.get("MetricStat")]
        return min(stats + [int(q["Period"]) for q in self.queries.values() if q.get("Period")], default=60)

    def as_series(self, value: Value) -> list[Series]:
        """What a query returns to its caller: one series or several; a number becomes a level line."""
        if isinstance(value, Series):
            return [value]
        if isinstance(value, Band):
            return [value.upper, value.lower]
        if isinstance(value, list):
            return [series for item in value for series in self.as_series(item)]
        if isinstance(value, str):
            raise ExpressionError("Error in expression: the result is a text, not a time series")
        return [Series(dict.fromkeys(self.grid(self.period()), value), self.period())]


def evaluate(node: Node, scope: Scope) -> Value:
    """The value of a parsed expression in ``scope``. Raises ExpressionError."""
    if node.kind == "number":
        return float(node.text)
    if node.kind == "string":
        return node.text
    if node.kind == "array":
        return [evaluate(child, scope) for child in node.children]
    if node.kind == "name":
        return node.text if node.text in {"REPEAT", "LINEAR"} else scope.value(node.text)
    if node.kind == "operator":
        left, right = (evaluate(child, scope) for child in node.children)
        return _combine(scope, _OPERATORS[node.text], left, right)
    function = FUNCTIONS[node.text]
    try:
        return function(scope, node)
    except (TypeError, IndexError) as error:
        raise ExpressionError(f"Error in expression: wrong arguments for {node.text}") from error


def _truth(value: object) -> float:
    return 1.0 if value else 0.0


_OPERATORS: dict[str, Callable[[float, float], float]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "^": math.pow,
    "<": lambda a, b: _truth(a < b),
    ">": lambda a, b: _truth(a > b),
    "<=": lambda a, b: _truth(a <= b),
    ">=": lambda a, b: _truth(a >= b),
    "==": lambda a, b: _truth(a == b),
    "!=": lambda a, b: _truth(a != b),
    "AND": lambda a, b: _truth(a and b),
    "OR": lambda a, b: _truth(a or b),
}


def _safe(operation: Callable[..., float], *arguments: float) -> float | None:
    """The result, or None where CloudWatch leaves a gap: division by zero, overflow, not a number."""
    try:
        result = operation(*arguments)
    except (ArithmeticError, ValueError):
        return None
    return result if math.isfinite(result) else None


def _each(values: Mapping[int, float], operation: Callable[[float], float]) -> dict[int, float]:
    results = {t: _safe(operation, v) for t, v in values.items()}
    return {t: v for t, v in results.items() if v is not None}


def _combine(scope: Scope, operation: Callable[[float, float], float], left: Value, right: Value) -> Value:
    if isinstance(left, list):
        return [_combine(scope, operation, item, right) for item in left]
    if isinstance(right, list):
        return [_combine(scope, operation, left, item) for item in right]
    if isinstance(left, Band | str) or isinstance(right, Band | str):
        raise ExpressionError("Error in expression: an operator needs numbers or time series")
    if isinstance(left, Series) or isinstance(right, Series):
        return _combined(scope, operation, left, right)
    result = _safe(operation, left, right)
    if result is None:
        raise ExpressionError("Error in expression: the constant part has no value")
    return result


def _combined(
    scope: Scope, operation: Callable[[float, float], float], left: Series | float, right: Series | float
) -> Series:
    # Assumption: missing-is-zero
    series = [side for side in (left, right) if isinstance(side, Series)]
    period, label = max(side.period for side in series), series[0].label if len(series) == 1 else ""
    if not scope.readings.empty_is_zero and not all(side.points for side in series):
        return Series({}, period, label)
    # Two periods meet where the longer one begins.
    times = set().union(*(side.points for side in series if side.period == period))
    if len(series) == 1 and scope.readings.scalar_fills:
        times.update(scope.grid(period))
    results = {t: _safe(operation, _at(left, t), _at(right, t)) for t in sorted(times)}
    return Series({t: v for t, v in results.items() if v is not None}, period, label)


def _at(side: Series | float, time: int) -> float:
    return side.points.get(time, 0.0) if isinstance(side, Series) else side


Function = Callable[[Scope, Node], Value]
FUNCTIONS: dict[str, Function] = {}


def _function(name: str) -> Callable[[Function], Function]:
    def register(function: Function) -> Function:
        FUNCTIONS[name] = function
        return function

    return register


def _argument(scope: Scope, node: Node, index: int) -> Value:
    return evaluate(node.children[index], scope)


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
    """MAX and its like: one series becomes a number, an array of series one series."""

    @_function(name)
    def run(scope: Scope, node: Node) -> Value:
        value = _argument(scope, node, 0)
        if isinstance(value, Series):
            return operation(list(value.points.values())) if value.points else Series({}, value.period)
        if not isinstance(value, list):
            raise ExpressionError(f"Error in expression: {name} needs a time series or an array")
        series, numbers = _series_of(value), [item for item in value if isinstance(item, float)]
        if not series:
            return operation(numbers) if numbers else Series({}, scope.period())
        times = sorted({t for item in series for t in item.points})
        points = {t: operation([*there(series, t), *numbers]) for t in times}
        return Series(points, max(item.period for item in series))


def _per_series(name: str, operation: Callable[[Series], Mapping[int, float]]) -> None:
    """A function from one series to one series, applied to each member of an array."""

    @_function(name)
    def run(scope: Scope, node: Node) -> Value:
        def one(value: Value) -> Value:
            if isinstance(value, list):
                return [one(item) for item in value]
            if isinstance(value, Series):
                return Series(operation(value), value.period, value.label)
            if isinstance(value, float) and name in _ON_NUMBERS:
                return _ON_NUMBERS[name](value)
            raise ExpressionError(f"Error in expression: {name} needs a time series")

        return one(_argument(scope, node, 0))


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
    """A part of the time in every period of the asked range, whatever the series has there."""

    @_function(name)
    def run(scope: Scope, node: Node) -> Value:
        series = _one_series(scope, node)
        times = scope.grid(series.period) if series.points or scope.readings.fill_of_empty else ()
        return Series({t: float(part(t)) for t in times}, series.period, series.label)


_aggregate("MAX", max)
_aggregate("MIN", min)
_aggregate("SUM", math.fsum)
_aggregate("AVG", statistics.fmean, there=_missing_as_zero)
_aggregate("STDDEV", statistics.pstdev)
for _name, _operation in _ON_NUMBERS.items():
    _per_series(_name, lambda series, operation=_operation: _each(series.points, operation))  # type: ignore[misc]
_per_series("RUNNING_SUM", _running_sum)
_per_series("DIFF", lambda series: _differences(series, per_second=False))
_per_series("RATE", lambda series: _differences(series, per_second=True))
_calendar("HOUR", lambda time: datetime.fromtimestamp(time, UTC).hour)
_calendar("MINUTE", lambda time: datetime.fromtimestamp(time, UTC).minute)
_calendar("DAY", lambda time: datetime.fromtimestamp(time, UTC).isoweekday())
_calendar("EPOCH", lambda time: time)


@_function("PERIOD")
def _period(scope: Scope, node: Node) -> Value:
    return float(_one_series(scope, node).period)


@_function("DATAPOINT_COUNT")
def _datapoint_count(scope: Scope, node: Node) -> Value:
    return float(len(_one_series(scope, node).points))


@_function("REMOVE_EMPTY")
def _remove_empty(scope: Scope, node: Node) -> Value:
    return [series for series in _series_of(_argument(scope, node, 0)) if series.points]


@_function("TIME_SERIES")
def _time_series(scope: Scope, node: Node) -> Value:
    return scope.as_series(_argument(scope, node, 0))[0]


def _one_series(scope: Scope, node: Node) -> Series:
    value = _argument(scope, node, 0)
    if not isinstance(value, Series):
        raise ExpressionError(f"Error in expression: {node.text} needs a time series")
    return value


@_function("METRICS")
def _metrics(scope: Scope, node: Node) -> Value:
    wanted = node.children[0].text if node.children else ""
    return [scope.value(name) for name, query in scope.queries.items() if query.get("MetricStat") and wanted in name]


@_function("SEARCH")
def _search(scope: Scope, node: Node) -> Value:
    arguments = [evaluate(child, scope) for child in node.children]
    if len(arguments) not in {2, 3} or not all(isinstance(text, str) for text in arguments[:2]):
        raise ExpressionError("Error in expression: SEARCH needs a query, a statistic and a period")
    period = arguments[2] if len(arguments) == 3 else float(scope.period())
    if not isinstance(period, float):
        raise ExpressionError("Error in expression: the period of SEARCH is a number of seconds")
    return list(scope.search(str(arguments[0]), str(arguments[1]), int(period)))


@_function("IF")
def _if(scope: Scope, node: Node) -> Value:
    if len(node.children) not in {2, 3}:
        raise ExpressionError("Error in expression: IF needs two or three arguments")
    condition, chosen, *other = (evaluate(child, scope) for child in node.children)
    otherwise = other[0] if other else None
    if isinstance(condition, float):
        return chosen if condition else Series({}, scope.period()) if otherwise is None else otherwise
    if not isinstance(condition, Series):
        raise ExpressionError("Error in expression: the condition of IF is a number or one time series")
    # Assumption: if-without-else
    if otherwise is None and scope.readings.without_else is WithoutElse.ZERO:
        otherwise = 0.0
    if otherwise is None and scope.readings.without_else is WithoutElse.NO_SERIES and 0 in condition.points.values():
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
def _fill(scope: Scope, node: Node) -> Value:
    value, filler = _argument(scope, node, 0), _argument(scope, node, 1)

    def one(series: Value) -> Value:
        if isinstance(series, list):
            return [one(item) for item in series]
        # Assumption: fill-without-points
        if not isinstance(series, Series) or not (series.points or scope.readings.fill_of_empty):
            return series
        return Series(_filled(series, filler, scope.grid(series.period)), series.period, series.label)

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
def _anomaly_band(scope: Scope, node: Node) -> Value:
    """Mean +- k standard deviations of the past weeks: a simulator for the model that CloudWatch trains."""
    width = _argument(scope, node, 1) if len(node.children) > 1 else 2.0
    if not isinstance(width, float):
        raise ExpressionError("Error in expression: the width of ANOMALY_DETECTION_BAND is a number")
    past_scope = scope.training() if scope.training else scope
    past = evaluate(node.children[0], past_scope)
    if not isinstance(past, Series):
        raise ExpressionError("Error in expression: ANOMALY_DETECTION_BAND needs one time series")
    grid = scope.grid(past.period)
    if len(past.points) < 2:
        return Band(Series({}, past.period), Series({}, past.period))
    middle, spread = statistics.fmean(past.points.values()), statistics.pstdev(past.points.values())
    lower, upper = middle - width * spread, middle + width * spread
    return Band(
        Series(dict.fromkeys(grid, lower), past.period, "expected range low"),
        Series(dict.fromkeys(grid, upper), past.period, "expected range high"),
    )
