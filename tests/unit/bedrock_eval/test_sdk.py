"""What an older boto3 does not know: left out of a request where it says nothing, else refused by name."""

import ast
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

import bedrock_eval
from bedrock_eval.sdk import UnknownFieldError, dropped, fitted, fitting
from tests.support.aws.older_sdk import older_model

PUT = "PutModelInvocationLoggingConfiguration"
AUDIO = "audioDataDeliveryEnabled"
DESTINATION = {"logGroupName": "g", "roleArn": "arn:aws:iam::111111111111:role/r"}


def put(**members: Any) -> dict[str, Any]:
    return {"loggingConfig": {"cloudWatchConfig": DESTINATION, "textDataDeliveryEnabled": True, **members}}


def older(**members: tuple[str, ...]) -> Any:
    return older_model("bedrock", **members).operation_model(PUT)


@pytest.mark.parametrize("nothing", [False, None, "", {}, [], {"bucketName": "", "deeper": {"flag": False}}], ids=repr)
def test_what_says_nothing_is_left_out(nothing: object) -> None:
    request = fitted(put(**{AUDIO: nothing}), older(LoggingConfig=(AUDIO,)))
    assert request == put()


@pytest.mark.parametrize("something", [True, 0, 0.0, "x", {"flag": True}, ["x"], b"x"], ids=repr)
def test_what_says_something_is_refused_by_its_name(something: object) -> None:
    with pytest.raises(UnknownFieldError) as raised:
        fitted(put(**{AUDIO: something}), older(LoggingConfig=(AUDIO,)))
    assert f"{PUT}: the function's boto3 does not know loggingConfig.{AUDIO}; needed: " in str(raised.value)


def test_it_looks_into_whatever_is_nested() -> None:
    bucket = {"cloudWatchConfig": {**DESTINATION, "largeDataDeliveryS3Config": {"bucketName": "b"}}}
    with pytest.raises(UnknownFieldError, match=r"loggingConfig\.cloudWatchConfig\.largeDataDeliveryS3Config"):
        fitted({"loggingConfig": bucket}, older(CloudWatchConfig=("largeDataDeliveryS3Config",)))
    model = older_model("bedrock", EvaluationBedrockModel=("inferenceParams",))
    models = {"models": [{"bedrockModel": {"modelIdentifier": "m", "inferenceParams": "{}"}}]}
    with pytest.raises(UnknownFieldError, match=r"inferenceConfig\.models\[0\]\.bedrockModel\.inferenceParams"):
        fitted({"inferenceConfig": models}, model.operation_model("CreateEvaluationJob"))


def test_what_is_known_stays_as_it_is() -> None:
    """False, blank and all: known fields are the service's to read. A document is free JSON."""
    request = put(**{AUDIO: False})
    assert fitted(request, older()) == request
    converse = older_model("bedrock-runtime").operation_model("Converse")
    asked = {
        "modelId": "m",
        "messages": [{"role": "user", "content": [{"text": ""}]}],
        "additionalModelRequestFields": {"thinking": {"type": "disabled", "extra": False}},
        "requestMetadata": {"purpose": "", "any key": "v"},
    }
    assert fitted(asked, converse) == asked


def test_what_may_be_lost_is_lost_whatever_it_says() -> None:
    converse = older_model("bedrock-runtime", ConverseRequest=("requestMetadata",)).operation_model("Converse")
    asked = {"modelId": "m", "requestMetadata": {"purpose": "evaluation"}}
    assert fitted(asked, converse, optional={"requestMetadata"}) == {"modelId": "m"}
    with pytest.raises(UnknownFieldError, match="requestMetadata"):
        fitted(asked, converse)


def test_dropped_fields_of_an_answer() -> None:
    def client(**members: tuple[str, ...]) -> Any:
        return SimpleNamespace(meta=SimpleNamespace(service_model=older_model("bedrock", **members)))

    end = "modelDetails.modelLifecycle.endOfLifeTime"
    assert dropped(client(), "GetFoundationModel", end) == ()
    assert dropped(client(FoundationModelLifecycle=("endOfLifeTime",)), "GetFoundationModel", end) == (end,)
    assert dropped(client(FoundationModelDetails=("modelLifecycle",)), "GetFoundationModel", end) == (end,)


def test_a_client_fits_every_request_before_boto3_looks_at_it(monkeypatch: pytest.MonkeyPatch) -> None:
    client = fitting(boto3.client("bedrock", region_name="us-east-1", aws_access_key_id="k", aws_secret_access_key="s"))
    sent: list[dict[str, Any]] = []

    def send(request: Any, **_: Any) -> Any:
        sent.append(request.body)
        return SimpleNamespace(status_code=200, headers={}, content=b"{}", raw=None)

    client.meta.events.register("before-send", send)
    client.put_model_invocation_logging_configuration(**put(newerDataDeliveryEnabled=False))
    [body] = sent
    assert b"text" in body
    assert b"newer" not in body
    with pytest.raises(UnknownFieldError, match="newerDataDeliveryEnabled"):
        client.put_model_invocation_logging_configuration(**put(newerDataDeliveryEnabled=True))
    assert len(sent) == 1


def test_every_client_of_every_function_is_one_that_fits() -> None:
    """boto3.client stands inside fitting(), or is handed to it by the next statement."""
    root = Path(bedrock_eval.__file__).resolve().parents[1]
    made, wrapped = 0, 0
    for path in root.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            made += ast.unparse(node.func) in ("boto3.client", "boto3.resource", "session.client")
            wrapped += ast.unparse(node.func) == "fitting"
    assert made
    assert made == wrapped
