"""Topics of an environment: where its alarms report, and where people hear of them in words."""

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns

from bedrock_eval_cdk.core.context import EnvironmentContext
from bedrock_eval_cdk.core.permissions import from_this_account, regional_arn
from constructs import Construct


@dataclass(frozen=True)
class Subscriber:
    """Who hears of alarms: protocol `email`, `https` or `sqs`, and the address, URL or queue ARN."""

    protocol: str
    endpoint: str


class EncryptedTopic(sns.Topic):
    """A topic under the environment's key that takes nothing but TLS."""

    def __init__(
        self, scope: Construct, construct_id: str, *, name: str | None, display_name: str, key: kms.IKey
    ) -> None:
        super().__init__(
            scope, construct_id, topic_name=name, display_name=display_name, master_key=key, enforce_ssl=True
        )

    def let_alarms_publish(self, name: str) -> None:
        """Let CloudWatch publish for alarms of this account that are named so (a `*` holds for anything).

        The key's policy must let cloudwatch.amazonaws.com use the key; without that alarms change state and nobody
        hears.
        """
        self.add_to_resource_policy(
            iam.PolicyStatement(
                sid="AlarmsMayPublish",
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[self.topic_arn],
                conditions=from_this_account(regional_arn("cloudwatch", f"alarm:{name}")),
            )
        )


class AlarmTopic(EncryptedTopic):
    """What every alarm of the environment notifies; the formatter alone listens."""

    def __init__(self, scope: Construct, construct_id: str, *, context: EnvironmentContext) -> None:
        super().__init__(
            scope,
            construct_id,
            name=context.name(lambda names: names.topic),
            display_name=f"Alarms of {context.label}",
            key=context.key,
        )
        self.let_alarms_publish(context.alarm_names)


class MessagesTopic(EncryptedTopic):
    """Where people subscribe. The formatter publishes here, and the one alarm that is about the formatter.

    Args:
        formatter_alarm: name of that alarm.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        context: EnvironmentContext,
        formatter_alarm: str,
        subscribers: Sequence[Subscriber],
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            name=context.name(lambda names: names.messages_topic),
            display_name=f"Messages of {context.label}",
            key=context.key,
        )
        self.let_alarms_publish(formatter_alarm)
        # CloudFormation does not see that one of these is gone; the watchdog counts them.
        # Assumption: subscriber-stays
        for subscriber in subscribers:
            sns.Subscription(
                self,
                f"{subscriber.protocol}:{subscriber.endpoint}",
                topic=self,
                protocol=sns.SubscriptionProtocol[subscriber.protocol.upper()],
                endpoint=subscriber.endpoint,
            )
