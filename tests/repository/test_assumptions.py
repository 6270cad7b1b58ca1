"""docs/assumptions.md and the code name the same assumptions, and no row leaves a question open."""

import io
import re
import tokenize
from collections.abc import Iterator

import pytest

from tests.support.commands import ROOMS
from tests.support.paths import ROOT

DOCUMENT = (ROOT / "docs" / "assumptions.md").read_text("utf-8")
HEAD = ("Assumption", "Where it matters", "What is right under which reading", "How it would be found out")
COLUMNS = (*HEAD, "What settles it")
_MARKER = re.compile(r"^[^\S\n]*# Assumption: ?(.*)$", re.MULTILINE)
_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def rows() -> Iterator[list[str]]:
    for line in DOCUMENT.splitlines():
        if line.startswith("| `"):
            yield [cell.strip() for cell in line.strip("|").split(" | ")]


CODE = {
    path.relative_to(ROOT).as_posix(): path.read_text("utf-8")
    for path in sorted((ROOT / "app.py", *(each for room in (*ROOMS, "tests") for each in (ROOT / room).rglob("*.py"))))
}
IDS = [row[0].partition("`:")[0].strip(" `") for row in rows()]


# Whatever is meant as a marker, also behind code or in other letters: it must be one.
_MEANT = re.compile(r"#\s*assumptions?\b.*", re.IGNORECASE)


def markers() -> Iterator[tuple[str, str]]:
    """Where each marker of a Python file of this repository stands, and an id that it names."""
    for name, text in CODE.items():
        for found in _MARKER.finditer(text):
            for each in found[1].split(","):
                yield name, each.strip()


def test_what_is_meant_as_a_marker_is_one() -> None:
    """On a line of its own and in the same letters: another would be found by nobody."""
    for name, text in CODE.items():
        # Reading every file to its tokens would take long.
        meant = [each for each in _comments(text) if _MEANT.match(each)] if _MEANT.search(text) else []
        assert len(meant) == len(_MARKER.findall(text)), f"{name}: {meant}"


def _comments(text: str) -> Iterator[str]:
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.string


def test_every_row_is_of_the_code_and_every_marker_has_a_row() -> None:
    assert IDS
    assert {named for _, named in markers()} == set(IDS)


def test_ids_are_words_and_each_has_one_row() -> None:
    assert [each for each in IDS if not _ID.fullmatch(each)] == []
    assert len(IDS) == len(set(IDS))


@pytest.mark.parametrize("row", list(rows()), ids=IDS)
def test_a_row_answers_every_question(row: list[str]) -> None:
    assert len(row) == len(COLUMNS)
    named, *answers = row
    assert re.match(r"`[a-z0-9-]+`: \w", named)
    assert all(len(each) > 10 for each in answers)
    # A command that can be pasted, or the one that several rows share.
    assert re.search(r"`(aws|python -m ops|cdk) ", answers[-1]) or answers[-1].startswith("The probe: ")


def test_every_table_asks_the_same_questions() -> None:
    heads = [line for line in DOCUMENT.splitlines() if line.startswith("| Assumption ")]
    assert heads
    assert set(heads) == {f"| {' | '.join(COLUMNS)} |"}


def test_the_marker_stands_above_code() -> None:
    """The last line of a file, or a comment alone, relies on nothing."""
    for name, _ in markers():
        lines = CODE[name].splitlines()
        for number, line in enumerate(lines):
            if _MARKER.match(line):
                after = lines[number + 1 :]
                assert any(each.strip() and not each.strip().startswith("#") for each in after), f"{name}:{number + 1}"
