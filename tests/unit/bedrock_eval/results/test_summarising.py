"""Verdicts against a baseline, comparisons, categories and classes in the summary, and the evidence beside it."""

import json
import random
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from bedrock_eval.evaluation.definition import Candidate, CustomDefinition, Dataset, Definition, Gate
from bedrock_eval.results.baseline import Baseline, baseline_of
from bedrock_eval.results.evidence import MAX_FAILURES, MAX_REGRESSIONS, Evidence
from bedrock_eval.results.gathering import Gathering
from bedrock_eval.results.outcomes import FailureReason, Outcome
from bedrock_eval.results.publishing import run_datums
from bedrock_eval.results.summarising import summarise
from bedrock_eval.results.summary import BASELINE, CANDIDATE, Summary, read_summary
from bedrock_eval.verdicts.gates import GateResult, Verdict, worst

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
EARLIER = "20261116T060000Z"
DROP = Gate("f1_score", max_drop=0.05)
DEFINITION = CustomDefinition(
    application="shop",
    environment="dev",
    evaluation="quality",
    candidates=(Candidate("old", "a.old", "a.old"), Candidate("new", "a.new", "a.new")),
    dataset=Dataset("faq", "bucket", "faq.jsonl"),
    metrics=("f1_score", "word_error_rate", "response_length"),
    gates=(DROP,),
)


def outcome(candidate: str, index: int, value: float, **more: Any) -> Outcome:
    scores = {"f1_score": value, "word_error_rate": 1 - value, "response_length": 10.0}
    known = {"category": "even" if index % 2 == 0 else "odd", "response": f"{candidate} says {index}", **more}
    return Outcome(f"case-{index}", candidate, f"prompt {index}", scores=scores, **known)


def noisy(candidate: str, mean: float, *, n: int = 60) -> list[Outcome]:
    """Values around a mean, in a way of its own for each candidate and mean."""
    draws = random.Random(f"{candidate}{mean}")
    return [outcome(candidate, index, mean + draws.uniform(-0.1, 0.1)) for index in range(n)]


def summary(
    outcomes: Iterable[Outcome], *, baseline: Baseline | None = None, definition: Definition = DEFINITION
) -> Summary:
    return summarise(
        definition, run_id="20261123T120000Z", started=NOON, finished=NOON, outcomes=outcomes, baseline=baseline
    )


def accepted(outcomes: Iterable[Outcome]) -> Baseline:
    return baseline_of(EARLIER, outcomes)


def verdicts(found: Summary) -> dict[str, GateResult]:
    return {candidate.name: gate for candidate in found.candidates for gate in candidate.gates}


def test_each_candidate_is_held_against_its_own_baseline() -> None:
    before = accepted([*noisy("old", 0.6), *noisy("new", 0.6)])
    found = verdicts(summary([*noisy("old", 0.75), *noisy("new", 0.4)], baseline=before))
    assert (found["old"].verdict, found["new"].verdict) == (Verdict.BETTER, Verdict.WORSE)
    assert found["new"].mean == pytest.approx(-0.2, abs=0.05)
    assert found["new"].n == 60
    assert found["new"].margin == found["new"].low
    assert found["new"].confidence == pytest.approx(0.975)


def test_a_small_change_is_not_worse_within_max_drop() -> None:
    before = accepted(noisy("new", 0.6, n=400))
    found = verdicts(summary(noisy("new", 0.595, n=400), baseline=before))
    assert found["new"].verdict is Verdict.NOT_WORSE


@pytest.mark.parametrize(
    ("baseline", "reason"),
    [
        (None, "no baseline"),
        (Baseline(EARLIER, missing="baseline X is not in the bucket"), "baseline X is not in the bucket"),
        (accepted(noisy("old", 0.5)), f"baseline {EARLIER} has no candidate new"),
        (
            Baseline(EARLIER, {"new": {"exact_match": {"case-1": 1.0}}}),
            f"baseline {EARLIER} has no scores of f1_score",
        ),
    ],
)
def test_without_a_baseline_the_verdict_is_inconclusive_and_says_why(baseline: Baseline | None, reason: str) -> None:
    found = verdicts(summary(noisy("new", 0.5), baseline=baseline))["new"]
    assert (found.verdict, found.reason) == (Verdict.INCONCLUSIVE, reason)
    assert (found.needed_n, found.unpaired, found.margin) == (None, None, None)


def test_cases_without_a_partner_are_counted_and_in_no_mean() -> None:
    before = accepted(noisy("new", 0.5, n=40))
    found = verdicts(summary(noisy("new", 0.5, n=60), baseline=before))["new"]
    assert (found.n, found.unpaired) == (40, 20)


def test_too_many_failures_make_it_inconclusive_whatever_the_difference() -> None:
    failed = [Outcome(f"case-{index}", "new", "p", failure=FailureReason.THROTTLED) for index in range(60, 80)]
    before = accepted(noisy("new", 0.8))
    found = verdicts(summary([*noisy("new", 0.2), *failed], baseline=before))["new"]
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.reason.startswith("coverage 75.0% is below")


