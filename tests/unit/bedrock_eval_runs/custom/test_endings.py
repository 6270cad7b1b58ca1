"""Publishing, failing, and the entry point."""

import json
import logging
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedrock_eval.runs.state import Lock, RunFailureReason, timestamp
from bedrock_eval_functions.custom_evaluator import handler as entry
from bedrock_eval_runs.errors import DamagedFile, EventError, PassingError, RunFailed
from bedrock_eval_runs.failures import reason_and_message
from bedrock_eval_runs.publication import publish_run
from bedrock_eval_runs.services import model_client
from tests.support.fakes import START, FakeContext, KilledError, client_error
from tests.support.runs.custom import (
    BUCKET,
    DEFINITION,
    EXECUTION,
    INPUT,
    LAYOUT,
    RUN_ID,
    SLICE,
    World,
)

PUBLISH = {"action": "publish", "input": INPUT, "execution": EXECUTION}
RUN = {"Application": "shop", "Evaluation": "support"}


def fail_event(error: str, cause: str, **more: Any) -> dict[str, Any]:
    return {"action": "fail", "input": INPUT, "error": {"Error": error, "Cause": cause}, **more}


def cause(kind: str, message: str) -> str:
    return json.dumps({"errorMessage": message, "errorType": kind, "stackTrace": ["somewhere"]})


@pytest.fixture(autouse=True)
def _served(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entry, "services", lambda: world.services)


def call(event: object) -> dict[str, object]:
    return entry.handler(event, FakeContext())


class TestPublish:
    def test_a_finished_run_is_published_at_its_start_minute(self, world: World) -> None:
        assert call(SLICE)["status"] == "finished"
        world.clock.advance(3600)
        assert call(PUBLISH) == {"status": "published", "runId": RUN_ID}
        assert world.cloudwatch.namespaces == {"Custom/Bedrock"}
        assert {datum["Timestamp"] for datum in world.cloudwatch.data} == {START.replace(second=0)}
        assert world.cloudwatch.values("run_finished") == [(RUN, 1.0)]
        assert world.cloudwatch.values("run_failed") == [(RUN, 0.0)]
        cases = {dimensions["Candidate"]: value for dimensions, value in world.cloudwatch.values("run_cases")}
        assert cases == {"small": 3.0, "large": 3.0}
        assert world.json(LAYOUT.published)["datums"] == len(world.cloudwatch.data)

    def test_it_is_published_once(self, world: World) -> None:
        call(SLICE)
        call(PUBLISH)
        sent = len(world.cloudwatch.data)
        call(PUBLISH)
        assert len(world.cloudwatch.data) == sent

    def test_a_call_that_died_before_its_mark_publishes_again(self, world: World) -> None:
        call(SLICE)

        def die(key: str) -> None:
            raise KilledError

        world.s3.before_put = die
        with pytest.raises(KilledError):
            call(PUBLISH)
        world.s3.before_put = lambda key: None
        call(PUBLISH)
        assert [value for _, value in world.cloudwatch.values("run_finished")] == [1.0, 1.0]

    def test_metrics_that_cannot_be_sent_just_now_are_for_the_state_machine_to_try_again(self, world: World) -> None:
        call(SLICE)
        world.cloudwatch.refused = client_error("ThrottlingException", "Rate exceeded")
        with pytest.raises(PassingError):
            call(PUBLISH)
        world.cloudwatch.refused = None
        assert call(PUBLISH)["status"] == "published"

    def test_a_damaged_summary_is_named(self, world: World) -> None:
        call(SLICE)
        world.s3.put_object(Bucket=BUCKET, Key=LAYOUT.summary, Body=b"null")
        with pytest.raises(DamagedFile, match=f"file_damaged: {LAYOUT.summary}: cannot be read"):
            call(PUBLISH)

    def test_what_is_not_finished_is_not_published(self, world: World) -> None:
        with pytest.raises(RunFailed, match=r"summary\.json is missing"):
            publish_run(world.services, LAYOUT)
        assert world.cloudwatch.data == []


