"""An alarm that was made, with what a graph and a composite need of it."""

from collections.abc import Mapping
from dataclasses import dataclass

from aws_cdk import aws_cloudwatch as cloudwatch

from bedrock_eval.alarms.kinds import AlarmKind, Severity
from bedrock_eval_cdk.monitoring.series import Series


@dataclass(frozen=True)
class RoutedAlarm:
    """An alarm with what a graph needs to draw what it watches and its threshold.

    Attributes:
        told_by: the composite that notifies of it; None: it notifies by itself.
    """

    kind: AlarmKind
    severity: Severity
    subject: tuple[str, ...]
    dimensions: Mapping[str, str]
    threshold: float
    name: str | None
    series: Series
    alarm: cloudwatch.Alarm
    told_by: cloudwatch.CompositeAlarm | None = None

    @property
    def in_a_rule(self) -> str:
        """How the rule of a composite asks whether it is in alarm."""
        return f'ALARM("{self.name or self.alarm.alarm_arn}")'
