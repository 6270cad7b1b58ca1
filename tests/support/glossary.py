"""The words that docs/glossary.md does not allow, and where texts use them."""

import ast
import io
import re
import tokenize
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.support.commands import DOCUMENTS
from tests.support.paths import ROOT

GLOSSARY = ROOT / "docs" / "glossary.md"
# What the code generates: its words are those of the code.
GENERATED = frozenset({ROOT / "docs" / "configuration.md", ROOT / "docs" / "alarms.md"})
# Where a word that is not allowed means something else.
ALLOWED = (
    r"less than",
    r"no less",
    r"more or less",
    r"looks? like",
    # In AWS's own message.
    r"Try again with one that does",
)
_CODE_BLOCK = re.compile(r"^( *)```.*?^\1```$", re.MULTILINE | re.DOTALL)
_CODE_SPAN = re.compile(r"`[^`]+`")
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_KIND_HEADING = re.compile(r"^## [a-z0-9-]+$", re.MULTILINE)
_KIND_LINK = re.compile(r"\[([a-z0-9-]+)\]\([^)]*#\1\)")


@dataclass(frozen=True)
class Text:
    """A text that somebody reads, and where it is."""

    place: str
    words: str


def forbidden() -> tuple[str, ...]:
    """The words in bold of the glossary: its last columns, and the list below the verdicts."""
    return tuple(dict.fromkeys(re.findall(r"\*\*([^*]+)\*\*", GLOSSARY.read_text("utf-8").partition("\n## ")[2])))


def prose(markdown: str) -> str:
    """A document without code, targets of links and names of alarm kinds, line for line."""
    text = _CODE_BLOCK.sub(lambda found: "\n" * found[0].count("\n"), markdown)
    text = _CODE_SPAN.sub(lambda found: "\n" * found[0].count("\n"), text)
    text = _KIND_LINK.sub("", _KIND_HEADING.sub("", text))
    return _LINK.sub(r"\1", text)


def documents() -> Iterator[Text]:
    """Every document that people write, by its lines."""
    for path in DOCUMENTS:
        if path not in GENERATED and path != GLOSSARY:
            yield from _paragraphs(path)


def _paragraphs(path: Path) -> Iterator[Text]:
    name, number = path.relative_to(ROOT).as_posix(), 1
    for paragraph in prose(path.read_text("utf-8")).split("\n\n"):
        yield Text(f"{name}:{number}", " ".join(paragraph.split()))
        number += paragraph.count("\n") + 2


def code(*folders: str) -> Iterator[Text]:
    """The docstrings, messages and comments of folders of Python sources."""
    for path in sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py")):
        name, source = path.relative_to(ROOT).as_posix(), path.read_text("utf-8")
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
                yield Text(f"{name}:{node.lineno}", " ".join(prose(node.value).split()))
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type == tokenize.COMMENT:
                yield Text(f"{name}:{token.start[0]}", prose(token.string))


SOURCES: Mapping[str, Callable[[], Iterator[Text]]] = {"documents": documents, "local": partial(code, "local")}
"""Every kind of text that is searched; a kind of the code is a row more."""


def uses(text: Text, word: str) -> list[str]:
    """Where a text uses a word that is not allowed, each with the words around it."""
    pattern = re.compile(rf"(?<![\w-]){re.escape(word)}(?![\w-])", re.IGNORECASE)
    allowed = [found.span() for found in re.finditer("|".join(ALLOWED), text.words, re.IGNORECASE)]
    return [
        f"{text.place}: {text.words[max(0, found.start() - 40) : found.end() + 40]}"
        for found in pattern.finditer(text.words)
        if not any(start <= found.start() and found.end() <= end for start, end in allowed)
    ]
