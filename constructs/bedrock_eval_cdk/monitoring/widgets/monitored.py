"""What can be monitored: constructs that declare their own alarms and widgets."""

from collections.abc import Iterable
from typing import Protocol

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sns as sns

from bedrock_eval_cdk.monitoring.alarm_policy import AlarmPolicy
from bedrock_eval_cdk.monitoring.routed_alarm import RoutedAlarm
from bedrock_eval_cdk.monitoring.widgets.drawing import Drawing
from constructs import Construct


class Monitored(Protocol):
    """A construct, or several, with alarms and widgets of its own."""

    def add_alarms(
        self, scope: Construct, topic: sns.ITopic, *, policy: AlarmPolicy | None = None
    ) -> tuple[RoutedAlarm, ...]:
        """Make its alarms below `scope`; they notify `topic`.

        Args:
            policy: of the environment; by default the default thresholds, and names by CloudFormation.
        """
        ...

    def rows(self, drawing: Drawing) -> Iterable[list[cloudwatch.IWidget]]:
        """The rows of the dashboard about it; they wrap after 24 columns."""
        ...
