"""A query's text as tokens."""

import re
from typing import NamedTuple

_TOKEN = re.compile(
    r"""(?P<space>\s+|\#[^\n]*)|(?P<duration>\d+(?:ms|s|m|h|d|w)\b)|(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
    |(?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?P<quoted>`[^`]*`)|(?P<name>[@A-Za-z_][\w.@]*)
    |(?P<operator>=~|!=|<=|>=|[-+*/%=<>(),|\[\]])""",
    re.VERBOSE,
)
_REGEX = re.compile(r"/((?:[^/\\\n]|\\.)+)/")
_UNITS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}


class QueryError(ValueError):
    """The query cannot be parsed, or uses what the emulator does not know (MalformedQueryException)."""


class Token(NamedTuple):
    """A word of a query, and where it begins and ends."""

    kind: str
    text: str
    start: int
    end: int


def tokens(text: str) -> list[Token]:
    """Take a query apart; the last token is of the kind `end`. Raises QueryError."""
    found: list[Token] = []
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
        found.append(Token(kind, match[1] if kind == "regex" else match[0], match.start(), position))
    return [*found, Token("end", "", len(text), len(text))]


def unquoted(text: str) -> str:
    """The content of a string token."""
    return re.sub(r"\\(.)", r"\1", text[1:-1])


def pattern_of(token: Token) -> re.Pattern[str]:
    """The regular expression that a regex or a string token searches for. Raises QueryError."""
    if token.kind == "string":
        return re.compile(re.escape(unquoted(token.text)))
    try:
        return re.compile(re.sub(r"\(\?<(?=[A-Za-z])", "(?P<", token.text.replace("\\/", "/")))
    except re.error as error:
        raise QueryError(f"/{token.text}/: {error}") from None


def milliseconds_of(token: Token) -> int:
    """The length of time of a duration token. Raises QueryError."""
    match = re.fullmatch(r"(\d+)([a-z]+)", token.text)
    if match is None or int(match[1]) == 0:
        raise QueryError(f"bin({token.text}): not a length of time")
    return int(match[1]) * _UNITS[match[2]]


class Cursor:
    """The tokens of a query, taken one after the other."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = tokens(text)
        self._at = 0

    def peek(self) -> Token:
        """The next token, which stays."""
        return self._tokens[self._at]

    def next(self, *kinds: str) -> Token:
        """The next token, of one of these kinds. Raises QueryError."""
        token = self.peek()
        if token.kind == "end" or (kinds and token.kind not in kinds):
            self.fail()
        self._at += 1
        return token

    def take(self, *words: str) -> str | None:
        """The next token if it is one of these operators or words, whatever their case."""
        token = self.peek()
        if token.kind in {"operator", "name"} and token.text.lower() in words:
            self._at += 1
            return token.text.lower()
        return None

    def need(self, word: str) -> None:
        """Take this operator or word. Raises QueryError."""
        if self.take(word) is None:
            self.fail()

    def fail(self) -> None:
        """Refuse the next token. Raises QueryError."""
        token = self.peek()
        raise QueryError(f"unexpected {token.text or 'end of query'!r} at {token.start}")

    def name(self) -> str:
        """The name of a field or column. Raises QueryError."""
        return self.next("name", "quoted").text.strip("`")

    def text_since(self, first: Token) -> str:
        """The text from a token to the one that was taken last."""
        return self._text[first.start : self._tokens[self._at - 1].end]
