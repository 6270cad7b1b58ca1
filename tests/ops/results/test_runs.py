"""`ops run` and `ops runs` over a faked bucket with runs that the evaluator's own code has made."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest

from bedrock_eval.evaluation.definition import Gate
from bedrock_eval.layout import BaselineLayout, RunLayout
from bedrock_eval.names import run_time
from bedrock_eval.runs.state import RunState, RunStatus
from bedrock_eval_runs.custom.slices import run_slice
from bedrock_eval_runs.errors import RunFailed
from bedrock_eval_runs.events import FailEvent, SliceEvent, parse_event
from bedrock_eval_runs.failures import fail_run
from ops.__main__ import main
from ops.commands import run as run_command
from ops.commands.runs import COMPARE, LIST
from ops.results.finished_run import RUN
from tests.support.fakes import answer, client_error
from tests.support.json_documents import read_document
from tests.support.operations import clients_of_the_account
from tests.support.runs.custom import BUCKET, World

EARLIER, LATER = "20261122T060000Z", "20261123T060000Z"
CASES = 20
DEV = """\
application: shop
region: us-east-1
owner: us
runbook_url: https://example.com/runbook # ours
models:
  small: {id: us.amazon.nova-2-lite-v1:0}
datasets:
  questions: {source: s3://elsewhere/questions.jsonl}
evaluations:
  support: # the one that counts
    dataset: questions
    candidates: [small]
"""


class Machine:
    """Step Functions: an execution does the whole run at once."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.started: list[dict[str, Any]] = []
        self.work: Callable[[RunLayout], None] = lambda layout: evaluated(world, layout)
        self.status = "SUCCEEDED"

    def start_execution(self, **arguments: Any) -> dict[str, str]:
        self.started.append(arguments)
        self.work(RunLayout("support", arguments["name"].removeprefix("support-")))
        return {"executionArn": "arn:execution"}

    def describe_execution(self, **_: Any) -> dict[str, str]:
        return {"status": self.status}


def evaluated(world: World, layout: RunLayout) -> None:
    run_slice(world.services, SliceEvent(layout, f"execution of {layout.run_id}"), remaining_seconds=900)


def cases(count: int = CASES) -> list[dict[str, str]]:
    return [{"id": f"c{n}", "prompt": f"question {n}", "referenceResponse": f"answer {n}"} for n in range(count)]


def number_in(prompt: str) -> str:
    """The candidate `large` has a template around the prompt."""
    return prompt.removesuffix(" A:").split()[-1]


@pytest.fixture
def world() -> World:
    """Two finished runs of one evaluation with two candidates; in the earlier one `small` answered badly."""
    made = World()
    made.dataset(*cases())
    made.deploy(metrics=("f1_score",), gates=(Gate("f1_score", min=0.5),))
    made.models.script = lambda model, prompt: answer(
        {"text": "wrong" if model == "profile-small" and prompt[-1] != "7" else f"answer {number_in(prompt)}"}
    )
    evaluated(made, RunLayout("support", EARLIER))
    made.models.script = lambda model, prompt: answer(
        {"text": "wrong" if prompt[-1] == "5" else f"answer {number_in(prompt)}"}
    )
    evaluated(made, RunLayout("support", LATER))
    return made


@pytest.fixture
def machine(world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Machine:
    made = Machine(world)
    clients = clients_of_the_account(BUCKET, s3=world.s3, stepfunctions=made)
    monkeypatch.setattr(boto3, "client", lambda service, **_: clients[service])
    monkeypatch.setenv("BEDROCK_EVAL_ENVIRONMENTS", str(tmp_path))
    monkeypatch.setattr(run_command, "POLL_SECONDS", 0.0)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dev.yaml").write_text(DEV)
    return made


def ops(*arguments: str) -> int:
    return main([*arguments, "--env", "dev"])


def test_a_run_is_started_by_hand_followed_and_judged(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    assert ops("run", "support") == 0
    sent = json.loads(machine.started[0]["input"])
    assert sent["evaluation"] == "support"
    assert machine.started[0]["name"].endswith(f"-manual-{sent['manual']}")
    arn = "arn:aws:states:us-east-1:111122223333:stateMachine:shop-dev-evaluation"
    assert machine.started[0]["stateMachineArn"] == arn
    assert gate_verdicts(capsys.readouterr().out) == {("small", "passed"), ("large", "passed")}


def test_a_broken_gate_is_exit_code_10(machine: Machine) -> None:
    machine.world.models.script = lambda *_: answer({"text": "wrong"})
    assert ops("run", "support") == 10


def test_without_waiting_the_run_id_is_all(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    assert ops("run", "support", "--no-wait") == 0
    assert capsys.readouterr().out.strip() == machine.started[0]["name"].removeprefix("support-")


def test_ctrl_c_stops_following_and_says_how_to_go_on(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(_: float) -> None:
        raise KeyboardInterrupt

    machine.status = "RUNNING"
    monkeypatch.setattr(run_command.time, "sleep", interrupted)
    assert ops("run", "support") == 130
    run_id = machine.started[0]["name"].removeprefix("support-")
    assert f"bedrock-eval run support --env dev --follow {run_id}" in capsys.readouterr().err
    machine.status = "SUCCEEDED"
    assert ops("run", "support", "--follow", run_id) == 0
    assert len(machine.started) == 1


def failed(world: World, layout: RunLayout) -> None:
    state = RunState("support", layout.run_id, RunStatus.FAILED, "", "", reason="dataset_missing", message="gone")
    world.s3.put_object(Bucket=BUCKET, Key=layout.state, Body=state.to_json().encode())


def test_a_run_that_fails_is_an_error_with_its_reason(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    machine.work = lambda layout: failed(machine.world, layout)
    machine.status = "FAILED"
    assert ops("run", "support") == 1
    assert "failed: dataset_missing: gone" in capsys.readouterr().err


def test_an_execution_that_leaves_nothing_is_an_error(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    machine.work = lambda layout: None
    machine.status = "ABORTED"
    assert ops("run", "support") == 1
    assert "ended without a result" in capsys.readouterr().err


def test_the_list_has_state_counts_and_verdicts_newest_first(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    failed(machine.world, RunLayout("support", "20261124T060000Z"))
    assert ops("runs", "list") == 0
    lines = capsys.readouterr().out.splitlines()[2:]
    assert [line.split()[1] for line in lines] == ["20261124T060000Z", LATER, EARLIER]
    assert "failed (dataset_missing)" in lines[0]
    assert "unknown" in lines[0]
    assert "2 passed" in lines[1]
    assert "1 passed, 1 failed" in lines[2]
    assert ops("runs", "list", "--limit", "1") == 0
    assert EARLIER not in capsys.readouterr().out


def gate_verdicts(shown: str) -> set[tuple[str, str]]:
    """Of every candidate's gate on f1_score."""
    rows = re.findall(r"^  (\w+)  +f1_score +at least 0.5 .*(passed|failed|undecided)", shown, re.MULTILINE)
    return set(rows)


def test_comparing_leaves_out_cases_whose_reference_has_changed(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    changed = [{**each, "referenceResponse": f"other {n}"} for n, each in enumerate(cases()) if n < 6]
    machine.world.dataset(*changed, *cases()[6:])
    evaluated(machine.world, RunLayout("support", "20261124T060000Z"))
    assert ops("runs", "compare", "latest", EARLIER) == 0
    told = capsys.readouterr()
    large = next(line.split() for line in told.out.splitlines() if line.split()[0] == "large")
    assert large[2] == "14"
    assert f"the dataset has changed since support/{EARLIER}: 6 cases with another prompt or reference" in told.err


def test_comparing_scores_an_old_run_again(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    prefix = RunLayout("support", EARLIER).prefix
    for key in [key for key in machine.world.s3.keys(BUCKET) if key.startswith(prefix) and key.endswith(".jsonl")]:
        records = [json.loads(line) for line in machine.world.s3.text(BUCKET, key).splitlines()]
        old = [{**each, "scores": {"f1_score": 0.0}, "versions": {"f1_score": "0"}} for each in records]
        body = "".join(json.dumps(each) + "\n" for each in old)
        machine.world.s3.put_object(Bucket=BUCKET, Key=key, Body=body.encode())
    assert ops("runs", "compare", LATER, EARLIER) == 0
    told = capsys.readouterr()
    large = next(line.split() for line in told.out.splitlines() if line.split()[0] == "large")
    assert large[-3:] == ["no", "difference", "shown"]
    assert f"the stored answers of support/{EARLIER} were scored again" in told.err
    assert "f1_score (version 0 there)" in told.err


def test_comparing_with_the_baseline_says_what_the_gate_said(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    """Within max_drop a certain fall is not worse, here as in the run's own report."""
    world, newest = machine.world, RunLayout("support", "20261124T060000Z")
    source, target = RunLayout("support", LATER).prefix, BaselineLayout("support", LATER).prefix
    for key in [key for key in world.s3.keys(BUCKET) if key.startswith(source)]:
        copy = target + key.removeprefix(source)
        world.s3.put_object(Bucket=BUCKET, Key=copy, Body=world.s3.text(BUCKET, key).encode())
    world.models.script = lambda model, prompt: answer({"text": "wrong"})
    world.deploy(metrics=("f1_score",), gates=(Gate("f1_score", max_drop=1.0),), baseline=LATER)
    evaluated(world, newest)
    assert ops("runs", "compare", newest.run_id, LATER) == 0
    told = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert {tuple(line[-2:]) for line in told if line[0] in ("small", "large")} == {("not", "worse")}


def test_comparing_pairs_cases_and_counts_the_others(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    machine.world.dataset(*cases(CASES - 3))
    newest = RunLayout("support", "20261124T060000Z")
    evaluated(machine.world, newest)
    assert ops("runs", "compare", "latest", EARLIER) == 0
    told = capsys.readouterr()
    small = next(line.split() for line in told.out.splitlines() if line.split()[0] == "small")
    large = next(line.split() for line in told.out.splitlines() if line.split()[0] == "large")
    assert (small[1:3], small[-2:]) == (["f1_score", "17"], ["3", "better"])
    assert large[-3:] == ["no", "difference", "shown"]
    assert f"the dataset has changed since support/{EARLIER}: 3 cases only in support/{EARLIER}" in told.err
    assert "compared: 17 cases in both runs" in told.err


def test_a_report_is_fetched(machine: Machine, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ops("runs", "report", LATER) == 0
    path = capsys.readouterr().out.strip()
    assert (tmp_path / path).read_text() == machine.world.s3.text(BUCKET, RunLayout("support", LATER).report)


def test_accepting_copies_everything_and_pins_the_run(
    machine: Machine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ops("runs", "accept", LATER) == 0
    source, copy = RunLayout("support", LATER), BaselineLayout("support", LATER)
    s3 = machine.world.s3
    copied = [key for key in s3.keys(BUCKET) if key.startswith(copy.prefix)]
    for key in [*source_keys(machine, source), source.summary]:
        assert s3.text(BUCKET, copy.prefix + key.removeprefix(source.prefix)) == s3.text(BUCKET, key)
    assert copy.lock not in copied
    assert json.loads(s3.text(BUCKET, copy.accepted))["by"].endswith("/me")
    expected = DEV.replace("candidates: [small]\n", f'candidates: [small]\n    baseline: "{LATER}"\n')
    assert (tmp_path / "dev.yaml").read_text() == expected
    assert f'+    baseline: "{LATER}"' in capsys.readouterr().out
    assert ops("runs", "accept", LATER) == 0
    told = capsys.readouterr()
    assert "exists already" in told.err
    assert "The file has all of these values already." in told.out
    assert (tmp_path / "dev.yaml").read_text() == expected


def source_keys(machine: Machine, layout: RunLayout) -> list[str]:
    return [key for key in machine.world.s3.keys(BUCKET) if key.startswith(layout.results)]


def test_a_copy_that_breaks_off_pins_nothing_and_is_done_again(machine: Machine, tmp_path: Path) -> None:
    s3 = machine.world.s3
    part = RunLayout("support", LATER).part("small", 0)
    s3.denied.add(part)
    assert ops("runs", "accept", LATER) == 1
    assert (tmp_path / "dev.yaml").read_text() == DEV
    assert BaselineLayout("support", LATER).summary not in s3.keys(BUCKET)
    s3.denied.clear()
    assert ops("runs", "accept", LATER) == 0
    assert BaselineLayout("support", LATER).summary in s3.keys(BUCKET)


def test_too_many_failed_cases_need_a_reason(
    machine: Machine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.world.models.script = lambda model, prompt: (
        client_error("ModelErrorException") if prompt[-1] in "12" else answer({"text": "answer"})
    )
    thin = "20261124T060000Z"
    evaluated(machine.world, RunLayout("support", thin))
    assert ops("runs", "accept", thin) == 1
    assert "is below 95.0%; to accept it anyway, give the reason with --force" in capsys.readouterr().err
    assert (tmp_path / "dev.yaml").read_text() == DEV
    assert ops("runs", "accept", thin, "--force", "the model was down") == 0
    record = json.loads(machine.world.s3.text(BUCKET, BaselineLayout("support", thin).accepted))
    assert record["forced"] == "the model was down"


def test_an_unfinished_run_is_never_accepted(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    failed(machine.world, RunLayout("support", "20261124T060000Z"))
    assert ops("runs", "accept", "20261124T060000Z", "--force", "now") == 1
    assert "its state is failed (dataset_missing: gone); needed: a finished run" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "absent"), "has no evaluation 'absent'; there are: support"),
        (("run", "support", "--follow", "yesterday"), "'yesterday' is not a run id"),
        (("runs", "show", "yesterday"), "'yesterday' is not a run id"),
        (("runs", "show", "20200101T000000Z"), "there is no run 20200101T000000Z of support"),
        (("runs", "compare", "latest", "absent/latest"), "has no evaluation 'absent'; there are: support"),
    ],
)
def test_what_does_not_fit_is_one_message(
    arguments: tuple[str, ...], message: str, machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ops(*arguments) == 1
    told = capsys.readouterr()
    assert message in told.err
    assert told.out == ""
    assert not machine.started


def test_credentials_of_another_account_are_refused(
    machine: Machine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "dev.yaml").write_text(DEV + 'account: "999999999999"\n')
    assert ops("run", "support") == 1
    assert "for account 111122223333; environment dev is in 999999999999" in capsys.readouterr().err
    assert not machine.started


@pytest.mark.parametrize(
    "command",
    [
        ["run", "support", "--env", "dev"],
        ["runs", "list", "--env", "dev"],
        ["jobs", "list"],
        ["dashboard", "--env", "dev"],
        ["evaluate", "--dataset", "cases.jsonl", "--model", "us.amazon.nova-2-lite-v1:0"],
    ],
)
@pytest.mark.parametrize("url", ["localhost:4566", "http://", "http://[::1"])
def test_an_endpoint_that_is_no_address_is_refused(
    command: list[str], url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*command, "--endpoint-url", url])
    assert ended.value.code == 1
    assert f"argument --endpoint-url: {url!r} is not an endpoint" in capsys.readouterr().err


# --- what failed, and what is damaged -------------------------------------------------------------------------------


def half_failed(world: World, run_id: str, *, good: int = 10) -> None:
    """A run in which the first cases are answered, and no other."""
    world.models.script = lambda _, prompt: (
        answer({"text": f"answer {number_in(prompt)}"})
        if int(number_in(prompt)) < good
        else client_error("ModelErrorException", "the model is broken", status=424)
    )
    evaluated(world, RunLayout("support", run_id))


def test_a_run_with_too_few_answers_is_inconclusive_wherever_it_is_shown(
    machine: Machine, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.work = lambda layout: half_failed(world, layout.run_id)
    assert ops("run", "support") == 11
    told = capsys.readouterr().out
    assert "too few cases were answered" in told
    assert "the model is broken" in told
    assert ops("runs", "show", "latest") == 11
    assert "the model is broken" in capsys.readouterr().out


def test_a_run_in_which_nothing_was_answered_is_an_error_with_its_reason(
    machine: Machine, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    """The function's own failure, and the state machine's record of it."""

    def broken(layout: RunLayout) -> None:
        with pytest.raises(RunFailed) as raised:
            half_failed(world, layout.run_id, good=0)
        cause = json.dumps({"errorType": "RunFailed", "errorMessage": str(raised.value)})
        event = {"action": "fail", "input": {"evaluation": "support"}, "error": {"Error": "RunFailed", "Cause": cause}}
        stamp = f"{run_time(layout.run_id):%Y-%m-%dT%H:%M:%SZ}"
        event["input"] |= {"scheduledTime": stamp, "manual": layout.run_id[-4:]}  # type: ignore[operator]
        parsed = parse_event({**event, "execution": f"execution of {layout.run_id}"})
        assert isinstance(parsed, FailEvent)
        fail_run(world.services, parsed)

    machine.work = broken
    assert ops("run", "support") == 1
    told = capsys.readouterr().err
    assert "ModelErrorException: the model is broken" in told
    assert "; retry; if it fails again, send the same request with the AWS CLI" in told
    failed = machine.started[0]["name"].removeprefix("support-")
    assert ops("runs", "show", failed) == 1
    assert "the model is broken" in capsys.readouterr().err


def test_what_failed_is_asked_again_in_a_run_of_its_own(
    machine: Machine, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    half_failed(world, "20261124T060000Z")
    world.models.requests.clear()
    world.models.script = lambda _, prompt: answer({"text": f"answer {number_in(prompt)}"})

    def retried(layout: RunLayout) -> None:
        event = SliceEvent(layout, "execution", retry_of="20261124T060000Z")
        run_slice(world.services, event, remaining_seconds=900)

    machine.work = retried
    assert ops("run", "support", "--retry-failed", "20261124T060000Z") == 0
    sent = json.loads(machine.started[0]["input"])
    assert machine.started[0]["name"] == f"support-20261124T060000Z-retry-{sent['retry']}"
    assert sent == {"evaluation": "support", "retryOf": "20261124T060000Z", "retry": sent["retry"]}
    parsed = parse_event({"action": "slice", "input": sent, "execution": "execution"})
    assert parsed == SliceEvent(
        RunLayout("support", f"20261124T060000Z-retry-{sent['retry']}"), "execution", retry_of="20261124T060000Z"
    )
    assert {int(number_in(prompt)) for _, prompt in world.models.asked()} == set(range(10, CASES))
    assert f"{CASES} cases, 0 failed" in capsys.readouterr().out


def test_a_retry_of_a_run_without_failures_starts_nothing(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    assert ops("run", "support", "--retry-failed", LATER) == 0
    assert not machine.started
    assert "no case failed, so there is nothing to retry" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--retry-failed", "20200101T000000Z"), "there is no run 20200101T000000Z"),
        (("--retry-failed", "yesterday"), "'yesterday' is not a run id"),
        (("--retry-failed", LATER, "--follow", LATER), "not together with --follow"),
    ],
)
def test_a_retry_that_cannot_be(
    arguments: tuple[str, ...], message: str, machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ops("run", "support", *arguments) == 1
    assert message in capsys.readouterr().err
    assert not machine.started


@pytest.mark.parametrize("content", [b"", b"null", b"[]", b"{", b"\xff\xfe", b"[" * 100_000])
@pytest.mark.parametrize("name", ["run.json", "summary.json", "definition.json"])
def test_a_damaged_run_hides_no_other_and_is_named(
    name: str, content: bytes, machine: Machine, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.s3.put_object(Bucket=BUCKET, Key=f"runs/support/{LATER}/{name}", Body=content)
    assert ops("runs", "list") == 0
    told = capsys.readouterr()
    assert EARLIER in told.out
    assert (f"runs/support/{LATER}/{name}: " in told.err) == (name != "definition.json")
    for command in (("show", LATER), ("compare", LATER, EARLIER)):
        code = ops("runs", *command)
        told = capsys.readouterr()
        assert code in (0, 1)
        assert code == 0 or f"runs/support/{LATER}/{name}: " in told.err
    assert ops("runs", "report", LATER) == 0


def test_lines_of_a_part_that_cannot_be_read_are_told_and_left_out(
    machine: Machine, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    key = f"runs/support/{LATER}/results/small/part-00000.jsonl"
    lines = world.s3.text(BUCKET, key).splitlines()
    world.s3.put_object(Bucket=BUCKET, Key=key, Body="\n".join(["xx", *lines[1:]]).encode())
    assert ops("runs", "compare", LATER, EARLIER) == 0
    told = capsys.readouterr()
    assert told.err.count(f"{key}: 1 line cannot be read, left out") == 1


def test_the_list_as_json(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    assert ops("runs", "list", "--json") == 0
    found = read_document(capsys.readouterr().out, LIST)
    assert found["environment"] == "dev"
    assert [(row["run"], row["state"], row["cases"], row["baseline"]) for row in found["runs"]] == [
        (LATER, "finished", 2 * CASES, False),
        (EARLIER, "finished", 2 * CASES, False),
    ]
    # The models of this environment have no rates: the cost is unknown, and no 0.
    assert found["runs"][0]["cost"]["usd"] is None
    assert found["runs"][0]["cost"]["unpriced_tokens"] > 0


def test_a_run_as_json(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    assert ops("runs", "show", LATER, "--json") == 0
    found = read_document(capsys.readouterr().out, RUN)
    assert (found["evaluation"], found["run_id"], found["status"]) == ("support", LATER, "finished")
    assert found["report"] == f"s3://{BUCKET}/{RunLayout('support', LATER).report}"
    score = next(row for row in found["scores"] if (row["candidate"], row["metric"]) == ("small", "f1_score"))
    assert score["n"] == CASES
    assert 0 <= score["interval"]["low"] < score["mean"] < score["interval"]["high"] <= 1
    assert {row["verdict"] for row in found["gates"]} == {"passed"}
    assert found["gates"][0]["bound"] == {"min": 0.5, "max": None, "max_drop": None}
    assert [each["name"] for each in found["candidates"]] == ["small", "large"]
    assert found["candidates"][0]["usd"] is None


def test_a_run_in_progress_as_json(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    layout = RunLayout("support", LATER)
    machine.world.s3.delete_object(Bucket=BUCKET, Key=layout.summary)
    state = machine.world.s3.text(BUCKET, layout.state).replace('"finished"', '"running"')
    machine.world.s3.put_object(Bucket=BUCKET, Key=layout.state, Body=state.encode())
    assert ops("runs", "show", LATER, "--json") == 0
    found = read_document(capsys.readouterr().out, RUN)
    assert found["status"] == "running"
    assert (found["completed"], found["total"], found["scores"]) == (2 * CASES, 2 * CASES, [])


def test_a_comparison_as_json(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    assert ops("runs", "compare", LATER, EARLIER, "--json") == 0
    found = read_document(capsys.readouterr().out, COMPARE)
    small = next(row for row in found["differences"] if row["candidate"] == "small")
    assert (small["compared_with"], small["pairs"], small["verdict"]) == (f"support/{EARLIER}", CASES, "better")
    assert small["interval"]["low"] < small["mean"] < small["interval"]["high"]
    assert small["p_value"] < 0.05


def test_a_run_that_starts_as_json(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    assert ops("run", "support", "--no-wait", "--json") == 0
    found = read_document(capsys.readouterr().out, run_command.STARTED)
    assert machine.started[0]["name"] == f"{found['evaluation']}-{found['run_id']}"


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (("runs", "show", "20261123T060001Z"), LATER),
        (("runs", "list", "--evaluation", "suport"), "support"),
        (("run", "support", "--follow", "20261123T060001Z"), LATER),
        (("run", "suport"), "support"),
        (("baseline", "--evaluation", "suport"), "support"),
    ],
)
def test_a_name_that_is_near_to_another(
    machine: Machine, arguments: tuple[str, ...], meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ops(*arguments) == 1
    assert f"(did you mean '{meant}'?)" in capsys.readouterr().err
