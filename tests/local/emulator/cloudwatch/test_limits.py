"""What CloudWatch refuses, refused through the API."""

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.local.emulator import Clients, Deploy


def refusal(call: Any, **request: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as refused:
        call(**request)
    error = refused.value.response["Error"]
    return str(error["Code"]), str(error["Message"])


@pytest.mark.parametrize(
    ("datum", "complaint"),
    [
        ({"Values": [1.0] * 151}, "Values must not have a size greater than 150"),
        ({"Values": [1.0, 2.0], "Counts": [1.0]}, "same number of elements"),
        ({"Value": float("nan")}, "nan"),
        ({"Value": float("inf")}, "inf"),
        ({"Value": 2.0**361}, "is invalid"),
        ({"Value": 1.0, "Values": [1.0]}, "mutually exclusive"),
        ({}, "must be specified"),
        ({"Value": 1.0, "Dimensions": [{"Name": "a", "Value": " "}]}, "must not be empty"),
        ({"Value": 1.0, "Dimensions": [{"Name": f"d{i}", "Value": "v"} for i in range(31)]}, "greater than 30"),
        ({"Value": 1.0, "Unit": "Tokens"}, "Unit"),
        ({"Value": 1.0, "Timestamp": datetime.now(UTC) - timedelta(days=15)}, "two weeks"),
        ({"Value": 1.0, "Timestamp": datetime.now(UTC) + timedelta(hours=3)}, "two hours"),
    ],
)
def test_datum(clients: Clients, datum: dict[str, Any], complaint: str) -> None:
    code, message = refusal(
        clients("cloudwatch").put_metric_data, Namespace="T/limits", MetricData=[{"MetricName": "m", **datum}]
    )
    assert complaint in message
    assert code in {"InvalidParameterValue", "InvalidParameterCombination", "MissingParameter"}


def test_number_of_datums_and_reserved_namespace(clients: Clients) -> None:
    put = clients("cloudwatch").put_metric_data
    datum = {"MetricName": "m", "Value": 1.0}
    put(Namespace="T/limits", MetricData=[datum] * 1000)
    assert "1000" in refusal(put, Namespace="T/limits", MetricData=[datum] * 1001)[1]
    assert "AWS/" in refusal(put, Namespace="AWS/Bedrock", MetricData=[datum])[1]


def test_the_largest_datum_is_accepted(clients: Clients) -> None:
    clients("cloudwatch").put_metric_data(
        Namespace="T/limits",
        MetricData=[
            {
                "MetricName": "big",
                "Values": [float(i) for i in range(150)],
                "Counts": [1.0] * 150,
                "Timestamp": datetime.now(UTC) - timedelta(days=13),
                "Dimensions": [{"Name": f"d{i}", "Value": "v"} for i in range(30)],
                "Unit": "Milliseconds",
            }
        ],
    )


PLAIN = {
    "AlarmName": "limits",
    "Namespace": "T/limits",
    "MetricName": "m",
    "Statistic": "Sum",
    "Period": 60,
    "EvaluationPeriods": 1,
    "Threshold": 1.0,
    "ComparisonOperator": "GreaterThanThreshold",
}


def stat(query_id: str, *, period: int = 60, returned: bool = False) -> dict[str, Any]:
    return {
        "Id": query_id,
        "MetricStat": {"Metric": {"Namespace": "T/limits", "MetricName": "m"}, "Period": period, "Stat": "Sum"},
        "ReturnData": returned,
    }


def math_alarm(*queries: dict[str, Any], expression: str = "m0 + 1") -> dict[str, Any]:
    kept = {k: v for k, v in PLAIN.items() if k not in {"Namespace", "MetricName", "Statistic", "Period"}}
    return {**kept, "Metrics": [*queries, {"Id": "e", "Expression": expression, "ReturnData": True}]}


REFUSED_ALARMS: list[tuple[dict[str, Any], str]] = [
    ({**PLAIN, "Period": 3600, "EvaluationPeriods": 169}, "604800"),
    ({**PLAIN, "Period": 1800, "EvaluationPeriods": 49}, "86400"),
    ({**PLAIN, "DatapointsToAlarm": 2}, "DatapointsToAlarm"),
    ({**PLAIN, "Period": 45}, "multiple of 60"),
    ({**PLAIN, "AlarmActions": [f"arn:aws:sns:us-east-1:000000000000:t{i}" for i in range(6)]}, "AlarmActions"),
    ({**PLAIN, "AlarmDescription": "x" * 1025}, "1024"),
    ({**PLAIN, "ExtendedStatistic": "p90"}, "Exactly one"),
    ({**PLAIN, "TreatMissingData": "perhaps"}, "TreatMissingData"),
    ({**PLAIN, "Dimensions": [{"Name": "ModelId", "Value": " "}]}, "must not be empty"),
    (math_alarm(*[stat(f"m{i}") for i in range(11)]), "at most 10 metrics"),
    (math_alarm(stat("m0"), expression="SUM(SEARCH('{T/limits} m', 'Sum', 60))"), "SEARCH"),
    (math_alarm(stat("m0", returned=True)), "Exactly one element"),
    (math_alarm(stat("m0"), expression="m1 + 1"), "m1"),
    (math_alarm(stat("m0"), expression="MEDIAN(m0)"), "MEDIAN"),
    (math_alarm(stat("m0"), stat("m1", period=300)), "share one period"),
    ({**math_alarm(stat("m0")), "ComparisonOperator": "GreaterThanUpperThreshold"}, "ThresholdMetricId"),
]


@pytest.mark.parametrize(("alarm", "complaint"), REFUSED_ALARMS)
def test_alarm(clients: Clients, alarm: dict[str, Any], complaint: str) -> None:
    code, message = refusal(clients("cloudwatch").put_metric_alarm, **alarm)
    assert complaint in message
    assert code == "ValidationError"


@pytest.mark.parametrize(
    "alarm",
    [
        {**PLAIN, "Period": 3600, "EvaluationPeriods": 168},
        {**PLAIN, "Period": 86400, "EvaluationPeriods": 7},
        {**PLAIN, "Period": 300, "EvaluationPeriods": 288},
        math_alarm(*[stat(f"m{i}") for i in range(10)]),
    ],
)
def test_alarm_at_the_limit(clients: Clients, alarm: dict[str, Any]) -> None:
    cloudwatch = clients("cloudwatch")
    cloudwatch.put_metric_alarm(**alarm)
    cloudwatch.delete_alarms(AlarmNames=["limits"])


def test_a_refused_alarm_fails_its_stack_with_the_reason(deploy: Deploy) -> None:
    properties = {**PLAIN, "Period": "3600", "EvaluationPeriods": "200", "AlarmName": f"cfn-{time.time_ns()}"}
    stack = deploy({"Alarm": {"Type": "AWS::CloudWatch::Alarm", "Properties": properties}}, expect="ROLLBACK_COMPLETE")
    assert "604800" in stack.reasons()


def widgets(count: int) -> str:
    text = {"type": "text", "x": 0, "y": 0, "width": 6, "height": 2, "properties": {"markdown": "hello"}}
    return json.dumps({"widgets": [text] * count})


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ("{not json", "not JSON"),
        ("[]", "widgets"),
        (widgets(501), "501"),
        (json.dumps({"widgets": [{"type": "chart", "properties": {}}]}), "/widgets/0"),
        (json.dumps({"widgets": [{"type": "metric", "properties": {"region": "us-east-1"}}]}), "needs metrics"),
        (json.dumps({"widgets": [{"type": "text", "width": 25, "properties": {"markdown": ""}}]}), "width"),
    ],
)
def test_dashboard(clients: Clients, body: str, complaint: str) -> None:
    code, message = refusal(clients("cloudwatch").put_dashboard, DashboardName="limits", DashboardBody=body)
    assert code == "InvalidParameterInput"
    assert complaint in message


