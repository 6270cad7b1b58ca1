"""State machines: errors by name, context, metrics, and limits of time."""

import json
import subprocess
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.local.emulator import ROLE, Clients, Deploy, eventually
from tests.support.paths import EMULATOR, ROOT

Create = Callable[..., str]


@pytest.fixture(scope="module")
def failing(function: Create) -> str:
    return function(
        """
        class RunFailed(Exception):
            pass

        def handler(event, context):
            if event.get("die"):
                import os
                os._exit(3)
            if event.get("fail"):
                raise RunFailed("coverage 0.2")
            return {"echo": event}
        """
    )


def machine(clients: Clients, states: dict[str, Any], **top: Any) -> str:
    definition = {"StartAt": next(iter(states)), "States": states, **top}
    made = clients("stepfunctions").create_state_machine(
        name=f"m-{uuid.uuid4().hex[:8]}", definition=json.dumps(definition), roleArn=ROLE
    )
    return str(made["stateMachineArn"])


def run(clients: Clients, arn: str, event: Any, **options: Any) -> dict[str, Any]:
    client = clients("stepfunctions")
    execution = client.start_execution(stateMachineArn=arn, input=json.dumps(event), **options)["executionArn"]

    def ended() -> dict[str, Any] | None:
        found: dict[str, Any] = client.describe_execution(executionArn=execution)
        return None if found["status"] == "RUNNING" else found

    result: dict[str, Any] = eventually(ended, every=0.05)
    return result


def task(function: str, *, optimized: bool) -> dict[str, Any]:
    if not optimized:
        return {"Type": "Task", "Resource": function, "End": True}
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": function, "Payload.$": "$"},
        "OutputPath": "$.Payload",
        "End": True,
    }


@pytest.mark.parametrize("optimized", [True, False])
@pytest.mark.parametrize(
    ("event", "catch", "error"),
    [
        ({"fail": 1}, "RunFailed", "RunFailed"),
        ({"fail": 1}, "States.TaskFailed", "RunFailed"),
        ({"die": 1}, "States.ALL", "Runtime.ExitError"),
    ],
)
def test_catch_by_name(
    clients: Clients, failing: str, *, optimized: bool, event: dict[str, int], catch: str, error: str
) -> None:
    state = task(failing, optimized=optimized)
    other = {"ErrorEquals": ["SomethingElse"], "Next": "Wrong"}
    caught = {"ErrorEquals": [catch], "Next": "Tell", "ResultPath": "$.failure"}
    states = {
        "Run": {**state, "Catch": [other, caught]},
        "Tell": {"Type": "Pass", "End": True},
        "Wrong": {"Type": "Fail"},
    }
    result = run(clients, machine(clients, states), event)
    assert result["status"] == "SUCCEEDED"
    failure = json.loads(result["output"])["failure"]
    assert failure["Error"] == error
    assert json.loads(failure["Cause"])["errorType"] == error


def test_retries_and_then_fails(clients: Clients, function: Create) -> None:
    bucket = f"retries-{uuid.uuid4().hex[:8]}"
    clients("s3").create_bucket(Bucket=bucket)
    arn = function(
        f"""
        import boto3, os, uuid

        def handler(event, context):
            boto3.client("s3").put_object(Bucket="{bucket}", Key=str(os.getpid()), Body=b"")
            raise TimeoutError("again")
        """
    )
    retry = [{"ErrorEquals": ["TimeoutError"], "IntervalSeconds": 1, "MaxAttempts": 2, "BackoffRate": 1}]
    states = {"Run": {**task(arn, optimized=True), "Retry": retry}}
    result = run(clients, machine(clients, states), {})
    assert (result["status"], result["error"]) == ("FAILED", "TimeoutError")
    assert clients("s3").list_objects_v2(Bucket=bucket)["KeyCount"] == 3


def test_context_and_intrinsics(clients: Clients) -> None:
    parameters = {
        "id.$": "$$.Execution.Id",
        "name.$": "$$.Execution.Name",
        "text.$": "States.Format('{}-{}', $.evaluation, $$.Execution.Name)",
    }
    arn = machine(clients, {"Say": {"Type": "Pass", "Parameters": parameters, "End": True}})
    result = run(clients, arn, {"evaluation": "daily"}, name="run-1")
    output = json.loads(result["output"])
    assert output == {"id": result["executionArn"], "name": "run-1", "text": "daily-run-1"}


def total(clients: Clients, arn: str, metric: str) -> float:
    answer = clients("cloudwatch").get_metric_statistics(
        Namespace="AWS/States",
        MetricName=metric,
        Dimensions=[{"Name": "StateMachineArn", "Value": arn}],
        StartTime=datetime.now(UTC) - timedelta(minutes=5),
        EndTime=datetime.now(UTC) + timedelta(minutes=1),
        Period=60,
        Statistics=["Sum"],
    )
    return float(sum(d["Sum"] for d in answer["Datapoints"]))


