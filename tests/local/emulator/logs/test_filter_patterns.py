"""The metric filters of the invocation log over a record of every shape, and what they publish."""

import json
import time
import uuid
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bedrock_eval.invocation_log.filters import (
    FAILED_CALLS,
    INTERVENTIONS,
    LOG_FILTERS,
    LONGEST_PATTERN,
    TRUNCATED_ANSWERS,
    LogFilter,
)
from bedrock_eval.invocation_log.records import InvocationRecord, read_record
from local.emulator.logs.filter_pattern import matches, select
from tests.support.aws.log_records import HAIKU, NOVA, PERMISSION_CHECK, RECORDS
from tests.support.local.emulator import Clients


def changed(name: str, body: Any) -> dict[str, Any]:
    """A sample record with another answer."""
    record = deepcopy(RECORDS[name])
    record["output"]["outputBodyJson"] = body
    return record


# How the models that InvokeModel serves say that a limit of tokens ended the answer.
CUT_OFF = {
    "Converse": RECORDS["Converse of a long chat"],
    "context window": changed("ConverseStream", {"stopReason": "model_context_window_exceeded"}),
    "Anthropic": RECORDS["InvokeModel"],
    "Meta": changed("InvokeModel", {"generation": "...", "stop_reason": "length"}),
    "Mistral and OpenAI": changed("InvokeModel", {"choices": [{"finish_reason": "length"}]}),
    "Titan": changed("InvokeModel", {"results": [{"completionReason": "LENGTH"}]}),
    "stream of Anthropic": changed(
        "InvokeModelWithResponseStream",
        [{"type": "message_start"}, {"type": "message_delta", "delta": {"stop_reason": "max_tokens"}}],
    ),
}
WHOLE = {
    **{name: record for name, record in RECORDS.items() if name not in ("Converse of a long chat", "InvokeModel")},
    "another log": {**RECORDS["InvokeModel"], "schemaType": "Other"},
    "a prompt that says so": changed("InvokeModel", {"stop_reason": "end_turn", "content": [{"text": "max_tokens"}]}),
}


@pytest.mark.parametrize("name", CUT_OFF)
def test_a_truncated_answer_is_counted_for_its_model(name: str) -> None:
    matched, document = matches(TRUNCATED_ANSWERS.pattern, json.dumps(CUT_OFF[name]))
    assert matched
    assert {key: select(document, value) for key, value in TRUNCATED_ANSWERS.dimensions.items()} == {"ModelId": HAIKU}
    # The filter and the parser of records mean the same.
    read = read_record(CUT_OFF[name], where="here")
    assert isinstance(read, InvocationRecord)
    assert read.truncated


@pytest.mark.parametrize("name", WHOLE)
def test_nothing_else_is(name: str) -> None:
    assert not matches(TRUNCATED_ANSWERS.pattern, json.dumps(WHOLE[name]))[0]
    read = read_record(WHOLE[name], where="here")
    assert not (isinstance(read, InvocationRecord) and read.truncated)


def test_a_long_chat_is_counted_though_logs_insights_would_not_find_its_fields() -> None:
    assert len(RECORDS["Converse of a long chat"]["input"]["inputBodyJson"]["messages"]) * 2 > 200
    assert matches(TRUNCATED_ANSWERS.pattern, json.dumps(RECORDS["Converse of a long chat"]))[0]


# How a record says that a guardrail intervened; what is in an answer's text or a trace says nothing.
INTERVENED = {
    "Converse": changed("Converse of a long chat", {"stopReason": "guardrail_intervened"}),
    "ConverseStream": changed("ConverseStream", {"stopReason": "guardrail_intervened"}),
    "InvokeModel": changed("InvokeModel", {"content": [], "amazon-bedrock-guardrailAction": "INTERVENED"}),
    "InvokeModel, a stream": changed(
        "InvokeModelWithResponseStream",
        [
            {"type": "message_start", "amazon-bedrock-guardrailAction": "NONE"},
            {"type": "message_delta", "amazon-bedrock-guardrailAction": "INTERVENED"},
            {"type": "message_stop", "amazon-bedrock-guardrailAction": "INTERVENED"},
        ],
    ),
}
UNTOUCHED = {
    **RECORDS,
    "assessed": changed("InvokeModel", {"amazon-bedrock-guardrailAction": "NONE"}),
    "filtered": changed("ConverseStream", {"stopReason": "content_filtered"}),
    "quoted": changed("ConverseStream", {"stopReason": "end_turn", "output": {"text": "guardrail_intervened"}}),
}


