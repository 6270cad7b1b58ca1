"""Functions: their errors, their surroundings, their dead letters."""

import json
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.process import ACCOUNT, REGION
from tests.support.local.emulator import ROLE, Clients, Deploy, eventually

Create = Callable[..., str]


def invoke(clients: Clients, arn: str, event: Any = None) -> tuple[str | None, Any]:
    answer = clients("lambda").invoke(FunctionName=arn, Payload=json.dumps(event or {}))
    return answer.get("FunctionError"), json.loads(answer["Payload"].read() or b"null")


def test_an_exception_keeps_its_name(clients: Clients, function: Create) -> None:
    arn = function(
        """
        class RunFailed(Exception):
            pass

        def handler(event, context):
            raise RunFailed("no case was answered")
        """
    )
    error, payload = invoke(clients, arn)
    assert error == "Unhandled"
    assert (payload["errorType"], payload["errorMessage"]) == ("RunFailed", "no case was answered")
    assert any("index.py" in line for line in payload["stackTrace"])


@pytest.mark.parametrize("death", ["os._exit(1)", "os.kill(os.getpid(), 9)"])
def test_a_dead_process_is_an_error_and_the_next_call_gets_a_new_one(
    clients: Clients, function: Create, death: str
) -> None:
    arn = function(
        f"""
        import os

        def handler(event, context):
            if event.get("die"):
                {death}
            return os.getpid()
        """
    )
    _, first = invoke(clients, arn)
    error, payload = invoke(clients, arn, {"die": True})
    assert error == "Unhandled"
    assert payload["errorType"] == "Runtime.ExitError"
    error, second = invoke(clients, arn)
    assert error is None
    assert second != first


def test_the_time_limit_ends_a_function(clients: Clients, function: Create) -> None:
    arn = function("import time\ndef handler(event, context):\n    time.sleep(60)\n", timeout=1)
    started = time.monotonic()
    error, payload = invoke(clients, arn)
    assert time.monotonic() - started < 5
    assert error == "Unhandled"
    assert "Task timed out after 1.00 seconds" in payload["errorMessage"]


@pytest.mark.parametrize("module", ["local", "local.emulator", "bedrock_eval", "ministack", "yaml", "h2"])
def test_a_module_that_is_not_in_the_bundle_is_not_found(clients: Clients, function: Create, module: str) -> None:
    arn = function(f"import {module}\n\ndef handler(event, context):\n    return 1\n")
    error, payload = invoke(clients, arn)
    assert error == "Unhandled"
    assert payload["errorType"] == "Runtime.ImportModuleError"
    assert module.partition(".")[0] in payload["errorMessage"]


def test_a_function_sees_its_own_variables_and_boto3(clients: Clients, function: Create) -> None:
    arn = function(
        """
        import os
        import boto3

        def handler(event, context):
            return {"names": sorted(os.environ), "own": os.environ["OWN"], "key": os.environ["AWS_ACCESS_KEY_ID"]}
        """,
        Environment={"Variables": {"OWN": "value"}},
    )
    error, payload = invoke(clients, arn)
    assert error is None, payload
    assert payload["own"] == "value"
    leaked = [
        n for n in payload["names"] if n.startswith(("MINISTACK", "GATEWAY", "BIND", "SIMULATOR", "PYTHON", "HOME"))
    ]
    assert leaked == []


def test_boto3_finds_data_that_lies_beside_the_code_as_on_lambda(clients: Clients, function: Create) -> None:
    arn = function(
        """
        import os

        def handler(event, context):
            return [os.environ["AWS_DATA_PATH"], os.path.dirname(os.path.abspath(__file__))]
        """,
        Environment={"Variables": {"AWS_DATA_PATH": "/var/task/service_models"}},
    )
    error, (found, code) = invoke(clients, arn)
    assert error is None
    assert found == f"{code}/service_models"


@pytest.mark.parametrize("log_format", ["JSON", "Text"])
def test_records_are_json_where_the_function_says_so(clients: Clients, function: Create, log_format: str) -> None:
    arn = function(
        """
        import logging

        def handler(event, context):
            logging.getLogger("ours").warning("looked", extra={"model": "nova", "calls": 3})
        """,
        LoggingConfig={"LogFormat": log_format},
    )
    assert invoke(clients, arn) == (None, None)
    group = f"/aws/lambda/{arn.rpartition(':')[2]}"
    messages = [each["message"] for each in clients("logs").filter_log_events(logGroupName=group)["events"]]
    (line,) = [each for each in messages if "looked" in each]
    if log_format == "Text":
        assert line == "looked"
        return
    record = json.loads(line)
    assert record.pop("timestamp")
    assert record == {"level": "WARNING", "message": "looked", "logger": "ours", "model": "nova", "calls": 3}


