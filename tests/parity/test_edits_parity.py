"""Word error rate against jiwer; the sequence algorithms below it against nltk's table and the plain recurrence."""

import jiwer
from hypothesis import example, given, settings
from hypothesis import strategies as st
from nltk.metrics.distance import edit_distance as nltk_edit_distance

from bedrock_eval.scores import score
from bedrock_eval.scores.text.overlap import common_subsequence, edit_distance
from tests.support.texts import TEXT, pairs

ITEMS = st.lists(st.integers(0, 6), max_size=40)


def test_word_error_rate_bit_for_bit() -> None:
    compared = 0
    for response, reference in pairs(5000):
        if has_words(reference):
            assert rate(response, reference) == jiwer.wer(reference, response), (response, reference)
            compared += 1
    assert compared > 4000


@given(TEXT, TEXT)
@settings(max_examples=200, deadline=None)
@example("", "a b")
@example("a b", " \n")
@example("the\ncat", "the cat")
@example("the\n\ncat", "the cat")
def test_word_error_rate_of_any_text(response: str, reference: str) -> None:
    if has_words(reference):
        assert rate(response, reference) == jiwer.wer(reference, response)
    else:
        assert rate(response, reference) is None


def rate(response: str, reference: str) -> float | None:
    return score("word_error_rate", response=response, references=[reference])


def has_words(text: str) -> bool:
    """jiwer counts the words of the answer where the reference has none; here the metric does not apply."""
    return bool(jiwer.process_words(text, "").references[0])


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
