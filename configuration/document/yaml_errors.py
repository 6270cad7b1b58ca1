"""Finds where a mistake of YAML begins, which is seldom where the parser notices it, and describes it."""

import re
from dataclasses import dataclass

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.reader import ReaderError
from ruamel.yaml.tokens import ScalarToken

_OPEN_FLOW = re.compile(r"expected ',' or '([\]}])', but got '(:|<.*>|\?)'")
# A line that says nothing to its key: no colon, or a dash without a blank.
_NO_KEY = re.compile(r"\s*(-[^\s-][^#]*|[^:#\s-][^:#]*)")

# Errors of the parser about characters with a meaning in YAML, in plain words.
_PLAIN_WORDS = (
    (re.compile(r"found character '(.)' that cannot start any token"), "text that begins with {} needs quotes"),
    (
        re.compile(r"found undefined alias '(.*)'"),
        "*{0} refers to an anchor &{0}, which does not exist; put text that begins with * in quotes",
    ),
    (
        re.compile(r"found unknown escape character '(.)'"),
        "\\{0} is no escape in double quotes; needed: single quotes, or \\\\{0}",
    ),
)


@dataclass(frozen=True)
class YamlMistake:
    """The mistake of a text that is not YAML, and its line, from 1."""

    line: int
    message: str


def yaml_mistake(text: str, error: YAMLError) -> YamlMistake:
    """The mistake behind an error of the parser."""
    if isinstance(error, ReaderError):
        line = text.count("\n", 0, int(error.position)) + 1
        found = YamlMistake(line, f"the character {_named(error.character)} is not allowed in YAML")
    elif isinstance(error, MarkedYAMLError):
        noticed = _line(error.problem_mark) or _line(error.context_mark) or 1
        found = (
            _opened(error, noticed)
            or _closed_late(text, noticed)
            or _unexpected_colon(text, error, noticed)
            or YamlMistake(noticed, _syntax(str(error.problem or error.context or "cannot be read")))
        )
    else:
        found = YamlMistake(1, str(error).partition("\n")[0] or "cannot be read")
    return YamlMistake(found.line, f"not YAML: {found.message}")


def _opened(error: MarkedYAMLError, noticed: int) -> YamlMistake | None:
    """Something that has begun and does not end."""
    problem, context, began = str(error.problem), str(error.context), _line(error.context_mark)
    if not began:
        return None
    if "quoted scalar" in context and "unexpected" in problem:
        return YamlMistake(began, "a quote is opened here and never closed")
    if "quoted scalar" in context and began < noticed:
        return YamlMistake(began, f"a quote is opened here and not closed before line {noticed}: {problem}")
    if "simple key" in context:
        return YamlMistake(began, "a line without a colon and a space after a key")
    bracket = _OPEN_FLOW.search(problem) if "flow" in context else None
    if bracket is None:
        return None
    sign = "[" if bracket[1] == "]" else "{"
    return YamlMistake(began, f"{sign} is opened here and never closed, or a comma is missing")


def _line(mark: object) -> int:
    line = getattr(mark, "line", None)
    return 0 if line is None else int(line) + 1


def _named(character: object) -> str:
    code = character if isinstance(character, int) else ord(str(character)[:1] or "\0")
    return f"U+{code:04X}"


def _closed_late(text: str, noticed: int) -> YamlMistake | None:
    """A quoted text that ends where the mistake was noticed, and began in a line before."""
    began = None
    try:
        for token in YAML(typ="safe", pure=True).scan(text):
            if isinstance(token, ScalarToken) and token.style in ("'", '"'):
                first, last = _line(token.start_mark), _line(token.end_mark)
                began = first if first < last == noticed else began
    except (YAMLError, RecursionError, LookupError, ValueError, TypeError, AttributeError):
        pass  # The scanner meets the same mistake.
    if began is None:
        return None
    return YamlMistake(began, f"a quote is opened here and closed by the next quote, in line {noticed}")


def _unexpected_colon(text: str, error: MarkedYAMLError, noticed: int) -> YamlMistake | None:
    """A second colon in a line; or the line before has none, or one that is no key's, and goes on in this line."""
    if "mapping values" not in str(error.problem):
        return None
    lines = text.splitlines()
    before = next((number for number in range(noticed - 1, 0, -1) if lines[number - 1].strip()), 0)
    if before and _NO_KEY.fullmatch(lines[before - 1]):
        wrong = "a line without a colon and a space after a key, or without a space after a dash"
        return YamlMistake(before, wrong)
    return YamlMistake(noticed, "a colon where no key can be; the line is indented too far, or its text needs quotes")


def _syntax(problem: str) -> str:
    if "'\\t'" in problem:
        return "a tab where YAML allows spaces only"
    if "another document" in problem:
        return "a second YAML document begins; a file holds one environment"
    if "expected <block end>" in problem:
        return "the line does not continue the lines before it; check its indentation and quotes"
    for pattern, message in _PLAIN_WORDS:
        found = pattern.search(problem)
        if found is not None:
            return message.format(*found.groups())
    return problem
