"""docs/glossary.md: nobody uses the words that it does not allow, and its verdicts are those of the code."""

import re

import pytest

from bedrock_eval.verdicts.gates import GateResult, Verdict, verdict_word
from tests.support.glossary import GLOSSARY, SOURCES, Text, forbidden, prose, uses

_TEXT = GLOSSARY.read_text("utf-8")
_VERDICTS = re.findall(r"^\| (\d) \| `(\w+)` \|([\w ]*)\|([\w ]*)\|", _TEXT, re.MULTILINE)


@pytest.mark.parametrize("word", forbidden())
@pytest.mark.parametrize("source", SOURCES)
def test_no_text_uses_a_word_that_the_glossary_does_not_allow(source: str, word: str) -> None:
    assert [use for text in SOURCES[source]() for use in uses(text, word)] == []


def test_words_and_texts_are_found() -> None:
    """So that the test above has something to search, and would find it."""
    assert {"ring", "told", "held against", "stand-in"} <= set(forbidden())
    assert all(len(list(texts())) > 50 for texts in SOURCES.values())
    assert uses(Text("page:1", "The alarm rings, with less than that."), "rings") != []
    assert uses(Text("page:1", "The mean less the bound"), "less") != []
    assert uses(Text("page:1", "less than half, a stand-in"), "less") == []
    assert uses(Text("page:1", "no bell-ring here"), "ring") == []


def test_code_links_and_names_of_kinds_are_no_prose() -> None:
    page = "## inconclusive\n\nSee [inconclusive](#inconclusive), [this](told.md) and `told`.\n\n```\ntold\n```\n"
    assert not re.search("inconclusive|told", prose(page))
    assert prose(page).count("\n") == page.count("\n")


def test_every_word_has_one_entry() -> None:
    entries = re.findall(r"^\| ([a-zA-Z][^|`]*) \| [A-Z]", _TEXT, re.MULTILINE)
    words = [word for entry in entries for word in entry.split(", ") if entry != "Word"]
    assert len(words) > 60
    assert sorted(words) == sorted(set(words))


def test_verdicts_have_the_words_of_the_code() -> None:
    assert [(int(number), stored) for number, stored, *_ in _VERDICTS] == [
        (each.number, each.value) for each in Verdict
    ]
    for _, name, bound, comparison in _VERDICTS:
        verdict = Verdict(name)
        assert comparison.strip() == verdict_word(_result(verdict, max_drop=0.1))
        # A bound has no better verdict than that it is passed.
        assert bound.strip() == ("" if verdict is Verdict.BETTER else verdict_word(_result(verdict, max_drop=None)))


def _result(verdict: Verdict, *, max_drop: float | None) -> GateResult:
    values = dict.fromkeys(("mean", "low", "high", "min", "max", "margin"))
    return GateResult(metric="m", verdict=verdict, reason="", confidence=0.95, n=1, max_drop=max_drop, **values)
