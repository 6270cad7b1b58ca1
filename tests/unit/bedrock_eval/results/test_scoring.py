"""Scores carry the version of their metric, and those of another one are made again."""

from dataclasses import replace

import pytest

from bedrock_eval.direction import Better
from bedrock_eval.evaluation.cases import Case
from bedrock_eval.evaluation.definition import Candidate, CustomDefinition, Dataset, Definition
from bedrock_eval.evaluation.job_settings import Criterion, JobKind, JobSettings, Rating
from bedrock_eval.results.baseline import baseline_of, incomparable, rescored_sentence
from bedrock_eval.results.outcomes import FailureReason, Outcome
from bedrock_eval.results.scoring import NOT_SCORED, Scorer, run_scores
from bedrock_eval.scores import METRICS, score
from bedrock_eval.scores.job_measures import RatingMethod, Task
from tests.support.definitions import by_jobs

DEFINITION = CustomDefinition(
    application="shop",
    environment="dev",
    evaluation="quality",
    candidates=(Candidate("small", "a.small", "a.small"),),
    dataset=Dataset("faq", "bucket", "faq.jsonl"),
    metrics=("unicode_factual_knowledge", "exact_match", "classification_accuracy", "truncated"),
    metric_parameters={"classification_accuracy": '{"labels": ["A", "B"]}'},
)
SCORER = Scorer(DEFINITION)
CASE = Case("a", "How much?", "18")


def stored(**changes: object) -> Outcome:
    """A record that the first version of everything has scored: the sign hid the number."""
    scores = {"unicode_factual_knowledge": 0.0, "exact_match": 0.0, "classification_accuracy": 0.0, "truncated": 1.0}
    made = Outcome.of(CASE, candidate="small", response="$18", stop_reason="max_tokens", scores=scores)
    return replace(made, **changes)  # type: ignore[arg-type]


def test_every_metric_has_a_version_and_those_over_words_a_new_one() -> None:
    assert all(metric.version for metric in METRICS.values())
    newer = {name for name, metric in METRICS.items() if metric.version != "1"}
    of_words = {name for name in METRICS if name.startswith("unicode_")}
    assert newer >= of_words | {"classification_accuracy", "distinct_2"}


def test_other_parameters_make_another_version() -> None:
    labels = METRICS["classification_accuracy"]
    versions = {labels.version_with(given) for given in ({}, {"labels": ["A"]}, {"labels": ["B"]})}
    assert len(versions) == 3
    assert labels.version_with({"labels": ["A"]}) == labels.version_with({"labels": ["A"]})
    assert DEFINITION.measures["classification_accuracy"].version == labels.version_with({"labels": ["A", "B"]})
    assert DEFINITION.measures["exact_match"].version == "1"


def test_scores_of_an_earlier_version_are_made_again_from_the_stored_answer() -> None:
    found = SCORER.current(stored())
    assert found.outcome.scores["unicode_factual_knowledge"] == 1.0
    assert (found.outcome.scores["exact_match"], found.outcome.scores["truncated"]) == (0.0, 1.0)
    assert set(found.again) == {"unicode_factual_knowledge", "classification_accuracy"}
    assert found.again["unicode_factual_knowledge"] == "1"
    assert SCORER.current(found.outcome).again == {}


def test_scores_of_now_are_left_as_they_are() -> None:
    present = stored(versions=SCORER.versions)
    assert SCORER.current(present).outcome is present


def test_a_metric_that_the_run_did_not_have_is_scored_too() -> None:
    found = SCORER.current(stored(scores={}, versions={}))
    assert set(found.again.values()) == {NOT_SCORED}
    assert found.outcome.scores["truncated"] == 1.0


def test_a_failed_case_has_nothing_to_score() -> None:
    failed = stored(failure=FailureReason.THROTTLED, scores={}, response=None)
    assert SCORER.current(failed).outcome is failed


