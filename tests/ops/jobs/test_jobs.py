"""`python -m ops jobs`: any finished job's output as table and report, and the jobs of an account."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from bedrock_eval.results.summary import read_summary
from ops.__main__ import main

NOVA, HAIKU = "amazon.nova-2-lite-v1:0", "anthropic.claude-haiku-4-5-20251001-v1:0"
ARN = "arn:aws:bedrock:us-east-1:111122223333:evaluation-job/abcdefabcdef"


def record(model: str, number: int, result: float) -> str:
    return json.dumps(
        {
            "automatedEvaluationResult": {"scores": [{"metricName": "Accuracy", "result": result}]},
            "inputRecord": {"prompt": f"prompt {number}", "referenceResponse": "r", "category": "c"},
            "modelResponses": [{"modelIdentifier": model, "response": f"{model} {number}"}],
        }
    )


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """Of two jobs, with the stray files that Bedrock leaves."""
    for model, shift in ((NOVA, 0.2), (HAIKU, 0.4)):
        folder = tmp_path / "out" / model[:6] / "models" / "m" / "taskTypes" / "General" / "datasets" / "d"
        folder.mkdir(parents=True)
        lines = [record(model, number, shift + number / 100) for number in range(15)]
        (folder / "1_output.jsonl").write_text("\n".join(lines))
        (tmp_path / "out" / model[:6] / "amazon-bedrock-permission-check").write_text("")
    return tmp_path / "out"


def test_the_output_of_jobs_becomes_table_summary_and_report(
    output: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["jobs", "collect", "--from", str(output), "--out", str(tmp_path / "made")]) == 0
    said = capsys.readouterr()
    assert "claude-haiku-4-5" in said.out
    assert "amazon-bedrock-permission-check: contains no results" in said.err
    summary = read_summary((tmp_path / "made" / "summary.json").read_text())
    assert {(each.name, each.scored) for each in summary.candidates} == {("nova-2-lite", 15), ("claude-haiku-4-5", 15)}
    (compared,) = summary.comparisons
    assert compared.estimate.n == 15
    assert "<html" in (tmp_path / "made" / "report.html").read_text()


def test_lines_that_are_no_record_are_named(output: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (output / "broken_output.jsonl").write_text("{\n")
    assert main(["jobs", "collect", "--from", str(output), "--out", str(tmp_path / "made")]) == 0
    assert "broken_output.jsonl:1: not JSON; not counted" in capsys.readouterr().err


def test_a_model_that_answered_the_same_twice_is_told(
    output: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (output / "again_output.jsonl").write_text("\n".join(record(NOVA, number, 0.5) for number in range(4)))
    assert main(["jobs", "collect", "--from", str(output), "--out", str(tmp_path / "made")]) == 0
    assert "4 prompts came back again of the same model" in capsys.readouterr().err
    summary = read_summary((tmp_path / "made" / "summary.json").read_text())
    assert {each.coverage for each in summary.candidates} == {None}
    assert "how many cases were sent is unknown" in (tmp_path / "made" / "report.html").read_text()


def test_output_without_a_score_says_what_its_first_line_lacks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "1_output.jsonl").write_text("[]\n")
    assert main(["jobs", "collect", "--from", str(tmp_path)]) == 1
    assert "1_output.jsonl:1: not a JSON object" in capsys.readouterr().err


def test_a_file_that_is_named_is_read_whatever_it_is_called(tmp_path: Path) -> None:
    file = tmp_path / "mine.txt"
    file.write_text(record(NOVA, 1, 0.5))
    assert main(["jobs", "collect", "--from", str(file), "--out", str(tmp_path / "made")]) == 0
    assert main(["jobs", "collect", "--from", str(tmp_path), "--out", str(tmp_path / "made")]) == 1


def test_a_file_that_cannot_be_read_is_one_clear_error(
    output: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def denied(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", denied)
    assert main(["jobs", "collect", "--from", str(output)]) == 1
    assert capsys.readouterr().err.endswith("1_output.jsonl: cannot be read: Permission denied\n")


@pytest.mark.parametrize(
    ("source", "told"),
    [("nowhere", "no such file or folder"), (".", "contains no file that ends with _output.jsonl")],
)
def test_a_place_without_output_is_one_clear_error(
    source: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["jobs", "collect", "--from", source]) == 1
    assert told in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


class Bucket:
    """An `s3` client that may list and not read."""

    def get_paginator(self, operation: str) -> "Bucket":
        assert operation == "list_objects_v2"
        return self

    def paginate(self, **request: Any) -> list[dict[str, Any]]:
        if request["Bucket"] == "forbidden":
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "ListObjectsV2")
        return [{"Contents": [{"Key": "jobs/1_output.jsonl"}]}]

    def get_object(self, **_: Any) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "GetObject")


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("s3://forbidden/jobs", "error: --from s3://forbidden/jobs: An error occurred (AccessDenied)"),
        ("s3://results/jobs", "error: --from s3://results/jobs/1_output.jsonl: An error occurred (AccessDenied)"),
    ],
)
def test_what_may_not_be_read_in_a_bucket_is_named(
    source: str, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(boto3, "client", lambda *_, **__: Bucket())
    assert main(["jobs", "collect", "--from", source]) == 1
    assert told in capsys.readouterr().err


class Control:
    """A `bedrock` client."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.jobs: list[dict[str, Any]] = []

    def get_paginator(self, operation: str) -> "Control":
        assert operation == "list_evaluation_jobs"
        return self

    def paginate(self, **request: Any) -> list[dict[str, Any]]:
        self.asked.append(("list", request))
        return [{"jobSummaries": self.jobs[start : start + 5]} for start in range(0, len(self.jobs), 5)]

    def stop_evaluation_job(self, **request: Any) -> None:
        self.asked.append(("stop", request))
        if request["jobIdentifier"] != ARN:
            body = {"Error": {"Code": "ConflictException", "Message": "it has ended"}}
            raise ClientError(body, "StopEvaluationJob")


@pytest.fixture
def control(monkeypatch: pytest.MonkeyPatch) -> Control:
    made = Control()
    monkeypatch.setattr(boto3, "client", lambda *_, **__: made)
    return made


def test_jobs_are_listed_by_status_and_name(control: Control, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["jobs", "list", "--status", "Failed", "--containing", "dev"]) == 0
    assert control.asked == [
        ("list", {"sortBy": "CreationTime", "sortOrder": "Descending", "statusEquals": "Failed", "nameContains": "dev"})
    ]
    assert "Evaluation jobs: 0" in capsys.readouterr().out


def test_all_jobs_of_many_pages_are_listed(control: Control, capsys: pytest.CaptureFixture[str]) -> None:
    common = {"status": "Completed", "jobType": "Automated", "creationTime": datetime(2026, 11, 23, tzinfo=UTC)}
    control.jobs = [{**common, "jobName": f"job-{number}", "jobArn": f"{ARN}{number}"} for number in range(63)]
    assert main(["jobs", "list"]) == 0
    told = capsys.readouterr().out
    assert "Evaluation jobs: 63" in told
    assert all(f"job-{number} " in told for number in range(63))
    assert "more" not in told


def test_a_job_that_cannot_be_stopped_is_one_clear_error(control: Control, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["jobs", "stop", ARN]) == 0
    assert main(["jobs", "stop", ARN[:-1]]) == 1
    assert "it has ended" in capsys.readouterr().err
    assert len(control.asked) == 2
