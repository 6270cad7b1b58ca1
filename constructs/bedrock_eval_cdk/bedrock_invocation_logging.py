"""Model invocation logging of an account and Region."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from aws_cdk import RemovalPolicy
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns

from bedrock_eval.alarms import kinds
from bedrock_eval.invocation_log.filters import LogFilter
from bedrock_eval_cdk.core.context import EnvironmentContext
from bedrock_eval_cdk.core.errors import DeclarationError
from bedrock_eval_cdk.invocation_logging.bodies import InvocationBodies
from bedrock_eval_cdk.invocation_logging.log_group import (
    DEFAULT_RETENTION_DAYS,
    InvocationLogGroup,
    InvocationMetrics,
    LogGroupSettings,
)
from bedrock_eval_cdk.invocation_logging.setting import InvocationLogging, LoggingSetting
from bedrock_eval_cdk.monitoring.alarm_policy import AlarmPolicy, standalone_policy
from bedrock_eval_cdk.monitoring.alarms import AlarmFactory
from bedrock_eval_cdk.monitoring.routed_alarm import RoutedAlarm
from bedrock_eval_cdk.monitoring.routing import Notified
from bedrock_eval_cdk.monitoring.subjects import DELIVERY_DIMENSIONS
from bedrock_eval_cdk.monitoring.widgets.drawing import Drawing
from bedrock_eval_cdk.monitoring.widgets.sections import log_rows
from bedrock_eval_cdk.storage.buckets import AccessLogBucket
from bedrock_eval_cdk.storage.encryption import KeyUse, standalone_context
from constructs import Construct

KINDS = ("text", "image", "embedding", "video", "audio")
"""What Bedrock can log the bodies of."""

_ACCESS_LOG_DAYS = 90


@dataclass(frozen=True)
class LoggingEnvironment:
    """What an environment with fixed names adds.

    Attributes:
        filters: what metric filters count in the log.
        parameter: name of the SSM parameter in which the function remembers the setting that it replaced.
    """

    context: EnvironmentContext
    filters: Sequence[LogFilter]
    parameter: str


class BedrockInvocationLogging(Construct):
    """The account's model invocation logging: log group, bucket for large bodies, delivery role, and the setting.

    The setting is one for an account and Region. By default an existing setting is refused.

    Args:
        log_group: an existing one; left out: one is made.
        log_group_name: of the group that is made; left out: CloudFormation chooses it.
        retention_days: of the log group and the bucket that are made.
        masked: managed data identifiers that CloudWatch Logs masks in the log group that is made.
        deliver: which bodies are logged, of text, image, embedding, video and audio.
        large_bodies: keep bodies that are too large for the log group (100 KB) in a bucket.
        bodies_bucket: an existing bucket for them; its policy must admit Bedrock. Left out: one is made.
        mode: own refuses to replace an existing setting of others, adopt replaces it.
        on_delete: what becomes of the setting: restore what was replaced, leave it, or remove it.
        key: encrypts what is made; left out: a key is made.
        alarm_topic: gets alarms about failed deliveries; left out: no alarm is made, see `add_alarms`.
        removal_policy: of the log group, the buckets and the key that are made.
        environment: of constructs with fixed names.

    Attributes:
        log_group: the log group, made or given.
        bodies_bucket: the bucket for large bodies, made or given; None: they are lost.
        key: encrypts what was made.
        delivery_role: Bedrock writes the log with it.
        function: sets the account's logging.
        setting: the custom resource.
        alarms: all that were made.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        log_group: logs.ILogGroup | None = None,
        log_group_name: str | None = None,
        retention_days: int = DEFAULT_RETENTION_DAYS,
        masked: Sequence[str] = (),
        deliver: Collection[str] = ("text",),
        large_bodies: bool = True,
        bodies_bucket: s3.IBucket | None = None,
        mode: Literal["own", "adopt"] = "own",
        on_delete: Literal["restore", "leave", "remove"] = "restore",
        key: kms.IKey | None = None,
        alarm_topic: sns.ITopic | None = None,
        removal_policy: RemovalPolicy = RemovalPolicy.RETAIN,
        environment: LoggingEnvironment | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        _check_kinds(self, deliver)
        makes_bucket = large_bodies and bodies_bucket is None
        if environment is None:
            use = KeyUse([log_group_name] if log_group_name else [], invocation_bodies=makes_bucket)
            context = standalone_context(self, key=key, use=use, removal_policy=removal_policy)
        else:
            context = environment.context
        self.key = context.key
        self._filters = () if environment is None else environment.filters
        group = InvocationLogGroup(
            self,
            "Invocations",
            context=context,
            settings=LogGroupSettings(log_group_name, retention_days, tuple(masked)),
            existing=log_group,
        )
        self.log_group, self._log_group_name = group.log_group, group.name
        self.bodies_bucket = self._make_bodies(context, retention_days) if makes_bucket else bodies_bucket
        if self._filters:
            InvocationMetrics(self, "Metrics", names=context.fixed_names, log_group=group, filters=self._filters)
        logging = InvocationLogging(
            self,
            "Logging",
            context=context,
            setting=LoggingSetting(
                parameter=_parameter(context) if environment is None else environment.parameter,
                mode=mode,
                on_delete=on_delete,
                deliver={kind: kind in deliver for kind in KINDS},
                bodies_bucket=None if self.bodies_bucket is None else self.bodies_bucket.bucket_name,
            ),
            log_group=group,
        )
        self.delivery_role = logging.delivery_role
        self.function = logging.function
        self.setting = logging.resource
        if makes_bucket and self.bodies_bucket is not None:
            # Bedrock checks at Put that it can write.
            self.setting.node.add_dependency(self.bodies_bucket)
        self.alarms = () if alarm_topic is None else self.add_alarms(self, alarm_topic)

    def _make_bodies(self, context: EnvironmentContext, retention_days: int) -> InvocationBodies:
        access_logs = AccessLogBucket(
            self, "AccessLogs", expire_days=_ACCESS_LOG_DAYS, removal_policy=context.removal_policy
        )
        return InvocationBodies(self, "Bodies", context=context, access_logs=access_logs, retention_days=retention_days)

    def add_alarms(
        self, scope: Construct, topic: sns.ITopic, *, policy: AlarmPolicy | None = None
    ) -> tuple[RoutedAlarm, ...]:
        """Make the alarm about lost deliveries below `scope`; it notifies `topic`."""
        factory = AlarmFactory(scope, policy=policy or standalone_policy(self), notified=Notified(topic))
        factory.make(kinds.LOG_DELIVERY, dimensions=DELIVERY_DIMENSIONS)
        return factory.route()

    def rows(self, drawing: Drawing) -> Iterable[list[cloudwatch.IWidget]]:
        """The rows of a dashboard about the log: its deliveries, and tables of calls."""
        return log_rows(drawing, self._log_group_name, self._filters)


def _check_kinds(scope: Construct, deliver: Collection[str]) -> None:
    unknown = [kind for kind in deliver if kind not in KINDS]
    if unknown:
        raise DeclarationError(
            f"{scope.node.path}: deliver: {', '.join(map(repr, unknown))}; allowed: {', '.join(KINDS)}"
        )


def _parameter(context: EnvironmentContext) -> str:
    """Where the function remembers what it replaced; the setting is one for the account and Region."""
    return f"/bedrock-eval/{context.application}/invocation-logging/replaced"
