"""The one way in for every evaluation: run slices until the run is done, then publish it, or record why it failed."""

from dataclasses import dataclass
from typing import Any

from aws_cdk import Aws, Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_stepfunctions as sfn

from bedrock_eval_cdk.core.context import EnvironmentContext
from bedrock_eval_cdk.core.functions import PythonFunction
from bedrock_eval_cdk.core.log_groups import EncryptedLogGroup
from bedrock_eval_cdk.core.nag import acknowledge, acknowledge_wildcard
from bedrock_eval_cdk.core.permissions import allow, from_this_account, regional_arn
from bedrock_eval_cdk.core.roles import ServiceRole
from constructs import Construct

# What passes by itself. What else the function raises (RunFailed, EventError) would fail again, and is not among these.
_PASSING_ERRORS = (
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.Unknown",
    "Runtime.ExitError",
    "Sandbox.Timedout",
)
# Trouble of S3 or CloudWatch takes minutes to pass, not seconds.
_SERVICE_TROUBLE = {
    "ErrorEquals": ["PassingError"],
    "IntervalSeconds": 10,
    "BackoffRate": 2,
    "MaxAttempts": 5,
    "MaxDelaySeconds": 300,
    "JitterStrategy": "FULL",
}
# Another slice holds its place for up to a quarter of an hour, and a new account has ten for all functions: this waits
# five minutes on average, five hours in all, within the time limit of the execution. It begins slowly, because every
# attempt is three events of the 25,000 that an execution may have.
# Assumption: lambda-concurrency
_FULL = {
    "ErrorEquals": ["Lambda.TooManyRequestsException"],
    "IntervalSeconds": 30,
    "BackoffRate": 2,
    "MaxAttempts": 60,
    "MaxDelaySeconds": 600,
    "JitterStrategy": "FULL",
}
_RETRY = {
    "ErrorEquals": list(_PASSING_ERRORS),
    "IntervalSeconds": 2,
    "BackoffRate": 2,
    "MaxAttempts": 4,
    "MaxDelaySeconds": 60,
    "JitterStrategy": "FULL",
}


@dataclass(frozen=True)
class MachineSettings:
    """What tells one state machine from the other.

    Attributes:
        name: physical name of the machine, with which its log group's name ends; None: CloudFormation names both.
        time_limit: of an execution. Nothing records why one failed that was cut off: the function must give up first.
    """

    name: str | None
    time_limit: Duration


