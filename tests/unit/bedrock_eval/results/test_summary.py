import json
import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedrock_eval import catalogue, codec
from bedrock_eval.evaluation.definition import Candidate, CustomDefinition, Dataset, Definition, Gate
from bedrock_eval.evaluation.job_settings import JobKind, JobSettings
from bedrock_eval.pricing.usage import Usage
from bedrock_eval.results.outcomes import FailureReason, Outcome
from bedrock_eval.results.publishing import MAX_DATUMS, batches, datum, run_datums
from bedrock_eval.results.summarising import MAX_BINS, bins, summarise
from bedrock_eval.results.summary import Summary, read_summary
from bedrock_eval.scores import METRICS, score
from bedrock_eval.scores.job_measures import Task
from ops.results.run_tables import run_text
from tests.support.definitions import by_jobs

CHOSEN = tuple(name for name, metric in METRICS.items() if not metric.required)

STARTED = datetime(2026, 11, 23, 6, 0, 42, tzinfo=UTC)
FINISHED = datetime(2026, 11, 23, 6, 3, 42, tzinfo=UTC)
DEFINITION = CustomDefinition(
    application="shop",
    environment="dev",
    evaluation="quality",
    candidates=(
        Candidate("good", "us.a.good", "arn:good"),
        Candidate("bad", "us.a.bad", "arn:bad"),
    ),
    dataset=Dataset("faq", "bucket", "datasets/faq.jsonl"),
    metrics=CHOSEN,
    gates=(Gate("relevance_score", min=0.5),),
    headline=True,
)


def outcome(candidate: str, index: int, response: str, reference: str | None = "thirty days") -> Outcome:
    references = () if reference is None else (reference,)
    return Outcome(
        case_id=f"case-{index}",
        candidate=candidate,
        prompt="How long?",
        reference=reference,
        response=response,
        scores={name: score(name, response=response, references=references) for name in CHOSEN},
        usage=Usage(input_tokens=3, output_tokens=5),
    )


def summary(*, failed: int = 1, definition: Definition = DEFINITION) -> Summary:
    found = [outcome("good", index, "Thirty days" if index % 3 else "Thirty days and one") for index in range(40)]
    found += [outcome("bad", index, "No idea" if index % 4 else "days") for index in range(40)]
    found += [
        Outcome(f"failed-{index}", "bad", "p", failure=FailureReason.THROTTLED, detail="429") for index in range(failed)
    ]
    return summarise(definition, run_id="20261123T060042Z", started=STARTED, finished=FINISHED, outcomes=found)


def test_cases_are_scored_or_failed_and_failed_ones_are_in_no_mean() -> None:
    bad = summary(failed=1).candidates[1]
    assert (bad.cases, bad.scored, bad.failed) == (41, 40, 1)
    assert bad.failures == {"throttled": 1}
    assert bad.coverage == pytest.approx(40 / 41)
    assert bad.metrics["relevance_score"].n == 40
    assert bad.metrics["relevance_score"].mean == pytest.approx(0.125)
    assert bad.usage == Usage(input_tokens=120, output_tokens=200)


def test_gates_judge_each_candidate_with_all_verdicts_of_the_run_counted() -> None:
    good, bad = summary().candidates
    assert [gate.verdict.value for gate in (*good.gates, *bad.gates)] == ["not_worse", "worse"]
    assert good.gates[0].confidence == pytest.approx(0.975)


def test_low_coverage_makes_the_verdict_inconclusive() -> None:
    assert summary(failed=10).candidates[1].gates[0].verdict.value == "inconclusive"


def test_a_case_without_reference_is_not_applicable_and_not_zero() -> None:
    found = [outcome("good", 0, "Thirty days"), outcome("good", 1, "Thirty days", reference=None)]
    result = summarise(DEFINITION, run_id="r", started=STARTED, finished=FINISHED, outcomes=found).candidates[0]
    assert (result.metrics["f1_score"].n, result.metrics["f1_score"].not_applicable) == (1, 1)
    assert result.metrics["response_length"].n == 2


