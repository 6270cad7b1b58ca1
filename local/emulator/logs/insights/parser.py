"""A query's text, parsed into stages for the evaluator."""

import re
from collections.abc import Callable, Iterable

from local.emulator.logs.insights import evaluator
from local.emulator.logs.insights.aggregates import AGGREGATES, Aggregates
from local.emulator.logs.insights.evaluator import MOST_ROWS, Column, Query, Result, Stage
from local.emulator.logs.insights.events import Event
from local.emulator.logs.insights.expressions import Expressions
from local.emulator.logs.insights.lexer import Cursor, QueryError, Token, pattern_of, unquoted
from local.emulator.logs.insights.values import Expression


def run(query: str, events: Iterable[Event], *, limit: int = MOST_ROWS) -> Result:
    """Parse a query and carry it out over events; `limit` is that of StartQuery. Raises QueryError."""
    return parse(query).run(events, limit=limit)


def parse(text: str) -> Query:
    """Parse a query, whatever events there are. Raises QueryError."""
    return _Parser(text).query()


class _Parser:
    """Commands; expressions are parsed by `Expressions`."""

    def __init__(self, text: str) -> None:
        self._tokens = Cursor(text)
        self._expressions = Expressions(self._tokens)

    def query(self) -> Query:
        stages = [self._stage()]
        while self._tokens.take("|"):
            stages.append(self._stage())
        if self._tokens.peek().kind != "end":
            self._tokens.fail()
        return Query(stages)

    def _stage(self) -> Stage:
        command = self._tokens.next("name").text.lower()
        stages: dict[str, Callable[[], Stage]] = {
            "fields": lambda: evaluator.fields(self._columns()),
            "display": lambda: evaluator.display(self._columns()),
            "filter": lambda: evaluator.keep(self._expressions.parse()),
            "parse": self._parse,
            "stats": self._stats,
            "sort": self._sort,
            "limit": self._limit,
        }
        if command not in stages:
            raise QueryError(f"unknown command {command!r}; known: {', '.join(stages)}")
        return stages[command]()

    def _parse(self) -> Stage:
        source = self._tokens.name()
        token = self._tokens.next("regex", "string")
        pattern, names = self._groups(token) if token.kind == "regex" else self._wildcards(token.text)
        return evaluator.extract(source, pattern=pattern, names=names)

    def _groups(self, token: Token) -> tuple[re.Pattern[str], list[str]]:
        pattern = pattern_of(token)
        names = sorted(pattern.groupindex, key=lambda name: pattern.groupindex[name])
        if not names or len(names) != pattern.groups:
            raise QueryError(f"parse /{token.text}/: every group needs a name, as (?<name>...)")
        return pattern, names

    def _wildcards(self, text: str) -> tuple[re.Pattern[str], list[str]]:
        self._tokens.need("as")
        names = [self._tokens.name()]
        while self._tokens.take(","):
            names.append(self._tokens.name())
        pattern = re.compile("(.*?)".join(re.escape(part) for part in unquoted(text).split("*")), re.DOTALL)
        if pattern.groups != len(names):
            raise QueryError(f"parse {text}: {pattern.groups} wildcards and {len(names)} names")
        return pattern, names

    def _stats(self) -> Stage:
        aggregates = Aggregates()
        with self._expressions.aggregating(aggregates):
            columns = self._columns()
        if not aggregates.found:
            raise QueryError(f"stats: no aggregation; known: {', '.join(AGGREGATES)}")
        keys = self._columns() if self._tokens.take("by") else []
        return evaluator.summarise(columns, keys=keys, aggregates=aggregates)

    def _sort(self) -> Stage:
        orders: list[tuple[Expression, bool]] = []
        while True:
            value = self._expressions.parse()
            orders.append((value, self._tokens.take("asc", "desc") == "desc"))
            if not self._tokens.take(","):
                return evaluator.sort(orders)

    def _limit(self) -> Stage:
        most = int(self._tokens.next("number").text)
        if not 1 <= most <= MOST_ROWS:
            raise QueryError(f"limit {most}: allowed: 1 to {MOST_ROWS}")
        return evaluator.limit(most)

    def _columns(self) -> list[Column]:
        found = [self._column()]
        while self._tokens.take(","):
            found.append(self._column())
        return found

    def _column(self) -> Column:
        first = self._tokens.peek()
        value = self._expressions.parse()
        written = self._tokens.text_since(first).strip("`")
        return Column(self._tokens.name() if self._tokens.take("as") else written, value)