def test_errors_and_invocations_are_counted(clients: Clients, function: Create) -> None:
    name = f"counted-{uuid.uuid4().hex[:8]}"
    arn = function("def handler(event, context):\n    return 1 / event['by']\n", name=name)
    invoke(clients, arn, {"by": 1})
    invoke(clients, arn, {"by": 0})

    def total(metric: str) -> float:
        answer = clients("cloudwatch").get_metric_statistics(
            Namespace="AWS/Lambda",
            MetricName=metric,
            Dimensions=[{"Name": "FunctionName", "Value": name}],
            StartTime=datetime.now(UTC) - timedelta(minutes=5),
            EndTime=datetime.now(UTC) + timedelta(minutes=1),
            Period=60,
            Statistics=["Sum"],
        )
        return float(sum(d["Sum"] for d in answer["Datapoints"]))

    assert (total("Invocations"), total("Errors")) == (2, 1)
    assert total("Duration") > 0


def template(**changes: Any) -> dict[str, Any]:
    properties = {
        "Runtime": "python3.13",
        "Handler": "index.handler",
        "Role": ROLE,
        "Code": {"ZipFile": "def handler(event, context):\n    raise KeyError('gone')\n"},
        **changes,
    }
    return {"Type": "AWS::Lambda::Function", "Properties": properties}


def test_template_keeps_dead_letters_and_reserved_concurrency(clients: Clients, deploy: Deploy) -> None:
    resources: dict[str, Any] = {
        "Dead": {"Type": "AWS::SQS::Queue", "Properties": {"KmsMasterKeyId": "alias/aws/sqs"}},
        "Fn": template(
            DeadLetterConfig={"TargetArn": {"Fn::GetAtt": ["Dead", "Arn"]}},
            ReservedConcurrentExecutions=1,
            TracingConfig={"Mode": "Active"},
            LoggingConfig={"LogFormat": "JSON", "LogGroup": "/own/group"},
        ),
        "Async": {
            "Type": "AWS::Lambda::EventInvokeConfig",
            "Properties": {"FunctionName": {"Ref": "Fn"}, "Qualifier": "$LATEST", "MaximumRetryAttempts": 0},
        },
    }
    stack = deploy(resources)
    name, queue = stack.id_of("Fn"), stack.id_of("Dead")
    config = clients("lambda").get_function_configuration(FunctionName=name)
    assert config["DeadLetterConfig"]["TargetArn"].startswith(f"arn:aws:sqs:{REGION}:{ACCOUNT}:")
    assert config["TracingConfig"] == {"Mode": "Active"}
    assert config["LoggingConfig"]["LogGroup"] == "/own/group"
    assert clients("lambda").get_function_concurrency(FunctionName=name)["ReservedConcurrentExecutions"] == 1
    retries = clients("lambda").get_function_event_invoke_config(FunctionName=name)
    assert retries["MaximumRetryAttempts"] == 0
    attributes = clients("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    assert attributes["KmsMasterKeyId"] == "alias/aws/sqs"

    clients("lambda").invoke(FunctionName=name, InvocationType="Event", Payload=b'{"run": 7}')

    def receive() -> list[dict[str, Any]]:
        answer = clients("sqs").receive_message(QueueUrl=queue, MessageAttributeNames=["All"])
        return list(answer.get("Messages", []))

    (message,) = eventually(receive)
    assert json.loads(message["Body"]) == {"run": 7}
    assert message["MessageAttributes"]["ErrorMessage"]["StringValue"] == "'gone'"

    resources["Fn"] = template(Description="changed", ReservedConcurrentExecutions=0)
    assert stack.update(resources) == "UPDATE_COMPLETE"
    assert "DeadLetterConfig" not in clients("lambda").get_function_configuration(FunctionName=name)
    with pytest.raises(ClientError) as throttled:
        clients("lambda").invoke(FunctionName=name)
    assert throttled.value.response["Error"]["Code"] == "TooManyRequestsException"


def test_a_function_whose_code_is_missing_fails_its_stack(clients: Clients, deploy: Deploy) -> None:
    bucket = f"code-{uuid.uuid4().hex[:8]}"
    clients("s3").create_bucket(Bucket=bucket)
    stack = deploy({"Fn": template(Code={"S3Bucket": bucket, "S3Key": "no.zip"})}, expect="ROLLBACK_COMPLETE")
    assert "NoSuchKey" in stack.reasons()


def test_many_asynchronous_events_run_in_few_processes(clients: Clients, function: Create, tmp_path: Path) -> None:
    """As when dozens of alarms notify together: none is lost, and few processes start cold."""
    arn = function(
        """
        import os, time

        def handler(event, context):
            time.sleep(0.05)
            with open(event["file"], "a") as file:
                file.write(f"{os.getpid()}\\n")
        """
    )
    file = tmp_path / "processes"
    for _ in range(24):
        clients("lambda").invoke(
            FunctionName=arn, InvocationType="Event", Payload=json.dumps({"file": str(file)}).encode()
        )
    processes = eventually(lambda: file.exists() and len(found := file.read_text().split()) == 24 and found, seconds=60)
    assert len(set(processes)) <= 4
