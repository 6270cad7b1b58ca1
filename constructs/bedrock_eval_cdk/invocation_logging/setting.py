"""The account's setting of model invocation logging, and the role that Bedrock writes the log with."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from aws_cdk import Aws, CustomResource, Duration, RemovalPolicies
from aws_cdk import aws_iam as iam

from bedrock_eval_cdk.core.context import EnvironmentContext
from bedrock_eval_cdk.core.functions import CustomResourceFunction, FunctionSettings
from bedrock_eval_cdk.core.permissions import allow, from_this_account, regional_arn
from bedrock_eval_cdk.core.roles import ServiceRole
from bedrock_eval_cdk.invocation_logging.log_group import InvocationLogGroup
from constructs import Construct

_LOG_STREAM = "aws/bedrock/modelinvocations"
_NO_RESOURCE = "The setting is one for the account and Region; its actions know no resource."


@dataclass(frozen=True)
class LoggingSetting:
    """What is set, and what becomes of it.

    Attributes:
        parameter: name of the SSM parameter in which the function remembers what it replaced; it makes and deletes it.
        mode: own refuses to replace an existing setting of others, adopt replaces it.
        on_delete: restore puts back what was replaced, leave keeps ours, remove switches logging off.
        deliver: by kind (text, image, embedding, video, audio), whether bodies are logged.
        bodies_bucket: name of the bucket for bodies that are too large for the log group; None: they are lost.
    """

    parameter: str
    mode: Literal["own", "adopt"]
    on_delete: Literal["restore", "leave", "remove"]
    deliver: Mapping[str, bool]
    bodies_bucket: str | None = None


class InvocationLogging(Construct):
    """Bedrock's delivery role and a custom resource for the account's setting, which CloudFormation has no type for."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        context: EnvironmentContext,
        setting: LoggingSetting,
        log_group: InvocationLogGroup,
    ) -> None:
        super().__init__(scope, construct_id)
        self.delivery_role = self._delivery_role(log_group.name)
        if setting.on_delete == "leave":
            # The setting that stays names it: without the role Bedrock would go on, and log nothing.
            RemovalPolicies.of(self.delivery_role).retain()
        self.function = CustomResourceFunction(
            self,
            "Function",
            context=context,
            settings=FunctionSettings(
                name=context.name(lambda names: names.function("invocation-logging")),
                description="Sets the account's model invocation logging and gives it back.",
                package="custom_resources",
                handler="bedrock_eval_functions.custom_resources.invocation_logging.handler",
                timeout=Duration.minutes(5),
            ),
        )
        self._allow(setting)
        self.resource = self._resource(setting, log_group=log_group)

    def _delivery_role(self, log_group: str) -> ServiceRole:
        """Source: Bedrock user guide, model-invocation-logging."""
        role = ServiceRole(
            self,
            "DeliveryRole",
            assumed_by=iam.ServicePrincipal(
                "bedrock.amazonaws.com", conditions=from_this_account(regional_arn("bedrock", "*"))
            ),
            description="Bedrock writes the invocation log",
        )
        stream = regional_arn("logs", f"log-group:{log_group}:log-stream:{_LOG_STREAM}")
        allow(role, actions=["logs:CreateLogStream", "logs:PutLogEvents"], resources=[stream])
        return role

    def _allow(self, setting: LoggingSetting) -> None:
        operations = ("Get", "Put", "Delete")
        self.function.allow(
            actions=[f"bedrock:{operation}ModelInvocationLoggingConfiguration" for operation in operations],
            resources=["*"],
            wildcard=_NO_RESOURCE,
        )
        self.function.allow(
            actions=["ssm:GetParameter", "ssm:PutParameter", "ssm:DeleteParameter"],
            resources=[regional_arn("ssm", f"parameter{setting.parameter}")],
        )
        self._allow_passing(self.delivery_role.role_arn)
        if setting.mode == "adopt" and setting.on_delete == "restore":
            # The setting that is put back names a role that nobody knows at deploy.
            self._allow_passing(
                f"arn:{Aws.PARTITION}:iam::{Aws.ACCOUNT_ID}:role/*",
                wildcard="Restoring an existing setting passes the role that it names, to bedrock.amazonaws.com alone.",
            )

    def _allow_passing(self, role_arn: str, *, wildcard: str | None = None) -> None:
        self.function.allow(
            actions=["iam:PassRole"],
            resources=[role_arn],
            conditions={"StringEquals": {"iam:PassedToService": "bedrock.amazonaws.com"}},
            wildcard=wildcard,
        )

    def _resource(self, setting: LoggingSetting, *, log_group: InvocationLogGroup) -> CustomResource:
        destination: dict[str, Any] = {"logGroupName": log_group.name, "roleArn": self.delivery_role.role_arn}
        if setting.bodies_bucket is not None:
            destination["largeDataDeliveryS3Config"] = {"bucketName": setting.bodies_bucket}
        flags = {f"{kind}DataDeliveryEnabled": wanted for kind, wanted in setting.deliver.items()}
        resource = self.function.resource(
            self,
            "Setting",
            kind="ModelInvocationLogging",
            properties={
                "Mode": setting.mode,
                "OnDelete": setting.on_delete,
                "Config": {"cloudWatchConfig": destination, **flags},
                "ParameterName": setting.parameter,
            },
        )
        # Bedrock checks at Put that it can write.
        resource.node.add_dependency(log_group, self.delivery_role)
        return resource
