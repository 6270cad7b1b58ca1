"""Expressions of a query, parsed by precedence: or, and, not, comparisons, sums, products."""

from collections.abc import Iterator
from contextlib import contextmanager

from local.emulator.logs.insights import operators
from local.emulator.logs.insights.aggregates import AGGREGATES, PERCENTILE, Aggregates
from local.emulator.logs.insights.functions import FUNCTIONS
from local.emulator.logs.insights.lexer import Cursor, QueryError, milliseconds_of, pattern_of, unquoted
from local.emulator.logs.insights.values import Expression


class Expressions:
    """Parses the expression at which a cursor stands."""

    def __init__(self, tokens: Cursor) -> None:
        self._tokens = tokens
        self._aggregates: Aggregates | None = None

    @contextmanager
    def aggregating(self, aggregates: Aggregates | None) -> Iterator[None]:
        """Collect the aggregates of expressions here; None: there may be none."""
        before, self._aggregates = self._aggregates, aggregates
        yield
        self._aggregates = before

    def parse(self) -> Expression:
        """Parse one expression. Raises QueryError."""
        left = self._and()
        while self._tokens.take("or"):
            left = operators.either(left, self._and())
        return left

    def _and(self) -> Expression:
        left = self._not()
        while self._tokens.take("and"):
            left = operators.both(left, self._not())
        return left

    def _not(self) -> Expression:
        return operators.negated(self._not()) if self._tokens.take("not") else self._comparison()

    def _comparison(self) -> Expression:
        left = self._sum()
        operator = self._tokens.take(*operators.COMPARISONS)
        if operator is not None:
            return operators.compared(operator, left, self._sum())
        contrary = self._tokens.take("not") is not None
        word = self._tokens.take("like", "=~", "in")
        if word is None:
            if contrary:
                self._tokens.fail()
            return left
        test = self._member(left) if word == "in" else self._like(left)
        return operators.contrary(test) if contrary else test

    def _like(self, left: Expression) -> Expression:
        return operators.like(left, pattern_of(self._tokens.next("regex", "string")))

    def _member(self, left: Expression) -> Expression:
        self._tokens.need("[")
        members = [self._sum()]
        while self._tokens.take(","):
            members.append(self._sum())
        self._tokens.need("]")
        return operators.member(left, members)

    def _sum(self) -> Expression:
        left = self._product()
        while operator := self._tokens.take("+", "-"):
            left = operators.calculated(operator, left, self._product())
        return left

    def _product(self) -> Expression:
        left = self._primary()
        while operator := self._tokens.take("*", "/", "%"):
            left = operators.calculated(operator, left, self._primary())
        return left

    def _primary(self) -> Expression:
        if self._tokens.take("("):
            inner = self.parse()
            self._tokens.need(")")
            return inner
        if self._tokens.take("-"):
            return operators.calculated("-", lambda _row: 0, self._primary())
        token = self._tokens.next("number", "string", "name", "quoted")
        if token.kind == "number":
            number = float(token.text)
            return lambda _row: number
        if token.kind == "string":
            text = unquoted(token.text)
            return lambda _row: text
        if token.kind == "name" and self._tokens.take("("):
            return self._call(token.text.lower())
        name = token.text.strip("`")
        return lambda row: row.get(name)

    def _call(self, name: str) -> Expression:
        if name == "bin":
            width = milliseconds_of(self._tokens.next("duration"))
            self._tokens.need(")")
            return operators.binned(lambda row: row.get("@timestamp"), width)
        if name in AGGREGATES:
            return self._aggregate(name)
        if name not in FUNCTIONS:
            raise QueryError(f"unknown function {name!r}; known: {', '.join([*FUNCTIONS, 'bin', *AGGREGATES])}")
        arguments = [self.parse()]
        while self._tokens.take(","):
            arguments.append(self.parse())
        self._tokens.need(")")
        function = FUNCTIONS[name]
        if not function.least <= len(arguments) <= function.most:
            raise QueryError(f"{name}: {len(arguments)} arguments; allowed: {function.least} to {function.most}")
        return lambda row: function.call(*(argument(row) for argument in arguments))

    def _aggregate(self, name: str) -> Expression:
        aggregates = self._aggregates
        if aggregates is None:
            raise QueryError(f"{name}: aggregations stand in stats only")
        value: Expression = lambda _row: 1  # noqa: E731 - count(*) and count() count rows
        if not (name == "count" and (self._tokens.take("*") or self._tokens.peek().text == ")")):
            # An aggregate of an aggregate means nothing.
            with self.aggregating(None):
                value = self.parse()
        per_cent = None
        if name == PERCENTILE:
            self._tokens.need(",")
            per_cent = float(self._tokens.next("number").text)
        self._tokens.need(")")
        return aggregates.add(name, value, per_cent=per_cent)