def test_bounds_and_drop_of_one_metric_are_two_verdicts_of_which_the_worse_is_published() -> None:
    definition = replace(DEFINITION, gates=(Gate("f1_score", min=0.2, max_drop=0.05),))
    before = accepted([*noisy("old", 0.8), *noisy("new", 0.8)])
    found = summary([*noisy("old", 0.8), *noisy("new", 0.4)], baseline=before, definition=definition)
    bounds, drop = found.candidates[1].gates
    assert (bounds.verdict, drop.verdict) == (Verdict.NOT_WORSE, Verdict.WORSE)
    assert bounds.confidence == drop.confidence == pytest.approx(1 - 0.05 / 4)
    assert worst(found.candidates[1].gates) is drop
    published = [
        (entry.values[0].value, entry.dimensions["Candidate"])
        for entry in run_datums(found)
        if entry.metric.name == "gate_verdict"
    ]
    assert len(published) == 2
    assert (3.0, "new") in published


def margins(found: Summary) -> dict[str, float]:
    return {
        entry.dimensions["Candidate"]: entry.values[0].value
        for entry in run_datums(found)
        if entry.metric.name == "gate_margin"
    }


def test_the_margin_of_a_metric_with_a_drop_is_the_drops_always() -> None:
    """A bound's has another zero: a series that held both would show a kept bound as a broken one."""
    before = accepted([*noisy("old", 0.8, n=400), *noisy("new", 0.8, n=400)])
    drop = replace(DEFINITION, gates=(Gate("f1_score", max_drop=0.05),))
    both = replace(DEFINITION, gates=(Gate("f1_score", min=0.2, max_drop=0.05),))
    answers = [*noisy("old", 0.79, n=400), *noisy("new", 0.4, n=400)]
    for definition in (drop, both):
        found = summary(answers, baseline=before, definition=definition)
        low = {each.name: gate.low for each in found.candidates for gate in each.gates if gate.max_drop is not None}
        assert margins(found) == low
        assert -0.05 < margins(found)["old"] < 0
        assert margins(summary(answers, definition=definition)) == {}


def test_the_margin_of_a_bound_is_the_distance_of_the_intervals_worse_end() -> None:
    found = summary(noisy("new", 0.8), definition=replace(DEFINITION, gates=(Gate("f1_score", min=0.2),)))
    gate = verdicts(found)["new"]
    assert margins(found)["new"] == pytest.approx(float(gate.low or 0) - 0.2)


@pytest.mark.parametrize("cases", [60, 40])
def test_the_mean_of_the_accepted_run_is_published_for_each_drop_gate_over_the_pairs(cases: int) -> None:
    definition = replace(DEFINITION, gates=(Gate("f1_score", max_drop=0.05), Gate("word_error_rate", max=0.9)))
    before = accepted(noisy("new", 0.8))
    found = summary([*noisy("old", 0.5), *noisy("new", 0.7, n=cases)], baseline=before, definition=definition)
    published = [
        (entry.values[0].value, dict(entry.dimensions)["Candidate"], entry.dimensions["Metric"])
        for entry in run_datums(found)
        if entry.metric.name == "gate_baseline"
    ]
    values = list(before.values["new"]["f1_score"].values())[:cases]
    assert published == [(pytest.approx(sum(values) / cases), "new", "f1_score")]


def test_without_an_accepted_run_no_mean_of_one_is_published() -> None:
    definition = replace(DEFINITION, gates=(Gate("f1_score", max_drop=0.05),))
    found = summary(noisy("new", 0.7), definition=definition)
    assert "gate_baseline" not in {entry.metric.name for entry in run_datums(found)}


def test_candidates_are_compared_pair_by_pair_in_the_good_direction() -> None:
    found = summary([*noisy("old", 0.5), *noisy("new", 0.7)])
    assert {each.metric for each in found.comparisons} == {"f1_score", "word_error_rate"}
    for each in found.comparisons:
        assert (each.candidate, each.reference, each.against) == ("new", "old", CANDIDATE)
        assert each.estimate.mean == pytest.approx(0.2, abs=0.05)
        assert each.estimate.p_value is not None
        assert each.holm_p_value is not None
        assert each.holm_p_value >= each.estimate.p_value
        assert [category.category for category in each.categories] == ["even", "odd"]


def test_a_pinned_baseline_is_compared_for_every_metric() -> None:
    before = accepted([*noisy("old", 0.6), *noisy("new", 0.6)])
    found = summary([*noisy("old", 0.6), *noisy("new", 0.6)], baseline=before)
    against = [(each.candidate, each.reference) for each in found.comparisons if each.against == BASELINE]
    assert against == [("old", "old"), ("new", "new")] * 2
    assert found.baseline is not None
    assert found.baseline.run_id == EARLIER


def test_the_order_of_answers_changes_nothing() -> None:
    outcomes = [*noisy("old", 0.5), *noisy("new", 0.7)]
    shuffled = random.Random(1).sample(outcomes, len(outcomes))
    before = accepted(noisy("new", 0.6))
    first, second = summary(outcomes, baseline=before), summary(shuffled, baseline=before)
    assert json.loads(first.to_json()) == json.loads(second.to_json())


