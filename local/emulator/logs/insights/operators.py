"""Operators, which make one expression of two."""

import re
from collections.abc import Callable, Sequence

from local.emulator.logs.insights.values import Expression, Moment, Row, Value, comparable, is_true, number_of, text_of

COMPARISONS: dict[str, Callable[[float | str, float | str], bool]] = {
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


def either(left: Expression, right: Expression) -> Expression:
    """`left or right`."""
    return lambda row: int(is_true(left(row)) or is_true(right(row)))


def both(left: Expression, right: Expression) -> Expression:
    """`left and right`."""
    return lambda row: int(is_true(left(row)) and is_true(right(row)))


def negated(inner: Expression) -> Expression:
    """`not inner`, null where the inner value is null."""
    return lambda row: None if (value := inner(row)) is None else int(not is_true(value))


def contrary(test: Expression) -> Expression:
    """`not in` and `not like`: true also where the test is null."""
    return lambda row: int(not is_true(test(row)))


def compared(operator: str, left: Expression, right: Expression) -> Expression:
    """A comparison, null where one of the values is null."""
    compare = COMPARISONS[operator]

    def call(row: Row) -> Value:
        a, b = left(row), right(row)
        return None if a is None or b is None else int(compare(*comparable(a, b)))

    return call


def calculated(operator: str, left: Expression, right: Expression) -> Expression:
    """Arithmetic, null where one of the values is no number."""
    calculate = _ARITHMETIC[operator]

    def call(row: Row) -> Value:
        a, b = number_of(left(row)), number_of(right(row))
        return None if a is None or b is None else calculate(a, b)

    return call


def like(value: Expression, pattern: re.Pattern[str]) -> Expression:
    """`value like pattern`."""
    return lambda row: int((found := value(row)) is not None and pattern.search(text_of(found)) is not None)


def member(value: Expression, of: Sequence[Expression]) -> Expression:
    """`value in [...]`."""
    tests = [compared("=", value, each) for each in of]
    return lambda row: int(any(is_true(test(row)) for test in tests))


def binned(value: Expression, width: int) -> Expression:
    """The beginning of the period of `width` milliseconds in which a time lies."""

    def call(row: Row) -> Value:
        moment = value(row)
        return Moment(moment.ms // width * width) if isinstance(moment, Moment) else None

    return call
