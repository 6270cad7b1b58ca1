"""The metrics that stand under other projects' names, by values worked out by hand; the mass is in tests/parity."""

import math

import pytest

from bedrock_eval.direction import Better
from bedrock_eval.scores import METRICS, score
from bedrock_eval.scores.text.overlap import common_subsequence, edit_distance, overlap


def value(name: str, response: str, *references: str) -> float | None:
    return score(name, response=response, references=references)


@pytest.mark.parametrize(
    ("name", "response", "reference", "expected"),
    [
        ("quasi_exact_match", "The Answer!", "an answer", 1.0),
        ("quasi_exact_match", "3.5", "35", 1.0),
        ("quasi_exact_match", "answers", "answer", 0.0),
        ("precision_over_words", "the red, red house", "red", 0.5),
        ("precision_over_words", "", "red", 0.0),
        ("recall_over_words", "red", "the red house by a sea", 0.25),
        ("recall_over_words", "red", "the", 0.0),
        ("factual_knowledge", "It is PARIS.", "Paris", 1.0),
        ("factual_knowledge", "anything", "", 1.0),
        ("factual_knowledge", "Lyon", "Paris", 0.0),
        ("quasi_factual_knowledge", "in the U.S.A. today", "USA", 1.0),
        ("squad_exact_match", "the\ncat", "Cat.", 1.0),
        ("squad_f1", "to be or not to be", "to be", 0.5),
        ("squad_f1", "", "", 0.0),
        ("rouge_1", "the cat sat", "a cat sat down", 4 / 7),
        ("rouge_2", "the cat sat", "a cat sat down", 0.4),
        ("rouge_l", "sat cat the", "the cat sat", 1 / 3),
        ("rouge_1", "", "x", 0.0),
        # One of two words, no pair of one: exp((ln 50 + ln 50) / 2).
        ("bleu", "the dog", "the cat", 50.0),
        ("bleu", "the", "the cat", 100 * math.exp(-1)),
        ("bleu", "dog", "cat", 0.0),
        ("bleu", "", "cat", 0.0),
        ("chrf", "ab", "ab", 100.0),
        # Letters 1 of 2 both ways, pairs 0 of 1: P = R = 1/4.
        ("chrf", "ab", "ac", 25.0),
        ("chrf", "", "ab", 0.0),
        ("word_error_rate", "a b c", "a x c d", 0.5),
        ("word_error_rate", "a b c d", "x", 4.0),
        ("word_error_rate", "", "a b", 1.0),
        ("word_error_rate", "x", "", None),
    ],
)
def test_known_values(name: str, response: str, reference: str, expected: float | None) -> None:
    found = value(name, response, reference)
    assert found == (None if expected is None else pytest.approx(expected))


def test_each_metric_takes_the_reference_that_suits_it_best() -> None:
    references = ["Paris", "the city of Paris"]
    assert value("exact_match", "Paris", *references) == 1.0
    assert value("recall_over_words", "city of Paris", *references) == 1.0
    assert value("precision_over_words", "city of Paris", *references) == 1.0
    assert value("word_error_rate", "the city of Lyon", *references) == 0.25
    assert value("word_error_rate", "x", "", "x") == 0.0


def test_lower_error_rates_are_better() -> None:
    lower = {name for name, metric in METRICS.items() if metric.better is Better.LOWER}
    assert lower == {"word_error_rate", "unicode_word_error_rate", "truncated"}


def test_shares_end_at_one_and_points_at_a_hundred() -> None:
    for metric in METRICS.values():
        assert metric.low == 0.0
        assert metric.high == {"share": 1.0, "points of 100": 100.0}.get(metric.unit)
        assert not metric.binary or metric.unit == "share"


def test_sequences() -> None:
    assert overlap("aab", "abb") == 2
    assert (common_subsequence("", "a"), common_subsequence("abcbdab", "bdcaba")) == (0, 4)
    assert (edit_distance("", "abc"), edit_distance("abc", ""), edit_distance("kitten", "sitting")) == (3, 3, 3)
