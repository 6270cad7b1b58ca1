"""CloudFormation's requests, and its end of the answer."""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from bedrock_eval_functions.custom_resources import cfn, patience
from tests.unit.fakes import FakeContext


class FakeTime:
    """The clock of the process: sleeping moves it, nothing waits."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@dataclass
class CloudFormation:
    """Calls a handler as CloudFormation does and keeps every answer."""

    time: FakeTime
    answers: list[dict[str, Any]] = field(default_factory=list)
    logical_id: str = "Thing"

    def call(self, handler: Any, kind: str, properties: dict[str, Any], *, seconds: float = 300) -> dict[str, Any]:
        event = {
            "RequestType": kind,
            "ResponseURL": "https://cloudformation.example/answer",
            "StackId": "stack",
            "RequestId": "request",
            "LogicalResourceId": self.logical_id,
            "ResourceProperties": {"ServiceToken": "arn:function", **properties},
        }
        if kind != "Create":
            event["PhysicalResourceId"] = self.answers[-1]["PhysicalResourceId"] if self.answers else "made-before"
        before = len(self.answers)
        handler(event, FakeContext(seconds))
        assert len(self.answers) == before + 1
        return self.answers[-1]

    def works(self, handler: Any, kind: str, properties: dict[str, Any], **options: Any) -> dict[str, Any]:
        answer = self.call(handler, kind, properties, **options)
        assert answer["Status"] == "SUCCESS", answer["Reason"]
        return answer

    def fails(self, handler: Any, kind: str, properties: dict[str, Any], **options: Any) -> str:
        answer = self.call(handler, kind, properties, **options)
        assert answer["Status"] == "FAILED"
        return str(answer["Reason"])


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> FakeTime:
    fake = FakeTime()
    for module in (cfn, patience):
        monkeypatch.setattr(module, "time", fake)
    return fake


@pytest.fixture
def cloudformation(time: FakeTime, monkeypatch: pytest.MonkeyPatch) -> CloudFormation:
    fake = CloudFormation(time)

    def put(url: str, body: bytes, *, deadline: float) -> None:
        assert deadline < float("inf")
        assert url == "https://cloudformation.example/answer"
        assert len(body) <= 4096
        fake.answers.append(json.loads(body))

    monkeypatch.setattr(cfn, "_put", put)
    return fake
