"""What report and table say of runs that Bedrock or people have scored: reasons, labels, agreement, formulas."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from html import unescape
from typing import Any

import pytest

from bedrock_eval.direction import Better
from bedrock_eval.evaluation.definition import Candidate, Dataset, Definition, JobDefinition
from bedrock_eval.evaluation.job_settings import Criterion, JobKind, JobSettings, ScaleStep
from bedrock_eval.report import render
from bedrock_eval.report.html.samples import MAX_BYTES, MAX_CASES
from bedrock_eval.results.evidence import MAX_EXPLAINED, MAX_TEXT, Evidence
from bedrock_eval.results.gathering import Gathering
from bedrock_eval.results.outcomes import Outcome
from bedrock_eval.results.summarising import summarise
from bedrock_eval.results.summary import Agreement, Summary, read_summary
from bedrock_eval.scores.job_measures import BUILT_INS, Task, about
from ops.results.run_tables import run_text

CORRECT, HARM = "Builtin.Correctness", "Builtin.Harmfulness"
TONE = Criterion(
    "tone", "{{prompt}}{{prediction}}", scale=(ScaleStep("off", text="cold"), ScaleStep("on", text="friendly"))
)
DEFINITION = JobDefinition(
    application="shop",
    environment="dev",
    evaluation="judged",
    candidates=(Candidate("good", "us.a.good", "arn:good"), Candidate("bad", "us.a.bad", "arn:bad")),
    dataset=Dataset("faq", "bucket", "datasets/faq.jsonl"),
    metrics=(CORRECT, HARM, "tone"),
    job=JobSettings(JobKind.JUDGE, Task.GENERAL, judge="a.judge", criteria=(TONE,)),
)


def outcome(candidate: str, number: int, correct: float, harm: float = 0.0, **changes: Any) -> Outcome:
    plain = Outcome(
        f"case-{number}",
        candidate,
        f"Question {number}?",
        response=f"Answer {number} of {candidate}",
        scores={CORRECT: correct, HARM: harm, "tone": None},
        labels={"tone": "friendly" if number % 3 else "cold"},
        explanations={metric: f"{metric} of {candidate}, case {number}" for metric in (CORRECT, HARM, "tone")},
    )
    return replace(plain, **changes)


def made(*outcomes: Outcome, definition: Definition = DEFINITION, **more: Any) -> tuple[Summary, Evidence]:
    gathering = Gathering(definition, None)
    noon = datetime(2026, 11, 23, 12, tzinfo=UTC)
    found = summarise(definition, run_id="run", started=noon, finished=noon, outcomes=gathering.watch(outcomes), **more)
    return found, gathering.evidence(found.comparisons, run=outcomes, baseline=())


def of(evidence: Evidence, candidate: str, metric: str) -> list[str]:
    return [each.case_id for each in evidence.explained if (each.candidate, each.metric) == (candidate, metric)]


class TestWhatTheJudgeSaid:
    def test_the_worst_of_each_candidate_and_metric_are_kept_in_the_metrics_direction(self) -> None:
        outcomes = [outcome("good", number, correct=number / 20, harm=number / 20) for number in range(20)]
        _, evidence = made(*outcomes)
        assert of(evidence, "good", CORRECT) == [f"case-{number}" for number in range(MAX_EXPLAINED)]
        assert of(evidence, "good", HARM) == [f"case-{number}" for number in range(19, 19 - MAX_EXPLAINED, -1)]

    def test_what_could_not_be_better_needs_no_reason(self) -> None:
        _, evidence = made(*(outcome("good", number, correct=1.0) for number in range(20)))
        assert evidence.explained == ()

    def test_where_no_direction_is_better_the_lowest_are_kept(self) -> None:
        job = replace(DEFINITION.job, criteria=(replace(TONE, scale=(), better=Better.NEUTRAL),))  # type: ignore[type-var]
        outcomes = [
            outcome("good", number, 1.0, scores={"tone": float(number)}, labels=None) for number in range(9, -1, -1)
        ]
        _, evidence = made(*outcomes, definition=replace(DEFINITION, metrics=("tone",), job=job))
        assert of(evidence, "good", "tone") == [f"case-{number}" for number in range(MAX_EXPLAINED)]

    def test_a_case_stands_once_with_what_was_said_by_each_metric(self) -> None:
        summary, evidence = made(*(outcome("good", number, 1.0) for number in range(1, 12)), outcome("good", 0, 0, 1.0))
        page = unescape(render(summary, evidence))
        assert page.count("Answer 0 of good") == 1
        assert f"{CORRECT} of good, case 0" in page
        assert f"{HARM} of good, case 0" in page
        assert "The judge: Correctness 0" in page
        assert "The judge: Harmfulness 1.000, lower is better" in page
        assert "A sample: 1 case, worst first" in page

    def test_both_sides_of_a_regression_have_their_reasons(self) -> None:
        outcomes = [outcome("good", number, 1.0) for number in range(12)]
        outcomes += [outcome("bad", number, 0.25 if number == 5 else 1.0) for number in range(12)]
        _, evidence = made(*outcomes)
        (view,) = [each for each in evidence.regressions if each.metric == CORRECT]
        assert view.candidate_explanation == f"{CORRECT} of bad, case 5"
        assert view.reference_explanation == f"{CORRECT} of good, case 5"
        page = unescape(render(*made(*outcomes)))
        assert "The judge on correctness" in page
        assert f"{CORRECT} of good, case 5" in page

    def test_a_run_without_reasons_has_no_such_section(self) -> None:
        page = render(*made(*(outcome("good", number, 0.0, explanations=None) for number in range(12))))
        assert "What the judge said" not in page
        assert "The judge on" not in page

    def test_long_reasons_of_many_candidates_make_no_large_page(self) -> None:
        names = [f"candidate-{number}" for number in range(30)]
        candidates = tuple(Candidate(name, name, name) for name in names)
        long = dict.fromkeys((CORRECT, HARM), "why " * 2_000)
        outcomes = [
            outcome(name, number, number / 10, response="x" * 9_000, explanations=long)
            for name in names
            for number in range(10)
        ]
        summary, evidence = made(*outcomes, definition=replace(DEFINITION, candidates=candidates))
        assert all(len(each.explanation) == MAX_TEXT for each in evidence.explained)
        section = render(replace(summary, comparisons=()), replace(evidence, regressions=()))
        section = section[section.index('id="explanations"') : section.index('id="failures"')]
        assert len(section.encode()) < MAX_BYTES + 10_000
        assert 1 < section.count("<details") <= MAX_CASES
        assert " of 150, worst first" in section


class TestAScaleOfTexts:
    def test_what_was_chosen_is_counted_in_table_report_and_summary(self) -> None:
        summary, evidence = made(*(outcome("good", number, 1.0) for number in range(6)))
        assert "friendly 4, cold 2" in run_text(summary)
        assert "friendly 4, cold 2" in render(summary, evidence)
        assert read_summary(summary.to_json()).candidates[0].metrics["tone"].labels == {"cold": 2, "friendly": 4}

    def test_what_got_neither_a_number_nor_a_text_is_told_apart(self) -> None:
        outcomes = [outcome("good", number, 1.0, labels=None if number else {"tone": "cold"}) for number in range(3)]
        assert "cold 1; 2 not applicable" in render(*made(*outcomes))


class TestAgreement:
    PEOPLE = (Agreement("tone", pairs=24, equal=15), Agreement(CORRECT, pairs=0, equal=0))

    def test_it_is_in_the_summary_the_table_and_the_report(self) -> None:
        summary, evidence = made(outcome("good", 1, 1.0), agreement=self.PEOPLE)
        assert read_summary(summary.to_json()).agreement == self.PEOPLE
        told = run_text(summary)
        assert "How often two people who rated the same answer agree" in told
        assert re.search(r"tone +24 +62%", told)
        page = render(summary, evidence)
        assert "Agreement between people" in page
        assert "62%" in page

    def test_without_a_pair_it_is_unknown(self) -> None:
        summary, _ = made(outcome("good", 1, 1.0), agreement=self.PEOPLE)
        assert re.search(r" 0 +unknown$", run_text(summary))

    def test_of_one_person_nothing_is_said(self) -> None:
        summary, evidence = made(outcome("good", 1, 1.0))
        assert "agree" not in run_text(summary)
        assert "Agreement" not in render(summary, evidence)


@pytest.mark.parametrize("name", BUILT_INS)
def test_every_metric_of_bedrocks_own_says_what_it_is_and_where_that_stands(name: str) -> None:
    assert "Source: Bedrock user guide" in (about(name) or "")


def test_the_method_tells_the_metrics_that_it_knows() -> None:
    assert "Formula and source of 2 metrics" in render(*made(outcome("good", 1, 1.0)))
    own = replace(DEFINITION, metrics=("tone",))
    assert "Formula and source" not in render(
        *made(outcome("good", 1, 1.0, scores={}, explanations=None), definition=own)
    )
