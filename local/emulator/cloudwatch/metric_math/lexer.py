"""An expression's text as tokens."""

import re
from typing import NamedTuple

from local.emulator.cloudwatch.metric_math.values import ExpressionError


class Token(NamedTuple):
    """A word of an expression, and where it begins."""

    kind: str
    text: str
    position: int


_TOKEN = re.compile(
    r"""\s*(?:(?P<number>\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+)|(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<string>'[^']*'|"[^"]*")|(?P<operator>\*\*|<=|>=|==|!=|&&|\|\||[-+*/^<>(),\[\]]))""",
    re.VERBOSE,
)


def tokens(text: str) -> list[Token]:
    """Take an expression apart; the last token is of the kind `end`. Raises ExpressionError."""
    found: list[Token] = []
    position = 0
    stripped = text.rstrip()
    while position < len(stripped):
        match = _TOKEN.match(stripped, position)
        if match is None or match.lastgroup is None:
            raise ExpressionError(f"Error in expression: unexpected '{stripped[position:].lstrip()[:1]}'")
        found.append(Token(match.lastgroup, match.group(match.lastgroup), match.start(match.lastgroup)))
        position = match.end()
    return [*found, Token("end", "", len(stripped))]