def test_without_its_answer_an_old_score_is_left_out_and_said() -> None:
    gone = baseline_of("R", [stored(response=None)], definition=DEFINITION)
    told = gone.of("small", "unicode_factual_knowledge")
    assert told == (
        "baseline R was scored by version 1 of unicode_factual_knowledge, and its answers cannot be scored again"
    )
    assert gone.of("small", "exact_match") == {"a": 0.0}


def test_a_baseline_of_an_earlier_version_is_comparable_again() -> None:
    found = baseline_of("R", [stored()], definition=DEFINITION)
    assert found.of("small", "unicode_factual_knowledge") == {"a": 1.0}
    assert rescored_sentence(found.rescored, run="baseline R") == (
        "the stored answers of baseline R have been scored again by the metrics as they are now: "
        "classification_accuracy (version 1 there), unicode_factual_knowledge (version 1 there)"
    )
    assert run_scores([stored()]).values["small"]["unicode_factual_knowledge"] == {"a": 0.0}


def test_an_old_score_against_several_right_answers_in_one_text_is_made_again() -> None:
    case = Case("a", "How much?", "eighteen<OR>18")
    old = Outcome.of(case, candidate="small", response="18", scores={"exact_match": 0.0, "truncated": None})
    found = SCORER.current(old)
    assert found.outcome.scores["exact_match"] == 1.0
    assert found.again["exact_match"] == "1, one reference"
    assert "truncated" not in found.again
    assert old.same_case == Outcome("a", "small", "How much?", reference="18<OR>eighteen").same_case


@pytest.mark.parametrize("name", [name for name, metric in METRICS.items() if metric.needs_reference])
def test_every_metric_takes_the_best_of_several_right_answers(name: str) -> None:
    references = ("nothing like it", "the cat sat on the mat", "a dog")
    each = [score(name, response="the cat sat on a mat", references=(reference,)) for reference in references]
    best = min if METRICS[name].better is Better.LOWER else max
    together = score(name, response="the cat sat on a mat", references=references)
    assert together == best(value for value in each if value is not None)


def judged(**changes: object) -> Definition:
    settings = {
        "kind": JobKind.JUDGE,
        "task": Task.GENERAL,
        "judge": "judge.one",
        "criteria": (Criterion("polite", "Is it polite? {{prediction}}"),),
    }
    job = JobSettings(**{**settings, **changes})  # type: ignore[arg-type]
    return by_jobs(DEFINITION, metrics=("Builtin.Correctness", "polite"), job=job)


@pytest.mark.parametrize(
    ("before", "named"),
    [
        (judged(), set()),
        (judged(judge="judge.two"), {"Builtin.Correctness", "polite"}),
        (judged(criteria=(Criterion("polite", "Rude? {{prediction}}"),)), {"polite"}),
        (judged(criteria=(Criterion("polite", "Is it polite? {{prediction}}", better=Better.LOWER),)), {"polite"}),
        (judged(parallel=1, keep_jobs=3), set()),
        (DEFINITION, set()),
    ],
)
def test_what_bedrock_scores_is_compared_only_where_nothing_is_known_to_differ(
    before: Definition, named: set[str]
) -> None:
    found = incomparable(judged(), before, run="R")
    assert set(found) == named
    outcome = Outcome("a", "small", "p", scores={"Builtin.Correctness": 0.5, "polite": 1.0})
    baseline = baseline_of("R", [outcome], definition=judged(), before=before)
    for name in named:
        told = baseline.of("small", name)
        assert isinstance(told, str)
        assert told.startswith(f"{name} was scored otherwise in R: judge judge.")


def test_people_who_are_asked_otherwise_rate_something_else() -> None:
    def rated(instructions: str) -> Definition:
        job = JobSettings(
            kind=JobKind.HUMAN,
            task=Task.GENERATION,
            ratings=(Rating("liked", RatingMethod.THUMBS, "Do you like it?"),),
            instructions=instructions,
        )
        return by_jobs(DEFINITION, metrics=("liked",), job=job)

    assert incomparable(rated("Be fair."), rated("Be strict."), run="R").keys() == {"liked"}
    assert incomparable(rated("Be fair."), rated("Be fair."), run="R") == {}
