"""CloudWatch Logs Insights QL: one parser, one evaluator, no ministack.

The language is the one of "CloudWatch Logs Insights query syntax" in the CloudWatch Logs user guide: fields, filter,
parse, stats, sort, limit and display, with the operators and functions of the tables below. Anything else is refused by
name, never skipped. As on AWS, at most 200 fields of a JSON event are discovered, in the order of its text: what
stands behind a long chat is missing. Percentiles are nearest-rank and exact; those of AWS are its own approximation.
"""

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

DISCOVERED_FIELDS = 200
MOST_ROWS = 10_000

_UNITS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}


class QueryError(ValueError):
    """The query cannot be parsed, or uses what the emulator does not know (MalformedQueryException)."""


@dataclass(frozen=True, order=True)
class Moment:
    """A time in milliseconds since 1970; as text it is UTC."""

    ms: int

    def __str__(self) -> str:
        at = datetime.fromtimestamp(self.ms // 1000, UTC)
        return f"{at:%Y-%m-%d %H:%M:%S}.{self.ms % 1000:03d}"


@dataclass(frozen=True)
class Event:
    """One log event as Insights finds it."""

    ms: int
    message: str
    stream: str = ""
    log: str = ""
    pointer: str = ""


@dataclass(frozen=True)
class Answer:
    """Rows as GetQueryResults gives them (null fields are left out), and how many events passed all filters."""

    rows: Sequence[Mapping[str, str]]
    matched: int


Value = str | float | Moment | None
Row = Mapping[str, Value]
Expression = Callable[[Row], Value]


def run(query: str, events: Iterable[Event], *, limit: int = MOST_ROWS) -> Answer:
    """Carry out a query over events. Raises QueryError."""
    return compile_query(query).run(events, limit=limit)


def discover(message: str) -> dict[str, Value]:
    """The fields of a JSON event by path (`a.b`, `list.0.c`), the first 200 of its text; none of plain text."""
    try:
        document = json.loads(message) if message.lstrip().startswith("{") else None
    except ValueError:
        document = None
    found: dict[str, Value] = {}
    for path, value in _leaves(document, "") if isinstance(document, dict) else ():
        if len(found) == DISCOVERED_FIELDS:
            break
        found[path] = value
    return found


def _leaves(value: object, path: str) -> Iterator[tuple[str, Value]]:
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in items:
            yield from _leaves(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, bool):
        yield path, int(value)
    elif isinstance(value, str | int | float):
        yield path, value


# --- tokens ---------------------------------------------------------------------------------------------------------


class _Token(NamedTuple):
    kind: str
    text: str
    start: int
    end: int


_TOKEN = re.compile(
    r"""(?P<space>\s+|\#[^\n]*)|(?P<duration>\d+(?:ms|s|m|h|d|w)\b)|(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
    |(?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?P<quoted>`[^`]*`)|(?P<name>[@A-Za-z_][\w.@]*)
    |(?P<operator>=~|!=|<=|>=|[-+*/%=<>(),|\[\]])""",
    re.VERBOSE,
)
_REGEX = re.compile(r"/((?:[^/\\\n]|\\.)+)/")


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    position, command = 0, ""
    while position < len(text):
        before = found[-1].text.lower() if found else ""
        match = _REGEX.match(text, position) if command == "parse" or before in {"like", "=~"} else None
        kind = "regex"
        if match is None:
            match = _TOKEN.match(text, position)
            if match is None or match.lastgroup is None:
                raise QueryError(f"unexpected character {text[position]!r} at {position}")
            kind = match.lastgroup
        position = match.end()
        if kind == "space":
            continue
        if not found or before == "|":
            command = match[0].lower()
        found.append(_Token(kind, match[1] if kind == "regex" else match[0], match.start(), position))
    return [*found, _Token("end", "", len(text), len(text))]


# --- values ---------------------------------------------------------------------------------------------------------


def _number(value: Value) -> float | None:
    if isinstance(value, Moment):
        return value.ms
    if isinstance(value, str):
        try:
            number = float(value)
        except ValueError:
            return None
        return number if math.isfinite(number) else None
    return value


def _text(value: Value) -> str:
    """As GetQueryResults writes it: whole numbers without a point."""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    return str(value)


def _true(value: Value) -> bool:
    number = _number(value)
    return number != 0 if number is not None else bool(value)


def _compared(left: Value, right: Value) -> tuple[float, float] | tuple[str, str]:
    a, b = _number(left), _number(right)
    return (a, b) if a is not None and b is not None else (_text(left), _text(right))


_COMPARISONS: dict[str, Callable[[float | str, float | str], bool]] = {
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,  # type: ignore[operator]
    "<=": lambda a, b: a <= b,  # type: ignore[operator]
    ">": lambda a, b: a > b,  # type: ignore[operator]
    ">=": lambda a, b: a >= b,  # type: ignore[operator]
}
_ARITHMETIC: dict[str, Callable[[float, float], float | None]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b if b else None,
    "%": lambda a, b: a % b if b else None,
}


def _blank(value: Value) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _numeric(function: Callable[..., float]) -> Callable[..., Value]:
    """Null where one of the arguments is."""

    def call(*values: Value) -> Value:
        numbers = [number for value in values if (number := _number(value)) is not None]
        return function(*numbers) if len(numbers) == len(values) else None

    return call


def _textual(function: Callable[..., Value]) -> Callable[..., Value]:
    def call(*values: Value) -> Value:
        return None if any(value is None for value in values) else function(*map(_text, values))

    return call


class _Function(NamedTuple):
    least: int
    most: int
    call: Callable[..., Value]


_MANY = 100
_FUNCTIONS: dict[str, _Function] = {
    "ispresent": _Function(1, 1, lambda value: int(value is not None)),
    "isempty": _Function(1, 1, lambda value: int(value is None or value == "")),
    "isblank": _Function(1, 1, lambda value: int(_blank(value))),
    "coalesce": _Function(1, _MANY, lambda *values: next((value for value in values if value is not None), None)),
    "if": _Function(3, 3, lambda condition, then, otherwise: then if _true(condition) else otherwise),
    "strcontains": _Function(2, 2, _textual(lambda text, part: int(part in text))),
    "strlen": _Function(1, 1, _textual(len)),
    "tolower": _Function(1, 1, _textual(str.lower)),
    "toupper": _Function(1, 1, _textual(str.upper)),
    "concat": _Function(1, _MANY, _textual(lambda *texts: "".join(texts))),
    "abs": _Function(1, 1, _numeric(abs)),
    "ceil": _Function(1, 1, _numeric(math.ceil)),
    "floor": _Function(1, 1, _numeric(math.floor)),
    "greatest": _Function(1, _MANY, _numeric(lambda *numbers: max(numbers))),
    "least": _Function(1, _MANY, _numeric(lambda *numbers: min(numbers))),
    "tomillis": _Function(1, 1, lambda value: value.ms if isinstance(value, Moment) else None),
}


# --- stats ----------------------------------------------------------------------------------------------------------


def _numbers(values: Iterable[Value]) -> list[float]:
    return [number for value in values if (number := _number(value)) is not None]


def _percentile(numbers: Sequence[float], per_cent: float) -> float | None:
    """The smallest value that at least so many per cent of the values do not exceed."""
    ordered = sorted(numbers)
    rank = max(1, -(-len(ordered) * round(per_cent) // 100))
    return ordered[rank - 1] if ordered else None


def _percentile_of(per_cent: float) -> Callable[[Sequence[Value]], Value]:
    return lambda values: _percentile(_numbers(values), per_cent)


_AGGREGATES: dict[str, Callable[[Sequence[Value]], Value]] = {
    "count": lambda values: sum(value is not None for value in values),
    "count_distinct": lambda values: len({_text(value) for value in values if value is not None}),
    "sum": lambda values: math.fsum(found) if (found := _numbers(values)) else None,
    "avg": lambda values: math.fsum(found) / len(found) if (found := _numbers(values)) else None,
    "min": lambda values: min(_numbers(values), default=None),
    "max": lambda values: max(_numbers(values), default=None),
}


# The value in the last or first event.
_ENDS: dict[str, Callable[..., Row]] = {"latest": max, "earliest": min}


@dataclass
class _Stats:
    """Aggregates that the expressions of one `stats` have met, each under a name that no field can have."""

    found: dict[str, Callable[[Sequence[Row]], Value]] = field(default_factory=dict)

    def add(self, aggregate: Callable[[Sequence[Row]], Value]) -> Expression:
        name = f"\0{len(self.found)}"
        self.found[name] = aggregate
        return lambda row: row[name]


class _Column(NamedTuple):
    name: str
    value: Expression


@dataclass
class _Table:
    """Rows between two stages; `shown` is None until a stage says what to show."""

    rows: list[dict[str, Value]]
    shown: list[str] | None = None
    sorted: bool = False
    summed: bool = False
    matched: int = 0


Stage = Callable[[_Table], None]


@dataclass(frozen=True)
class Query:
    """A query that has been understood."""

    stages: Sequence[Stage]

    def run(self, events: Iterable[Event], *, limit: int = MOST_ROWS) -> Answer:
        """Carry it out; `limit` is that of StartQuery."""
        table = _Table([_fields_of(event) for event in events])
        table.matched = len(table.rows)
        for stage in self.stages:
            stage(table)
        if not table.sorted and not table.summed:
            table.rows.reverse()
        shown = table.shown or ["@timestamp", "@message"]
        shown = shown if table.summed else [*shown, "@ptr"]
        return Answer([_row(row, shown) for row in table.rows[:limit]], table.matched)


def _fields_of(event: Event) -> dict[str, Value]:
    system: dict[str, Value] = {
        "@timestamp": Moment(event.ms),
        "@message": event.message,
        "@logStream": event.stream,
        "@log": event.log,
        "@ptr": event.pointer,
    }
    return {**discover(event.message), **system}


def _row(row: Row, shown: Sequence[str]) -> dict[str, str]:
    return {name: _text(row[name]) for name in dict.fromkeys(shown) if row.get(name) is not None}


# --- the parser -----------------------------------------------------------------------------------------------------


def compile_query(text: str) -> Query:
    """Understand a query, whatever events there are. Raises QueryError."""
    return _Parser(text).query()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = _tokens(text)
        self._at = 0
        self._stats: _Stats | None = None

    def query(self) -> Query:
        stages = [self._stage()]
        while self._take("|"):
            stages.append(self._stage())
        if self._peek().kind != "end":
            self._fail()
        return Query(stages)

    # tokens

    def _peek(self) -> _Token:
        return self._tokens[self._at]

    def _next(self, *kinds: str) -> _Token:
        token = self._peek()
        if token.kind == "end" or (kinds and token.kind not in kinds):
            self._fail()
        self._at += 1
        return token

    def _take(self, *words: str) -> str | None:
        """The next token if it is one of these operators or words, whatever their case."""
        token = self._peek()
        if token.kind in {"operator", "name"} and token.text.lower() in words:
            self._at += 1
            return token.text.lower()
        return None

    def _need(self, word: str) -> None:
        if self._take(word) is None:
            self._fail()

    def _fail(self) -> None:
        token = self._peek()
        raise QueryError(f"unexpected {token.text or 'end of query'!r} at {token.start}")

    def _name(self) -> str:
        return self._next("name", "quoted").text.strip("`")

    # stages

    def _stage(self) -> Stage:
        command = self._next("name").text.lower()
        stages: dict[str, Callable[[], Stage]] = {
            "fields": self._fields,
            "display": self._display,
            "filter": self._filter,
            "parse": self._parse,
            "stats": self._stats_stage,
            "sort": self._sort,
            "limit": self._limit,
        }
        if command not in stages:
            raise QueryError(f"unknown command {command!r}; known: {', '.join(stages)}")
        return stages[command]()

    def _fields(self) -> Stage:
        columns = self._columns()

        def stage(table: _Table) -> None:
            for row in table.rows:
                for column in columns:
                    row[column.name] = column.value(row)
            table.shown = [*(table.shown or []), *(column.name for column in columns)]

        return stage

    def _display(self) -> Stage:
        columns = self._columns()

        def stage(table: _Table) -> None:
            for row in table.rows:
                for column in columns:
                    row[column.name] = column.value(row)
            table.shown = [column.name for column in columns]

        return stage

    def _filter(self) -> Stage:
        wanted = self._expression()

        def stage(table: _Table) -> None:
            table.rows = [row for row in table.rows if _true(wanted(row))]
            if not table.summed:
                table.matched = len(table.rows)

        return stage

    def _parse(self) -> Stage:
        source = self._name()
        token = self._next("regex", "string")
        pattern, names = self._regex(token.text) if token.kind == "regex" else self._glob(token.text)

        def stage(table: _Table) -> None:
            for row in table.rows:
                value = row.get(source)
                match = None if value is None else pattern.search(_text(value))
                if match is not None:
                    row.update(zip(names, match.groups(), strict=True))

        return stage

    def _regex(self, text: str) -> tuple[re.Pattern[str], list[str]]:
        pattern = _pattern(text)
        names = sorted(pattern.groupindex, key=lambda name: pattern.groupindex[name])
        if not names or len(names) != pattern.groups:
            raise QueryError(f"parse /{text}/: every group needs a name, as (?<name>...)")
        return pattern, names

    def _glob(self, text: str) -> tuple[re.Pattern[str], list[str]]:
        self._need("as")
        names = [self._name()]
        while self._take(","):
            names.append(self._name())
        pattern = re.compile("(.*?)".join(re.escape(part) for part in _unquoted(text).split("*")), re.DOTALL)
        if pattern.groups != len(names):
            raise QueryError(f"parse {text}: {pattern.groups} wildcards and {len(names)} names")
        return pattern, names

    def _stats_stage(self) -> Stage:
        self._stats = stats = _Stats()
        columns = self._columns()
        if not stats.found:
            known = ", ".join([*_AGGREGATES, *_ENDS, "pct"])
            raise QueryError(f"stats: no aggregation; known: {known}")
        self._stats = None
        keys = self._columns() if self._take("by") else []

        def stage(table: _Table) -> None:
            groups: dict[tuple[Value, ...], list[dict[str, Value]]] = {}
            for row in table.rows:
                groups.setdefault(tuple(key.value(row) for key in keys), []).append(row)
            table.rows = [_summed(keys, group, rows, stats, columns) for group, rows in groups.items()]
            table.shown = [*(key.name for key in keys), *(column.name for column in columns)]
            table.summed, table.sorted = True, False

        return stage

    def _sort(self) -> Stage:
        orders: list[tuple[Expression, bool]] = []
        while True:
            value = self._expression()
            orders.append((value, self._take("asc", "desc") == "desc"))
            if not self._take(","):
                break

        def stage(table: _Table) -> None:
            for value, descending in reversed(orders):
                known = [row for row in table.rows if value(row) is not None]
                known.sort(key=lambda row: _order(value(row)), reverse=descending)
                table.rows = [*known, *(row for row in table.rows if value(row) is None)]
            table.sorted = True

        return stage

    def _limit(self) -> Stage:
        most = int(self._next("number").text)
        if not 1 <= most <= MOST_ROWS:
            raise QueryError(f"limit {most}: allowed: 1 to {MOST_ROWS}")

        def stage(table: _Table) -> None:
            if not table.sorted and not table.summed:
                table.rows.reverse()
                table.sorted = True
            table.rows = table.rows[:most]

        return stage

    def _columns(self) -> list[_Column]:
        found = [self._column()]
        while self._take(","):
            found.append(self._column())
        return found

    def _column(self) -> _Column:
        first = self._peek()
        value = self._expression()
        last = self._tokens[self._at - 1]
        if self._take("as"):
            return _Column(self._name(), value)
        return _Column(self._text[first.start : last.end].strip("`"), value)

    # expressions

    def _expression(self) -> Expression:
        left = self._and()
        while self._take("or"):
            left = _either(left, self._and())
        return left

    def _and(self) -> Expression:
        left = self._not()
        while self._take("and"):
            left = _both(left, self._not())
        return left

    def _not(self) -> Expression:
        if not self._take("not"):
            return self._comparison()
        inner = self._not()
        return lambda row: None if (value := inner(row)) is None else int(not _true(value))

    def _comparison(self) -> Expression:
        left = self._sum()
        operator = self._take(*_COMPARISONS)
        if operator is not None:
            return _comparing(operator, left, self._sum())
        negated = self._take("not") is not None
        word = self._take("like", "=~", "in")
        if word is None:
            if negated:
                self._fail()
            return left
        test = self._members(left) if word == "in" else self._alike(left)
        return (lambda row: int(not _true(test(row)))) if negated else test

    def _alike(self, left: Expression) -> Expression:
        token = self._next("regex", "string")
        pattern = _pattern(token.text) if token.kind == "regex" else re.compile(re.escape(_unquoted(token.text)))
        return lambda row: int((value := left(row)) is not None and pattern.search(_text(value)) is not None)

    def _members(self, left: Expression) -> Expression:
        self._need("[")
        members = [self._sum()]
        while self._take(","):
            members.append(self._sum())
        self._need("]")
        tests = [_comparing("=", left, member) for member in members]
        return lambda row: int(any(_true(test(row)) for test in tests))

    def _sum(self) -> Expression:
        left = self._product()
        while operator := self._take("+", "-"):
            left = _calculating(operator, left, self._product())
        return left

    def _product(self) -> Expression:
        left = self._primary()
        while operator := self._take("*", "/", "%"):
            left = _calculating(operator, left, self._primary())
        return left

    def _primary(self) -> Expression:
        if self._take("("):
            inner = self._expression()
            self._need(")")
            return inner
        if self._take("-"):
            operand = self._primary()
            return _calculating("-", lambda _row: 0, operand)
        token = self._next("number", "string", "name", "quoted")
        if token.kind == "number":
            number = float(token.text)
            return lambda _row: number
        if token.kind == "string":
            text = _unquoted(token.text)
            return lambda _row: text
        if token.kind == "name" and self._take("("):
            return self._call(token.text.lower())
        name = token.text.strip("`")
        return lambda row: row.get(name)

    def _call(self, name: str) -> Expression:
        if name == "bin":
            width = self._width(self._next("duration").text)
            self._need(")")
            return _floor(lambda row: row.get("@timestamp"), width)
        if name in _AGGREGATES or name in _ENDS or name == "pct":
            return self._aggregate(name)
        if name not in _FUNCTIONS:
            known = ", ".join([*_FUNCTIONS, "bin", *_AGGREGATES, *_ENDS, "pct"])
            raise QueryError(f"unknown function {name!r}; known: {known}")
        arguments = [self._expression()]
        while self._take(","):
            arguments.append(self._expression())
        self._need(")")
        function = _FUNCTIONS[name]
        if not function.least <= len(arguments) <= function.most:
            raise QueryError(f"{name}: {len(arguments)} arguments; allowed: {function.least} to {function.most}")
        return lambda row: function.call(*(argument(row) for argument in arguments))

    def _width(self, text: str) -> int:
        match = re.fullmatch(r"(\d+)([a-z]+)", text)
        if match is None or int(match[1]) == 0:
            raise QueryError(f"bin({text}): not a length of time")
        return int(match[1]) * _UNITS[match[2]]

    def _aggregate(self, name: str) -> Expression:
        stats = self._stats
        if stats is None:
            raise QueryError(f"{name}: aggregations stand in stats only")
        # An aggregate of an aggregate means nothing.
        self._stats = None
        of: Expression = lambda _row: 1  # noqa: E731 - count(*) and count() count rows
        if not (name == "count" and (self._take("*") or self._peek().text == ")")):
            of = self._expression()
        if name == "pct":
            self._need(",")
            aggregate = _percentile_of(float(self._next("number").text))
        elif name in _AGGREGATES:
            aggregate = _AGGREGATES[name]
        self._need(")")
        self._stats = stats
        if name in _ENDS:
            return stats.add(lambda rows: of(_ENDS[name](rows, key=lambda row: _order(row["@timestamp"]))))
        return stats.add(lambda rows: aggregate([of(row) for row in rows]))


def _summed(
    keys: Sequence[_Column],
    group: tuple[Value, ...],
    rows: Sequence[Row],
    stats: _Stats,
    columns: Sequence[_Column],
) -> dict[str, Value]:
    """One row of `stats`; a column may use the names of those before it."""
    made: dict[str, Value] = {key.name: value for key, value in zip(keys, group, strict=True)}
    made |= {name: aggregate(rows) for name, aggregate in stats.found.items()}
    for column in columns:
        made[column.name] = column.value(made)
    return made


def _either(left: Expression, right: Expression) -> Expression:
    return lambda row: int(_true(left(row)) or _true(right(row)))


def _both(left: Expression, right: Expression) -> Expression:
    return lambda row: int(_true(left(row)) and _true(right(row)))


def _comparing(operator: str, left: Expression, right: Expression) -> Expression:
    compare = _COMPARISONS[operator]

    def compared(row: Row) -> Value:
        a, b = left(row), right(row)
        return None if a is None or b is None else int(compare(*_compared(a, b)))

    return compared


def _calculating(operator: str, left: Expression, right: Expression) -> Expression:
    calculate = _ARITHMETIC[operator]

    def calculated(row: Row) -> Value:
        a, b = _number(left(row)), _number(right(row))
        return None if a is None or b is None else calculate(a, b)

    return calculated


def _floor(value: Expression, width: int) -> Expression:
    def floored(row: Row) -> Value:
        moment = value(row)
        return Moment(moment.ms // width * width) if isinstance(moment, Moment) else None

    return floored


def _order(value: Value) -> tuple[int, float, str]:
    """Numbers before text."""
    number = _number(value)
    return (1, 0.0, _text(value)) if number is None else (0, number, "")


def _pattern(text: str) -> re.Pattern[str]:
    try:
        return re.compile(re.sub(r"\(\?<(?=[A-Za-z])", "(?P<", text.replace("\\/", "/")))
    except re.error as error:
        raise QueryError(f"/{text}/: {error}") from None


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1])