def test_every_end_is_counted(clients: Clients) -> None:
    client = clients("stepfunctions")
    choice = {
        "Type": "Choice",
        "Choices": [
            {"Variable": "$.end", "StringEquals": "fail", "Next": "Fail"},
            {"Variable": "$.end", "StringEquals": "wait", "Next": "Wait"},
        ],
        "Default": "Done",
    }
    states: dict[str, Any] = {
        "Choose": choice,
        "Fail": {"Type": "Fail", "Error": "E"},
        "Wait": {"Type": "Wait", "Seconds": 20, "Next": "Done"},
        "Done": {"Type": "Succeed"},
    }
    arn = machine(clients, states, TimeoutSeconds=2)
    assert run(clients, arn, {"end": "ok"})["status"] == "SUCCEEDED"
    assert run(clients, arn, {"end": "fail"})["status"] == "FAILED"
    aborted = client.start_execution(stateMachineArn=arn, input='{"end": "wait"}')["executionArn"]
    client.stop_execution(executionArn=aborted)
    assert run(clients, arn, {"end": "wait"})["status"] == "TIMED_OUT"
    counts = {
        name: total(clients, arn, f"Executions{name}")
        for name in ("Started", "Succeeded", "Failed", "TimedOut", "Aborted")
    }
    assert counts == {"Started": 4, "Succeeded": 1, "Failed": 1, "TimedOut": 1, "Aborted": 1}


_STOPPED = """
from ministack.services import stepfunctions
from local.emulator.patches import stepfunctions as patch

execution = {"status": "RUNNING", "input": "{}", "executionArn": "e", "events": []}
calls = []

def call(reference, event):
    calls.append(event)
    if len(calls) == 3:
        execution["status"] = "ABORTED"
    raise stepfunctions._ExecutionError("RuntimeError", "again")

stepfunctions._call_lambda = call
stepfunctions._scaled_sleep = lambda seconds: None
patch.apply()
retry = {"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "BackoffRate": 1.0, "MaxAttempts": 9}
catch = {"ErrorEquals": ["States.ALL"], "Next": "Fail"}
resource = "arn:aws:lambda:us-east-1:000000000000:function:f"
state = {"Type": "Task", "Resource": resource, "Retry": [retry], "Catch": [catch], "End": True}
context = {"QueryLanguage": "JSONPath", "State": {"Name": "Ask"}, "Execution": {"Id": "e"}, "variables": {}}
try:
    stepfunctions._execute_task(state, {}, execution, context)
except patch.StoppedError as error:
    print(len(calls), error)
"""


def test_a_stopped_execution_calls_its_function_no_more() -> None:
    """In the emulator's own interpreter: with real pauses a slow machine would pass without the patch."""
    command = [str(EMULATOR), "-c", _STOPPED]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == ["3", "ABORTED"]


def test_starting_twice_is_starting_once(clients: Clients) -> None:
    client = clients("stepfunctions")
    arn = machine(clients, {"Wait": {"Type": "Wait", "Seconds": 5, "End": True}})
    first = client.start_execution(stateMachineArn=arn, name="same", input="{}")
    assert client.start_execution(stateMachineArn=arn, name="same", input="{}")["executionArn"] == first["executionArn"]
    with pytest.raises(client.exceptions.ExecutionAlreadyExists):
        client.start_execution(stateMachineArn=arn, name="same", input='{"other": 1}')
    client.stop_execution(executionArn=first["executionArn"])


def test_template_keeps_logging_and_tracing(clients: Clients, deploy: Deploy) -> None:
    definition = {"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}
    properties = {
        "RoleArn": ROLE,
        "DefinitionString": json.dumps(definition),
        "TracingConfiguration": {"Enabled": True},
        "LoggingConfiguration": {
            "Level": "ERROR",
            "IncludeExecutionData": False,
            "Destinations": [{"CloudWatchLogsLogGroup": {"LogGroupArn": {"Fn::GetAtt": ["Logs", "Arn"]}}}],
        },
    }
    stack = deploy(
        {
            "Logs": {"Type": "AWS::Logs::LogGroup"},
            "Machine": {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties},
        }
    )
    stored = clients("stepfunctions").describe_state_machine(stateMachineArn=stack.id_of("Machine"))
    assert stored["tracingConfiguration"] == {"enabled": True}
    assert stored["loggingConfiguration"]["level"] == "ERROR"
    (destination,) = stored["loggingConfiguration"]["destinations"]
    assert stack.id_of("Logs") in destination["cloudWatchLogsLogGroup"]["logGroupArn"]