def test_a_refused_dashboard_fails_its_stack(clients: Clients, deploy: Deploy) -> None:
    clients("cloudwatch").put_dashboard(DashboardName="limits", DashboardBody=widgets(500))
    board = {"Type": "AWS::CloudWatch::Dashboard", "Properties": {"DashboardBody": "{broken"}}
    assert "not JSON" in deploy({"Board": board}, expect="ROLLBACK_COMPLETE").reasons()


@pytest.mark.parametrize(
    ("composite", "complaint"),
    [
        (
            {"AlarmRule": " OR ".join(f'ALARM("child-{number}")' for number in range(101))},
            "at most 100 alarms, not 101",
        ),
        ({"AlarmRule": " OR ".join(f'ALARM("{"x" * 250}{number}")' for number in range(60))}, "10240 characters"),
        ({"AlarmDescription": "x" * 1025}, "AlarmDescription must have at most 1024"),
        ({"AlarmName": "x" * 256}, "AlarmName"),
        ({"AlarmActions": ["arn:aws:sns:us-east-1:1:t"] * 6}, "more than 5"),
        ({"AlarmRule": 'ALARM("nobody-made-it")'}, "do not exist"),
    ],
)
def test_composite_alarm(clients: Clients, composite: dict[str, Any], complaint: str) -> None:
    request = {"AlarmName": "composite-refused", "AlarmRule": "TRUE", **composite}
    code, message = refusal(clients("cloudwatch").put_composite_alarm, **request)
    assert code == "ValidationError"
    assert complaint in message
