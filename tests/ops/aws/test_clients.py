"""What is wrong with the way to AWS is one message, whichever command asks."""

from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse, HeadersDict

from ops.__main__ import main
from ops.command_line import application as commands
from tests.support.fakes import client_error

JOB = "arn:aws:bedrock:us-east-1:111122223333:evaluation-job/abcdefghijkl"
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
OF_NO_ENVIRONMENT = {
    "evaluate --dataset cases.jsonl --model global.amazon.nova-2-lite-v1:0": "bedrock-runtime",
    "jobs collect --from s3://bucket/prefix": "s3",
    "jobs list": "bedrock",
    f"jobs show {JOB}": "bedrock",
    f"jobs stop {JOB}": "bedrock",
}
OF_AN_ENVIRONMENT = {
    "baseline --env dev": "sts",
    "dashboard --env dev --data": "sts",
    "jobs collect support --env dev": "sts",
    "jobs list --env dev": "sts",
    "jobs show support --env dev": "sts",
    "jobs start support --env dev": "sts",
    "jobs stop support --env dev": "sts",
    "logs slow --env dev": "sts",
    "models --env dev --check": "bedrock",
    "prices --env dev": "pricing",
    "run --env dev support": "sts",
    "run --env dev support --follow 20261123T060000Z": "sts",
    "runs accept --env dev latest": "sts",
    "runs compare --env dev latest latest": "sts",
    "runs list --env dev": "sts",
    "runs report --env dev latest": "sts",
    "runs show --env dev latest": "sts",
}
COMMANDS = {f"{command} --region us-east-1": service for command, service in OF_NO_ENVIRONMENT.items()} | (
    OF_AN_ENVIRONMENT
)


@pytest.fixture(autouse=True)
def _place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BEDROCK_EVAL_ENVIRONMENTS", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    # boto3 keeps the first configuration that it has read.
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    (tmp_path / "dev.yaml").write_text(DEV)
    (tmp_path / "cases.jsonl").write_text('{"prompt": "Why?", "referenceResponse": "Because."}\n')


def refused(command: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What a command that cannot ask AWS says, which is one message."""
    assert main(command.split()) == 1
    told = capsys.readouterr().err
    assert "Traceback" not in told
    assert told.count("error: ") == 1
    return told[told.index("error: ") :]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_bad_aws_endpoint_url(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "localhost:4566")
    assert refused(command, capsys) == f"error: no client for {COMMANDS[command]}: Invalid endpoint: localhost:4566\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_no_credentials(command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    assert "credentials" in refused(command, capsys)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_profile_that_is_not_there(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "absent")
    assert "The config profile (absent) could not be found" in refused(command, capsys)


def test_the_answer_of_somebody_else(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """As of a proxy's page, or an endpoint that is another service."""

    def page(_self: object, request: Any) -> AWSResponse:
        response = AWSResponse(request.url, 200, HeadersDict(), None)
        response._content = b"<html>sign in</html>"
        return response

    monkeypatch.setattr("botocore.httpsession.URLLib3Session.send", page)
    told = refused("runs list --env dev", capsys)
    assert "the response is not AWS's; check AWS_ENDPOINT_URL" in told


@pytest.mark.parametrize("command", COMMANDS)
def test_a_token_that_has_expired(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def expired(_self: object, operation: str, _arguments: object) -> None:
        raise client_error("ExpiredTokenException", "The security token is expired", status=403, operation=operation)

    monkeypatch.setattr("botocore.client.BaseClient._make_api_call", expired)
    assert "The security token is expired" in refused(command, capsys)


@pytest.mark.parametrize("command", COMMANDS)
def test_nobody_at_the_other_end(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    # Between its tries botocore waits for seconds.
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _seconds: None)
    assert "127.0.0.1:9" in refused(command, capsys)


@pytest.mark.parametrize("command", [each for each in OF_NO_ENVIRONMENT if "s3://" not in each])
def test_no_region(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "; needed: --region, AWS_REGION, AWS_DEFAULT_REGION, or one in" in refused(command, capsys)


@pytest.mark.parametrize("command", [each for each in OF_NO_ENVIRONMENT if "s3://" not in each])
@pytest.mark.parametrize("name", ["AWS_REGION", "AWS_DEFAULT_REGION", "the configuration"])
def test_the_region_of_the_surroundings(
    command: str, name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configured = "eu-west-1" if name == "the configuration" else "ap-south-1"
    (tmp_path / "config").write_text(f"[default]\nregion = {configured}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    if name != "the configuration":
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-west-2")
        monkeypatch.setenv(name, "eu-west-1" if name == "AWS_REGION" else "us-west-2")
    asked = []

    def denied(self: Any, operation: str, _arguments: object) -> None:
        asked.append(self.meta.region_name)
        raise client_error("AccessDeniedException", "no", status=403, operation=operation)

    monkeypatch.setattr("botocore.client.BaseClient._make_api_call", denied)
    refused(command, capsys)
    assert set(asked) == {"us-west-2" if name == "AWS_DEFAULT_REGION" else "eu-west-1"}


def test_an_endpoint_in_the_aws_configuration(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config").write_text("[default]\nendpoint_url = localhost:4566\nregion = us-east-1\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    assert main(["jobs", "list"]) == 1
    assert "no client for bedrock: Invalid endpoint: localhost:4566" in capsys.readouterr().err


def test_every_command_that_asks_aws_is_among_these() -> None:
    assert {command.split()[0] for command in COMMANDS} == set(commands.COMMANDS) - {"completion"}
