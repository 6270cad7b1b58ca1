"""The clock that is set forward: metrics, alarms, schedules and functions live at one time."""

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from local.process import Endpoint, running_emulator
from tests.support.local.emulator import ROLE, Clients, clients_of, eventually, functions_of
from tests.support.paths import EMULATOR

HOUR, DAY = 3_600, 86_400
TELLS_THE_TIME = """
    import time
    from datetime import UTC, datetime

    import boto3

    def handler(event, context):
        datum = {"MetricName": "called", "Value": 1}
        boto3.client("cloudwatch").put_metric_data(Namespace="T/Clock", MetricData=[datum])
        return {"aware": datetime.now(UTC).timestamp(), "epoch": time.time()}
"""


@dataclass(frozen=True)
class Emulator:
    """One whose clock is moved; the shared one's tests read the machine's."""

    endpoint: Endpoint
    clients: Clients

    def http(self, method: str, body: object = None) -> dict[str, Any]:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.endpoint.url}/_emulator/clock", data=data, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            found: dict[str, Any] = json.load(answer)
        return found

    def forward(self, seconds: float) -> datetime:
        return datetime.fromisoformat(self.http("POST", {"forward_seconds": seconds})["now"])

    def now(self) -> datetime:
        return datetime.fromisoformat(self.http("GET")["now"])


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with running_emulator(interpreter=EMULATOR, directory=tmp_path_factory.mktemp("clock")) as endpoint:
        yield Emulator(endpoint, clients_of(endpoint))


@pytest.fixture(scope="module")
def told(emulator: Emulator) -> Callable[[], dict[str, float]]:
    """Calls a function; what it takes for now."""
    name = functions_of(emulator.clients)(TELLS_THE_TIME).rpartition(":")[2]

    def call() -> dict[str, float]:
        answer = emulator.clients("lambda").invoke(FunctionName=name)
        found: dict[str, float] = json.load(answer["Payload"])
        return found

    return call


def test_services_and_functions_are_at_one_time(emulator: Emulator, told: Callable[[], dict[str, float]]) -> None:
    before = emulator.now()
    # A process that is warm already, too.
    assert abs(told()["epoch"] - before.timestamp()) < 10
    after = emulator.forward(2 * DAY)
    assert timedelta(days=2) <= after - before < timedelta(days=2, seconds=30)
    assert emulator.http("GET")["ahead_seconds"] >= 2 * DAY
    said = told()
    assert 0 <= said["epoch"] - after.timestamp() < 30
    assert abs(said["aware"] - said["epoch"]) < 1
    later = emulator.forward(HOUR)
    assert 0 <= told()["epoch"] - later.timestamp() < 30


def alarm(name: str, **changes: Any) -> dict[str, Any]:
    return {
        "AlarmName": name,
        "Namespace": "T/Clock",
        "MetricName": name,
        "Statistic": "Sum",
        "Period": 300,
        "Threshold": 10.0,
        "ComparisonOperator": "GreaterThanThreshold",
        "EvaluationPeriods": 3,
        "DatapointsToAlarm": 2,
        "TreatMissingData": "notBreaching",
        **changes,
    }


def state(emulator: Emulator, name: str) -> str:
    return str(emulator.clients("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"][0]["StateValue"])


def test_m_of_n_periods_fill_and_pass(emulator: Emulator) -> None:
    cloudwatch = emulator.clients("cloudwatch")
    cloudwatch.put_metric_alarm(**alarm("many"))
    seen = []
    for value in (50, 50, 0, 0):
        cloudwatch.put_metric_data(Namespace="T/Clock", MetricData=[{"MetricName": "many", "Value": value}])
        emulator.forward(300)
        seen.append(state(emulator, "many"))
    assert seen == ["OK", "ALARM", "ALARM", "OK"]
    # A datapoint of the emulator's now; the machine's clock would put it days back.
    stamp = cloudwatch.describe_alarms(AlarmNames=["many"])["MetricAlarms"][0]["StateUpdatedTimestamp"]
    assert abs(stamp - emulator.now()) < timedelta(minutes=1)