def test_a_candidate_without_any_answer_has_unknown_means() -> None:
    found = [Outcome("c", "good", "p", failure=FailureReason.MODEL_ERROR)]
    result = summarise(DEFINITION, run_id="r", started=STARTED, finished=FINISHED, outcomes=found)
    good, bad = result.candidates
    assert (good.coverage, good.metrics["f1_score"].mean) == (0.0, None)
    assert bad.coverage is None
    published = {(entry.metric.name, entry.dimensions.get("Candidate")) for entry in run_datums(result)}
    assert ("run_coverage", "good") in published
    assert ("run_coverage", "bad") not in published
    assert ("f1_score", "good") not in published


def test_an_outcome_of_a_stranger_is_refused() -> None:
    with pytest.raises(ValueError, match="'stranger'; known: good, bad"):
        summarise(DEFINITION, run_id="r", started=STARTED, finished=FINISHED, outcomes=[outcome("stranger", 0, "x")])


def test_json_round_trip() -> None:
    whole = summary()
    assert read_summary(whole.to_json()) == whole
    with pytest.raises(codec.DecodeError, match=r"summary\.candidates: 3 is not a list"):
        read_summary(json.dumps({**json.loads(whole.to_json()), "candidates": 3}))


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=700))
def test_bins_keep_sum_and_count(values: list[float]) -> None:
    ordered = sorted(values)
    found = bins(ordered)
    assert len(found) <= MAX_BINS
    assert sum(item.count for item in found) == len(values)
    assert math.fsum(item.value * item.count for item in found) == pytest.approx(math.fsum(values), rel=1e-12)
    assert [item.value for item in found] == sorted(item.value for item in found)


def test_every_datum_carries_the_start_minute_and_its_dimensions() -> None:
    entries = run_datums(summary())
    assert {entry.timestamp for entry in entries} == {datetime(2026, 11, 23, 6, 0, tzinfo=UTC)}
    requests = [entry.request() for entry in entries]
    relevance = [request for request in requests if request["MetricName"] == "relevance_score"]
    names = sorted(tuple(dimension["Name"] for dimension in request["Dimensions"]) for request in relevance)
    assert names == [("ModelId", "Application")] * 2 + [("ModelId", "Application", "Evaluation", "Candidate")] * 2
    verdicts = [request["Value"] for request in requests if request["MetricName"] == "gate_verdict"]
    assert verdicts == [1.0, 3.0]


def test_a_long_run_is_published_when_it_ends() -> None:
    """An alarm looks back a day, and CloudWatch takes nothing older than two weeks."""
    whole = summary()
    for took, minute in ((timedelta(hours=12), STARTED), (timedelta(days=20), STARTED + timedelta(days=20))):
        told = replace(whole, finished=(STARTED + took).isoformat())
        assert {entry.timestamp for entry in run_datums(told)} == {minute.replace(second=0)}


def test_what_bedrock_does_not_tell_is_unknown_and_not_published() -> None:
    job = JobSettings(JobKind.JUDGE, Task.GENERAL, judge="amazon.nova-pro-v1:0")
    judged = by_jobs(DEFINITION, metrics=("Builtin.Correctness",), gates=(), job=job)
    found = summarise(judged, run_id="r", started=STARTED, finished=FINISHED, outcomes=[])
    assert [(each.usage, each.cost) for each in found.candidates] == [(None, None)] * 2
    published = {entry.metric.name for entry in run_datums(found)}
    assert "run_duration" in published
    assert not {name for name in published if "tokens" in name or "cost" in name}
    assert "tokens and cost unknown" in run_text(found)
    assert read_summary(found.to_json()) == found


def test_only_the_headline_evaluation_publishes_the_short_dimensions() -> None:
    entries = run_datums(summary(definition=replace(DEFINITION, headline=False)))
    assert all(entry.metric.dimensions != catalogue.HEADLINE_DIMENSIONS for entry in entries)


def test_what_cloudwatch_averages_is_the_mean_of_the_summary() -> None:
    whole = summary()
    entry = next(entry for entry in run_datums(whole) if entry.metric.name == "response_length")
    request = entry.request()
    total = sum(value * count for value, count in zip(request["Values"], request["Counts"], strict=True))
    assert total / sum(request["Counts"]) == pytest.approx(whole.candidates[0].metrics["response_length"].mean)


def test_batches_keep_the_limits_of_a_request() -> None:
    entries = [
        datum(catalogue.RUN_FAILED, dimensions={"Application": "a", "Evaluation": "e"}, value=1, timestamp=STARTED)
    ] * (MAX_DATUMS + 1)
    assert [len(batch) for batch in batches(entries)] == [MAX_DATUMS, 1]
