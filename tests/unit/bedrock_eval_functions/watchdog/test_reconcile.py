"""Runs held against metrics and the invocation log, as the watchdog does it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from bedrock_eval.evaluation.definition import Candidate
from bedrock_eval.invocation_log import queries
from bedrock_eval.layout import RunLayout
from bedrock_eval.names import run_id
from bedrock_eval.pricing.usage import Usage
from bedrock_eval.runs.state import Progress, RunState, RunStatus, timestamp
from bedrock_eval.runs.traffic import Traffic
from bedrock_eval.watchdog.watch_list import WatchList
from bedrock_eval_functions.watchdog import reconcile, watch
from tests.support.fakes import FakeCloudWatch, FakeS3, client_error
from tests.support.watchdog import NOW, deploy, look

PROFILE = "arn:aws:bedrock:us-east-1:111111111111:application-inference-profile/own"
OWN = Traffic(PROFILE, answered=100, throttles=10, usage=Usage(5_000, 2_000))
SERIES = {
    ("Invocations", "own"): [60.0, 40.0],
    ("InvocationThrottles", "own"): [10.0],
    ("InputTokenCount", "own"): [5_000.0],
    ("OutputTokenCount", "own"): [2_000.0],
}
ROWS = [
    {"calls": "100", "counted": "100", "input": "5000", "output": "2000"},
    {"error_code": "ThrottlingException", "calls": "10", "counted": "0"},
]
LOGGED = WatchList(log_group="/log")


@dataclass
class FakeLogs:
    """Answers a query after some looks at it."""

    rows: list[Mapping[str, str]] = field(default_factory=lambda: list(ROWS))
    status: str = "Complete"
    looks: int = 2
    asked: list[Mapping[str, Any]] = field(default_factory=list)

    def start_query(self, **request: Any) -> Mapping[str, str]:
        self.asked.append(request)
        return {"queryId": "q"}

    def get_query_results(self, *, queryId: str) -> Mapping[str, Any]:  # noqa: N803 - boto3's name
        assert queryId == "q"
        self.looks -= 1
        rows = [[{"field": key, "value": value} for key, value in row.items()] for row in self.rows]
        return {"status": "Running", "results": []} if self.looks > 0 else {"status": self.status, "results": rows}


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    slept: list[float] = []
    monkeypatch.setattr(reconcile, "Sources", _without_waiting(reconcile.Sources, slept))
    return slept


def _without_waiting(made: Any, slept: list[float]) -> Any:
    return lambda *arguments: made(*arguments, clock=lambda: sum(slept), sleep=slept.append)


@pytest.fixture
def s3() -> FakeS3:
    found = FakeS3()
    deploy(found, candidates=(Candidate("a", "haiku", PROFILE),), schedule=None)
    return found


@pytest.fixture
def cloudwatch() -> FakeCloudWatch:
    found = FakeCloudWatch()
    found.series = dict(SERIES)
    return found


def ran(
    s3: FakeS3,
    *,
    hours_ago: float = 2,
    status: RunStatus = RunStatus.FINISHED,
    evaluation: str = "support",
    traffic: Traffic | None = OWN,
) -> str:
    """Store the run.json of a run of ten minutes."""
    started = NOW - timedelta(hours=hours_ago)
    name = run_id(started)
    state = RunState(
        evaluation=evaluation,
        run_id=name,
        status=status,
        started=timestamp(started),
        updated=timestamp(started + timedelta(minutes=10)),
        candidates={"a": Progress(traffic=traffic)},
    )
    s3.put_object(Bucket="results", Key=RunLayout(evaluation, name).state, Body=state.to_json().encode())
    return name


def differ(s3: FakeS3, cloudwatch: FakeCloudWatch, logs: FakeLogs | None = None) -> dict[str, float]:
    listed = LOGGED if logs else WatchList()
    found = look(s3, cloudwatch=cloudwatch, watch_list=listed, logs=logs)
    assert found["watchdog_heartbeat"] == {"": 1.0}
    return found.get("metrics_differ", {})


def records(caplog: pytest.LogCaptureFixture, message: str) -> list[dict[str, Any]]:
    return [record.__dict__ for record in caplog.records if record.message == message]


def test_a_run_that_agrees_with_both(s3: FakeS3, cloudwatch: FakeCloudWatch, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    name, logs = ran(s3), FakeLogs()
    assert differ(s3, cloudwatch, logs) == {"support": 0.0}
    told = records(caplog, "counted by the run and by AWS")
    assert {(each["source"], each["quantity"]) for each in told} >= {
        ("AWS/Bedrock", "calls"),
        ("invocation log", "throttles"),
    }
    assert len(told) == 16
    assert {each["run"] for each in told} == {name}
    assert {each["levelname"] for each in told} == {"INFO"}


def test_the_time_and_the_profile_of_the_run_are_asked_for(s3: FakeS3, cloudwatch: FakeCloudWatch) -> None:
    ran(s3)
    logs = FakeLogs()
    differ(s3, cloudwatch, logs)
    start = (NOW - timedelta(hours=2)).replace(second=0)
    end = start + timedelta(minutes=13)
    asked = cloudwatch.asked[-1]
    assert (asked["StartTime"], asked["EndTime"]) == (start, end)
    assert {query["MetricStat"]["Period"] for query in asked["MetricDataQueries"]} == {60}
    (query,) = logs.asked
    assert query["logGroupName"] == "/log"
    assert (query["startTime"], query["endTime"]) == (start.timestamp(), end.timestamp())
    assert query["queryString"].endswith(queries.counts(model=("own",)).text)


def test_each_difference_counts_and_is_named_with_both_numbers(
    s3: FakeS3, cloudwatch: FakeCloudWatch, caplog: pytest.LogCaptureFixture
) -> None:
    ran(s3)
    cloudwatch.series["Invocations", "own"] = [60.0, 30.0]
    assert differ(s3, cloudwatch, FakeLogs(rows=ROWS[:1])) == {"support": 2.0}
    told = [each for each in records(caplog, "counted by the run and by AWS") if each["levelname"] == "WARNING"]
    assert [(each["source"], each["quantity"], each["own"], each["found"], each["percent"]) for each in told] == [
        ("AWS/Bedrock", "calls", "100", 90.0, 10.0),
        ("invocation log", "throttles", "10", 0.0, 100.0),
    ]
    assert {each["profile"] for each in told} == {"own"}


def test_no_metric_at_all_is_a_difference_and_not_unknown(s3: FakeS3, cloudwatch: FakeCloudWatch) -> None:
    ran(s3)
    cloudwatch.series = {}
    assert differ(s3, cloudwatch) == {"support": 4.0}


def test_without_a_log_of_ours_metrics_are_enough(s3: FakeS3, cloudwatch: FakeCloudWatch) -> None:
    ran(s3)
    assert differ(s3, cloudwatch) == {"support": 0.0}


@pytest.mark.parametrize("logs", [FakeLogs(status="Failed"), FakeLogs(status="Timeout"), FakeLogs(looks=1_000)])
def test_a_log_that_does_not_answer_leaves_all_open(
    s3: FakeS3, cloudwatch: FakeCloudWatch, logs: FakeLogs, no_pause: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    ran(s3)
    assert differ(s3, cloudwatch, logs) == {}
    assert sum(no_pause) <= 60
    (told,) = records(caplog, "counts not compared")
    assert "UnknownError" in told["reason"]


def test_metrics_that_cannot_be_read_leave_all_open(s3: FakeS3, cloudwatch: FakeCloudWatch) -> None:
    ran(s3)
    cloudwatch.status = "PartialData"
    assert differ(s3, cloudwatch) == {}


def test_a_look_gives_the_same_again_and_the_next_run_its_own(s3: FakeS3, cloudwatch: FakeCloudWatch) -> None:
    ran(s3, hours_ago=3)
    cloudwatch.series["Invocations", "own"] = [50.0]
    assert differ(s3, cloudwatch) == differ(s3, cloudwatch) == {"support": 1.0}
    ran(s3, hours_ago=1, traffic=replace(OWN, answered=50))
    assert differ(s3, cloudwatch) == {"support": 0.0}


@pytest.mark.parametrize(
    "run",
    [
        {"hours_ago": 0.5},
        {"hours_ago": 26},
        {"status": RunStatus.RUNNING},
        {"traffic": None},
        {"traffic": Traffic(PROFILE)},
        {"traffic": replace(OWN, exact=False)},
        {"traffic": replace(OWN, invoke_id="us.amazon.nova-2-lite-v1:0")},
    ],
)
def test_runs_that_are_not_looked_at(s3: FakeS3, cloudwatch: FakeCloudWatch, run: dict[str, Any]) -> None:
    """Too new, too old, at work, uncounted, without a call, or not through a profile of its own."""
    ran(s3, **run)
    assert differ(s3, cloudwatch) == {}


def test_a_failed_run_has_called_too_and_a_skipped_one_has_not(s3: FakeS3, cloudwatch: FakeCloudWatch) -> None:
    ran(s3, status=RunStatus.FAILED)
    started = NOW - timedelta(hours=2) + timedelta(minutes=5)
    skipped = RunState("support", run_id(started), RunStatus.SKIPPED, timestamp(started), timestamp(started))
    s3.put_object(Bucket="results", Key=RunLayout("support", run_id(started)).state, Body=skipped.to_json().encode())
    assert differ(s3, cloudwatch) == {"support": 0.0}


def test_a_run_that_cannot_be_read_leaves_its_time_open_and_no_other(s3: FakeS3, cloudwatch: FakeCloudWatch) -> None:
    ran(s3)
    broken = RunLayout("support", run_id(NOW - timedelta(hours=20)))
    s3.put_object(Bucket="results", Key=broken.state, Body=json.dumps({"status": 5}).encode())
    assert differ(s3, cloudwatch) == {"support": 0.0}
    beside = RunLayout("support", run_id(NOW - timedelta(hours=2) + timedelta(minutes=3)))
    s3.put_object(Bucket="results", Key=beside.state, Body=b"{")
    assert differ(s3, cloudwatch) == {}


@pytest.mark.parametrize("times", [("", ""), ("soon", "later"), ("2026-11-23T12:00:00", "2026-11-23T12:10:00")])
def test_a_run_whose_times_cannot_be_read_leaves_its_time_open_and_no_other(
    s3: FakeS3, cloudwatch: FakeCloudWatch, times: tuple[str, str]
) -> None:
    ran(s3)
    deploy(s3, evaluation="other", candidates=(Candidate("a", "haiku", f"{PROFILE}s"),), schedule=None)
    broken = RunState("other", run_id(NOW - timedelta(hours=1)), RunStatus.FINISHED, *times)
    s3.put_object(Bucket="results", Key=RunLayout("other", broken.run_id).state, Body=broken.to_json().encode())
    assert differ(s3, cloudwatch) == {"support": 0.0}


def test_more_runs_than_can_be_read_in_time_keep_no_heartbeat_waiting(
    s3: FakeS3, cloudwatch: FakeCloudWatch, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As of a rate of some minutes: the function has a hundred seconds for everything."""
    for minutes in range(0, 1_200, 5):
        ran(s3, hours_ago=2 + minutes / 60)
    monkeypatch.setattr(s3, "get_object", _in_half_a_second(s3.get_object, clock := [0.0]))
    monkeypatch.setattr(watch, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    assert differ(s3, cloudwatch) == {}
    assert clock[0] < 40
    assert "more runs" in records(caplog, "runs not compared with metrics")[0]["reason"]


def _in_half_a_second(real: Any, clock: list[float]) -> Any:
    def slow(**request: Any) -> Any:
        clock[0] += 0.5
        return real(**request)

    return slow


def test_nothing_of_it_stops_the_watchdog(
    s3: FakeS3, cloudwatch: FakeCloudWatch, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise client_error("AccessDenied", status=403)

    monkeypatch.setattr(reconcile, "look", refuse)
    assert differ(s3, cloudwatch) == {}
    assert records(caplog, "runs not compared with metrics")
