"""The base of every Lambda function: one runtime, one way to log, a role of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aws_cdk import CustomResource, Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns

from bedrock_eval_cdk.core.context import EnvironmentContext
from bedrock_eval_cdk.core.function_code import SERVICE_MODELS
from bedrock_eval_cdk.core.log_groups import EncryptedLogGroup
from bedrock_eval_cdk.core.nag import acknowledge, acknowledge_wildcard
from bedrock_eval_cdk.core.permissions import allow
from bedrock_eval_cdk.core.roles import ServiceRole
from constructs import Construct

# CloudFormation must wait longer than the function may run, or it rolls back what was about to succeed. While the
# account's concurrency is full, the event waits in Lambda's queue, which counts too: slices hold theirs for 15 minutes.
# Assumption: lambda-concurrency
_CUSTOM_RESOURCE_MARGIN = Duration.minutes(30)


@dataclass(frozen=True)
class FunctionSettings:
    """What tells one function from the others.

    Attributes:
        name: physical name of the function; its log group is `/aws/lambda/<name>`. None: CloudFormation names both.
        package: of bedrock_eval_functions, whose source is deployed.
        handler: `<package>.<module>.<function>`.
        engine: the function works on runs.
        retry_attempts: of an async call that failed, at most 2.
        failures: a topic that hears of async calls that failed for good, with the event; the function needs the
            permission to publish to it.
    """

    name: str | None
    description: str
    package: str
    handler: str
    timeout: Duration
    engine: bool = False
    memory_size: int = 256
    environment: Mapping[str, str] = field(default_factory=dict)
    retry_attempts: int = 0
    failures: sns.ITopic | None = None


class PythonFunction(Construct):
    """A Python function on arm64: JSON logs in its own encrypted group, active tracing, a role of its own.

    The runtime's boto3 changes without a deploy and may be older than the one that the functions are tested with, so
    service models that come with the code are used before its own.

    Async calls are not retried unless told otherwise (a second attempt would ask the models again), and no concurrency
    is reserved (a new account has ten executions in all).

    Args:
        context: its key encrypts the log group; the key's policy must allow the group's name.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, context: EnvironmentContext, settings: FunctionSettings
    ) -> None:
        super().__init__(scope, construct_id)
        self.timeout = settings.timeout
        self.log_group = EncryptedLogGroup(
            self,
            "Logs",
            name=None if settings.name is None else f"/aws/lambda/{settings.name}",
            key=context.key,
            retention_days=context.log_retention_days,
        )
        self.role = self._make_role(settings)
        # Assumption: lambda-concurrency
        self.function = lambda_.Function(
            self,
            "Function",
            function_name=settings.name,
            description=settings.description,
            code=context.code(settings.package, engine=settings.engine),
            handler=settings.handler,
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=lambda_.Architecture.ARM_64,
            memory_size=settings.memory_size,
            timeout=settings.timeout,
            environment={"AWS_DATA_PATH": f"/var/task/{SERVICE_MODELS}", **settings.environment},
            role=self.role,
            log_group=self.log_group,
            logging_format=lambda_.LoggingFormat.JSON,
            tracing=lambda_.Tracing.ACTIVE,
            retry_attempts=settings.retry_attempts,
        )
        if settings.failures is not None:
            self._tell_of_failures(settings.failures)
        self._acknowledge()

    def _make_role(self, settings: FunctionSettings) -> ServiceRole:
        role = ServiceRole(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            description=f"Role of the function {settings.name or self.node.path}",
        )
        allow(role, actions=["logs:CreateLogStream", "logs:PutLogEvents"], resources=[self.log_group.log_group_arn])
        return role

    def _tell_of_failures(self, topic: sns.ITopic) -> None:
        """Without CDK's SnsDestination, which would let the role use the topic's key for everything."""
        config = self.function.node.find_child("EventInvokeConfig").node.default_child
        if not isinstance(config, lambda_.CfnEventInvokeConfig):
            raise TypeError(f"{self.node.path}: CDK no longer makes an EventInvokeConfig")
        config.destination_config = lambda_.CfnEventInvokeConfig.DestinationConfigProperty(
            on_failure=lambda_.CfnEventInvokeConfig.OnFailureProperty(destination=topic.topic_arn)
        )

    def _acknowledge(self) -> None:
        acknowledge_wildcard(
            self.role,
            "*",
            reason="Only actions that know no resource have it, as X-Ray's; a test of every template holds to that.",
        )
        acknowledge(
            self.function,
            "L1",
            reason="Python 3.13 is supported until June 2029 and is what the functions are tested on.",
        )

    @property
    def name(self) -> str:
        return self.function.function_name

    @property
    def arn(self) -> str:
        return self.function.function_arn

    def allow(
        self,
        *,
        actions: Sequence[str],
        resources: Sequence[str],
        conditions: Mapping[str, Any] | None = None,
        wildcard: str | None = None,
    ) -> None:
        """Let the function do `actions` on `resources`; see `permissions.allow`."""
        allow(self.role, actions=actions, resources=resources, conditions=conditions, wildcard=wildcard)


class CustomResourceFunction(PythonFunction):
    """A function that serves custom resources."""

    def resource(
        self,
        scope: Construct,
        construct_id: str,
        *,
        kind: str,
        properties: Mapping[str, Any],
    ) -> CustomResource:
        """A resource of type `Custom::<kind>`; CloudFormation waits half an hour longer than the function may run."""
        return CustomResource(
            scope,
            construct_id,
            service_token=self.arn,
            resource_type=f"Custom::{kind}",
            properties=dict(properties),
            service_timeout=self.timeout.plus(_CUSTOM_RESOURCE_MARGIN),
        )
