import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedrock_eval.invocation_log.records import (
    InvocationRecord,
    Skipped,
    is_truncation,
    model_name,
    read_line,
    read_record,
)

ARN = "arn:aws:sts::111122223333:assumed-role/support/i-1"


def a_record(operation: str = "Converse", **changes: Any) -> dict[str, Any]:
    """An error-free record without bodies."""
    return {
        "schemaType": "ModelInvocationLog",
        "schemaVersion": "1.0",
        "timestamp": "2026-11-23T10:00:00Z",
        "accountId": "111122223333",
        "identity": {"arn": ARN},
        "region": "us-east-1",
        "requestId": "r-1",
        "operation": operation,
        "modelId": "us.anthropic.claude-haiku-5-5",
        "input": {"inputContentType": "application/json", "inputTokenCount": 12},
        "output": {"outputContentType": "application/json", "outputTokenCount": 34},
        **changes,
    }


def with_answer(operation: str, answer: Any, **changes: Any) -> dict[str, Any]:
    return a_record(operation, output={"outputBodyJson": answer, "outputTokenCount": 34}, **changes)


def read(value: Any) -> InvocationRecord:
    found = read_record(value, where="here")
    assert isinstance(found, InvocationRecord), found
    return found


CONVERSE = {
    "metrics": {"latencyMs": 812},
    "output": {"message": {"role": "assistant", "content": [{"text": "Hello"}]}},
    "stopReason": "end_turn",
    "usage": {"inputTokens": 12, "outputTokens": 34, "totalTokens": 46},
}


@pytest.mark.parametrize("operation", ["Converse", "ConverseStream"])
def test_converse_and_its_stream_are_one_object(operation: str) -> None:
    record = read(with_answer(operation, CONVERSE, requestMetadata={"purpose": "evaluation", "odd": 1}))
    assert record.time == datetime(2026, 11, 23, 10, tzinfo=UTC)
    assert (record.operation, record.request_id, record.identity) == (operation, "r-1", ARN)
    assert (record.latency_ms, record.time_to_first_token_ms) == (812, None)
    assert (record.input_tokens, record.output_tokens) == (12, 34)
    assert (record.stop_reason, record.truncated, record.answered) == ("end_turn", False, True)
    assert record.request_metadata == {"purpose": "evaluation"}


def test_a_stream_that_was_logged_event_by_event() -> None:
    events = [
        {"contentBlockDelta": {"delta": {"text": "Hel"}}},
        {"messageStop": {"stopReason": "max_tokens"}},
        {"metadata": {"metrics": {"latencyMs": 900}, "usage": {"inputTokens": 5, "outputTokens": 6}}},
    ]
    record = read(a_record("ConverseStream", input={}, output={"outputBodyJson": events}))
    assert (record.latency_ms, record.input_tokens, record.output_tokens) == (900, 5, 6)
    assert record.truncated is True


def test_invoke_model_has_no_latency() -> None:
    answer = {"content": [], "stop_reason": "max_tokens", "usage": {"input_tokens": 12, "cache_read_input_tokens": 7}}
    record = read(with_answer("InvokeModel", answer))
    assert record.latency_ms is None
    assert record.truncated is True
    assert record.cache_read_tokens == 7


def test_the_stream_of_invoke_model_ends_with_its_metrics() -> None:
    chunks = [
        {"type": "message_start", "message": {"stop_reason": None, "usage": {"input_tokens": 12}}},
        {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "Hello"}},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}},
        {
            "type": "message_stop",
            "amazon-bedrock-invocationMetrics": {
                **{"inputTokenCount": 12, "outputTokenCount": 34, "invocationLatency": 2500, "firstByteLatency": 310}
            },
        },
    ]
    record = read(with_answer("InvokeModelWithResponseStream", chunks))
    assert (record.latency_ms, record.time_to_first_token_ms) == (2500, 310)
    assert (record.stop_reason, record.truncated) == ("end_turn", False)


def test_an_error_has_a_code_and_nothing_else() -> None:
    failed = a_record(errorCode="ThrottlingException")
    del failed["input"], failed["output"]
    record = read(failed)
    assert (record.answered, record.throttled, record.truncated) == (False, True, None)
    assert (record.latency_ms, record.input_tokens, record.output_tokens) == (None, None, None)
    assert not read({**failed, "errorCode": "ValidationException"}).throttled


def test_with_the_answer_in_s3_only_the_counts_are_left() -> None:
    record = read(
        a_record(
            input={"inputBodyJson": {"messages": []}, "inputTokenCount": 90_000, "cacheReadInputTokenCount": 3},
            output={"outputBodyS3Path": "s3://logs/data/r-1_output.json.gz", "outputTokenCount": 34},
        )
    )
    assert (record.input_tokens, record.output_tokens, record.cache_read_tokens) == (90_000, 34, 3)
    assert (record.latency_ms, record.stop_reason) == (None, None)


def test_with_the_request_in_s3_the_answer_is_read() -> None:
    record = read(with_answer("Converse", CONVERSE, input={"inputBodyS3Path": "s3://b/k", "inputTokenCount": 1}))
    assert record.latency_ms == 812


