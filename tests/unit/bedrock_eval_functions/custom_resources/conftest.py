"""CloudFormation, and a clock on which nothing waits."""

import json

import pytest

from bedrock_eval_functions.custom_resources import cfn, patience
from tests.support.cloudformation import CloudFormation, FakeTime


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
