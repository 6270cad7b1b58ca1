"""One invocation-log record of every real shape, in the order in which Bedrock writes its members.

Sources: Bedrock user guide, model-invocation-logging; records that public projects show.
"""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from local.emulator.logs.insights.events import Event

HAIKU, NOVA = "us.anthropic.claude-haiku-5-5", "us.amazon.nova-2-lite-v1:0"
PROFILE_ARN = "arn:aws:bedrock:us-east-1:111122223333:application-inference-profile/abcd1234efgh"
ROLE = "arn:aws:sts::111122223333:assumed-role/"
PERMISSION_CHECK = "Permissions are correctly set for Amazon Bedrock logs."
JSON = "application/json"


def converse(latency_ms: int, *, stop_reason: str = "end_turn", output: int = 20) -> dict[str, Any]:
    """The body of an answer of Converse and, as one object, of ConverseStream."""
    return {
        "output": {"message": {"role": "assistant", "content": [{"text": "Hello"}]}},
        "stopReason": stop_reason,
        "metrics": {"latencyMs": latency_ms},
        "usage": {"inputTokens": 10, "outputTokens": output, "totalTokens": 10 + output},
    }


def chat(turns: int) -> dict[str, Any]:
    """A request whose history alone has two fields a turn."""
    return {"messages": [{"role": "user", "content": [{"text": f"turn {turn}"}]} for turn in range(turns)]}


_NATIVE = {"type": "message", "content": [{"type": "text", "text": "Hello"}], "stop_reason": "max_tokens"}
_CHUNKS = [
    {"type": "message_start", "message": {"stop_reason": None, "usage": {"input_tokens": 7}}},
    {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "Hello"}},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}},
    {
        "type": "message_stop",
        "amazon-bedrock-invocationMetrics": {
            **{"inputTokenCount": 7, "outputTokenCount": 8, "invocationLatency": 5100, "firstByteLatency": 310}
        },
    },
]


def record(
    minute: int,
    operation: str,
    *,
    input: dict[str, Any] | None,  # noqa: A002 - the record's own name
    output: dict[str, Any] | None,
    role: str = "support/i-1",
    metadata: dict[str, str] | None = None,
    **changes: Any,
) -> dict[str, Any]:
    members = {
        "timestamp": f"2026-11-23T10:{minute:02}:00Z",
        "accountId": "111122223333",
        "region": "us-east-1",
        "requestId": f"r-{minute}",
        "operation": operation,
        "modelId": HAIKU,
        **changes,
        "input": input and {"inputContentType": JSON, **input},
        "output": output and {"outputContentType": JSON, **output},
        "identity": {"arn": ROLE + role},
        "requestMetadata": metadata,
        "schemaType": "ModelInvocationLog",
        "schemaVersion": "1.0",
    }
    return {key: value for key, value in members.items() if value is not None}


RECORDS: dict[str, dict[str, Any]] = {
    "Converse": record(
        0,
        "Converse",
        input={"inputBodyJson": chat(1), "inputTokenCount": 10},
        output={"outputBodyJson": converse(4200), "outputTokenCount": 20},
        metadata={"application": "shop", "team": "care"},
    ),
    "Converse with a cached prompt": record(
        1,
        "Converse",
        input={
            "inputBodyJson": chat(1),
            **{"inputTokenCount": 10, "cacheReadInputTokenCount": 9000, "cacheWriteInputTokenCount": 500},
        },
        output={"outputBodyJson": converse(900), "outputTokenCount": 20},
        metadata={"application": "shop"},
    ),
    "Converse of a long chat": record(
        2,
        "Converse",
        input={"inputBodyJson": chat(150), "inputTokenCount": 4000},
        output={"outputBodyJson": converse(6400, stop_reason="max_tokens", output=512), "outputTokenCount": 512},
        role="batch/i-7",
        metadata={"application": "shop"},
    ),
    "ConverseStream": record(
        3,
        "ConverseStream",
        input={"inputBodyJson": chat(1), "inputTokenCount": 11},
        output={"outputBodyJson": converse(3001), "outputTokenCount": 20},
    ),
    "InvokeModel": record(
        4,
        "InvokeModel",
        input={"inputBodyJson": chat(1), "inputTokenCount": 12},
        output={"outputBodyJson": _NATIVE, "outputTokenCount": 64},
    ),
    "InvokeModelWithResponseStream": record(
        5,
        "InvokeModelWithResponseStream",
        input={"inputBodyJson": chat(1), "inputTokenCount": 7},
        output={"outputBodyJson": _CHUNKS, "outputTokenCount": 8},
    ),
    "throttled": record(6, "Converse", input=None, output=None, errorCode="ThrottlingException"),
    "refused": record(7, "Converse", input=None, output=None, errorCode="ValidationException", modelId=NOVA),
    "bodies in S3": record(
        8,
        "Converse",
        input={"inputBodyS3Path": "s3://logs/data/r-8_input.json.gz", "inputTokenCount": 90_000},
        output={"outputBodyS3Path": "s3://logs/data/r-8_output.json.gz", "outputTokenCount": 30},
        modelId=NOVA,
    ),
    "delivery of text off": record(
        9, "Converse", input={"inputTokenCount": 13}, output={"outputTokenCount": 14}, modelId=NOVA
    ),
    "evaluation": record(
        10,
        "Converse",
        input={"inputBodyJson": chat(1), "inputTokenCount": 15},
        output={"outputBodyJson": converse(700), "outputTokenCount": 20},
        role="evaluator/run",
        metadata={"purpose": "evaluation", "evaluation": "support-quality", "application": "shop"},
        modelId=PROFILE_ARN,
    ),
    "by ARN": record(
        11,
        "Converse",
        input={"inputBodyJson": chat(1), "inputTokenCount": 16},
        output={"outputBodyJson": converse(1200), "outputTokenCount": 20},
        modelId=f"arn:aws:bedrock:us-east-1:111122223333:inference-profile/{HAIKU}",
    ),
    "the next day": record(
        12,
        "Converse",
        input={"inputBodyJson": chat(1), "inputTokenCount": 17},
        output={"outputBodyJson": converse(1300), "outputTokenCount": 20},
        timestamp="2026-11-24T09:12:00Z",
    ),
}
"""12 calls and one of the next day; 11 answered, 8 of them with a latency."""


def event(value: dict[str, Any]) -> Event:
    at = datetime.fromisoformat(value["timestamp"])
    return Event(
        int(at.timestamp() * 1000), json.dumps(value), "aws/bedrock/modelinvocations", pointer=value["requestId"]
    )


def events(records: Iterable[dict[str, Any]] = RECORDS.values()) -> list[Event]:
    """The records as the log group holds them, after the line that Bedrock writes first."""
    begin = Event(int(datetime(2026, 11, 23, 9, tzinfo=UTC).timestamp() * 1000), PERMISSION_CHECK, pointer="p")
    return [begin, *map(event, records)]
