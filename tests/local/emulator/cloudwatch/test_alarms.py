"""Alarms on the running emulator: what they watch, when they change, and whom they tell."""

import json
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from local.emulator.cloudwatch.metric_math.readings import CONTRARY
from local.process import Endpoint
from tests.support.local.emulator import Clients, Deploy, eventually, reading

Put = Callable[..., None]
LIMITS = {"Threshold": 10.0, "ComparisonOperator": "GreaterThanThreshold", "EvaluationPeriods": 1}


@pytest.fixture(scope="module")
def namespace() -> str:
    return f"T/{uuid.uuid4().hex[:8]}"


@pytest.fixture(scope="module")
def put(clients: Clients, namespace: str) -> Put:
    def publish(name: str, *values: float, minutes_ago: int = 0, **dimensions: str) -> None:
        datum = {
            "MetricName": name,
            "Values": list(values),
            "Dimensions": [{"Name": k, "Value": v} for k, v in dimensions.items()],
            "Timestamp": datetime.fromtimestamp(time.time() - 60 * minutes_ago, UTC),
        }
        clients("cloudwatch").put_metric_data(Namespace=namespace, MetricData=[datum])

    return publish


def single(namespace: str, name: str, *, metric: str, **changes: Any) -> dict[str, Any]:
    alarm = {
        "AlarmName": name,
        "Namespace": namespace,
        "MetricName": metric,
        "Statistic": "Average",
        "Period": 60,
        **LIMITS,
        **changes,
    }
    if "ExtendedStatistic" in changes:
        del alarm["Statistic"]
    return alarm


def query(namespace: str, query_id: str, metric: str, *, returned: bool = False) -> dict[str, Any]:
    stat = {"Metric": {"Namespace": namespace, "MetricName": metric}, "Period": 60, "Stat": "Sum"}
    return {"Id": query_id, "MetricStat": stat, "ReturnData": returned}


def rate(namespace: str, name: str) -> dict[str, Any]:
    everything = "SUM([FILL(i,0), FILL(t,0)])"
    guarded = f"IF({everything} >= 5, 100*SUM([FILL(t,0), 0*FILL(i,0)])/{everything}, 0)"
    return {
        "AlarmName": name,
        "TreatMissingData": "notBreaching",
        "Metrics": [
            query(namespace, "i", "calls"),
            query(namespace, "t", f"throttles-{name}"),
            {"Id": "r", "Expression": guarded, "ReturnData": True},
        ],
        **LIMITS,
    }


def states(clients: Clients, names: set[str]) -> dict[str, str]:
    found = clients("cloudwatch").describe_alarms(
        AlarmNames=sorted(names), AlarmTypes=["MetricAlarm", "CompositeAlarm"], MaxRecords=100
    )
    return {a["AlarmName"]: a["StateValue"] for a in [*found["MetricAlarms"], *found["CompositeAlarms"]]}


def test_every_kind_of_alarm_reaches_its_state_under_each_reading(
    clients: Clients, namespace: str, put: Put, emulator: Endpoint
) -> None:
    cloudwatch = clients("cloudwatch")
    put("score", 5, ModelId="good")
    put("score", 50, ModelId="bad")
    put("score", 50)
    put("tail", *([1.0] * 90), *([100.0] * 10))
    put("twice", 50, minutes_ago=0)
    put("twice", 50, minutes_ago=2)
    put("once", 50, minutes_ago=0)
    put("once", 5, minutes_ago=1)
    put("once", 5, minutes_ago=2)
    put("calls", 10)
    put("throttles-rate-high", 10)
    put("throttles-rate-only", 10)
    for minute in range(5, 60, 5):
        put("steady", 10 + minute % 2, minutes_ago=minute)
    put("steady", 90)
    band = {"Id": "band", "Expression": "ANOMALY_DETECTION_BAND(m, 2)", "ReturnData": True}
    outside = {
        "AlarmName": "outside-band",
        "Metrics": [query(namespace, "m", "steady", returned=True), band],
        "ThresholdMetricId": "band",
        "ComparisonOperator": "LessThanLowerOrGreaterThanUpperThreshold",
        "EvaluationPeriods": 1,
    }
    dims = {"good": [{"Name": "ModelId", "Value": "good"}], "bad": [{"Name": "ModelId", "Value": "bad"}]}
    only_throttles = rate(namespace, "rate-only")
    only_throttles["Metrics"][0] = query(namespace, "i", "never-called")
    wanted: list[tuple[dict[str, Any], str]] = [
        (single(namespace, "good", metric="score", Dimensions=dims["good"]), "OK"),
        (single(namespace, "bad", metric="score", Dimensions=dims["bad"]), "ALARM"),
        (single(namespace, "p50", metric="tail", ExtendedStatistic="p50"), "OK"),
        (single(namespace, "p95", metric="tail", ExtendedStatistic="p95"), "ALARM"),
        (single(namespace, "2-of-3", metric="twice", EvaluationPeriods=3, DatapointsToAlarm=2), "ALARM"),
        (single(namespace, "1-of-3", metric="once", EvaluationPeriods=3, DatapointsToAlarm=2), "OK"),
        (single(namespace, "none-missing", metric="no"), "INSUFFICIENT_DATA"),
        (single(namespace, "none-ignore", metric="no", TreatMissingData="ignore"), "INSUFFICIENT_DATA"),
        (single(namespace, "none-breaching", metric="no", TreatMissingData="breaching"), "ALARM"),
        (single(namespace, "none-notBreaching", metric="no", TreatMissingData="notBreaching"), "OK"),
        (rate(namespace, "rate-high"), "ALARM"),
        (rate(namespace, "rate-none"), "OK"),
        (only_throttles, "ALARM"),
        (outside, "ALARM"),
    ]
    for alarm, _ in wanted:
        cloudwatch.put_metric_alarm(**alarm)
    expected = {alarm["AlarmName"]: state for alarm, state in wanted}

    def found() -> dict[str, str]:
        return states(clients, set(expected))

    deadline = time.monotonic() + 12
    while found() != expected and time.monotonic() < deadline:
        time.sleep(0.3)
    assert found() == expected
    with reading(emulator, CONTRARY):
        assert found() == expected
    (banded,) = cloudwatch.describe_alarms(AlarmNames=["outside-band"])["MetricAlarms"]
    reasons = json.loads(banded["StateReasonData"])
    assert "threshold" not in reasons
    assert reasons["recentLowerThresholds"][-1] < reasons["recentUpperThresholds"][-1] < reasons["recentDatapoints"][-1]


