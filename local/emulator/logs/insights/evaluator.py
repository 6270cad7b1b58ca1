"""A parsed query, carried out over events: each command is a stage that changes a table of rows."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from local.emulator.logs.insights.aggregates import Aggregates
from local.emulator.logs.insights.events import Event
from local.emulator.logs.insights.values import Expression, Row, Value, is_true, sort_key, text_of

MOST_ROWS = 10_000


@dataclass(frozen=True)
class Result:
    """Rows as GetQueryResults gives them (null fields are left out), and how many events passed all filters."""

    rows: Sequence[Mapping[str, str]]
    matched: int


class Column(NamedTuple):
    """An expression with its name in the result."""

    name: str
    value: Expression


@dataclass
class Table:
    """Rows between two stages; `shown` is None until a stage says which columns to show."""

    rows: list[dict[str, Value]]
    shown: list[str] | None = None
    sorted: bool = False
    summed: bool = False
    matched: int = 0


Stage = Callable[[Table], None]


@dataclass(frozen=True)
class Query:
    """A query that has been parsed."""

    stages: Sequence[Stage]

    def run(self, events: Iterable[Event], *, limit: int = MOST_ROWS) -> Result:
        """Carry it out; `limit` is that of StartQuery."""
        table = Table([event.fields() for event in events])
        table.matched = len(table.rows)
        for stage in self.stages:
            stage(table)
        if not table.sorted and not table.summed:
            table.rows.reverse()
        shown = table.shown or ["@timestamp", "@message"]
        shown = shown if table.summed else [*shown, "@ptr"]
        return Result([_shown(row, shown) for row in table.rows[:limit]], table.matched)


def _shown(row: Row, columns: Sequence[str]) -> dict[str, str]:
    return {name: text_of(row[name]) for name in dict.fromkeys(columns) if row.get(name) is not None}


def fields(columns: Sequence[Column]) -> Stage:
    """Show these columns beside those that are shown already."""

    def stage(table: Table) -> None:
        _add(table, columns)
        table.shown = [*(table.shown or []), *(column.name for column in columns)]

    return stage


def display(columns: Sequence[Column]) -> Stage:
    """Show these columns alone."""

    def stage(table: Table) -> None:
        _add(table, columns)
        table.shown = [column.name for column in columns]

    return stage


def _add(table: Table, columns: Sequence[Column]) -> None:
    for row in table.rows:
        for column in columns:
            row[column.name] = column.value(row)


def keep(condition: Expression) -> Stage:
    """Keep the rows for which the condition holds: `filter`."""

    def stage(table: Table) -> None:
        table.rows = [row for row in table.rows if is_true(condition(row))]
        if not table.summed:
            table.matched = len(table.rows)

    return stage


def extract(source: str, *, pattern: re.Pattern[str], names: Sequence[str]) -> Stage:
    """Make fields of the groups that a pattern finds in a field: `parse`."""

    def stage(table: Table) -> None:
        for row in table.rows:
            value = row.get(source)
            match = None if value is None else pattern.search(text_of(value))
            if match is not None:
                row.update(zip(names, match.groups(), strict=True))

    return stage


def summarise(columns: Sequence[Column], *, keys: Sequence[Column], aggregates: Aggregates) -> Stage:
    """Make one row of each group: `stats`."""

    def stage(table: Table) -> None:
        groups: dict[tuple[Value, ...], list[dict[str, Value]]] = {}
        for row in table.rows:
            groups.setdefault(tuple(key.value(row) for key in keys), []).append(row)
        table.rows = [
            _summed(columns, key_values={key.name: value for key, value in zip(keys, group, strict=True)}, rows=rows)
            for group, rows in groups.items()
        ]
        table.shown = [*(key.name for key in keys), *(column.name for column in columns)]
        table.summed, table.sorted = True, False

    def _summed(columns: Sequence[Column], *, key_values: Mapping[str, Value], rows: Sequence[Row]) -> dict[str, Value]:
        """A column may use the names of those before it."""
        made = {**key_values, **{name: aggregate(rows) for name, aggregate in aggregates.found.items()}}
        for column in columns:
            made[column.name] = column.value(made)
        return made

    return stage


def sort(orders: Sequence[tuple[Expression, bool]]) -> Stage:
    """Order the rows by expressions, each ascending or (True) descending; rows without a value come last."""

    def stage(table: Table) -> None:
        for value, descending in reversed(orders):
            known = [row for row in table.rows if value(row) is not None]
            known.sort(key=lambda row: sort_key(value(row)), reverse=descending)
            table.rows = [*known, *(row for row in table.rows if value(row) is None)]
        table.sorted = True

    return stage


def limit(most: int) -> Stage:
    """Keep the first rows; of unsorted events the newest."""

    def stage(table: Table) -> None:
        if not table.sorted and not table.summed:
            table.rows.reverse()
            table.sorted = True
        table.rows = table.rows[:most]

    return stage