def test_what_a_schedule_owes_is_delivered_once_before_alarms_are_judged(emulator: Emulator) -> None:
    cloudwatch, scheduler = emulator.clients("cloudwatch"), emulator.clients("scheduler")
    target = functions_of(emulator.clients)(TELLS_THE_TIME)
    silent = alarm("called", Period=HOUR, EvaluationPeriods=2, TreatMissingData="breaching", Threshold=1.0)
    scheduler.create_schedule(
        Name="hourly",
        ScheduleExpression="rate(1 hour)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": target, "RoleArn": ROLE},
    )
    emulator.clients("lambda").invoke(FunctionName=target.rpartition(":")[2])
    cloudwatch.put_metric_alarm(**{**silent, "ComparisonOperator": "LessThanThreshold"})
    eventually(lambda: state(emulator, "called") == "OK")
    emulator.forward(5 * HOUR)
    assert state(emulator, "called") == "OK"
    now = emulator.now()
    points = cloudwatch.get_metric_statistics(
        Namespace="T/Clock",
        MetricName="called",
        StartTime=now - timedelta(hours=4),
        EndTime=now + timedelta(minutes=1),
        Period=60,
        Statistics=["Sum"],
    )["Datapoints"]
    assert sum(point["Sum"] for point in points) == 1
    schedule = scheduler.get_schedule(Name="hourly")
    fields = ("Name", "ScheduleExpression", "FlexibleTimeWindow", "Target")
    scheduler.update_schedule(**{key: schedule[key] for key in fields}, State="DISABLED")
    emulator.forward(2 * HOUR + 60)
    assert state(emulator, "called") == "ALARM"


def test_a_queue_reports_its_depth_at_the_new_time(emulator: Emulator) -> None:
    sqs = emulator.clients("sqs")
    url = sqs.create_queue(QueueName="waiting")["QueueUrl"]
    dimensions = [{"Name": "QueueName", "Value": "waiting"}]
    watched = {"Namespace": "AWS/SQS", "MetricName": "ApproximateNumberOfMessagesVisible", "Dimensions": dimensions}
    emulator.clients("cloudwatch").put_metric_alarm(
        **alarm("depth", EvaluationPeriods=1, DatapointsToAlarm=1, Threshold=0.0, Statistic="Maximum", **watched)
    )
    sqs.send_message(QueueUrl=url, MessageBody="x")
    emulator.forward(60)
    assert state(emulator, "depth") == "ALARM"
    sqs.purge_queue(QueueUrl=url)
    emulator.forward(400)
    assert state(emulator, "depth") == "OK"


def test_a_queue_that_nobody_accesses_falls_asleep_with_what_lies_in_it_and_wakes_slowly(emulator: Emulator) -> None:
    sqs, name = emulator.clients("sqs"), "asleep"
    url = sqs.create_queue(QueueName=name)["QueueUrl"]

    def reported(seconds: int) -> float | None:
        """The newest depth of so many seconds; None: the queue is silent."""
        now = datetime.fromisoformat(emulator.http("GET")["now"])
        points = emulator.clients("cloudwatch").get_metric_statistics(
            Namespace="AWS/SQS",
            MetricName="ApproximateNumberOfMessagesVisible",
            Dimensions=[{"Name": "QueueName", "Value": name}],
            StartTime=now - timedelta(seconds=seconds),
            EndTime=now + timedelta(seconds=60),
            Period=60,
            Statistics=["Maximum"],
        )["Datapoints"]
        return max(points, key=lambda point: point["Timestamp"])["Maximum"] if points else None

    emulator.forward(60)
    assert reported(50) == 0
    sqs.send_message(QueueUrl=url, MessageBody="x")
    emulator.forward(5 * HOUR)
    assert reported(HOUR) == 1
    emulator.forward(2 * HOUR)
    assert reported(HOUR) is None
    # Asked, it says what lies in it, and its metrics come back within a quarter of an hour.
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])["Attributes"]
    assert attributes["ApproximateNumberOfMessages"] == "1"
    emulator.forward(10 * 60)
    assert reported(HOUR) is None
    emulator.forward(6 * 60)
    assert reported(HOUR) == 1
    # Asked every hour it stays awake.
    for _ in range(7):
        sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
        emulator.forward(HOUR)
        assert reported(60) == 1


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"forward_seconds": -1}, "from 0 to"),
        ({"forward_seconds": "1 h"}, "a number"),
        ({"seconds": 1}, "forward_seconds"),
        ([], "forward_seconds"),
    ],
)
def test_what_cannot_be_used_is_said_and_changes_nothing(emulator: Emulator, body: object, said: str) -> None:
    before = emulator.http("GET")["ahead_seconds"]
    with pytest.raises(urllib.error.HTTPError) as caught:
        emulator.http("POST", body)
    assert caught.value.code == 400
    assert said in json.load(caught.value)["error"]
    assert emulator.http("GET")["ahead_seconds"] == before


def test_a_subscription_that_nobody_confirms_is_gone_after_two_days(emulator: Emulator) -> None:
    sns = emulator.clients("sns")
    topic = sns.create_topic(Name="people")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="jane@example.com")
    emulator.forward(DAY)
    assert len(sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]) == 1
    emulator.forward(DAY + HOUR)
    assert sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"] == []