def test_a_new_alarm_is_judged_on_what_stands_now(clients: Clients, namespace: str, put: Put) -> None:
    """Not first on the minute before it was made, where its first datapoint is missing: that would ring and recover."""
    put("heartbeat", 1)
    name = f"{namespace}-first".replace("/", "-")
    alive = {"ComparisonOperator": "LessThanThreshold", "Threshold": 1.0, "Period": 3600, "EvaluationPeriods": 3}
    clients("cloudwatch").put_metric_alarm(
        **single(namespace, name, metric="heartbeat", TreatMissingData="breaching", **alive)
    )
    eventually(lambda: states(clients, {name})[name] == "OK")
    history = clients("cloudwatch").describe_alarm_history(AlarmName=name, HistoryItemType="StateUpdate")
    assert [item["HistorySummary"] for item in history["AlarmHistoryItems"]] == [
        "Alarm updated from INSUFFICIENT_DATA to OK"
    ]


def test_ignore_keeps_an_alarm_when_data_stops(clients: Clients, namespace: str, put: Put) -> None:
    cloudwatch = clients("cloudwatch")
    for policy in ("ignore", "notBreaching"):
        cloudwatch.put_metric_alarm(**single(namespace, f"stop-{policy}", metric="stopped", TreatMissingData=policy))
        cloudwatch.set_alarm_state(AlarmName=f"stop-{policy}", StateValue="ALARM", StateReason="test")
    eventually(lambda: states(clients, {"stop-notBreaching"})["stop-notBreaching"] == "OK")
    assert states(clients, {"stop-ignore"}) == {"stop-ignore": "ALARM"}