def test_json_round_trip_with_everything_in_it() -> None:
    definition = replace(DEFINITION, metrics=(*DEFINITION.metrics, "classification_accuracy"))
    found = summary(noisy("new", 0.7), baseline=accepted(noisy("new", 0.6)), definition=definition)
    assert read_summary(found.to_json()) == found


def test_categories_hold_their_cases_and_failures() -> None:
    failed = Outcome("case-60", "new", "p", category="even", failure=FailureReason.THROTTLED)
    lone = Outcome("case-61", "new", "p", scores={"f1_score": 1.0})
    found = summary([*noisy("new", 0.7), failed, lone]).candidates[1].categories
    assert [(name, each.cases, each.scored, each.failed) for name, each in found.items()] == [
        ("even", 31, 30, 1),
        ("odd", 30, 30, 0),
    ]
    assert found["odd"].metrics["f1_score"].n == 30


def test_classes_over_a_run() -> None:
    definition = replace(
        DEFINITION,
        metrics=("classification_accuracy",),
        gates=(),
        metric_parameters={"classification_accuracy": '{"labels": ["yes", "no"]}'},
    )
    answers = [("yes", "yes")] * 6 + [("no", "yes")] * 2 + [("no", "no")] * 1 + [("maybe", "no")]
    outcomes = [
        Outcome(
            f"case-{index}",
            "new",
            "p",
            reference=truth,
            response=response,
            scores={"classification_accuracy": float(response == truth)},
        )
        for index, (response, truth) in enumerate(answers)
    ]
    classes = summary(outcomes, definition=definition).candidates[1].classes
    assert classes is not None
    assert classes.n == 10
    assert classes.balanced_accuracy == pytest.approx((6 / 8 + 1 / 2) / 2)
    assert classes.precision == pytest.approx((1 + 1 / 3) / 2)


def test_any_of_several_right_labels_is_right() -> None:
    definition = replace(
        DEFINITION,
        metrics=("classification_accuracy",),
        gates=(),
        metric_parameters={"classification_accuracy": '{"labels": ["yes", "no", "maybe"]}'},
    )
    answers = [("yes", 1.0), ("maybe", 1.0), ("no", 0.0)]
    outcomes = [
        Outcome(
            f"case-{index}",
            "new",
            "p",
            reference="yes<OR>maybe",
            response=response,
            scores={"classification_accuracy": value},
        )
        for index, (response, value) in enumerate(answers)
    ]
    classes = summary(outcomes, definition=definition).candidates[1].classes
    assert classes is not None
    cells = [(cell.truth, cell.predicted, cell.count) for cell in classes.confusion.cells]
    assert cells == [("maybe", "maybe", 1), ("yes", "no", 1), ("yes", "yes", 1)]


def gathered(outcomes: list[Outcome], *, before: list[Outcome] | None = None) -> Evidence:
    baseline = None if before is None else accepted(before)
    gathering = Gathering(DEFINITION, baseline)
    assert list(gathering.watch(outcomes)) == outcomes
    comparisons = summary(outcomes, baseline=baseline).comparisons
    return gathering.evidence(comparisons, run=outcomes, baseline=before or [])


def test_the_worst_regressions_come_first_with_both_answers() -> None:
    old = [outcome("old", index, 0.9) for index in range(50)]
    new = [outcome("new", index, 0.9 - index / 100) for index in range(50)]
    found = [each for each in gathered([*old, *new]).regressions if each.metric == "f1_score"]
    assert len(found) == MAX_REGRESSIONS
    assert [each.case_id for each in found[:2]] == ["case-49", "case-48"]
    assert (found[0].candidate_answer, found[0].reference_answer) == ("new says 49", "old says 49")
    # For an error rate more is worse, and the worst is the same case.
    errors = [each for each in gathered([*old, *new]).regressions if each.metric == "word_error_rate"]
    assert errors[0].case_id == "case-49"
    assert errors[0].candidate_score > errors[0].reference_score


def test_what_has_not_fallen_is_no_regression() -> None:
    old, new = [outcome("old", 0, 0.5)], [outcome("new", 0, 0.5)]
    assert gathered([*old, *new]).regressions == ()


def test_against_the_baseline_the_earlier_answer_stands_beside() -> None:
    before = [outcome("new", 0, 0.9, response="as it was")]
    found = gathered([outcome("new", 0, 0.1)], before=before).regressions
    assert {(each.against, each.reference_answer) for each in found} == {(BASELINE, "as it was")}


def test_failures_and_latencies() -> None:
    failed = [Outcome(f"f-{index}", "new", "p", failure=FailureReason.THROTTLED, detail="429") for index in range(9)]
    quick = [outcome("new", index, 0.5, latency_ms=100 - index) for index in range(3)]
    found = gathered([*failed, *quick])
    assert len(found.failures) == MAX_FAILURES
    assert found.failures[0].detail == "429"
    assert found.latency_ms == {"new": (98.0, 99.0, 100.0)}
