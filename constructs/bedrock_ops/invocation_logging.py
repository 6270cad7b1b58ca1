"""Model invocation logging: log group, bucket for large bodies, the role Bedrock writes with, the account's setting."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from aws_cdk import Aws, CustomResource, Duration, RemovalPolicies, RemovalPolicy
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_ssm as ssm

from bedrock_eval.invocation_log.filters import LogFilter
from bedrock_eval.names import PhysicalNames
from bedrock_ops.buckets import AccessLogBucket, DataBucket, expire, expire_noncurrent
from bedrock_ops.functions import CustomResourceFunction
from bedrock_ops.log_groups import EncryptedLogGroup
from bedrock_ops.permissions import allow, from_this_account, regional_arn
from bedrock_ops.roles import ServiceRole
from constructs import Construct

_LOG_STREAM = "aws/bedrock/modelinvocations"
_BODIES_BUCKET = "bodies-bucket"
_NO_RESOURCE = "The setting is one for the account and Region; its actions know no resource."


@dataclass(frozen=True)
class LoggingSetting:
    """What is set, and what becomes of it.

    Attributes:
        mode: own refuses to replace a foreign setting, adopt replaces it.
        on_delete: restore puts back what was replaced, leave keeps ours, remove switches logging off.
        deliver: by kind (text, image, embedding, video, audio), whether bodies are logged.
        bodies_bucket: name of the bucket for bodies that are too large for the log group; None: they are lost.
    """

    mode: Literal["own", "adopt"]
    on_delete: Literal["restore", "leave", "remove"]
    deliver: Mapping[str, bool]
    bodies_bucket: str | None = None


class InvocationLogGroup(Construct):
    """The log group of the invocation log, made or imported.

    Args:
        existing: import the group, as one that RETAIN left behind; its retention, key and policy stay as they are.
        masked: managed data identifiers that are masked in it.
    """

    def __init__(  # noqa: PLR0913 - all by keyword but the first two
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        key: kms.IKey,
        retention_days: int,
        removal_policy: RemovalPolicy,
        existing: bool = False,
        masked: Sequence[str] = (),
    ) -> None:
        super().__init__(scope, construct_id)
        self.name = name
        self.log_group: logs.ILogGroup = (
            logs.LogGroup.from_log_group_name(self, "Group", name)
            if existing
            else EncryptedLogGroup(
                self,
                "Group",
                name=name,
                key=key,
                retention_days=retention_days,
                removal_policy=removal_policy,
                data_protection=_data_protection(masked),
            )
        )


class InvocationMetrics(Construct):
    """The metric filters of the invocation log. Each value of their dimensions is billed as a custom metric."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        names: PhysicalNames,
        log_group: InvocationLogGroup,
        filters: Sequence[LogFilter],
    ) -> None:
        super().__init__(scope, construct_id)
        for each in filters:
            logs.MetricFilter(
                self,
                each.name,
                log_group=log_group.log_group,
                filter_name=names.log_filter(each.name),
                filter_pattern=logs.FilterPattern.literal(each.pattern),
                metric_namespace=each.metric.namespace,
                metric_name=each.metric.name,
                metric_value="1",
                dimensions=dict(each.dimensions),
                unit=cloudwatch.Unit(each.metric.unit.upper()),
            )


def _data_protection(masked: Sequence[str]) -> logs.DataProtectionPolicy | None:
    """Findings are counted in the metric LogEventsWithFindings; none is written anywhere."""
    if not masked:
        return None
    return logs.DataProtectionPolicy(
        name="invocation-log",
        description="Masks personal data in prompts and answers",
        identifiers=[logs.DataIdentifier(name) for name in masked],
    )


