"""Foreign keys, and metrics that need what some cases do not have."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedrock_eval.evaluation.cases import read_cases
from bedrock_eval.evaluation.dataset_keys import meant, misspelt
from bedrock_eval.evaluation.dataset_references import Gap, gap, gaps_of

FOREIGN = {
    "prompt": ("question", "input", "query", "instruction", "Prompt", "PROMPT", "promt", "questoin", "user_input"),
    "referenceResponse": (
        *(
            "reference",
            "answer",
            "target",
            "ideal",
            "expected_output",
            "expected-output",
            "ground_truth",
            "groundTruth",
        ),
        *("completion", "output", "reference_response", "ReferenceResponse", "refrenceResponse", "referenceRespons"),
        *("anwser", "refrence", "gold", "label", "correct_answer", "Ground Truth"),
    ),
}


@pytest.mark.parametrize(("ours", "key"), [(ours, key) for ours, keys in FOREIGN.items() for key in keys])
def test_a_foreign_key_is_known_for_what_it_means(ours: str, key: str) -> None:
    assert meant(key) == ours


@pytest.mark.parametrize(
    "key",
    [
        *(
            "prompt",
            "referenceResponse",
            "id",
            "modelResponses",
            "name",
            "source",
            "topic",
            "url",
            "difficulty",
            "weight",
        ),
        *("notes", "language", "tags", "title", "choices", "context", "date", "author", "split", "level", "type"),
    ],
)
def test_a_key_of_ones_own_means_none_of_ours(key: str) -> None:
    assert meant(key) is None


def test_only_another_spelling_is_refused_where_nothing_is_missing() -> None:
    assert [
        misspelt(key) for key in ("reference_response", "refrenceResponse", "promt", "ID", "answer", "question")
    ] == [*("referenceResponse", "referenceResponse", "prompt", "id", None, None)]


@given(st.text())
def test_any_key_means_one_or_none(key: str) -> None:
    assert meant(key) in ("prompt", "referenceResponse", "category", "cluster", "id", None)


def found(*records: dict[str, object], metrics: tuple[str, ...] = ("f1_score", "response_length")) -> Gap | None:
    lines = [json.dumps({"prompt": "a", **record}) for record in records]
    return gap(gaps_of(read_cases(lines, source="q.jsonl")), metrics=metrics, source="q.jsonl")


RIGHT = {"referenceResponse": "b"}


def test_no_gap_is_no_word() -> None:
    assert found(RIGHT, RIGHT) is None
    assert found({}, {}, metrics=("response_length", "json_valid")) is None


def test_no_reference_at_all_is_refused_with_what_to_do() -> None:
    told = found({"answer": "x"}, {"answer": "y", "referenceResponse": " "})
    assert told is not None
    assert (told.refused, told.metrics) == (True, ("f1_score",))
    assert told.message == (
        "no case of q.jsonl has a referenceResponse, and f1_score needs one; if 'answer' (in 2 lines) holds it: rename "
        "the key to referenceResponse; metrics that need none: response_length, distinct_2, json_valid, truncated"
    )


def test_some_are_counted() -> None:
    told = found(RIGHT, {"target": "x"}, RIGHT, {"referenceResponse": None}, metrics=("f1_score", "contains"))
    assert told is not None
    assert not told.refused
    assert told.message == (
        "2 of 4 cases of q.jsonl have no referenceResponse (first line 2); f1_score, contains will not count "
        "them; if 'target' (in 1 line) holds it: rename the key to referenceResponse"
    )
