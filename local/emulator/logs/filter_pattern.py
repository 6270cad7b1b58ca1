"""CloudWatch Logs filter patterns: terms, and JSON selectors with comparisons.

Source: "Filter pattern syntax" in the CloudWatch Logs user guide. Space-delimited and regular-expression patterns are
refused rather than half understood.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

Document = Any
Test = Callable[[Document], bool]
Matcher = Callable[[str, Document], bool]

_ANY = "*"
_TERM = re.compile(r'([?-]?)("(?:[^"\\]|\\.)*"|\S+)')
_JSON_TOKEN = re.compile(
    r"""\s*(?:(?P<selector>\$(?:\.[\w*\-]+|\["[^"]*"\]|\[(?:\d+|\*)\]|\['[^']*'\])*)|(?P<string>"(?:[^"\\]|\\.)*")
    |(?P<operator>&&|\|\||>=|<=|!=|=|>|<|\(|\))|(?P<word>[^\s()&|=<>!]+))""",
    re.VERBOSE,
)
_STEP = re.compile(r"""\.([\w*\-]+)|\["([^"]*)"\]|\['([^']*)'\]|\[(\d+|\*)\]""")


class PatternError(ValueError):
    """CloudWatch Logs does not accept the pattern, or the emulator does not know it."""


def select(document: Document, selector: str) -> Document:
    """The value at a selector such as ``$.usage.inputTokens``; None when there is none."""
    return next(iter(_values(document, selector)), None)


def _values(document: Document, selector: str) -> list[Document]:
    """Every value at a selector: none, one, or with a wildcard any number."""
    found = [document]
    for name, quoted, single, index in _STEP.findall(selector):
        found = [inner for value in found for inner in _inner(value, name or quoted or single, index)]
    return found


def _inner(value: Document, key: str, index: str) -> Iterable[Document]:
    if index and isinstance(value, list):
        return value if index == _ANY else value[int(index) : int(index) + 1]
    if key and isinstance(value, Mapping):
        return value.values() if key == _ANY else [value[key]] if key in value else []
    return []


def matches(pattern: str, message: str) -> tuple[bool, Document]:
    """Match a log event; also gives its parsed JSON (None when it is not an object). Raises PatternError."""
    matcher = compile_pattern(pattern)
    document: Document = None
    if message.lstrip().startswith("{"):
        try:
            document = json.loads(message)
        except ValueError:
            document = None
    return matcher(message, document), document


@lru_cache(maxsize=256)
def compile_pattern(pattern: str) -> Matcher:
    """A matcher of (message, parsed JSON or None). Raises PatternError."""
    text = pattern.strip()
    if not text:
        return lambda _message, _document: True
    if text.startswith("{"):
        if not text.endswith("}"):
            raise PatternError(f"Invalid filter pattern: a closing brace is missing in {text}")
        test = _JsonParser(text[1:-1]).parse()
        return lambda _message, document: document is not None and test(document)
    if text.startswith(("[", "%")):
        raise PatternError(f"The local emulator knows term and JSON patterns, not {text[:1]}...")
    return _terms(text)


def _terms(text: str) -> Matcher:
    needed: list[str] = []
    optional: list[str] = []
    forbidden: list[str] = []
    for sign, term in _TERM.findall(text):
        word = re.sub(r"\\(.)", r"\1", term[1:-1]) if term.startswith('"') else term
        {"": needed, "?": optional, "-": forbidden}[sign].append(word)

    def match(message: str, _document: Document) -> bool:
        if any(word in message for word in forbidden) or not all(word in message for word in needed):
            return False
        # CloudWatch ignores ?terms beside required ones.
        return bool(needed) or not optional or any(word in message for word in optional)

    return match


class _JsonParser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens: list[tuple[str, str]] = []
        position, end = 0, len(text.rstrip())
        while position < end:
            match = _JSON_TOKEN.match(text, position)
            if match is None or match.lastgroup is None:
                raise PatternError(f"Invalid filter pattern: {{{text}}}")
            self._tokens.append((match.lastgroup, match.group(match.lastgroup)))
            position = match.end()
        self._at = 0

    def parse(self) -> Test:
        test = self._or()
        if self._at != len(self._tokens):
            self._fail()
        return test

    def _fail(self) -> None:
        raise PatternError(f"Invalid filter pattern: {{{self._text}}}")

    def _peek(self) -> str:
        return self._tokens[self._at][1] if self._at < len(self._tokens) else ""

    def _next(self) -> tuple[str, str]:
        if self._at >= len(self._tokens):
            self._fail()
        self._at += 1
        return self._tokens[self._at - 1]

    def _or(self) -> Test:
        parts = [self._and()]
        while self._peek() == "||":
            self._at += 1
            parts.append(self._and())
        return lambda document: any(part(document) for part in parts)

    def _and(self) -> Test:
        parts = [self._condition()]
        while self._peek() == "&&":
            self._at += 1
            parts.append(self._condition())
        return lambda document: all(part(document) for part in parts)

    def _condition(self) -> Test:
        kind, text = self._next()
        if text == "(" and kind == "operator":
            inner = self._or()
            if self._next()[1] != ")":
                self._fail()
            return inner
        if kind != "selector":
            self._fail()
        kind, operator = self._next()
        if kind == "word":
            return self._keyword(text, operator)
        return _comparison(text, operator, *self._next())

    def _keyword(self, selector: str, word: str) -> Test:
        words = word.upper()
        if words in {"IS", "NOT"}:
            words = f"{words} {self._next()[1].upper()}"
        tests: dict[str, Test] = {
            "NOT EXISTS": lambda document: not _values(document, selector),
            "IS TRUE": lambda document: any(value is True for value in _values(document, selector)),
            "IS FALSE": lambda document: any(value is False for value in _values(document, selector)),
            "IS NULL": lambda document: any(value is None for value in _values(document, selector)),
        }
        if words not in tests:
            self._fail()
        return tests[words]


def _comparison(selector: str, operator: str, kind: str, text: str) -> Test:
    if kind not in {"string", "word"}:
        raise PatternError(f"Invalid filter pattern: {selector} {operator} {text}")
    wanted = re.sub(r"\\(.)", r"\1", text[1:-1]) if kind == "string" else text
    number = _as_number(wanted) if kind == "word" else None
    if operator in {"=", "!="}:
        equals = _equality(wanted, number)
        return lambda document: _present(document, selector, lambda value: equals(value) == (operator == "="))
    if operator not in {"<", ">", "<=", ">="} or number is None:
        raise PatternError(f"Invalid filter pattern: {selector} {operator} {text}")
    compare: dict[str, Callable[[float, float], bool]] = {
        "<": lambda a, b: a < b,
        ">": lambda a, b: a > b,
        "<=": lambda a, b: a <= b,
        ">=": lambda a, b: a >= b,
    }
    limit, order = number, compare[operator]

    def ordered(value: Document) -> bool:
        actual = value if isinstance(value, int | float) and not isinstance(value, bool) else None
        return actual is not None and order(float(actual), limit)

    return lambda document: _present(document, selector, ordered)


def _present(document: Document, selector: str, test: Test) -> bool:
    return any(test(value) for value in _values(document, selector))


def _equality(wanted: str, number: float | None) -> Test:
    shape = re.compile(".*".join(re.escape(part) for part in wanted.split("*")), re.DOTALL)

    def equals(value: Document) -> bool:
        if isinstance(value, bool):
            return wanted == str(value).lower()
        if isinstance(value, int | float):
            return wanted == "*" or (number is not None and float(value) == number)
        return isinstance(value, str) and shape.fullmatch(value) is not None

    return equals


def _as_number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
