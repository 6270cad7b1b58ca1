"""The account's model invocation logging, for the one environment that owns it."""

from typing import Literal

from aws_cdk import CfnOutput
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_ssm as ssm

from bedrock_eval.names import PhysicalNames
from bedrock_eval_cdk.invocation_logging.bodies import invocation_bodies_bucket
from bedrock_eval_cdk.invocation_logging.log_group import InvocationLogGroup, InvocationMetrics, LogGroupSettings
from bedrock_eval_cdk.invocation_logging.setting import InvocationLogging, LoggingSetting
from constructs import Construct
from environments.schema import Environment
from stacks.base import EnvironmentStack, environment_context

_KINDS = ("text", "image", "embedding", "video", "audio")


class InvocationLoggingStack(EnvironmentStack):
    """Log group, delivery role and setting for the owner of the account; for the others a note that they are not."""

    def __init__(self, scope: Construct, construct_id: str, *, environment: Environment, key: kms.IKey) -> None:
        super().__init__(scope, construct_id, environment=environment)
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
        context = environment_context(environment, key=key)
        existing = logs.LogGroup.from_log_group_name(self, "Existing", config.log_group) if config.existing else None
        log_group = InvocationLogGroup(
            self,
            "Invocations",
            context=context,
            settings=LogGroupSettings(config.log_group, retention.invocation_logs, config.data_protection),
            existing=existing,
        )
        filters = environment.log_filters
        if filters:
            InvocationMetrics(self, "Metrics", names=names, log_group=log_group, filters=filters)
        InvocationLogging(
            self,
            "Logging",
            context=context,
            setting=LoggingSetting(
                parameter=names.logging_parameter("replaced"),
                mode=mode,
                on_delete=config.on_delete,
                deliver={kind: getattr(config, kind) for kind in _KINDS},
                bodies_bucket=invocation_bodies_bucket(self, names) if config.keeps_large_bodies else None,
            ),
            log_group=log_group,
        )
        CfnOutput(self, "InvocationLogGroup", value=config.log_group)
