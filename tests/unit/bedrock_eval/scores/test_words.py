import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedrock_eval.direction import Better
from bedrock_eval.scores import METRICS, MetricDefinition, score
from bedrock_eval.scores.words import exact_match, f1_score, normalise, relevance_score, response_length

TEXT = st.text(alphabet="aAb .,theé\n", max_size=20)


@pytest.mark.parametrize(
    ("response", "reference", "expected"),
    [
        ("Returns within 30 days", "returns within 30 days", 1.0),
        ("Returns within 30 days.", "returns within 30 days", 0.75),
        ("30 30 30", "30 days 30", 0.5),
        ("", "a b", 0.0),
        ("a", "", 0.0),
        ("a", " \n ", 0.0),
        ("a\tb\nc", "c b a", 1.0),
    ],
)
def test_relevance_is_the_share_of_the_reference_words(response: str, reference: str, expected: float) -> None:
    assert relevance_score(response, reference) == expected


def test_length_counts_code_points() -> None:
    assert response_length("né😩", "") == 3.0


@pytest.mark.parametrize(
    ("response", "reference", "expected"),
    [("Yes", "Yes", 1.0), (" Yes\n", "Yes", 1.0), ("yes", "Yes", 0.0), ("Yes.", "Yes", 0.0), ("", " ", 1.0)],
)
def test_exact_match_is_blind_to_white_space_around_only(response: str, reference: str, expected: float) -> None:
    assert exact_match(response, reference) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("The cat, a dog!", "cat dog"), ("  an   apple ", "apple"), ("one-two", "onetwo"), ("a\nb", "a\nb"), ("the", "")],
)
def test_words_are_normalised(text: str, expected: str) -> None:
    assert normalise(text) == expected


@pytest.mark.parametrize(
    ("response", "reference", "expected"),
    [
        ("The answer is 42.", "answer is 42", 1.0),
        # Precision 1/2, recall 1/4.
        ("x y", "x p q r", 1 / 3),
        ("x", "y", 0.0),
        ("", "y", 0.0),
        ("the", "the", 0.0),
    ],
)
def test_f1_is_the_harmonic_mean_over_words(response: str, reference: str, expected: float) -> None:
    assert math.isclose(f1_score(response, reference), expected)


@given(TEXT, TEXT)
def test_every_score_lies_in_the_range_of_its_metric(response: str, reference: str) -> None:
    for name, metric in METRICS.items():
        if metric.required:
            continue
        value = score(name, response=response, references=[reference])
        assert metric.low is not None
        # sacrebleu's BLEU of two equal texts is 100 but for the last digits, and so is ours.
        assert value is None or metric.low <= value <= (math.inf if metric.high is None else metric.high + 1e-9)
        assert not metric.binary or value in (None, 0.0, 1.0)


@given(TEXT, TEXT)
def test_f1_does_not_ask_which_text_is_the_reference(first: str, second: str) -> None:
    assert math.isclose(f1_score(first, second), f1_score(second, first))


@given(TEXT, TEXT, TEXT)
def test_more_words_never_lower_the_relevance(response: str, more: str, reference: str) -> None:
    assert relevance_score(f"{response} {more}", reference) >= relevance_score(response, reference)


def test_the_best_of_several_references_counts() -> None:
    assert score("exact_match", response="b", references=["a", "b"]) == 1.0
    errors = MetricDefinition(
        name="e",
        title="E",
        function=lambda _, reference: float(len(reference)),
        better=Better.LOWER,
        unit="x",
        low=0.0,
        high=None,
    )
    assert errors.score(response="", references=["aaa", "a"], prompt="") == 1.0


def test_without_a_reference_a_metric_does_not_apply_and_is_not_zero() -> None:
    without = {name: score(name, response="abc") for name, metric in METRICS.items() if not metric.required}
    known = {name: value for name, value in without.items() if value is not None}
    assert known == {"response_length": 3.0, "json_valid": 0.0}
    assert {name for name in without if METRICS[name].needs_reference}.isdisjoint(known)


def test_an_unknown_metric_names_those_that_exist() -> None:
    with pytest.raises(KeyError, match="'fluency' is not a metric; allowed: relevance_score, response_length"):
        score("fluency", response="x")


def test_every_metric_says_its_formula_and_source() -> None:
    for name, metric in METRICS.items():
        assert metric.name == name
        assert "Source:" in metric.doc
