"""The interface of an evaluation for operators and functions."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from local.emulator.cloudwatch.metric_math.nodes import Node
from local.emulator.cloudwatch.metric_math.readings import Readings
from local.emulator.cloudwatch.metric_math.values import Series, Value


class Context(Protocol):
    """The evaluation of the queries of one request or one alarm."""

    @property
    def queries(self) -> Mapping[str, Mapping[str, Any]]:
        """Every query by its id."""

    @property
    def readings(self) -> Readings:
        """The reading of the language, which answers its open questions."""

    def evaluate(self, node: Node) -> Value:
        """The value of a parsed expression. Raises ExpressionError."""

    def value(self, query_id: str) -> Value:
        """The value of one query. Raises ExpressionError."""

    def found(self, query: str, *, statistic: str, period: int) -> Sequence[Series]:
        """The series that a SEARCH finds."""

    def grid(self, period: int) -> Sequence[int]:
        """Every start of a period in the requested range."""

    def period(self) -> int:
        """The shortest period of any query, in seconds."""

    def as_series(self, value: Value) -> list[Series]:
        """A value as the series that a caller gets."""

    def past(self) -> "Context":
        """The same queries over past weeks."""
