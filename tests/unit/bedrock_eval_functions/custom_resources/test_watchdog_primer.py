import io
import json
from typing import Any

import pytest

from bedrock_eval.layout import WATCH_LIST
from bedrock_eval_functions.custom_resources import watchdog_primer
from bedrock_eval_functions.custom_resources.watchdog_primer import handler
from tests.support.cloudformation import CloudFormation, FakeTime
from tests.support.fakes import FakeS3, client_error

WATCHED = '{"models":["amazon.nova-lite-v1:0"],"priced":{"haiku":{"input":1.0,"output":5.0},"nova":null}}'
PROPERTIES = {
    "FunctionName": "shop-dev-watchdog",
    "Application": "shop",
    "Bucket": "results",
    "WatchList": WATCHED,
}


@pytest.fixture(autouse=True)
def s3(monkeypatch: pytest.MonkeyPatch) -> FakeS3:
    fake = FakeS3()
    monkeypatch.setattr(watchdog_primer, "client", {"s3": fake}.__getitem__)
    return fake


class Functions:
    """Lambda: answers in turn, the last one for ever."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.calls: list[dict[str, Any]] = []

    def invoke(self, **request: Any) -> dict[str, Any]:
        self.calls.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return {**answer, "Payload": io.BytesIO(answer["Payload"])}


class Metrics:
    """CloudWatch: shows the heartbeat from the n-th look on."""

    def __init__(self, *, visible_at: int = 1) -> None:
        self.visible_at = visible_at
        self.looks: list[dict[str, Any]] = []

    def get_metric_statistics(self, **request: Any) -> dict[str, Any]:
        self.looks.append(request)
        return {"Datapoints": [{"Sum": 1.0}] if len(self.looks) >= self.visible_at else []}


FINE = {"StatusCode": 200, "Payload": b'{"datums": 2}'}


def broken(payload: object) -> dict[str, Any]:
    return {"FunctionError": "Unhandled", "Payload": json.dumps(payload).encode()}


def serve(monkeypatch: pytest.MonkeyPatch, *answers: Any) -> Functions:
    fake = Functions(*answers)
    monkeypatch.setattr(watchdog_primer, "functions", lambda: fake)
    show(monkeypatch, Metrics())
    return fake


def show(monkeypatch: pytest.MonkeyPatch, metrics: Metrics) -> Metrics:
    monkeypatch.setattr(watchdog_primer, "cloudwatch", lambda: metrics)
    return metrics


@pytest.mark.parametrize("kind", ["Create", "Update"])
def test_the_watchdog_is_called_and_waited_for(
    cloudformation: CloudFormation, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    fake = serve(monkeypatch, FINE)
    answer = cloudformation.works(handler, kind, PROPERTIES)
    assert answer["PhysicalResourceId"] == ("primed/shop-dev-watchdog")
    [call] = fake.calls
    assert (call["FunctionName"], call["InvocationType"]) == ("shop-dev-watchdog", "RequestResponse")


def test_delete_calls_nothing_and_takes_the_watch_list(
    cloudformation: CloudFormation, monkeypatch: pytest.MonkeyPatch, s3: FakeS3
) -> None:
    fake = serve(monkeypatch, FINE)
    cloudformation.works(handler, "Create", PROPERTIES)
    cloudformation.works(handler, "Delete", PROPERTIES)
    assert len(fake.calls) == 1
    assert s3.keys("results") == []


def test_the_watch_list_is_there_before_the_call(
    cloudformation: CloudFormation, monkeypatch: pytest.MonkeyPatch, s3: FakeS3
) -> None:
    fake = serve(monkeypatch, FINE)
    written = []
    monkeypatch.setattr(
        fake, "invoke", lambda **_: written.append(s3.text("results", WATCH_LIST)) or {"Payload": io.BytesIO()}
    )
    cloudformation.works(handler, "Create", PROPERTIES)
    assert written == [WATCHED]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "property WatchList: not JSON"),
        ('{"priced": {"haiku": {"input": "much"}}}', "property WatchList.priced.haiku"),
    ],
)
def test_a_list_that_the_watchdog_could_not_read_fails_the_deploy(
    cloudformation: CloudFormation, monkeypatch: pytest.MonkeyPatch, text: str, reason: str
) -> None:
    fake = serve(monkeypatch, FINE)
    assert reason in cloudformation.fails(handler, "Create", {**PROPERTIES, "WatchList": text})
    assert fake.calls == []


def test_what_a_fresh_role_causes_passes(cloudformation: CloudFormation, monkeypatch: pytest.MonkeyPatch) -> None:
    denied = broken({"errorMessage": "AccessDenied", "errorType": "ClientError"})
    fake = serve(monkeypatch, client_error("ResourceConflictException"), denied, FINE)
    cloudformation.works(handler, "Create", PROPERTIES)
    assert len(fake.calls) == 3


def test_a_full_concurrency_is_waited_out_for_as_long_as_the_function_may_run(
    cloudformation: CloudFormation, monkeypatch: pytest.MonkeyPatch, time: FakeTime
) -> None:
    """Slices of evaluations hold their places for up to a quarter of an hour; other errors get two minutes."""
    full = client_error("TooManyRequestsException", status=429)
    fake = serve(monkeypatch, *[full] * 40, FINE)
    cloudformation.works(handler, "Create", PROPERTIES, seconds=900)
    assert len(fake.calls) == 41
    fake = serve(monkeypatch, full)
    assert "TooManyRequestsException" in cloudformation.fails(handler, "Create", PROPERTIES, seconds=900)
    assert len(fake.calls) * 15 > 700


@pytest.mark.parametrize("payload", [{"errorMessage": "KeyError: 'APPLICATION'"}, "KeyError: 'APPLICATION'"])
def test_a_lasting_error_is_the_reason(
    cloudformation: CloudFormation, monkeypatch: pytest.MonkeyPatch, time: FakeTime, payload: object
) -> None:
    serve(monkeypatch, broken(payload))
    reason = cloudformation.fails(handler, "Create", PROPERTIES)
    assert reason == "function shop-dev-watchdog failed: KeyError: 'APPLICATION'"
    assert sum(time.slept) <= 120


def test_it_waits_until_the_heartbeat_can_be_read(
    cloudformation: CloudFormation, monkeypatch: pytest.MonkeyPatch, time: FakeTime
) -> None:
    serve(monkeypatch, FINE)
    metrics = show(monkeypatch, Metrics(visible_at=4))
    cloudformation.works(handler, "Create", PROPERTIES)
    assert len(metrics.looks) == 4
    assert metrics.looks[0]["Dimensions"] == [{"Name": "Application", "Value": "shop"}]
    assert sum(time.slept) > 0


def test_a_heartbeat_that_stays_unseen_fails_no_deploy(
    cloudformation: CloudFormation, monkeypatch: pytest.MonkeyPatch, time: FakeTime
) -> None:
    serve(monkeypatch, FINE)
    show(monkeypatch, Metrics(visible_at=10_000))
    cloudformation.works(handler, "Create", PROPERTIES)
    assert sum(time.slept) <= 120