def test_without_text_delivery_the_counts_are_left() -> None:
    record = read(a_record())
    assert (record.input_tokens, record.output_tokens) == (12, 34)
    assert (record.latency_ms, record.truncated) == (None, None)


def test_a_body_can_be_json_inside_of_text() -> None:
    assert read(with_answer("Converse", json.dumps(CONVERSE))).latency_ms == 812


@pytest.mark.parametrize(
    "answer",
    [
        {"results": [{"outputText": "x", "completionReason": "LENGTH"}]},
        {"choices": [{"message": {}, "finish_reason": "length"}]},
        {"outputs": [{"text": "x", "stop_reason": "length"}]},
        {"generation": "x", "stop_reason": "length"},
        {"text": "x", "finish_reason": "MAX_TOKENS"},
        {"completions": [{"data": {}, "finishReason": {"reason": "length"}}]},
    ],
)
def test_every_provider_says_in_its_own_words_that_the_answer_is_cut_off(answer: dict[str, Any]) -> None:
    assert read(with_answer("InvokeModel", answer)).truncated is True


def test_what_a_prompt_says_is_no_figure() -> None:
    """Only the answer's own places are read."""
    prompt = {"messages": [{"content": [{"text": json.dumps(CONVERSE)}]}], "metrics": {"latencyMs": 1}}
    record = read(a_record(input={"inputBodyJson": prompt, "inputTokenCount": 1}))
    assert record.latency_ms is None


@pytest.mark.parametrize("latency", [None, -1, True, "812", float("nan"), float("inf"), 10**400])
def test_a_latency_that_is_no_number_is_unknown(latency: Any) -> None:
    assert read(with_answer("Converse", {"metrics": {"latencyMs": latency}})).latency_ms is None


def test_zero_is_known() -> None:
    record = read(with_answer("Converse", {"metrics": {"latencyMs": 0}}, input={"inputTokenCount": 0}))
    assert (record.latency_ms, record.input_tokens) == (0, 0)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ([], "not a JSON object"),
        (None, "not a JSON object"),
        ({"schemaType": "Other"}, "schemaType is not ModelInvocationLog"),
        (a_record(timestamp="soon"), "no timestamp that can be read"),
        (a_record(timestamp=None), "no timestamp that can be read"),
        (a_record(modelId=None), "no modelId or no operation"),
        (a_record(operation=""), "no modelId or no operation"),
    ],
)
def test_what_is_no_record_says_why(value: Any, reason: str) -> None:
    assert read_record(value, where="f:3") == Skipped(reason, "f:3")


def test_the_first_event_of_the_log_group_is_a_sentence() -> None:
    line = "Permissions are correctly set for Amazon Bedrock logs."
    assert read_line(line, where="f:1") == Skipped("plain text", "f:1", line)


def test_lines() -> None:
    line = json.dumps(a_record())
    assert isinstance(read_line(line, where="f:1"), InvocationRecord)
    assert isinstance(read_line("\ufeff" + line + "\r\n", where="f:1"), InvocationRecord)
    exported = read_line(f"2026-11-23T10:00:00.123Z {line}", where="f:1")
    assert isinstance(exported, InvocationRecord)
    assert read_line("  \n", where="f:1") is None
    assert read_line(line[:-1], where="f:1") == Skipped("not JSON", "f:1")
    assert read_line("[" * 100_000, where="f:1") == Skipped("not JSON", "f:1")


def test_names() -> None:
    profile = "arn:aws:bedrock:us-east-1:111122223333:inference-profile/us.amazon.nova-2-lite-v1:0"
    assert model_name(profile) == "us.amazon.nova-2-lite-v1:0"
    assert model_name("us.amazon.nova-2-lite-v1:0") == "us.amazon.nova-2-lite-v1:0"
    assert is_truncation("MAX_TOKENS")
    assert not is_truncation("end_turn")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)
KEYS = st.sampled_from(
    [
        *("metrics", "latencyMs", "usage", "inputTokens", "stopReason", "stop_reason", "results", "choices", "chunk"),
        *("delta", "finishReason", "arn", "outputBodyJson", "amazon-bedrock-invocationMetrics", "invocationLatency"),
    ]
)
KNOWN_KEYS = st.recursive(
    JSON, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=5), max_leaves=30
)


@given(JSON)
def test_any_json_is_a_record_or_is_skipped(value: Any) -> None:
    assert isinstance(read_record(value, where="here"), InvocationRecord | Skipped)


@given(st.sampled_from(["input", "output", "identity", "requestMetadata", "errorCode", "requestId"]), KNOWN_KEYS)
def test_a_record_with_anything_inside_is_counted(key: str, value: Any) -> None:
    record = read(a_record(**{key: value}))
    assert record.latency_ms is None or record.latency_ms >= 0


@given(KNOWN_KEYS)
def test_any_answer_can_be_read(answer: Any) -> None:
    record = read(with_answer("InvokeModel", answer))
    assert record.output_tokens == 34


@given(st.text())
def test_any_line_is_read(line: str) -> None:
    assert isinstance(read_line(line, where="here"), InvocationRecord | Skipped | None)
