"""A sample export as the S3 delivery leaves it, and a `logs` client that answers by script."""

import gzip
import json
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import settings

from bedrock_eval.model_checks import checks
from tests.support.frozen import ENVIRONMENTS

settings.register_profile("quick", max_examples=20, deadline=None)
settings.load_profile("quick")

PROFILE_ARN = "arn:aws:bedrock:us-east-1:111122223333:inference-profile/us.anthropic.claude-haiku-5-5"
ROLE = "arn:aws:sts::111122223333:assumed-role/support/"


@pytest.fixture(autouse=True)
def _frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    """What users edit decides no test."""
    monkeypatch.setenv("BEDROCK_EVAL_ENVIRONMENTS", str(ENVIRONMENTS))


@pytest.fixture(autouse=True)
def _fresh_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands go by the clock, and the age of the table of models must turn no test red."""
    monkeypatch.setattr(checks, "VERIFIED_ON", datetime.now(UTC).date())


@pytest.fixture(autouse=True)
def _no_account(monkeypatch: pytest.MonkeyPatch) -> None:
    # COLUMNS: tables are as wide as they like, whatever the terminal of the tests is.
    for name in [name for name in os.environ if name.startswith("AWS_") or name == "COLUMNS"]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)


def clients_of_the_account(bucket: str, **others: Any) -> dict[str, Any]:
    """By service: who asks, the stack whose results lie in `bucket`, and the other clients of a test."""
    caller = {"Account": "111122223333", "Arn": "arn:aws:sts::111122223333:assumed-role/ops/me"}
    outputs = [{"OutputKey": "ResultsBucket", "OutputValue": bucket}]
    return {
        "sts": SimpleNamespace(get_caller_identity=lambda: caller),
        "cloudformation": SimpleNamespace(describe_stacks=lambda StackName: {"Stacks": [{"Outputs": outputs}]}),  # noqa: N803
        **others,
    }


def a_record(minute: int, *, session: str = "i-1", **changes: Any) -> dict[str, Any]:
    """In the order in which Bedrock writes: bodies before counts, counts before identity."""
    record = {
        "timestamp": f"2026-11-23T10:{minute:02}:00Z",
        "accountId": "111122223333",
        "region": "us-east-1",
        "requestId": f"r-{minute}",
        "operation": "Converse",
        "modelId": "us.anthropic.claude-haiku-5-5",
        "input": {"inputContentType": "application/json", "inputBodyJson": {"messages": []}, "inputTokenCount": 10},
        "output": {"outputContentType": "application/json", "outputTokenCount": 20},
        "identity": {"arn": ROLE + session},
        "schemaType": "ModelInvocationLog",
        "schemaVersion": "1.0",
    }
    return {key: value for key, value in {**record, **changes}.items() if value is not None}


def answered(latency_ms: int, stop_reason: str = "end_turn") -> dict[str, Any]:
    body = {
        "output": {"message": {"content": [{"text": "Hello"}], "role": "assistant"}},
        "stopReason": stop_reason,
        "metrics": {"latencyMs": latency_ms},
        "usage": {"inputTokens": 10, "outputTokens": 20, "totalTokens": 30},
    }
    return {"outputContentType": "application/json", "outputBodyJson": body, "outputTokenCount": 20}


def streamed(latency_ms: int) -> dict[str, Any]:
    last = {"inputTokenCount": 7, "outputTokenCount": 8, "invocationLatency": latency_ms, "firstByteLatency": 310}
    chunks = [
        {"type": "message_start", "message": {"stop_reason": None, "usage": {"input_tokens": 7}}},
        {"type": "message_delta", "delta": {"stop_reason": "max_tokens"}},
        {"type": "message_stop", "amazon-bedrock-invocationMetrics": last},
    ]
    return {"outputContentType": "application/json", "outputBodyJson": chunks, "outputTokenCount": 8}


def failed(minute: int, code: str, **changes: Any) -> dict[str, Any]:
    return a_record(minute, input=None, output=None, errorCode=code, **changes)


SAMPLE = [
    a_record(0, output=answered(500), requestMetadata={"purpose": "evaluation", "run": "x"}),
    a_record(1, output=answered(4200), session="i-2"),
    a_record(2, output=answered(3000, "max_tokens"), modelId=PROFILE_ARN),
    a_record(3, operation="InvokeModelWithResponseStream", output=streamed(5100)),
    a_record(4, operation="InvokeModel", output={"outputBodyJson": {"stop_reason": "stop"}, "outputTokenCount": 3}),
    a_record(5, modelId="us.amazon.nova-2-lite-v1:0"),
    failed(6, "ThrottlingException"),
    failed(7, "ThrottlingException", session="i-9"),
    failed(20, "ThrottlingException"),
    failed(21, "ValidationException", modelId="us.amazon.nova-2-lite-v1:0"),
]
"""10 calls: 6 answered, 4 failed; of the answered, the latency of 4 is known."""


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """Two hours of the S3 delivery, with everything that lies in such a folder."""
    folder = tmp_path / "AWSLogs" / "111122223333" / "BedrockModelInvocationLogs" / "us-east-1" / "2026" / "11" / "23"
    (folder / "10" / "data").mkdir(parents=True)
    lines = [json.dumps(record) for record in SAMPLE]
    (folder / "10" / "a.json.gz").write_bytes(gzip.compress("\n".join(lines[:5]).encode()))
    (folder / "10" / "b.json.gz").write_bytes(gzip.compress(("\n".join(lines[5:]) + "\n").encode()))
    (folder / "10" / "data" / "r-1_input.json.gz").write_bytes(gzip.compress(b'{"messages": []}'))
    (folder / "amazon-bedrock-logs-permission-check").write_bytes(b"")
    (folder / "stream.log").write_text("Permissions are correctly set for Amazon Bedrock logs.\n{broken\n[1]\n\n")
    return tmp_path


class Script:
    """boto3's `logs` as far as it is called: each `start_query` takes the next answers of the script."""

    def __init__(self, answer: Callable[[str, int], list[dict[str, Any]]]) -> None:
        self.started: list[dict[str, Any]] = []
        self.stopped: list[str] = []
        self._answer = answer
        self._pending: dict[str, Iterator[dict[str, Any]]] = {}

    def start_query(self, **arguments: Any) -> dict[str, Any]:
        self.started.append(arguments)
        query_id = f"q-{len(self.started)}"
        self._pending[query_id] = iter(self._answer(arguments["queryString"], len(self.started)))
        return {"queryId": query_id}

    def get_query_results(self, *, queryId: str, **_: Any) -> dict[str, Any]:  # noqa: N803 - the API's name
        return next(self._pending[queryId])

    def stop_query(self, *, queryId: str) -> dict[str, Any]:  # noqa: N803 - the API's name
        self.stopped.append(queryId)
        return {"success": True}


def result(rows: list[dict[str, str]], *, status: str = "Complete", matched: int | None = None) -> dict[str, Any]:
    return {
        "status": status,
        "results": [[{"field": key, "value": value} for key, value in row.items()] for row in rows],
        "statistics": {"recordsMatched": float(matched or len(rows)), "recordsScanned": 99.0, "bytesScanned": 1e6},
    }


@pytest.fixture
def script() -> type[Script]:
    return Script


@pytest.fixture(name="result")
def _result() -> Callable[..., dict[str, Any]]:
    return result


@pytest.fixture
def sample() -> list[dict[str, Any]]:
    return SAMPLE
