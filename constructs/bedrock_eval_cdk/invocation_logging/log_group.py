"""The log group of the invocation log, and what is counted in it."""

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import RemovalPolicy
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_logs as logs

from bedrock_eval.invocation_log.filters import LogFilter
from bedrock_eval.names import PhysicalNames
from bedrock_eval_cdk.core.context import EnvironmentContext
from bedrock_eval_cdk.core.log_groups import retention
from constructs import Construct

DEFAULT_RETENTION_DAYS = 90


@dataclass(frozen=True)
class LogGroupSettings:
    """How the invocation log is kept.

    Attributes:
        name: None: CloudFormation chooses one.
        retention_days: one of the values that CloudWatch Logs takes.
        masked: managed data identifiers that are masked in it.
    """

    name: str | None = None
    retention_days: int = DEFAULT_RETENTION_DAYS
    masked: tuple[str, ...] = ()


class InvocationLogGroup(Construct):
    """The log group of the invocation log, made or imported.

    Args:
        existing: the group, as one that RETAIN left behind; its retention, key and policy stay as they are.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        context: EnvironmentContext,
        settings: LogGroupSettings,
        existing: logs.ILogGroup | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        self.log_group = existing or self._make(context, settings)
        self.name = settings.name or self.log_group.log_group_name

    def _make(self, context: EnvironmentContext, settings: LogGroupSettings) -> logs.LogGroup:
        kept = context.removal_policy is RemovalPolicy.RETAIN
        return logs.LogGroup(
            self,
            "Group",
            log_group_name=settings.name,
            encryption_key=context.key,
            retention=retention(settings.retention_days),
            # It does not stay when its first deploy is rolled back: under its name it would fail the next one.
            removal_policy=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE if kept else context.removal_policy,
            data_protection_policy=_data_protection(settings.masked),
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
