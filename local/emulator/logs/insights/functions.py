"""Functions over the values of one event."""

import math
from collections.abc import Callable
from typing import NamedTuple

from local.emulator.logs.insights.values import Moment, Value, is_blank, is_true, number_of, text_of


class Function(NamedTuple):
    """A function, with the least and the largest number of its arguments."""

    least: int
    most: int
    call: Callable[..., Value]


def _numeric(function: Callable[..., float]) -> Callable[..., Value]:
    """Make the result null where one of the arguments is no number."""

    def call(*values: Value) -> Value:
        numbers = [number for value in values if (number := number_of(value)) is not None]
        return function(*numbers) if len(numbers) == len(values) else None

    return call


def _textual(function: Callable[..., Value]) -> Callable[..., Value]:
    """Make the result null where one of the arguments is null."""

    def call(*values: Value) -> Value:
        return None if any(value is None for value in values) else function(*map(text_of, values))

    return call


_MANY = 100
FUNCTIONS: dict[str, Function] = {
    "ispresent": Function(1, 1, lambda value: int(value is not None)),
    "isempty": Function(1, 1, lambda value: int(value is None or value == "")),
    "isblank": Function(1, 1, lambda value: int(is_blank(value))),
    "coalesce": Function(1, _MANY, lambda *values: next((value for value in values if value is not None), None)),
    "if": Function(3, 3, lambda condition, then, otherwise: then if is_true(condition) else otherwise),
    "strcontains": Function(2, 2, _textual(lambda text, part: int(part in text))),
    "strlen": Function(1, 1, _textual(len)),
    "tolower": Function(1, 1, _textual(str.lower)),
    "toupper": Function(1, 1, _textual(str.upper)),
    "concat": Function(1, _MANY, _textual(lambda *texts: "".join(texts))),
    "abs": Function(1, 1, _numeric(abs)),
    "ceil": Function(1, 1, _numeric(math.ceil)),
    "floor": Function(1, 1, _numeric(math.floor)),
    "greatest": Function(1, _MANY, _numeric(lambda *numbers: max(numbers))),
    "least": Function(1, _MANY, _numeric(lambda *numbers: min(numbers))),
    "tomillis": Function(1, 1, lambda value: value.ms if isinstance(value, Moment) else None),
}