@pytest.fixture
def inbox(clients: Clients) -> tuple[str, Callable[[], list[dict[str, Any]]]]:
    """A topic, and the alarm messages that its queue has received since the last look."""
    name = f"alarms-{uuid.uuid4().hex[:8]}"
    topic = clients("sns").create_topic(Name=name)["TopicArn"]
    url = clients("sqs").create_queue(QueueName=name)["QueueUrl"]
    arn = clients("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    clients("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    received: list[dict[str, Any]] = []

    def messages() -> list[dict[str, Any]]:
        answer = clients("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        for message in answer.get("Messages", []):
            received.append(json.loads(json.loads(message["Body"])["Message"]))
            clients("sqs").delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return received

    return topic, messages


def test_alarm_and_recovery_are_told_in_cloudwatch_s_words(
    clients: Clients, namespace: str, put: Put, inbox: tuple[str, Callable[[], list[dict[str, Any]]]]
) -> None:
    topic, messages = inbox
    dimensions = [{"Name": "ModelId", "Value": "told"}]
    alarm = single(namespace, "told", metric="told", Dimensions=dimensions, AlarmActions=[topic], OKActions=[topic])
    put("told", 50, ModelId="told")
    clients("cloudwatch").put_metric_alarm(**alarm, AlarmDescription="see the runbook")
    (first,) = eventually(messages)
    assert first["AlarmName"] == "told"
    assert first["AlarmDescription"] == "see the runbook"
    assert (first["OldStateValue"], first["NewStateValue"]) == ("INSUFFICIENT_DATA", "ALARM")
    assert first["NewStateReason"].startswith("Threshold Crossed: 1 out of the last 1 datapoints [50.0 (")
    assert first["Region"] == "US East (N. Virginia)"
    assert datetime.strptime(first["StateChangeTime"], "%Y-%m-%dT%H:%M:%S.%f%z").tzinfo is not None
    assert first["Trigger"] | {"Unit": None} == {
        "MetricName": "told",
        "Namespace": namespace,
        "StatisticType": "Statistic",
        "Statistic": "AVERAGE",
        "Unit": None,
        "Dimensions": [{"value": "told", "name": "ModelId"}],
        "Period": 60,
        "EvaluationPeriods": 1,
        "DatapointsToAlarm": 1,
        "ComparisonOperator": "GreaterThanThreshold",
        "Threshold": 10.0,
        "TreatMissingData": "missing",
        "EvaluateLowSampleCountPercentile": "",
    }
    put("told", *([0.0] * 100), ModelId="told")
    eventually(lambda: len(messages()) == 2)
    assert (messages()[1]["OldStateValue"], messages()[1]["NewStateValue"]) == ("ALARM", "OK")
    history = clients("cloudwatch").describe_alarm_history(AlarmName="told")["AlarmHistoryItems"]
    kinds = [item["HistoryItemType"] for item in history]
    assert kinds == ["Action", "StateUpdate", "Action", "StateUpdate", "ConfigurationUpdate"]


def test_template_with_math_and_composite_alarm(
    clients: Clients,
    deploy: Deploy,
    namespace: str,
    put: Put,
    inbox: tuple[str, Callable[[], list[dict[str, Any]]]],
) -> None:
    topic, messages = inbox
    metrics = [
        {**query(namespace, "m", "cfn"), "ReturnData": "false"},
        {"Id": "e", "Expression": "FILL(m, 0) * 2", "Label": "doubled", "ReturnData": "true"},
    ]
    child = {"EvaluationPeriods": "1", "Threshold": "10", "ComparisonOperator": "GreaterThanThreshold"}
    name = f"top-{uuid.uuid4().hex[:6]}"
    resources: dict[str, Any] = {
        "Child": {"Type": "AWS::CloudWatch::Alarm", "Properties": {**child, "Metrics": metrics}},
        "Top": {
            "Type": "AWS::CloudWatch::CompositeAlarm",
            "Properties": {
                "AlarmName": name,
                "AlarmRule": {"Fn::Sub": 'ALARM("${Child}")'},
                "AlarmActions": [topic],
            },
        },
    }
    stack = deploy(resources)
    put("cfn", 6)
    (message,) = eventually(messages)
    assert message["AlarmName"] == name
    assert message["NewStateValue"] == "ALARM"
    assert [child["State"]["Value"] for child in message["TriggeringChildren"]] == ["ALARM"]
    stored = clients("cloudwatch").describe_alarms(AlarmNames=[stack.id_of("Child")])["MetricAlarms"][0]
    assert [m["ReturnData"] for m in stored["Metrics"]] == [False, True]
    assert "Period" not in stored
    resources["Child"]["Properties"]["Threshold"] = "20"
    assert stack.update(resources) == "UPDATE_COMPLETE"
    eventually(lambda: states(clients, {name}) == {name: "OK"})
    stack.delete()
    eventually(lambda: states(clients, {name}) == {})


def test_a_composite_tells_once_and_counts_what_another_alarm_does_not_explain(
    clients: Clients, namespace: str, inbox: tuple[str, Callable[[], list[dict[str, Any]]]]
) -> None:
    topic, messages = inbox
    cloudwatch = clients("cloudwatch")
    failed, overdue, silent, composite = (f"{each}-{uuid.uuid4().hex[:6]}" for each in ("f", "o", "s", "c"))
    for name in (failed, overdue, silent):
        cloudwatch.put_metric_alarm(**single(namespace, name, metric=f"never-{name}", TreatMissingData="ignore"))
    cloudwatch.put_composite_alarm(
        AlarmName=composite,
        AlarmRule=f'ALARM("{failed}") OR (ALARM("{overdue}") AND NOT ALARM("{silent}"))',
        AlarmActions=[topic],
        OKActions=[topic],
    )

    def move(name: str, state: str, expected: str) -> None:
        cloudwatch.set_alarm_state(AlarmName=name, StateValue=state, StateReason="test")
        eventually(lambda: states(clients, {composite}) == {composite: expected})

    move(silent, "ALARM", "OK")
    move(overdue, "ALARM", "OK")
    move(failed, "ALARM", "ALARM")
    move(silent, "OK", "ALARM")
    move(failed, "OK", "ALARM")
    move(overdue, "OK", "OK")
    eventually(lambda: len(messages()) >= 3)
    told = [(each["AlarmName"], each["NewStateValue"]) for each in messages()]
    assert told == [(composite, "OK"), (composite, "ALARM"), (composite, "OK")]
    triggering = {
        child["Arn"].rpartition(":")[2]: child["State"]["Value"] for child in messages()[1]["TriggeringChildren"]
    }
    assert triggering[failed] == "ALARM"
    assert f'ALARM("{overdue}")' in messages()[1]["AlarmRule"]


def test_thousands_of_datums_do_not_wait_for_alarms(clients: Clients, namespace: str) -> None:
    datums = [{"MetricName": f"load{i % 50}", "Values": [1.0] * 100} for i in range(1000)]
    started = time.monotonic()
    for _ in range(3):
        clients("cloudwatch").put_metric_data(Namespace=namespace, MetricData=datums)
    assert time.monotonic() - started < 10