class EvaluationStateMachine(Construct):
    """A Standard state machine around a function that runs evaluations, ours or those that Bedrock scores.

    Input: `{"evaluation", "scheduledTime"}`, `"manual"` by hand.

    Args:
        function: knows the actions slice, publish and fail.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        context: EnvironmentContext,
        function: PythonFunction,
        settings: MachineSettings,
    ) -> None:
        super().__init__(scope, construct_id)
        name = settings.name
        self.log_group = EncryptedLogGroup(
            self,
            "Logs",
            # Below /aws/vendedlogs/ the account's log resource policy does not grow with every state machine.
            name=None if name is None else f"/aws/vendedlogs/states/{name}",
            key=context.key,
            retention_days=context.log_retention_days,
        )
        self.role = self._role(name)
        allow(self.role, actions=["lambda:InvokeFunction"], resources=[function.arn])
        definition = state_machine_definition(
            function.arn, task_timeout=function.timeout, time_limit=settings.time_limit
        )
        self.state_machine = sfn.StateMachine(
            self,
            "StateMachine",
            state_machine_name=name,
            state_machine_type=sfn.StateMachineType.STANDARD,
            definition_body=sfn.DefinitionBody.from_string(Stack.of(self).to_json_string(definition)),
            role=self.role,
            # Without execution data: the log says which state failed, the history holds inputs and errors.
            logs=sfn.LogOptions(destination=self.log_group, level=sfn.LogLevel.ERROR, include_execution_data=False),
            tracing_enabled=True,
        )
        self._acknowledge()

    def _role(self, name: str | None) -> ServiceRole:
        # The ARN of a machine that has no name yet cannot stand in the role that it is made with.
        machine = regional_arn("states", f"stateMachine:{name or '*'}")
        return ServiceRole(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("states.amazonaws.com", conditions=from_this_account(machine)),
            description=f"Role of the state machine {name or self.node.path}",
        )

    def _acknowledge(self) -> None:
        acknowledge_wildcard(
            self.role,
            "*",
            reason="Delivery of logs and traces by Step Functions: these actions know no resource.",
        )
        acknowledge(
            self.state_machine,
            "SF1",
            reason="Errors are logged; the history of a Standard execution has every event for 90 days.",
        )


def state_machine_definition(function_arn: str, *, task_timeout: Duration, time_limit: Duration) -> dict[str, Any]:
    """The machine in Amazon States Language.

    Args:
        task_timeout: of the function; a task waits a minute longer.
        time_limit: of an execution.
    """
    task = {
        "Type": "Task",
        "Resource": f"arn:{Aws.PARTITION}:states:::lambda:invoke",
        "TimeoutSeconds": int(task_timeout.to_seconds()) + 60,
        "Retry": [_SERVICE_TROUBLE, _FULL, _RETRY],
    }
    payload = {"input.$": "$$.Execution.Input", "execution.$": "$$.Execution.Id"}
    states = {
        "EvaluateSlice": {
            **task,
            "Parameters": {"FunctionName": function_arn, "Payload": {"action": "slice", **payload}},
            "ResultSelector": {
                "status.$": "$.Payload.status",
                "runId.$": "$.Payload.runId",
                "pauseSeconds.$": "$.Payload.pauseSeconds",
            },
            "ResultPath": "$.slice",
            "Catch": [_catch("$.error", following="RecordFailure")],
            "Next": "SliceResult",
        },
        "SliceResult": {
            "Type": "Choice",
            "Choices": [
                _when("running", following="EvaluateSlice"),
                _when("waiting", following="Pause"),
                _when("skipped", following="Skipped"),
                _when("finished", following="Publish"),
            ],
        },
        # Of jobs. The function lets its pauses grow: an execution has at most 25,000 events.
        "Pause": {"Type": "Wait", "SecondsPath": "$.slice.pauseSeconds", "Next": "EvaluateSlice"},
        "Publish": {
            **task,
            "Parameters": {"FunctionName": function_arn, "Payload": {"action": "publish", **payload}},
            "ResultSelector": {"status.$": "$.Payload.status"},
            "ResultPath": "$.publication",
            "Catch": [_catch("$.error", following="RecordFailure")],
            "Next": "Finished",
        },
        "RecordFailure": {
            **task,
            "Parameters": {
                "FunctionName": function_arn,
                "Payload": {"action": "fail", **payload, "error.$": "$.error"},
            },
            "ResultSelector": {"reason.$": "$.Payload.reason"},
            # Beside $.error, which the execution ends with. A null, to discard it, does not reach the template.
            "ResultPath": "$.record",
            # The execution ends with the run's own error, also when that could not be recorded.
            "Catch": [_catch("$.recording", following="Failed")],
            "Next": "Failed",
        },
        "Finished": {"Type": "Succeed"},
        "Skipped": {
            "Type": "Succeed",
            "Comment": "Another run is in progress, or this one came too early; run.json says.",
        },
        "Failed": {"Type": "Fail", "ErrorPath": "$.error.Error", "CausePath": "$.error.Cause"},
    }
    return {
        "Comment": "Runs one evaluation, slice by slice.",
        "StartAt": "EvaluateSlice",
        "TimeoutSeconds": int(time_limit.to_seconds()),
        "States": states,
    }


def _when(status: str, *, following: str) -> dict[str, str]:
    return {"Variable": "$.slice.status", "StringEquals": status, "Next": following}


def _catch(result_path: str, *, following: str) -> dict[str, object]:
    return {"ErrorEquals": ["States.ALL"], "ResultPath": result_path, "Next": following}
