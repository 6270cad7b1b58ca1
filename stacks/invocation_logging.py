"""The account's model invocation logging, for the one environment that owns it."""

from typing import Any, Literal

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_ssm as ssm

from bedrock_eval.names import PhysicalNames
from bedrock_ops.invocation_logging import (
    InvocationLogging,
    InvocationLogGroup,
    InvocationMetrics,
    LoggingSetting,
    invocation_bodies_bucket,
)
from configuration.schema.environment import Environment
from constructs import Construct
from stacks.code import function_code
from stacks.storage import removal_policy

_KINDS = ("text", "image", "embedding", "video", "audio")


class InvocationLoggingStack(Stack):
    """Log group, delivery role and setting for the owner of the account; for the others a note that they are not."""

    def __init__(
        self, scope: Construct, construct_id: str, *, environment: Environment, key: kms.IKey, **kwargs: Any
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)
        mode = environment.invocation_logging.mode if environment.logs_invocations else "none"
        self._note(environment, mode)
        if mode != "none":
            self._log_invocations(environment, mode, key)

    def _note(self, environment: Environment, mode: str) -> None:
        """A stack needs a resource; whoever looks for the account's logging finds here whether it is ours."""
        reason = "this environment" if mode != "none" else "not this environment"
        ssm.StringParameter(
            self,
            "Mode",
            parameter_name=PhysicalNames(environment.prefix).logging_parameter("mode"),
            string_value=mode,
            description=f"Model invocation logging of this account and Region is set by {reason}",
        )
        CfnOutput(self, "InvocationLoggingMode", value=mode)

    def _log_invocations(self, environment: Environment, mode: Literal["own", "adopt"], key: kms.IKey) -> None:
        config, retention = environment.invocation_logging, environment.retention_days
        names = PhysicalNames(environment.prefix)
        log_group = InvocationLogGroup(
            self,
            "Invocations",
            name=config.log_group,
            key=key,
            retention_days=retention.invocation_logs,
            removal_policy=removal_policy(environment),
            existing=config.existing,
            masked=config.data_protection,
        )
        filters = environment.log_filters
        if filters:
            InvocationMetrics(self, "Metrics", names=names, log_group=log_group, filters=filters)
        InvocationLogging(
            self,
            "Logging",
            names=names,
            setting=LoggingSetting(
                mode=mode,
                on_delete=config.on_delete,
                deliver={kind: getattr(config, kind) for kind in _KINDS},
                bodies_bucket=invocation_bodies_bucket(self, names) if config.keeps_large_bodies else None,
            ),
            log_group=log_group,
            parameter=names.logging_parameter("replaced"),
            code=function_code("custom_resources"),
            key=key,
            log_retention_days=retention.function_logs,
        )
        CfnOutput(self, "InvocationLogGroup", value=config.log_group)
