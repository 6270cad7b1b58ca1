"""Word error rate and the sequence algorithms below it, against nltk's table and the plain recurrence."""

import re

from hypothesis import example, given, settings
from hypothesis import strategies as st
from nltk.metrics.distance import edit_distance as nltk_edit_distance

from bedrock_eval.metrics import score
from bedrock_eval.metrics.overlap import common_subsequence, edit_distance
from tests.parity.texts import WORDS

ITEMS = st.lists(st.integers(0, 6), max_size=40)


def jiwer_rate(response: str, reference: str) -> float | None:
    """As jiwer's default transform and formula, written from their description."""

    def split(text: str) -> list[str]:
        return [word for word in re.sub(r"\s{2,}", " ", text).strip().split(" ") if word != ""]

    wanted = split(reference)
    return nltk_edit_distance(wanted, split(response)) / len(wanted) if wanted else None


@given(st.one_of(WORDS, st.text(max_size=60)), st.one_of(WORDS, st.text(max_size=60)))
@settings(max_examples=200, deadline=None)
@example("", "a b")
@example("a b", " \n")
@example("the\ncat", "the cat")
def test_word_error_rate_bit_for_bit(response: str, reference: str) -> None:
    assert score("word_error_rate", response=response, references=[reference]) == jiwer_rate(response, reference)


@given(ITEMS, ITEMS)
@settings(max_examples=200, deadline=None)
@example([0] * 40, [1] * 40)
@example([], [])
def test_edit_distance(first: list[int], second: list[int]) -> None:
    assert edit_distance(first, second) == nltk_edit_distance(first, second)


@given(ITEMS, ITEMS)
@settings(max_examples=200, deadline=None)
def test_common_subsequence(first: list[int], second: list[int]) -> None:
    row = [0] * (len(second) + 1)
    for item in first:
        above = row
        row = [0]
        for column, other in enumerate(second, start=1):
            row.append(above[column - 1] + 1 if item == other else max(row[-1], above[column]))
    assert common_subsequence(first, second) == row[-1]


def test_sequences_longer_than_a_machine_word() -> None:
    first, second = list(range(3000)), [*range(500, 3000), *range(500)]
    assert common_subsequence(first, second) == 2500
    assert edit_distance(first, second) == 1000
    assert edit_distance(first, first[1:]) == 1