@pytest.mark.parametrize("name", INTERVENED)
def test_an_intervention_is_counted_for_the_model_as_the_caller_wrote_it(name: str) -> None:
    arn = f"arn:aws:bedrock:us-east-1:111122223333:inference-profile/{HAIKU}"
    for called in (HAIKU, arn):
        matched, document = matches(INTERVENTIONS.pattern, json.dumps({**INTERVENED[name], "modelId": called}))
        assert matched
        assert select(document, INTERVENTIONS.dimensions["ModelId"]) == called


@pytest.mark.parametrize("name", UNTOUCHED)
def test_no_other_answer_is_an_intervention(name: str) -> None:
    assert not matches(INTERVENTIONS.pattern, json.dumps(UNTOUCHED[name]))[0]


def test_failed_calls_are_counted_by_their_code() -> None:
    found = {
        name: select(document, FAILED_CALLS.dimensions["ErrorCode"])
        for name, record in RECORDS.items()
        for matched, document in [matches(FAILED_CALLS.pattern, json.dumps(record))]
        if matched
    }
    assert found == {"throttled": "ThrottlingException", "refused": "ValidationException"}


@pytest.mark.parametrize("each", LOG_FILTERS, ids=lambda each: each.name)
def test_the_first_line_of_the_group_is_no_record(each: LogFilter) -> None:
    assert matches(each.pattern, PERMISSION_CHECK) == (False, None)


@pytest.mark.parametrize("each", LOG_FILTERS, ids=lambda each: each.name)
def test_limits_of_the_service(each: LogFilter) -> None:
    assert len(each.pattern) <= LONGEST_PATTERN
    # One wildcard selector in a selector, three in a pattern; three dimensions.
    assert each.pattern.count("[*]") <= 3
    assert tuple(each.dimensions) == each.metric.dimensions
    assert 1 <= len(each.dimensions) <= 3


def test_what_they_publish(clients: Clients) -> None:
    group, logs = f"filters-{uuid.uuid4().hex[:8]}", clients("logs")
    namespace = f"test/{group}"
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName="aws/bedrock/modelinvocations")
    for each in LOG_FILTERS:
        transformation = {"metricNamespace": namespace, "metricName": each.metric.name, "metricValue": "1"}
        logs.put_metric_filter(
            logGroupName=group,
            filterName=each.name,
            filterPattern=each.pattern,
            metricTransformations=[{**transformation, "dimensions": dict(each.dimensions), "unit": each.metric.unit}],
        )
    now = int(time.time() * 1000)
    messages = [PERMISSION_CHECK, *map(json.dumps, RECORDS.values())]
    logs.put_log_events(
        logGroupName=group,
        logStreamName="aws/bedrock/modelinvocations",
        logEvents=[{"timestamp": now + number, "message": message} for number, message in enumerate(messages)],
    )
    listed = clients("cloudwatch").list_metrics(Namespace=namespace)["Metrics"]
    found = {
        (metric["MetricName"], metric["Dimensions"][0]["Value"]): clients("cloudwatch").get_metric_statistics(
            Namespace=namespace,
            MetricName=metric["MetricName"],
            Dimensions=metric["Dimensions"],
            StartTime=datetime.now(UTC) - timedelta(hours=1),
            EndTime=datetime.now(UTC) + timedelta(hours=1),
            Period=7200,
            Statistics=["Sum"],
        )["Datapoints"][0]["Sum"]
        for metric in listed
    }
    assert found == {
        ("truncated_answers", HAIKU): 2,
        ("failed_calls", "ThrottlingException"): 1,
        ("failed_calls", "ValidationException"): 1,
    }
    assert NOVA not in str(listed)
