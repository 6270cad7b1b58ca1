"""Values of fields and expressions, and how they convert and compare."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, order=True)
class Moment:
    """A time in milliseconds since 1970; as text it is UTC."""

    ms: int

    def __str__(self) -> str:
        at = datetime.fromtimestamp(self.ms // 1000, UTC)
        return f"{at:%Y-%m-%d %H:%M:%S}.{self.ms % 1000:03d}"


Value = str | float | Moment | None
Row = Mapping[str, Value]
Expression = Callable[[Row], Value]


def number_of(value: Value) -> float | None:
    """The value as a number, None where it is none."""
    if isinstance(value, Moment):
        return value.ms
    if isinstance(value, str):
        try:
            number = float(value)
        except ValueError:
            return None
        return number if math.isfinite(number) else None
    return value


def text_of(value: Value) -> str:
    """The value as GetQueryResults writes it: whole numbers without a point."""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    return str(value)


def is_true(value: Value) -> bool:
    """Say whether a condition with this value holds."""
    number = number_of(value)
    return number != 0 if number is not None else bool(value)


def is_blank(value: Value) -> bool:
    """Say whether there is nothing but white space."""
    return value is None or (isinstance(value, str) and not value.strip())


def comparable(left: Value, right: Value) -> tuple[float, float] | tuple[str, str]:
    """Two values as numbers where both are numbers, else as text."""
    a, b = number_of(left), number_of(right)
    return (a, b) if a is not None and b is not None else (text_of(left), text_of(right))


def sort_key(value: Value) -> tuple[int, float, str]:
    """Order numbers before text."""
    number = number_of(value)
    return (1, 0.0, text_of(value)) if number is None else (0, number, "")
