"""The queries of one request or alarm, evaluated."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from local.emulator.cloudwatch.metric_math.functions import FUNCTIONS
from local.emulator.cloudwatch.metric_math.nodes import Node
from local.emulator.cloudwatch.metric_math.operators import combined
from local.emulator.cloudwatch.metric_math.parser import parse
from local.emulator.cloudwatch.metric_math.readings import Readings, current
from local.emulator.cloudwatch.metric_math.values import Band, ExpressionError, Series, Value


@dataclass
class Scope:
    """The evaluation of the queries of one request or one alarm.

    ``read`` gives the series of a MetricStat, ``search`` those of a SEARCH (query, statistic, period), ``grid`` every
    period start of the requested range for a period in seconds, and ``training`` the same queries over past weeks, from
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
            self._known[query_id] = self.read(stat) if stat else self.evaluate(parse(str(query.get("Expression", ""))))
            self._open.discard(query_id)
        return self._known[query_id]

    def period(self) -> int:
        """The shortest period of any query, in seconds; that of constant results."""
        stats = [int(q["MetricStat"]["Period"]) for q in self.queries.values() if q.get("MetricStat")]
        return min(stats + [int(q["Period"]) for q in self.queries.values() if q.get("Period")], default=60)

    def as_series(self, value: Value) -> list[Series]:
        """The series that a query returns to its caller: one or several; a number becomes a level line."""
        if isinstance(value, Series):
            return [value]
        if isinstance(value, Band):
            return [value.upper, value.lower]
        if isinstance(value, list):
            return [series for item in value for series in self.as_series(item)]
        if isinstance(value, str):
            raise ExpressionError("Error in expression: the result is a text, not a time series")
        return [Series(dict.fromkeys(self.grid(self.period()), value), self.period())]

    def evaluate(self, node: Node) -> Value:
        """The value of a parsed expression. Raises ExpressionError."""
        if node.kind == "number":
            return float(node.text)
        if node.kind == "string":
            return node.text
        if node.kind == "array":
            return [self.evaluate(child) for child in node.children]
        if node.kind == "name":
            return node.text if node.text in {"REPEAT", "LINEAR"} else self.value(node.text)
        if node.kind == "operator":
            left, right = (self.evaluate(child) for child in node.children)
            return combined(self, node.text, left, right)
        try:
            return FUNCTIONS[node.text](self, node)
        except (TypeError, IndexError) as error:
            raise ExpressionError(f"Error in expression: wrong arguments for {node.text}") from error

    def found(self, query: str, *, statistic: str, period: int) -> Sequence[Series]:
        """The series that a SEARCH finds."""
        return self.search(query, statistic, period)

    def past(self) -> "Scope":
        """The same queries over past weeks; without these, over the requested range."""
        return self.training() if self.training else self
