"""The word metrics against nltk's set measures, which fmeval computes them with."""

import string

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from nltk.metrics.scores import f_measure

from bedrock_eval.scores import score

WORDS = st.lists(
    st.sampled_from(
        ["the", "a", "an", "Cat", "cat.", "sat", "on", "mat,", "3.5", "35", "naïve", "日本語", "🙂", "\n", "the\ncat"]
    )
).map(" ".join)
TEXT = st.one_of(WORDS, st.text(max_size=80))


def reference_f1(response: str, reference: str) -> float:
    """As fmeval computes it, written from its description: set F-measure after the QuAC protocol."""

    def words(text: str) -> set[str]:
        kept = "".join(character for character in text.strip().lower() if character not in string.punctuation)
        return set(" ".join(word for word in kept.split(" ") if word not in ("", "a", "an", "the")).split())

    value = f_measure(reference=words(reference), test=words(response))
    return 0.0 if value is None else float(value)


@given(TEXT, TEXT)
@settings(max_examples=400)
@example("to be or not to be", "to be")
@example("the\ncat sat", "cat sat")
def test_f1_score_bit_for_bit(response: str, reference: str) -> None:
    assert score("f1_score", response=response, references=[reference]) == reference_f1(response, reference)


@given(TEXT, TEXT)
@settings(max_examples=200)
def test_relevance_as_the_source_document_computes_it(response: str, reference: str) -> None:
    expected_words = set(reference.lower().split())
    response_words = set(response.lower().split())
    overlap = len(expected_words & response_words)
    expected = overlap / len(expected_words) if expected_words else 0
    assert score("relevance_score", response=response, references=[reference]) == expected


def test_known_values() -> None:
    assert score("f1_score", response="to be or not to be", references=["to be"]) == pytest.approx(2 / 3)
    assert score("exact_match", response=" No\n", references=["No"]) == 1.0
    assert score("relevance_score", response="Within 30 days", references=["30 days."]) == 0.5
    assert score("response_length", response="été 🙂") == 5.0
    assert score("f1_score", response="x") is None
    assert score("exact_match", response="b", references=["a", "b"]) == 1.0
    with pytest.raises(KeyError, match="allowed: relevance_score"):
        score("fluency", response="x")
