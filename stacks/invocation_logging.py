"""The account's model invocation logging, for the one environment that owns it."""

from typing import Literal

from aws_cdk import CfnOutput
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_ssm as ssm

from bedrock_eval.names import PhysicalNames
from bedrock_eval_cdk.bedrock_invocation_logging import KINDS, BedrockInvocationLogging, LoggingEnvironment
from bedrock_eval_cdk.invocation_logging.bodies import invocation_bodies_bucket
from configuration.schema.environment import Environment
from constructs import Construct
from stacks.base import EnvironmentStack, environment_context


class InvocationLoggingStack(EnvironmentStack):
    """Log group, delivery role and setting for the owner of the account; for the others a note that they are not."""

    def __init__(self, scope: Construct, construct_id: str, *, environment: Environment, key: kms.IKey) -> None:
        super().__init__(scope, construct_id, environment=environment)
        mode = environment.invocation_logging.mode if environment.logs_invocations else "none"
        self._note(environment, mode)
        self.logging = None if mode == "none" else self._log_invocations(environment, mode, key)

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

    def _log_invocations(
        self, environment: Environment, mode: Literal["own", "adopt"], key: kms.IKey
    ) -> BedrockInvocationLogging:
        config, context = environment.invocation_logging, environment_context(environment, key=key)
        names = context.fixed_names
        bodies = None
        if config.keeps_large_bodies:
            bodies = s3.Bucket.from_bucket_name(self, "Bodies", invocation_bodies_bucket(self, names))
        logging = BedrockInvocationLogging(
            self,
            "Logging",
            log_group=(
                logs.LogGroup.from_log_group_name(self, "Existing", config.log_group) if config.existing else None
            ),
            log_group_name=config.log_group,
            retention_days=environment.retention_days.invocation_logs,
            masked=config.data_protection,
            deliver=[kind for kind in KINDS if getattr(config, kind)],
            large_bodies=config.keeps_large_bodies,
            bodies_bucket=bodies,
            mode=mode,
            on_delete=config.on_delete,
            environment=LoggingEnvironment(context, environment.log_filters, names.logging_parameter("replaced")),
        )
        CfnOutput(self, "InvocationLogGroup", value=config.log_group)
        return logging