class TestFail:
    def test_the_reason_comes_through(self, world: World) -> None:
        world.raw_dataset('{"prompt": "alpha"}\nnot json')
        with pytest.raises(RunFailed) as caught:
            call(SLICE)
        result = call(fail_event("RunFailed", cause("RunFailed", str(caught.value))))
        assert result == {"status": "failed", "runId": RUN_ID, "reason": "dataset_invalid"}
        state = world.json(LAYOUT.state)
        assert (state["status"], state["reason"]) == ("failed", "dataset_invalid")
        assert state["message"].startswith("s3://datasets/datasets/questions.jsonl:2: not JSON")
        assert world.cloudwatch.values("run_failed") == [(RUN, 1.0)]
        assert world.json(LAYOUT.lock)["expires_at"] == timestamp(START)

    def test_the_counts_of_a_run_that_had_begun_stay(self, world: World) -> None:
        call(SLICE)
        world.s3.objects.pop((BUCKET, LAYOUT.summary))
        call(fail_event("Sandbox.Timedout", "RequestId: 1 Error: Task timed out after 900.00 seconds"))
        state = world.json(LAYOUT.state)
        assert (state["reason"], state["total"]) == ("unexpected", 6)
        assert "timed out after 900" in state["message"]

    def test_it_works_without_any_definition(self, world: World) -> None:
        world.s3.objects.clear()
        call(fail_event("RunFailed", cause("RunFailed", "definition_missing: no such thing")))
        assert world.json(LAYOUT.state)["reason"] == "definition_missing"
        assert world.cloudwatch.values("run_failed") == [(RUN, 1.0)]

    def test_a_finished_run_whose_metrics_failed_says_so(self, world: World) -> None:
        call(SLICE)
        call(fail_event("ClientError", cause("ClientError", "PutMetricData: denied")))
        state = world.json(LAYOUT.state)
        assert (state["reason"], state["message"]) == ("not_published", "ClientError: PutMetricData: denied")

    def test_the_run_of_another_execution_is_left_alone(self, world: World) -> None:
        lock = Lock("two", RUN_ID, timestamp(START), timestamp(START.replace(hour=7)))
        world.s3.put_object(Bucket=BUCKET, Key=LAYOUT.lock, Body=lock.to_json().encode())
        call(fail_event("ClientError", "boom", execution=EXECUTION))
        assert (BUCKET, LAYOUT.state) not in world.s3.objects
        assert world.json(LAYOUT.lock)["expires_at"] == lock.expires_at
        assert world.cloudwatch.values("run_failed") == [(RUN, 1.0)]

    def test_an_event_at_fault_rings_too(self, world: World) -> None:
        event = fail_event("EventError", cause("EventError", "input.scheduledTime: nonsense"))
        result = call({**event, "input": {"evaluation": "support"}})
        assert result == {"status": "failed", "runId": None, "reason": "invalid_event"}
        assert world.cloudwatch.values("run_failed") == [(RUN, 1.0)]

    def test_the_metric_does_not_depend_on_the_bucket(self, world: World) -> None:
        def refuse(key: str) -> None:
            raise client_error("AccessDenied", status=403)

        world.s3.before_put = refuse
        with pytest.raises(Exception, match="AccessDenied"):
            call(fail_event("RunFailed", cause("RunFailed", "access_denied: no")))
        assert world.cloudwatch.values("run_failed") == [(RUN, 1.0)]

    def test_the_record_does_not_depend_on_the_metric(self, world: World) -> None:
        world.cloudwatch.refused = client_error("Throttling", "Rate exceeded")
        event = fail_event("RunFailed", cause("RunFailed", "access_denied: no"), execution=EXECUTION)
        with pytest.raises(PassingError, match="Rate exceeded"):
            call(event)
        assert world.json(LAYOUT.state)["reason"] == "access_denied"
        world.cloudwatch.refused = None
        call(event)
        assert world.cloudwatch.values("run_failed") == [(RUN, 1.0)]

    def test_the_log_names_the_reason(self, world: World, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO)
        call(fail_event("RunFailed", cause("RunFailed", "dataset_empty: SECRET")))
        [record] = [record for record in caplog.records if record.message == "run failed"]
        assert (record.__dict__["reason"], record.__dict__["run"]) == ("dataset_empty", RUN_ID)
        assert "SECRET" not in str(record.__dict__)


@pytest.mark.parametrize(
    ("error", "text", "reason", "message"),
    [
        ("RunFailed", cause("RunFailed", "dataset_empty: no case: at all"), "dataset_empty", "no case: at all"),
        # An emulator that loses the class still gives the message.
        ("Lambda.Unknown", cause("Runtime.HandlerError", "dataset_empty: none"), "dataset_empty", "none"),
        ("EventError", cause("EventError", "action: no"), "invalid_event", "EventError: action: no"),
        ("States.Timeout", "", "unexpected", "States.Timeout: "),
        ("KeyError", cause("KeyError", "'APPLICATION'"), "unexpected", "KeyError: 'APPLICATION'"),
        ("X", "[1]", "unexpected", "X: [1]"),
    ],
)
def test_reasons_of_what_step_functions_catches(error: str, text: str, reason: str, message: str) -> None:
    assert reason_and_message(error, text) == (RunFailureReason(reason), message)


@given(st.text(), st.text())
def test_any_error_has_a_reason_and_a_message_of_bounded_length(error: str, text: str) -> None:
    reason, message = reason_and_message(error, text)
    assert reason in RunFailureReason
    assert len(message) <= 1000


def test_every_reason_survives_the_way_through_step_functions() -> None:
    for reason in RunFailureReason:
        text = cause("RunFailed", str(RunFailed(reason, "why: because")))
        assert reason_and_message("RunFailed", text) == (reason, "why: because")


def test_the_error_classes_are_named_as_the_state_machine_expects() -> None:
    assert (RunFailed.__name__, EventError.__name__) == ("RunFailed", "EventError")


def test_the_entry_point_refuses_other_events() -> None:
    with pytest.raises(EventError, match="allowed: slice, publish, fail"):
        call({"action": "restart"})


def test_the_model_client_is_configured_by_the_definition(monkeypatch: pytest.MonkeyPatch) -> None:
    made: dict[str, Any] = {}
    events = SimpleNamespace(register=lambda *handler: None)

    def client(name: str, **rest: Any) -> Any:
        made.update(rest, name=name)
        return SimpleNamespace(meta=SimpleNamespace(events=events))

    monkeypatch.setattr("bedrock_eval_runs.services.boto3.client", client)
    model_client(DEFINITION)
    config = made["config"]
    assert made["name"] == "bedrock-runtime"
    # None leaves both to boto3, which reads the function's environment.
    assert (made["region_name"], made["endpoint_url"]) == (None, None)
    assert config.max_pool_connections == DEFINITION.concurrency
    # How often a call is made is decided by the runner alone.
    assert config.retries == {"mode": "standard", "total_max_attempts": 1}
    assert (config.connect_timeout, config.read_timeout) == (5, DEFINITION.read_timeout_seconds)
