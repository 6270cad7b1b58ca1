"""The custom evaluation as deployed: run, run again, kill and resume, fail with a reason."""

import json
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

from bedrock_eval.layout import definition_key
from bedrock_eval.results.summary import read_summary
from bedrock_eval.scores import score
from local.evaluation import alarm_states, cloudwatch_means, expected_alarms, subscribe_inbox, wait_for_messages
from tests.support.frozen import ANSWERS, DATASET
from tests.support.local.deployment import EVALUATION, Deployments, Stack

CASES = 42


@pytest.fixture(scope="module")
def stack(deployments: Deployments) -> Stack:
    """A deployment in which nothing has failed and no declared model was called."""
    return deployments.untouched()


def recorded() -> dict[str, dict[str, float]]:
    """Mean of each metric by model id, straight from the sample files."""
    lines = DATASET.read_text().splitlines()
    references = {case["prompt"]: case["referenceResponse"] for case in map(json.loads, lines)}
    values: dict[str, dict[str, list[float]]] = {}
    for line in ANSWERS.read_text().splitlines():
        answer = json.loads(line)
        for name in ("relevance_score", "response_length", "unicode_exact_match", "unicode_f1_score"):
            value = score(name, response=answer["response"], references=[references[answer["prompt"]]])
            assert value is not None
            values.setdefault(answer["modelId"], {}).setdefault(name, []).append(value)
    return {model: {name: fmean(found) for name, found in metrics.items()} for model, metrics in values.items()}


@pytest.fixture(scope="module")
def finished(stack: Stack) -> tuple[str, dict[str, Any], str]:
    """One finished run: its scheduled time, its summary, and the inbox that listened."""
    inbox = subscribe_inbox(stack.clients, stack.deployment)
    when = stack.scheduled_time()
    done = stack.wait(stack.begin(EVALUATION, when))
    assert done["status"] == "SUCCEEDED", done
    return when, stack.read(stack.layout(EVALUATION, when).summary), inbox


def test_the_means_are_those_of_the_recorded_answers(finished: tuple[str, dict[str, Any], str]) -> None:
    _, summary, _ = finished
    expected = recorded()
    assert len(summary["candidates"]) == 2
    for candidate in summary["candidates"]:
        assert (candidate["cases"], candidate["scored"], candidate["failed"]) == (CASES, CASES, 0)
        for name, metric in candidate["metrics"].items():
            assert metric["n"] == CASES
            assert metric["mean"] == pytest.approx(expected[candidate["model_id"]][name], rel=1e-12)
            assert metric["low"] <= metric["mean"] <= metric["high"]


def test_cloudwatch_gives_the_same_means_back(stack: Stack, finished: tuple[str, dict[str, Any], str]) -> None:
    summary = read_summary(json.dumps(finished[1]))
    found = cloudwatch_means(stack.clients, summary)
    for candidate in summary.candidates:
        for name, metric in candidate.metrics.items():
            assert found[candidate.name, name] == pytest.approx(metric.mean, rel=1e-6)


def test_the_bad_candidate_causes_an_alarm_that_notifies(
    stack: Stack, finished: tuple[str, dict[str, Any], str]
) -> None:
    expected = expected_alarms(read_summary(json.dumps(finished[1])), stack.names)
    assert sorted(expected.values()) == ["ALARM", "OK"]
    in_alarm = [name for name, state in expected.items() if state == "ALARM"]
    messages = wait_for_messages(stack.clients, finished[2], alarms=in_alarm)
    sent = [message for message in messages if message.state == "ALARM"]
    assert all(message.alarms & set(in_alarm) for message in sent)
    assert {name for message in sent for name in message.alarms} >= set(in_alarm)
    states = alarm_states(stack.clients, stack.names.prefix)
    assert {name: states[name] for name in expected} == expected


def test_no_other_alarm_begins(stack: Stack, finished: tuple[str, dict[str, Any], str]) -> None:
    states = alarm_states(stack.clients, stack.names.prefix)
    in_alarm = {name for name, state in states.items() if state == "ALARM"}
    assert {name for name in in_alarm if "-verdict-" not in name and "-critical-quality-" not in name} == set()


def test_the_same_scheduled_time_again_asks_nothing(stack: Stack, finished: tuple[str, dict[str, Any], str]) -> None:
    when, summary, _ = finished
    done = stack.wait(stack.begin(EVALUATION, when))
    assert done["status"] == "SUCCEEDED"
    assert stack.simulator("GET", "calls")["totals"]["attempts"] == 0
    assert stack.read(stack.layout(EVALUATION, when).summary) == summary


