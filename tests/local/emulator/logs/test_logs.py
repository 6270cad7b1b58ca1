"""Metric filters and saved queries."""

import json
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from local.emulator.logs.filter_pattern import matches
from tests.support.local.emulator import Clients, Deploy

EVENT = {
    "operation": "Converse",
    "modelId": "amazon.nova-lite-v1:0",
    "output": {"outputTokenCount": 7, "stop": None, "ok": True},
    "tags": [{"k": "a"}, {"k": "b"}],
    "odd-name": 1,
}


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("", True),
        ("Converse", True),
        ('"modelId" nova', True),
        ("Converse -nova", False),
        ("?absent ?Converse", True),
        ("?absent ?missing", False),
        ('{ $.operation = "Converse" }', True),
        ('{ $.operation = "Conv*" && $.output.outputTokenCount >= 7 }', True),
        ('{ $.operation = "Other" || ($.output.outputTokenCount < 8 && $.modelId != "x") }', True),
        ('{ $.operation != "Converse" }', False),
        ('{ $.absent != "x" }', False),
        ("{ $.absent NOT EXISTS }", True),
        ("{ $.output.stop IS NULL }", True),
        ("{ $.output.ok IS TRUE }", True),
        ('{ $.tags[*].k = "b" }', True),
        ('{ $.tags[*].k = "c" }', False),
        ('{ $.operation[*].k = "b" }', False),
        ("{ $.output.* = 7 }", True),
        ("{ $.tags[*].n NOT EXISTS }", True),
        ('{ $.tags[0].k = "a" }', True),
        ('{ $["odd-name"] = 1 }', True),
        ("{ $.odd-name = 1 }", True),
        ("{ $.output.outputTokenCount = 8 }", False),
    ],
)
def test_pattern(pattern: str, expected: bool) -> None:
    assert matches(pattern, json.dumps(EVENT))[0] is expected


def test_a_json_pattern_does_not_match_text() -> None:
    assert matches("{ $.a NOT EXISTS }", "Permissions are correctly set for Amazon Bedrock logs.") == (False, None)


@given(value=st.text(alphabet=st.characters(codec="utf-8", exclude_characters='"\\*', exclude_categories=["Cc"])))
def test_any_text_equals_itself(value: str) -> None:
    assert matches(f'{{ $.a = "{value}" }}', json.dumps({"a": value}))[0]


def test_filter_publishes_at_the_event_s_time(clients: Clients, deploy: Deploy) -> None:
    name = f"filter-{uuid.uuid4().hex[:8]}"
    transformations: list[dict[str, Any]] = [
        {"MetricName": "Calls", "MetricNamespace": name, "MetricValue": "1"},
        {
            "MetricName": "Tokens",
            "MetricNamespace": name,
            "MetricValue": "$.output.outputTokenCount",
            "Dimensions": [{"Key": "ModelId", "Value": "$.modelId"}],
            "Unit": "Count",
        },
    ]
    resources: dict[str, Any] = {
        "Group": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": name, "RetentionInDays": 7}},
    }
    for number, transformation in enumerate(transformations):
        resources[f"Filter{number}"] = {
            "Type": "AWS::Logs::MetricFilter",
            "Properties": {
                "LogGroupName": {"Ref": "Group"},
                "FilterPattern": '{ $.operation = "Converse" && $.output.outputTokenCount > 0 }',
                "MetricTransformations": [transformation],
            },
        }
    deploy(resources)
    logs = clients("logs")
    logs.create_log_stream(logGroupName=name, logStreamName="s")
    when = (int(time.time()) - 120) * 1000
    other = {**EVENT, "operation": "InvokeModel"}
    messages = [json.dumps(EVENT), json.dumps(EVENT), json.dumps(other), "plain text"]
    logs.put_log_events(
        logGroupName=name,
        logStreamName="s",
        logEvents=[{"timestamp": when, "message": message} for message in messages],
    )

    def total(metric: str, dimensions: list[dict[str, str]]) -> list[tuple[datetime, float]]:
        answer = clients("cloudwatch").get_metric_statistics(
            Namespace=name,
            MetricName=metric,
            Dimensions=dimensions,
            StartTime=datetime.now(UTC) - timedelta(minutes=10),
            EndTime=datetime.now(UTC),
            Period=60,
            Statistics=["Sum"],
        )
        return [(d["Timestamp"], d["Sum"]) for d in answer["Datapoints"]]

    minute = datetime.fromtimestamp(when // 60_000 * 60, UTC)
    assert total("Calls", []) == [(minute, 2)]
    assert total("Tokens", [{"Name": "ModelId", "Value": EVENT["modelId"]}]) == [(minute, 14)]  # type: ignore[dict-item]


# That EXISTS is not supported is said in the guide.
@pytest.mark.parametrize("pattern", ["{ $.a == 1 }", "{ $.a EXISTS }"])
def test_a_pattern_that_nobody_understands_is_refused(clients: Clients, pattern: str) -> None:
    name = f"bad-{uuid.uuid4().hex[:8]}"
    clients("logs").create_log_group(logGroupName=name)
    with pytest.raises(ClientError, match="Invalid filter pattern"):
        clients("logs").put_metric_filter(
            logGroupName=name,
            filterName="bad",
            filterPattern=pattern,
            metricTransformations=[{"metricName": "m", "metricNamespace": "n", "metricValue": "1"}],
        )


def test_saved_query(clients: Clients, deploy: Deploy) -> None:
    name = f"team/{uuid.uuid4().hex[:8]}"
    properties = {"Name": name, "QueryString": "fields @message", "LogGroupNames": ["g"]}
    stack = deploy({"Query": {"Type": "AWS::Logs::QueryDefinition", "Properties": properties}})

    def found() -> list[dict[str, Any]]:
        return list(clients("logs").describe_query_definitions(queryDefinitionNamePrefix=name)["queryDefinitions"])

    (query,) = found()
    assert query["queryDefinitionId"] == stack.id_of("Query")
    assert (query["queryString"], query["logGroupNames"]) == ("fields @message", ["g"])
    stack.delete()
    stack_gone = time.monotonic() + 5
    while found() and time.monotonic() < stack_gone:
        time.sleep(0.1)
    assert found() == []
