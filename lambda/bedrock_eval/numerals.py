"""Numbers that people and services write: in ASCII digits, while Python reads those of every script."""

import math
import re

_REAL = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_MOST_DIGITS = 300


def whole(text: str) -> int | None:
    """The number that the digits 0 to 9 alone write, None for any other text."""
    # Python refuses to read thousands of digits.
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS else None


def real(text: str) -> float | None:
    """The finite number that a text writes, None for any other text."""
    number = float(text) if _REAL.fullmatch(text) else math.inf
    return number if math.isfinite(number) else None
