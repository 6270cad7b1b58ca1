"""What watches an environment: the watchdog, the formatter and the topic of the people."""

from collections.abc import Iterable
from dataclasses import dataclass

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sns as sns

from bedrock_eval_cdk.monitoring.alarm_policy import AlarmPolicy, standalone_policy
from bedrock_eval_cdk.monitoring.alarms import AlarmFactory
from bedrock_eval_cdk.monitoring.environment_alarms import add_environment_alarms, add_formatter_alarm
from bedrock_eval_cdk.monitoring.routed_alarm import RoutedAlarm
from bedrock_eval_cdk.monitoring.routing import Notified
from bedrock_eval_cdk.monitoring.subjects import MonitoredEnvironment
from bedrock_eval_cdk.monitoring.widgets.drawing import Drawing
from bedrock_eval_cdk.monitoring.widgets.sections import environment_rows
from constructs import Construct


@dataclass(frozen=True)
class EnvironmentHealth:
    """The alarms and widgets about what watches an environment.

    Attributes:
        messages: the people's topic, past the formatter.
    """

    environment: MonitoredEnvironment
    messages: sns.ITopic

    def add_alarms(
        self, scope: Construct, topic: sns.ITopic, *, policy: AlarmPolicy | None = None
    ) -> tuple[RoutedAlarm, ...]:
        """Make the alarms about the environment as a whole below `scope`."""
        policy = policy or standalone_policy(scope)
        factory = AlarmFactory(scope, policy=policy, notified=Notified(topic))
        add_environment_alarms(factory, self.environment)
        # Past the formatter, which could not tell of its own trouble; that it works again it can tell.
        direct = AlarmFactory(
            Construct(scope, "Direct"), policy=policy, notified=Notified(self.messages, recovered=topic)
        )
        add_formatter_alarm(direct, self.environment)
        return (*factory.route(), *direct.route())

    def rows(self, drawing: Drawing) -> Iterable[list[cloudwatch.IWidget]]:
        """The rows about traffic that nobody watches and the health of what watches."""
        return environment_rows(drawing, self.environment)
