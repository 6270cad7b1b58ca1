"""CloudFormation as custom resources see it: its requests, and its end of the answer."""

from dataclasses import dataclass, field
from typing import Any

from tests.support.fakes import FakeContext


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
