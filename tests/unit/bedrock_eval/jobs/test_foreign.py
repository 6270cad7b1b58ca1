"""The output of a job that was started elsewhere, read without knowing what it was asked."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from bedrock_eval.evaluation.job_settings import JobKind
from bedrock_eval.jobs.collection import read_lines
from bedrock_eval.jobs.existing_output import ForeignJobs, read_foreign, without_coverage
from bedrock_eval.report import render
from bedrock_eval.results.gathering import Gathering
from bedrock_eval.results.summarising import summarise
from bedrock_eval.results.summary import Summary

NOVA = "arn:aws:bedrock:us-east-1:111111111111:inference-profile/us.amazon.nova-2-lite-v1:0"
HAIKU = "anthropic.claude-haiku-4-5-20251001-v1:0"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def line(model: str, number: int, **scores: float) -> str:
    listed = [{"metricName": name.replace("__", "."), "result": value} for name, value in scores.items()]
    return json.dumps(
        {
            "automatedEvaluationResult": {"scores": listed},
            "inputRecord": {"prompt": f"prompt {number}", "category": "all"},
            "modelResponses": [{"modelIdentifier": model, "response": "r"}],
        }
    )


def read(*lines: str) -> ForeignJobs:
    return read_foreign(read_lines(lines, source="out"), source="s3://bucket/jobs/")


def summary(found: ForeignJobs) -> Summary:
    return summarise(
        found.definition, run_id="collected", started=NOON, finished=NOON, outcomes=found.collected.outcomes
    )


def test_jobs_of_a_comparison_are_joined_on_the_prompt() -> None:
    lines = [line(NOVA, number, Accuracy=0.5 + number / 100) for number in range(12)]
    lines += [line(HAIKU, number, Accuracy=0.7 + number / 90) for number in range(12)]
    found = summary(read(*lines))
    assert [each.name for each in found.candidates] == ["nova-2-lite", "claude-haiku-4-5"]
    (compared,) = found.comparisons
    assert (compared.metric, compared.estimate.n) == ("Builtin.Accuracy", 12)
    assert compared.estimate.mean is not None
    assert compared.estimate.mean > 0


def test_lower_is_better_where_bedrock_means_that() -> None:
    found = summary(read(line(NOVA, 1, Toxicity=0.2), line(HAIKU, 1, Toxicity=0.1)))
    assert found.comparisons[0].estimate.mean == pytest.approx(0.1)


def test_a_metric_of_the_authors_own_has_no_known_direction() -> None:
    found = read(line(NOVA, 1, brand=3.0), line(HAIKU, 1, brand=4.0))
    assert found.definition.measures["brand"].better == "neutral"
    assert summary(found).comparisons == ()


def test_who_scored_is_seen() -> None:
    details: dict[str, Any] = {"evaluatorDetails": [{"explanation": "why"}]}
    judged = json.loads(line(NOVA, 1, Builtin__Correctness=1.0))
    judged["automatedEvaluationResult"]["scores"][0] |= details
    job = read(json.dumps(judged)).definition.job
    assert job is not None
    assert job.kind is JobKind.JUDGE


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("support-quality.20261123T060000Z.haiku", "haiku"),
        ("support-quality.20261123T060000Z-manual-0a1f.haiku", "haiku"),
        ("another_tool", "another-tool"),
        ("KB1", "kb1"),
        ("arn:aws:bedrock:us-east-1:111111111111:knowledge-base/ABCD", "abcd"),
        ("\u65e5\u672c", "m"),
    ],
)
def test_whatever_has_answered_gets_a_name(model: str, name: str) -> None:
    assert [each.name for each in read(line(model, 1, Accuracy=1.0)).definition.candidates] == [name]


def test_one_model_may_be_named_by_its_arn_and_by_its_identifier() -> None:
    thumb = {"metricName": "m", "modelResponseId": "0", "result": True}
    value = {
        "humanEvaluationResult": {
            "humanAnswers": [{"answerContent": {"evaluationResults": {"thumbsUpDown": [thumb]}}}],
            "modelResponseIdMap": {"0": NOVA, "1": HAIKU},
        },
        "inputRecord": {"prompt": "p"},
        "modelResponses": [{"modelIdentifier": NOVA.rpartition("/")[2], "response": "r"}],
    }
    found = read(json.dumps(value))
    assert [each.name for each in found.definition.candidates] == ["nova-2-lite"]
    (outcome,) = found.collected.outcomes
    assert (outcome.candidate, outcome.response, outcome.scores) == ("nova-2-lite", "r", {"m": 1.0})


@pytest.mark.parametrize("value", [1.5, -0.25])
def test_a_value_beyond_the_range_that_a_score_is_said_to_have_opens_it(value: float) -> None:
    """Not the interval of a share around a mean that is none, nor an axis that ends before it begins."""
    found = read(*(line(NOVA, number, Accuracy=value) for number in range(12)))
    summed = summary(found)
    metric = summed.candidates[0].metrics["Builtin.Accuracy"]
    assert (metric.mean, metric.low, metric.high) == (value, None, None)
    bounds = (summed.measures["Builtin.Accuracy"].low, summed.measures["Builtin.Accuracy"].high)
    assert bounds == ((0.0, None) if value > 0 else (None, 1.0))
    gathering = Gathering(found.definition, None)
    outcomes = list(gathering.watch(found.collected.outcomes))
    assert "<html" in render(summed, gathering.evidence(summed.comparisons, run=outcomes, baseline=()))


def test_rounding_is_not_beyond_the_range() -> None:
    summed = summary(read(*(line(NOVA, number, Accuracy=1.0000001) for number in range(12))))
    assert summed.measures["Builtin.Accuracy"].high == 1.0


def test_coverage_is_unknown() -> None:
    assert without_coverage(summary(read(line(NOVA, 1, Accuracy=1)))).candidates[0].coverage is None


def test_names_stay_apart() -> None:
    sources = [f"support-quality.2026112{day}T060000Z.haiku" for day in (3, 4)]
    found = read(*(line(source, 1, Accuracy=1.0) for source in sources))
    assert [each.name for each in found.definition.candidates] == ["haiku", "haiku-2"]


def test_categories_are_scored_apart() -> None:
    lines = [json.loads(line(NOVA, number, Accuracy=float(number % 2))) for number in range(12)]
    for number, each in enumerate(lines):
        each["inputRecord"]["category"] = "odd" if number % 2 else "even"
    (candidate,) = summary(read(*map(json.dumps, lines))).candidates
    means = {name: found.metrics["Builtin.Accuracy"].mean for name, found in candidate.categories.items()}
    assert means == {"even": 0.0, "odd": 1.0}


def test_a_scale_of_texts_is_counted_and_has_no_mean() -> None:
    lines = [json.loads(line(NOVA, number, tone=0.0)) for number in range(5)]
    for number, each in enumerate(lines):
        each["automatedEvaluationResult"]["scores"][0]["result"] = "cold" if number == 0 else "friendly"
    found = summary(read(*map(json.dumps, lines))).candidates[0].metrics["tone"]
    assert (found.n, found.mean, found.labels) == (0, None, {"cold": 1, "friendly": 4})


def test_what_holds_no_score_is_said() -> None:
    with pytest.raises(ValueError, match="s3://bucket/jobs/: holds no score of an evaluation job"):
        read('{"a": 1}')
