"""An endpoint that is no address is one message, whichever command asks and wherever it is written."""

from pathlib import Path

import boto3
import pytest

from ops import commands, environment
from ops.__main__ import main

DEV = """\
application: shop
region: us-east-1
account: "111122223333"
owner: us
runbook_url: https://example.com/runbook
owns_account: true
models:
  small: {id: us.amazon.nova-2-lite-v1:0}
datasets:
  questions: {source: s3://elsewhere/questions.jsonl}
evaluations:
  support: {dataset: questions, candidates: [small]}
"""
COMMANDS = {
    "baseline --env dev": "sts",
    "dashboard --env dev --data": "sts",
    "evaluate --dataset cases.jsonl --model amazon.nova-2-lite-v1:0 --region us-east-1": "bedrock-runtime",
    "jobs collect --from s3://bucket/prefix --region us-east-1": "s3",
    "jobs list --region us-east-1": "bedrock",
    "logs slow --env dev": "sts",
    "prices --env dev": "pricing",
    "run --env dev support": "sts",
    "runs list --env dev": "sts",
}


@pytest.fixture(autouse=True)
def _place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(environment, "ENVIRONMENTS", tmp_path)
    monkeypatch.chdir(tmp_path)
    # boto3 keeps the first configuration that it has read.
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    (tmp_path / "dev.yaml").write_text(DEV)
    (tmp_path / "cases.jsonl").write_text('{"prompt": "Why?", "referenceResponse": "Because."}\n')


@pytest.mark.parametrize("command", COMMANDS)
def test_a_bad_aws_endpoint_url(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "localhost:4566")
    assert main(command.split()) == 1
    assert f"error: no client for {COMMANDS[command]}: Invalid endpoint: localhost:4566\n" in capsys.readouterr().err


def test_one_in_the_aws_configuration(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config").write_text("[default]\nendpoint_url = localhost:4566\nregion = us-east-1\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    assert main(["jobs", "list"]) == 1
    assert "no client for bedrock: Invalid endpoint: localhost:4566" in capsys.readouterr().err


def test_no_region(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["jobs", "list"]) == 1
    assert "no client for bedrock: You must specify a region" in capsys.readouterr().err


def test_every_command_that_asks_aws_is_among_these() -> None:
    assert {command.split()[0] for command in COMMANDS} == set(commands.COMMANDS)
