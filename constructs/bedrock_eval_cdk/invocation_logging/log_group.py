"""The log group of the invocation log, and what is counted in it."""

from collections.abc import Sequence

from aws_cdk import RemovalPolicy
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs

from bedrock_eval.log_filters import LogFilter
from bedrock_eval.names import PhysicalNames
from bedrock_eval_cdk.core.log_groups import EncryptedLogGroup
from constructs import Construct


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