def test_evaluation_traffic_is_not_counted_under_the_declared_model(
    stack: Stack, finished: tuple[str, dict[str, Any], str]
) -> None:
    """Our own inference profiles have a ModelId of their own in AWS/Bedrock; production's series stay empty."""
    pages = stack.clients.cloudwatch.get_paginator("list_metrics").paginate(
        Namespace="AWS/Bedrock", MetricName="Invocations"
    )
    dimensions = [metric["Dimensions"] for page in pages for metric in page["Metrics"]]
    called = {item["Value"] for found in dimensions for item in found if item["Name"] == "ModelId"}
    declared = {model.id for model in stack.environment.models.values()}
    assert called
    assert not called & declared


def function_processes(stack: Stack, package: str) -> list[int]:
    """Process ids of the emulator's Lambda runtimes whose code folder holds `package`."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            folder = (entry / "cwd").resolve()
            command = (entry / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if str(stack.directory) in command + str(folder) + environment_of(entry) and package in listing(entry):
            found.append(int(entry.name))
    return found


def environment_of(entry: Path) -> str:
    try:
        return (entry / "environ").read_bytes().decode(errors="replace")
    except OSError:
        return ""


def listing(entry: Path) -> str:
    return environment_of(entry) + (entry / "cmdline").read_bytes().decode(errors="replace")


def test_a_killed_run_resumes_and_asks_nothing_twice_but_what_was_in_flight(stack: Stack) -> None:
    stack.simulator("PUT", "config", {"faults": {"*": {"stall": 1.0, "stall_seconds": 0.6}}})
    when = stack.scheduled_time()
    layout = stack.layout(EVALUATION, when)
    execution = stack.begin(EVALUATION, when)
    deadline = time.monotonic() + 60
    while not stack.keys(f"{layout.prefix}results/") and time.monotonic() < deadline:
        time.sleep(0.1)
    stored = sum(len(stack.outcomes(layout, name)) for name in candidates(stack))
    assert 0 < stored < 2 * CASES
    victims = function_processes(stack, stack.names.custom_evaluator)
    assert victims
    for victim in victims:
        os.kill(victim, signal.SIGKILL)
    stack.simulator("PUT", "config", {"faults": {}})
    done = stack.wait(execution)
    assert done["status"] == "SUCCEEDED", done
    summary = stack.read(layout.summary)
    assert [candidate["scored"] for candidate in summary["candidates"]] == [CASES, CASES]
    for name in candidates(stack):
        ids = Counter(line["case_id"] for line in stack.outcomes(layout, name))
        assert set(ids.values()) == {1}
    calls = stack.simulator("GET", "calls")["calls"]
    attempts = Counter(entry["attempts"] for model in calls.values() for entry in model.values())
    assert set(attempts) <= {1, 2}
    # What was flushed before the kill was never asked again.
    assert attempts[2] <= 2 * CASES - stored


def test_a_full_concurrency_is_waited_out(stack: Stack) -> None:
    """A new account has ten executions for all functions, here one: a run that finds it taken goes on later."""
    deployed = stack.read(definition_key(EVALUATION))
    body = json.dumps({**deployed, "evaluation": "crowded"}).encode()
    stack.clients.s3.put_object(Bucket=stack.bucket, Key=definition_key("crowded"), Body=body)
    stack.simulator("PUT", "config", {"faults": {"*": {"stall": 1.0, "stall_seconds": 0.3}}})
    before = stack.settings()["concurrent_executions"]
    stack.settings(concurrent_executions=1)
    try:
        executions = [stack.begin(name, stack.scheduled_time()) for name in (EVALUATION, "crowded")]
        assert [stack.wait(each)["status"] for each in executions] == ["SUCCEEDED", "SUCCEEDED"]
    finally:
        stack.settings(concurrent_executions=before)
    pages = stack.clients.stepfunctions.get_paginator("get_execution_history")
    errors = Counter(
        event["taskFailedEventDetails"]["error"]
        for each in executions
        for page in pages.paginate(executionArn=each)
        for event in page["events"]
        if "taskFailedEventDetails" in event
    )
    assert set(errors) == {"Lambda.TooManyRequestsException"}


def candidates(stack: Stack) -> list[str]:
    return [candidate.name for candidate in stack.environment.evaluations[EVALUATION].candidates]


@pytest.fixture
def impatient(stack: Stack) -> Iterator[None]:
    """A run that finds no room gives up after seconds, not half an hour."""
    key = definition_key(EVALUATION)
    deployed = stack.read(key)

    def put(definition: dict[str, Any]) -> None:
        stack.clients.s3.put_object(Bucket=stack.bucket, Key=key, Body=json.dumps(definition).encode())

    put({**deployed, "patience_minutes": 0.1})
    yield
    put(deployed)


@pytest.mark.parametrize(
    ("faults", "reason"),
    [
        ({"*": {"denied": 1.0}}, "access_denied"),
        ({"*": {"throttle": 1.0}}, "throttled"),
    ],
)
def test_a_run_that_cannot_go_on_fails_with_its_reason(
    stack: Stack, impatient: None, faults: dict[str, Any], reason: str
) -> None:
    stack.simulator("PUT", "config", {"faults": faults})
    when = stack.scheduled_time()
    layout = stack.layout(EVALUATION, when)
    done = stack.wait(stack.begin(EVALUATION, when), seconds=180)
    assert (done["status"], done["error"]) == ("FAILED", "RunFailed")
    assert reason in done["cause"]
    state = stack.read(layout.state)
    assert (state["status"], state["reason"]) == ("failed", reason)
    assert layout.summary not in stack.keys(layout.prefix)
    lease = stack.read(layout.lock)["expires_at"]
    assert datetime.fromisoformat(lease) <= datetime.now(UTC)
    assert failed_runs(stack) >= 1


def failed_runs(stack: Stack) -> float:
    answer = stack.clients.cloudwatch.get_metric_statistics(
        Namespace="Custom/Bedrock",
        MetricName="run_failed",
        Dimensions=[
            {"Name": "Application", "Value": stack.environment.application},
            {"Name": "Evaluation", "Value": EVALUATION},
        ],
        StartTime=datetime.now(UTC) - timedelta(hours=2),
        EndTime=datetime.now(UTC) + timedelta(minutes=1),
        Period=3600,
        Statistics=["Maximum"],
    )
    return max((float(point["Maximum"]) for point in answer["Datapoints"]), default=0.0)


@pytest.mark.parametrize(
    ("body", "reason", "said"),
    [
        (b"", "dataset_empty", "has no cases"),
        (b'{"prompt": "What?"}\n{"question": "What?"}\n', "dataset_invalid", ":2: key 'prompt' is missing"),
        (None, "dataset_missing", "broken.jsonl"),
    ],
)
def test_a_dataset_that_cannot_be_used(stack: Stack, body: bytes | None, reason: str, said: str) -> None:
    evaluation = f"broken-{reason.replace('_', '-')}"[:24].rstrip("-")
    definition = stack.read(f"definitions/{EVALUATION}.json")
    key = f"datasets/{evaluation}/broken.jsonl"
    definition.update(evaluation=evaluation, gates=[], headline=False, schedule=None)
    definition["dataset"]["key"] = key
    stack.clients.s3.put_object(
        Bucket=stack.bucket, Key=f"definitions/{evaluation}.json", Body=json.dumps(definition).encode()
    )
    if body is not None:
        stack.clients.s3.put_object(Bucket=definition["dataset"]["bucket"], Key=key, Body=body)
    when = stack.scheduled_time()
    done = stack.wait(stack.begin(evaluation, when))
    assert done["status"] == "FAILED"
    state = stack.read(stack.layout(evaluation, when).state)
    assert state["reason"] == reason
    assert said in state["message"]


def test_a_share_of_faults_is_recorded_case_by_case(stack: Stack) -> None:
    stack.simulator("PUT", "config", {"faults": {"*": {"424": 0.2, "reasoning_first": 0.3, "empty": 0.1}}})
    when = stack.scheduled_time()
    done = stack.wait(stack.begin(EVALUATION, when))
    assert done["status"] == "SUCCEEDED", done
    for candidate in stack.read(stack.layout(EVALUATION, when).summary)["candidates"]:
        assert candidate["cases"] == CASES
        assert candidate["failed"] == sum(candidate["failures"].values()) > 0
        assert set(candidate["failures"]) == {"model_error", "empty_answer"}
        assert all(metric["n"] == candidate["scored"] for metric in candidate["metrics"].values())
        assert [gate["verdict"] for gate in candidate["gates"]] == ["inconclusive"]


def test_an_event_without_a_readable_time_is_refused(stack: Stack) -> None:
    before = stack.keys("runs/")
    done = stack.wait(stack.begin(EVALUATION, "<aws.scheduler.scheduled-time>"))
    assert done["status"] == "FAILED"
    assert "scheduledTime" in done["cause"]
    assert stack.keys("runs/") == before


def functions_logs(stack: Stack) -> str:
    """The logs of every function."""
    logs = stack.clients.logs
    groups = logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/")["logGroups"]
    pages = logs.get_paginator("filter_log_events")
    return "\n".join(
        event["message"]
        for group in groups
        for page in pages.paginate(logGroupName=group["logGroupName"])
        for event in page["events"]
    )


def test_the_functions_log_no_prompt_and_no_answer(stack: Stack, finished: tuple[str, dict[str, Any], str]) -> None:
    answers = [json.loads(line) for line in ANSWERS.read_text().splitlines()]
    log = (stack.directory / "emulator" / "emulator.log").read_text(errors="replace") + functions_logs(stack)
    # An answer of a word, as "No", is in every log.
    texts = [answer["prompt"] for answer in answers]
    texts += [answer["response"][:60] for answer in answers if len(answer["response"]) >= 20]
    assert len(texts) > len(answers) * 1.5
    assert '"logger": "bedrock_eval_runs.' in log
    assert '"logger": "bedrock_eval_functions.watchdog.' in log
    assert not [text for text in texts if text in log]
