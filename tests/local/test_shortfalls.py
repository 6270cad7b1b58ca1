"""What `make run` says of runs with too few answers, and its exit code."""

from datetime import UTC, datetime

import pytest

from bedrock_eval.evaluation.definition import Candidate, CustomDefinition, Dataset
from bedrock_eval.results.outcomes import FailureReason, Outcome
from bedrock_eval.results.summarising import summarise
from local.__main__ import report_shortfalls
from local.evaluation import RunFound

NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)


def found(answered: int, *, of: int = 20, message: str | None = None) -> RunFound:
    definition = CustomDefinition(
        application="shop",
        environment="local",
        evaluation="quality",
        candidates=(Candidate("small", "us.a.small", "us.a.small"),),
        dataset=Dataset("faq", "bucket", "datasets/faq.jsonl"),
        metrics=("response_length",),
    )
    outcomes = [
        Outcome(f"c{n}", "small", "p", failure=None if n < answered else FailureReason.MODEL_ERROR) for n in range(of)
    ]
    summary = summarise(definition, run_id="20261123T060000Z", started=NOW, finished=NOW, outcomes=outcomes)
    return RunFound(summary, "", {}, message)


@pytest.mark.parametrize(("answered", "code"), [(20, 0), (19, 0), (18, 11), (0, 1)])
def test_the_exit_code_is_that_of_the_worst_run(answered: int, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    runs = [found(20), found(answered, message="most often (2 of 2): model_error: no answer to this prompt")]
    assert report_shortfalls(runs) == code
    told = capsys.readouterr().err
    assert ("quality: too few cases were answered: most often (2 of 2): model_error: no answer" in told) == bool(code)
