"""When two runs have asked the same case."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedrock_eval.evaluation.cases import Case
from bedrock_eval.results.outcomes import Outcome
from bedrock_eval.results.same_cases import DatasetChange, case_hash, only_same


def test_id_prompt_and_references_make_a_case_and_nothing_else_does() -> None:
    same = case_hash("a", "p", ["r", "s"])
    assert case_hash("a", "p", ("s", "r", "", "r")) == same
    others = [("b", "p", ["r", "s"]), ("a", "q", ["r", "s"]), ("a", "p", ["r"]), ("a", "p", []), ("a", "p", ["rs"])]
    assert len({same, *(case_hash(*other) for other in others)}) == 6


@given(st.text(), st.text(min_size=1), st.none() | st.text(min_size=1))
def test_any_text_has_a_hash_and_an_older_record_the_same(identifier: str, prompt: str, reference: str | None) -> None:
    outcome = Outcome.of(Case(identifier, prompt, reference), candidate="small")
    assert outcome.case_hash is not None
    assert Outcome(identifier, "small", prompt, reference=reference).same_case == outcome.same_case
    assert case_hash("\ud83d", prompt, ()) != case_hash("\ud83c", prompt, ())


def test_a_record_that_does_not_tell_its_prompt_tells_no_case() -> None:
    assert Outcome("unknown#1", "small", "").same_case is None


def test_the_changes_are_counted_and_told() -> None:
    before = {"a": "1", "b": "2", "c": "3", "gone": "4", "old": None}
    now = {"a": "1", "b": "x", "c": "y", "new": "5", "old": "6"}
    change = DatasetChange.between(now, before)
    assert change == DatasetChange(same=1, changed=2, added=1, removed=1, unknown=1)
    assert change.sentence("run X") == (
        "the dataset has changed since run X: 2 cases with another prompt or reference, 1 case not in run X, "
        "1 case only in run X; compared: 2 cases in both runs; 1 case without a record of prompt and references"
    )
    assert change.brief == "the dataset has changed: 4 cases left out, 2 compared"
    assert only_same(dict.fromkeys(before, 1.0), now=now, before=before) == {"a": 1.0, "gone": 1.0, "old": 1.0}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (DatasetChange(same=3), None),
        (
            DatasetChange(same=0, unknown=3),
            "3 cases without a record of prompt and references as in run X",
        ),
    ],
)
def test_the_same_dataset_is_no_news(change: DatasetChange, sentence: str | None) -> None:
    assert change.sentence("run X") == sentence
    assert change.brief is None
