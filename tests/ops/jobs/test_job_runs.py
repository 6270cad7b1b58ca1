"""`ops jobs` by the name of an evaluation, over a faked bucket with runs that the jobs function's own code has made."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from bedrock_eval.jobs.progress import Jobs, JobStatus, read_jobs
from bedrock_eval.layout import RunLayout, definition_key
from bedrock_eval.results.summary import read_summary
from bedrock_eval_runs.events import FailEvent, SliceEvent
from bedrock_eval_runs.failures import fail_run
from bedrock_eval_runs.jobs.polling import look
from ops.__main__ import main
from ops.commands import run as run_command
from ops.commands.jobs import LIST
from ops.jobs.runs import SHOW
from tests.support.definitions import as_custom
from tests.support.fakes import client_error
from tests.support.json_documents import read_document
from tests.support.operations import clients_of_the_account
from tests.support.runs.jobs import BUCKET, DATA, DEFINITION, PROMPTS, World

DEV = """\
application: shop
region: us-east-1
owner: us
runbook_url: https://example.com/runbook
models:
  small: {id: amazon.nova-pro-v1:0}
datasets:
  questions: {source: s3://elsewhere/questions.jsonl}
evaluations:
  judged: {kind: judge, judge: small, dataset: questions, candidates: [small], metrics: [Builtin.Correctness]}
  support: {dataset: questions, candidates: [small]}
"""
RUN, LATER = "20261123T060000Z", "20261130T060000Z"


class Machine:
    """Step Functions: each question after the execution is one round of the state machine."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.started: list[dict[str, Any]] = []
        self.between: Callable[[], None] = world.bedrock.complete

    @property
    def layout(self) -> RunLayout:
        return RunLayout("judged", self.started[0]["name"].removeprefix("judged-"))

    def start_execution(self, **arguments: Any) -> dict[str, str]:
        self.started.append(arguments)
        looked(self.world, self.layout)
        return {"executionArn": "arn:execution"}

    def describe_execution(self, **_: Any) -> dict[str, str]:
        done = self.layout.summary in self.world.s3.keys(BUCKET)
        return {"status": "SUCCEEDED" if done else "RUNNING"}

    def pause(self, _: float) -> None:
        self.between()
        looked(self.world, self.layout)


def looked(world: World, layout: RunLayout) -> None:
    """One look, and the state machine's way out."""
    event = SliceEvent(layout, f"execution of {layout.run_id}")
    try:
        look(world.services, event, remaining_seconds=900)
    except Exception as error:  # whatever it is, as States.ALL
        cause = json.dumps({"errorType": type(error).__name__, "errorMessage": str(error)})
        fail_run(world.services.runs, FailEvent(layout.evaluation, layout, event.execution, "RunFailed", cause))


@pytest.fixture
def world() -> World:
    made = World()
    made.deploy()
    made.deploy(as_custom(DEFINITION, evaluation="support", metrics=("f1_score",)))
    lines = [json.dumps({"prompt": prompt, "referenceResponse": "r"}) for prompt in PROMPTS]
    made.s3.put_object(Bucket=DATA, Key="datasets/questions.jsonl", Body="\n".join(lines).encode())
    return made


@pytest.fixture
def machine(world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Machine:
    made = Machine(world)
    clients = clients_of_the_account(BUCKET, s3=world.s3, stepfunctions=made, bedrock=world.bedrock)
    monkeypatch.setattr(boto3, "client", lambda service, **_: clients[service])
    monkeypatch.setenv("BEDROCK_EVAL_ENVIRONMENTS", str(tmp_path))
    monkeypatch.setattr(run_command, "time", SimpleNamespace(sleep=made.pause))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dev.yaml").write_text(DEV)
    return made


def ops(*arguments: str) -> int:
    return main([*arguments, "--env", "dev"])


def jobs(world: World, layout: RunLayout) -> Jobs:
    return read_jobs(world.s3.text(BUCKET, layout.jobs))


def under_way(world: World, run: str = RUN) -> RunLayout:
    layout = RunLayout("judged", run)
    looked(world, layout)
    return layout


def finished(world: World, run: str = RUN) -> RunLayout:
    layout = under_way(world, run)
    world.bedrock.complete()
    looked(world, layout)
    world.bedrock.status = "InProgress"
    return layout


class TestStart:
    @pytest.mark.parametrize("command", [("jobs", "start"), ("run",)])
    def test_a_run_by_jobs_is_followed_to_its_table(
        self, command: tuple[str, ...], machine: Machine, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert ops(*command, "judged") == 0
        arn = "arn:aws:states:us-east-1:111122223333:stateMachine:shop-dev-evaluation-jobs"
        assert machine.started[0]["stateMachineArn"] == arn
        told = capsys.readouterr()
        assert (
            told.err.count("Cost estimate: unknown (Bedrock's jobs report no tokens, and no cost limit stops them)\n")
            == 1
        )
        assert "2 in progress of 2 jobs; next poll at 06:01:30 UTC\n" in told.err
        assert "2 completed of 2 jobs; reading their output\n" in told.err
        assert f"report: s3://{BUCKET}/runs/judged/{machine.layout.run_id}/report.html" in told.err
        assert "Builtin.Correctness" in told.out

    def test_a_failed_job_is_an_error_with_bedrocks_words(
        self, machine: Machine, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def fail() -> None:
            machine.world.bedrock.status, machine.world.bedrock.failure = "Failed", "No access to\x1b[2J the model."

        machine.between = fail
        assert ops("jobs", "start", "judged") == 1
        told = capsys.readouterr().err
        assert "\n2 failed of 2 jobs\n" in told
        assert "failed: job_failed: " in told
        assert "(small): No access to?[2J the model." in told

    def test_what_waits_for_its_turn_is_told_with_the_reason(
        self, machine: Machine, capsys: pytest.CaptureFixture[str]
    ) -> None:
        machine.world.bedrock.refusals = ["ThrottlingException"]
        assert ops("jobs", "start", "judged") == 0
        told = capsys.readouterr().err
        assert "1 waiting, 1 in progress of 2 jobs; next poll at" in told
        assert "; not started: ThrottlingException" in told

    def test_a_custom_evaluation_is_sent_to_the_command_of_its_kind(
        self, machine: Machine, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert ops("jobs", "start", "support") == 1
        told = capsys.readouterr().err
        assert "evaluation support is of kind custom, which needs no evaluation job" in told
        assert "use: bedrock-eval run support --env dev" in told
        assert not machine.started


class TestList:
    def test_each_job_has_its_run_and_the_newest_comes_first(
        self, machine: Machine, capsys: pytest.CaptureFixture[str]
    ) -> None:
        finished(machine.world)
        machine.world.clock.advance(3600)
        under_way(machine.world, LATER)
        foreign = {"jobArn": "arn:x/y", "jobName": "elsewhere", "status": "Completed"}
        machine.world.bedrock.jobs["arn:x/y"] = {**foreign, "creationTime": machine.world.clock.now()}
        assert ops("jobs", "list") == 0
        told = capsys.readouterr().out
        rows = [line.split() for line in told.splitlines()[2:]]
        assert [(row[2], row[4], row[5]) for row in rows] == [
            ("InProgress", LATER, "small"),
            ("InProgress", LATER, "large"),
            ("Completed", RUN, "small"),
            ("Completed", RUN, "large"),
        ]
        assert ops("jobs", "list", "--status", "Completed") == 0
        assert LATER not in capsys.readouterr().out

    def test_a_job_whose_run_has_expired_is_of_an_unknown_run(
        self, machine: Machine, capsys: pytest.CaptureFixture[str]
    ) -> None:
        layout = finished(machine.world)
        for key in [key for key in machine.world.s3.keys(BUCKET) if key.startswith(layout.prefix)]:
            machine.world.s3.delete_object(Bucket=BUCKET, Key=key)
        assert ops("jobs", "list") == 0
        assert capsys.readouterr().out.count("judged      unknown") == 2


class TestShow:
    def test_the_newest_run_as_bedrock_has_it_now(self, machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
        finished(machine.world)
        layout = under_way(machine.world, LATER)
        first = jobs(machine.world, layout).jobs[0]
        machine.world.bedrock.jobs[str(first.arn)]["status"] = "Failed"
        machine.world.bedrock.failure = "No access.\x1b[2J"
        assert ops("jobs", "show", "judged") == 0
        told = capsys.readouterr().out
        assert f"judged/{LATER}: running" in told
        assert "1 in progress, 1 failed of 2 jobs" in told
        assert f"\n{first.name}:\n  No access.?[2J\n" in told

    def test_a_failed_run_says_why(self, machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
        layout = under_way(machine.world)
        machine.world.bedrock.status, machine.world.bedrock.failure = "Failed", "No access."
        looked(machine.world, layout)
        assert ops("jobs", "show", "judged") == 0
        assert "\nThe run: job_failed: " in capsys.readouterr().out

    def test_what_was_left_in_bedrock_is_named(
        self, machine: Machine, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def denied(**_: Any) -> None:
            raise client_error("AccessDeniedException", "StopEvaluationJob")

        layout = under_way(machine.world)
        first, second = jobs(machine.world, layout).jobs
        machine.world.bedrock.jobs[str(first.arn)]["status"] = "Failed"
        monkeypatch.setattr(machine.world.bedrock, "stop_evaluation_job", denied)
        looked(machine.world, layout)
        left = replace(jobs(machine.world, layout), not_deleted=("arn:old: ConflictException",))
        machine.world.s3.put_object(Bucket=BUCKET, Key=layout.jobs, Body=left.to_json().encode())
        assert ops("jobs", "show", "judged") == 0
        told = capsys.readouterr().out
        assert f"\nBedrock refused to stop {second.name}:\n  AccessDeniedException: StopEvaluationJob\n" in told
        assert "\nAn old job was not deleted:\n  arn:old: ConflictException\n" in told

    def test_a_run_that_came_to_no_job_says_why(self, machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
        layout = RunLayout("judged", RUN)
        event = FailEvent("judged", layout, "arn:e", "RunFailed", json.dumps({"errorMessage": "definition_invalid: x"}))
        fail_run(machine.world.services.runs, event)
        assert ops("jobs", "show", "judged") == 1
        assert f"run judged/{RUN} has no jobs; its state is failed: definition_invalid: x" in capsys.readouterr().err


class TestStop:
    def test_what_is_under_way_is_stopped_and_the_run_ends(
        self, machine: Machine, capsys: pytest.CaptureFixture[str]
    ) -> None:
        layout = under_way(machine.world)
        assert ops("jobs", "stop", "judged") == 0
        assert machine.world.bedrock.stopped == [job.arn for job in jobs(machine.world, layout).jobs]
        assert capsys.readouterr().out.count("stop requested: ") == 2
        looked(machine.world, layout)
        assert machine.world.json(layout.state)["reason"] == "job_stopped"

    def test_of_a_run_whose_jobs_all_wait_the_execution_is_what_can_be_stopped(
        self, machine: Machine, capsys: pytest.CaptureFixture[str]
    ) -> None:
        machine.world.bedrock.refusals = ["ThrottlingException"] * 2
        under_way(machine.world)
        assert ops("jobs", "stop", "judged") == 1
        told = capsys.readouterr().err
        assert "2 waiting of 2 jobs at the last poll; to keep the run from starting more: aws step" in told
        assert told.endswith(f"--execution-arn execution of {RUN}\n")

    def test_a_job_that_has_ended_meanwhile_is_left_as_it_is(
        self, machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        under_way(machine.world)

        def ended(**_: Any) -> None:
            raise client_error("ConflictException", "it has ended")

        monkeypatch.setattr(machine.world.bedrock, "stop_evaluation_job", ended)
        assert ops("jobs", "stop", "judged") == 1
        told = capsys.readouterr().err
        assert f"run judged/{RUN} has no job in progress: 2 in progress of 2 jobs at the last poll" in told


class TestCollect:
    def test_the_same_summary_as_in_the_bucket_and_nothing_is_written_there(
        self, machine: Machine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        layout = finished(machine.world)
        before = {key: machine.world.s3.text(BUCKET, key) for key in machine.world.s3.keys(BUCKET)}
        assert ops("jobs", "collect", "judged") == 0
        assert {key: machine.world.s3.text(BUCKET, key) for key in machine.world.s3.keys(BUCKET)} == before
        place = tmp_path / "build" / "jobs" / "judged" / RUN
        assert read_summary((place / "summary.json").read_text()) == read_summary(before[layout.summary])
        assert (place / "report.html").read_text() == before[layout.report]
        told = capsys.readouterr()
        assert "Builtin.Harmfulness" in told.out
        assert "amazon-bedrock-permission-check: contains no results" in told.err

    def test_a_run_whose_collection_failed_is_read_once_the_cause_is_gone(
        self, machine: Machine, tmp_path: Path
    ) -> None:
        layout = under_way(machine.world)
        data = machine.world.s3.text(DATA, "datasets/questions.jsonl")
        machine.world.s3.delete_object(Bucket=DATA, Key="datasets/questions.jsonl")
        machine.world.bedrock.complete()
        looked(machine.world, layout)
        assert machine.world.json(layout.state)["reason"] == "dataset_missing"
        machine.world.s3.put_object(Bucket=DATA, Key="datasets/questions.jsonl", Body=data.encode())
        assert ops("jobs", "collect", "judged", "--out", str(tmp_path / "made")) == 0
        summary = read_summary((tmp_path / "made" / "summary.json").read_text())
        assert [each.scored for each in summary.candidates] == [12, 12]

    def test_an_older_run_by_its_id(self, machine: Machine, tmp_path: Path) -> None:
        finished(machine.world)
        finished(machine.world, LATER)
        assert ops("jobs", "collect", "judged", "--run", RUN) == 0
        assert [each.name for each in (tmp_path / "build" / "jobs" / "judged").iterdir()] == [RUN]

    def test_output_that_is_gone_is_said(self, machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
        layout = finished(machine.world)
        for key in [key for key in machine.world.s3.keys(BUCKET) if key.startswith(layout.job_output)]:
            machine.world.s3.delete_object(Bucket=BUCKET, Key=key)
        assert ops("jobs", "collect", "judged") == 1
        assert "has completed and left no results below jobs/judged/" in capsys.readouterr().err

    def test_a_run_under_way_is_refused(self, machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
        under_way(machine.world)
        assert ops("jobs", "collect", "judged", "--run", RUN) == 1
        assert (
            f"run judged/{RUN}: 2 in progress of 2 jobs; needed: a run with jobs that have completed"
            in capsys.readouterr().err
        )
        assert ops("jobs", "collect", "judged") == 1
        assert "no run of judged has jobs that have all completed" in capsys.readouterr().err

    def test_of_a_failed_run_what_has_completed_is_read(
        self, machine: Machine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        layout = under_way(machine.world)
        machine.world.bedrock.complete()
        for job, status in zip(machine.world.bedrock.jobs.values(), ("Completed", "Failed"), strict=True):
            job["status"] = status
        looked(machine.world, layout)
        assert ops("jobs", "collect", "judged", "--run", RUN, "--out", str(tmp_path / "made")) == 0
        assert "1 completed, 1 failed of 2 jobs: only completed jobs are read\n" in capsys.readouterr().err
        summary = read_summary((tmp_path / "made" / "summary.json").read_text())
        assert [(each.name, each.scored) for each in summary.candidates] == [("small", 12)]


@pytest.mark.parametrize("action", ["start", "show", "stop", "collect"])
class TestEveryAction:
    def test_an_unknown_evaluation(self, action: str, machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
        assert ops("jobs", action, "absent") == 1
        assert capsys.readouterr().err.endswith("has no evaluation 'absent'; there are: judged, support\n")

    def test_a_custom_evaluation(self, action: str, machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
        assert ops("jobs", action, "support") == 1
        assert "evaluation support is of kind custom" in capsys.readouterr().err

    def test_one_that_is_not_deployed_yet(
        self, action: str, machine: Machine, capsys: pytest.CaptureFixture[str]
    ) -> None:
        machine.world.s3.delete_object(Bucket=BUCKET, Key=definition_key("judged"))
        assert ops("jobs", action, "judged") == 1
        assert (
            "evaluation judged is in the environment file and not deployed yet; needed: cdk deploy"
            in capsys.readouterr().err
        )

    def test_nothing_is_deployed(
        self,
        action: str,
        machine: Machine,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        def missing(StackName: str) -> None:  # noqa: N803
            raise client_error("ValidationError", f"Stack with id {StackName} does not exist")

        made = boto3.client
        stacks = SimpleNamespace(describe_stacks=missing)
        monkeypatch.setattr(boto3, "client", lambda service, **_: stacks if service[0] == "c" else made(service))
        assert ops("jobs", action, "judged") == 1
        told = capsys.readouterr().err
        assert "environment dev is not deployed in account 111122223333, us-east-1 (no stack " in told


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["show", "judged"], "'judged' is not an ARN; needed: --env"),
        (["stop", "judged"], "'judged' is not an ARN; needed: --env"),
        (["collect"], "needed: either NAME with --env, or --from"),
        (["collect", "judged", "--from", "x"], "needed: either NAME with --env, or --from"),
        (["collect", "judged"], "'judged' is not an ARN; needed: --env"),
        (["collect", "--from", "x", "--run", RUN], "--run: not together with --from"),
        (["collect", "--from", "x", "--env", "dev"], "--env: not together with --from"),
        (["collect", "--from", "s3://"], "--from s3://: names no bucket; needed: s3://bucket/prefix"),
        (["list", "--env", "dev", "--containing", "x"], "--containing: not together with --env"),
        (["list", "--env", "dev", "--region", "eu-west-1"], "--region: not together with --env"),
        (
            ["show", "judged", "--env", "dev"],
            "evaluation judged has no run yet; start one with: bedrock-eval jobs start judged --env dev",
        ),
    ],
)
def test_what_does_not_fit_is_one_message(
    arguments: list[str], message: str, machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["jobs", *arguments]) == 1
    told = capsys.readouterr()
    assert message in told.err
    assert (told.err.count("\n"), told.out) == (1, "")


def test_a_stopped_run_is_not_under_way(machine: Machine) -> None:
    layout = under_way(machine.world)
    assert ops("jobs", "stop", "judged") == 0
    looked(machine.world, layout)
    assert {job.status for job in jobs(machine.world, layout).jobs} == {JobStatus.STOPPED}
    assert ops("jobs", "stop", "judged") == 1


def test_jobs_as_json(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    layout = under_way(machine.world)
    assert ops("jobs", "show", "judged", "--json") == 0
    found = read_document(capsys.readouterr().out, SHOW)
    assert found["run"] == f"judged/{RUN}"
    assert [row["name"] for row in found["jobs"]] == [job.name for job in jobs(machine.world, layout).jobs]
    assert {row["ended"] for row in found["jobs"]} == {None}
    assert ops("jobs", "list", "--json") == 0
    found = read_document(capsys.readouterr().out, LIST)
    assert {row["run"] for row in found["jobs"]} == {RUN}
    assert found["account_jobs"] == []
