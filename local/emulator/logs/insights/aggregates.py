"""Aggregates of `stats`, over the values of several events."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from local.emulator.logs.insights.values import Expression, Row, Value, number_of, sort_key, text_of

PERCENTILE = "pct"
_Aggregate = Callable[[Sequence[Value]], Value]


def _numbers(values: Iterable[Value]) -> list[float]:
    return [number for value in values if (number := number_of(value)) is not None]


_OF_VALUES: dict[str, _Aggregate] = {
    "count": lambda values: sum(value is not None for value in values),
    "count_distinct": lambda values: len({text_of(value) for value in values if value is not None}),
    "sum": lambda values: math.fsum(found) if (found := _numbers(values)) else None,
    "avg": lambda values: math.fsum(found) / len(found) if (found := _numbers(values)) else None,
    "min": lambda values: min(_numbers(values), default=None),
    "max": lambda values: max(_numbers(values), default=None),
}
# The value in the last or first event.
_OF_ENDS: dict[str, Callable[..., Row]] = {"latest": max, "earliest": min}
AGGREGATES = (*_OF_VALUES, *_OF_ENDS, PERCENTILE)


@dataclass
class Aggregates:
    """The aggregates of one `stats` command, each under a name that no field can have."""

    found: dict[str, Callable[[Sequence[Row]], Value]] = field(default_factory=dict)

    def add(self, name: str, value: Expression, *, per_cent: float | None = None) -> Expression:
        """Aggregate an expression; gives the expression that reads the result."""
        if name in _OF_ENDS:
            end = _OF_ENDS[name]
            return self._put(lambda rows: value(end(rows, key=lambda row: sort_key(row["@timestamp"]))))
        aggregate = _OF_VALUES[name] if per_cent is None else _percentile_of(per_cent)
        return self._put(lambda rows: aggregate([value(row) for row in rows]))

    def _put(self, aggregate: Callable[[Sequence[Row]], Value]) -> Expression:
        name = f"\0{len(self.found)}"
        self.found[name] = aggregate
        return lambda row: row[name]


def _percentile_of(per_cent: float) -> _Aggregate:
    return lambda values: _percentile(_numbers(values), per_cent)


def _percentile(numbers: Sequence[float], per_cent: float) -> float | None:
    """The smallest value that at least so many per cent of the values do not exceed."""
    ordered = sorted(numbers)
    rank = max(1, -(-len(ordered) * round(per_cent) // 100))
    return ordered[rank - 1] if ordered else None