class InvocationBodies(DataBucket):
    """Takes what is too large for the log group. Bedrock writes it as a service, not with the delivery role.

    Its name stands in Parameter Store: it is made beside the bucket for access logs, and an export would keep it from
    being taken away before the setting that names it.
    """

    def __init__(  # noqa: PLR0913 - all by keyword but the first two
        self,
        scope: Construct,
        construct_id: str,
        *,
        names: PhysicalNames,
        key: kms.IKey,
        access_logs: AccessLogBucket,
        retention_days: int,
        removal_policy: RemovalPolicy,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            key=key,
            access_logs=access_logs,
            # Deleted is deleted: what expires as current would otherwise stay as noncurrent.
            lifecycle=[expire("bodies", days=retention_days), expire_noncurrent("bodies", days=1)],
            removal_policy=removal_policy,
        )
        self._allow_delivery()
        ssm.StringParameter(
            self,
            "Name",
            parameter_name=names.logging_parameter(_BODIES_BUCKET),
            string_value=self.bucket_name,
            description=f"Bucket for large bodies of the invocation log of {names.prefix}",
        )

    def _allow_delivery(self) -> None:
        """Source: Bedrock user guide, model-invocation-logging."""
        self.add_to_resource_policy(
            iam.PolicyStatement(
                sid="AmazonBedrockLogsWrite",
                principals=[iam.ServicePrincipal("bedrock.amazonaws.com")],
                actions=["s3:PutObject"],
                resources=[self.arn_for_objects(f"AWSLogs/{Aws.ACCOUNT_ID}/BedrockModelInvocationLogs/*")],
                conditions=from_this_account(regional_arn("bedrock", "*")),
            )
        )


def invocation_bodies_bucket(scope: Construct, names: PhysicalNames) -> str:
    """Name of the bucket that the storage stack made, as a token that every deploy reads."""
    return ssm.StringParameter.value_for_string_parameter(scope, names.logging_parameter(_BODIES_BUCKET))


class InvocationLogging(Construct):
    """Bedrock's delivery role and a custom resource for the account's setting, which CloudFormation has no type for.

    Args:
        parameter: name of the SSM parameter in which the function remembers what it replaced; it makes and deletes it.
    """

    def __init__(  # noqa: PLR0913 - all by keyword but the first two
        self,
        scope: Construct,
        construct_id: str,
        *,
        names: PhysicalNames,
        setting: LoggingSetting,
        log_group: InvocationLogGroup,
        parameter: str,
        code: lambda_.Code,
        key: kms.IKey,
        log_retention_days: int,
    ) -> None:
        super().__init__(scope, construct_id)
        self.delivery_role = self._delivery_role(log_group.name)
        if setting.on_delete == "leave":
            # The setting that stays names it: without the role Bedrock would go on, and log nothing.
            RemovalPolicies.of(self.delivery_role).retain()
        self.function = CustomResourceFunction(
            self,
            "Function",
            name=names.function("invocation-logging"),
            description="Sets the account's model invocation logging and gives it back.",
            code=code,
            handler="bedrock_eval_functions.custom_resources.invocation_logging.handler",
            timeout=Duration.minutes(5),
            key=key,
            log_retention_days=log_retention_days,
        )
        self._allow(setting, parameter=parameter)
        self.resource = self._resource(setting, log_group=log_group, parameter=parameter)

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

    def _allow(self, setting: LoggingSetting, *, parameter: str) -> None:
        operations = ("Get", "Put", "Delete")
        self.function.allow(
            actions=[f"bedrock:{operation}ModelInvocationLoggingConfiguration" for operation in operations],
            resources=["*"],
            wildcard=_NO_RESOURCE,
        )
        self.function.allow(
            actions=["ssm:GetParameter", "ssm:PutParameter", "ssm:DeleteParameter"],
            resources=[regional_arn("ssm", f"parameter{parameter}")],
        )
        self._allow_passing(self.delivery_role.role_arn)
        if setting.mode == "adopt" and setting.on_delete == "restore":
            # The setting that is put back names a role that nobody knows at deploy.
            self._allow_passing(
                f"arn:{Aws.PARTITION}:iam::{Aws.ACCOUNT_ID}:role/*",
                wildcard="Restoring a foreign setting passes the role that it names, to bedrock.amazonaws.com alone.",
            )

    def _allow_passing(self, role_arn: str, *, wildcard: str | None = None) -> None:
        self.function.allow(
            actions=["iam:PassRole"],
            resources=[role_arn],
            conditions={"StringEquals": {"iam:PassedToService": "bedrock.amazonaws.com"}},
            wildcard=wildcard,
        )

    def _resource(self, setting: LoggingSetting, *, log_group: InvocationLogGroup, parameter: str) -> CustomResource:
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
                "ParameterName": parameter,
            },
        )
        # Bedrock checks at Put that it can write.
        resource.node.add_dependency(log_group, self.delivery_role)
        return resource
