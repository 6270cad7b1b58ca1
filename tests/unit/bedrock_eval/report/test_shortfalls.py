"""What is said of a run that has too few answers."""

from datetime import UTC, datetime

import pytest

from bedrock_eval.evaluation.definition import Candidate, CustomDefinition, Dataset
from bedrock_eval.report.words.shortfalls import ADVICE, advice, shortfall, unanswered
from bedrock_eval.results.outcomes import FailureReason, Outcome
from bedrock_eval.results.summarising import summarise
from bedrock_eval.results.summary import Summary

NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)


def summary(*failures: FailureReason | None) -> Summary:
    definition = CustomDefinition(
        application="shop",
        environment="dev",
        evaluation="quality",
        candidates=(Candidate("small", "us.a.small", "us.a.small"),),
        dataset=Dataset("faq", "bucket", "datasets/faq.jsonl"),
        metrics=("response_length",),
    )
    outcomes = [
        Outcome(f"c{n}", "small", "p", scores={} if reason else {"response_length": 3.0}, failure=reason)
        for n, reason in enumerate(failures)
    ]
    return summarise(definition, run_id="20261123T060000Z", started=NOW, finished=NOW, outcomes=outcomes)


def test_there_is_something_to_do_about_every_failure() -> None:
    assert {reason.value for reason in FailureReason} <= set(ADVICE)


def test_enough_answers_are_no_shortfall() -> None:
    assert shortfall(summary(*[None] * 20, FailureReason.NO_RESPONSE)) is None


def test_the_commonest_reason_is_named_with_what_to_do() -> None:
    found = summary(None, FailureReason.THROTTLED, FailureReason.NO_RESPONSE, FailureReason.THROTTLED)
    assert shortfall(found) == (
        "too few cases were answered: small's coverage 25.0% is below 95.0%; most often (2 of 3 failed cases): "
        f"throttled; {ADVICE['throttled']}"
    )
    assert not unanswered(found)
    assert unanswered(summary(FailureReason.NO_RESPONSE))


def test_the_message_of_the_run_has_the_detail() -> None:
    message = "small answered none; most often (3 of 3): no_response: EndpointConnectionError: throttled"
    told = str(shortfall(summary(FailureReason.NO_RESPONSE), message=message))
    assert told == f"too few cases were answered: {message}; {ADVICE['no_response']}"


@pytest.mark.parametrize("text", ["", "unthrottled", "dataset_invalid: line 3"])
def test_without_a_reason_there_is_no_advice(text: str) -> None:
    assert advice(text) is None
