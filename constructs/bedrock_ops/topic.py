"""The topic that every alarm of an environment notifies."""

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns

from bedrock_eval.names import PhysicalNames
from bedrock_ops.permissions import from_this_account, regional_arn
from constructs import Construct


@dataclass(frozen=True)
class Subscriber:
    """Who hears of alarms: protocol `email`, `https` or `sqs`, and the address, URL or queue ARN."""

    protocol: str
    endpoint: str


class AlarmTopic(Construct):
    """An encrypted topic: TLS only, and CloudWatch publishes for alarms of this prefix and account alone.

    The key's policy must let cloudwatch.amazonaws.com use the key; without that alarms change state and nobody hears.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        names: PhysicalNames,
        key: kms.IKey,
        subscribers: Sequence[Subscriber] = (),
    ) -> None:
        super().__init__(scope, construct_id)
        self.topic = sns.Topic(
            self,
            "Topic",
            topic_name=names.topic,
            display_name=f"Alarms of {names.prefix}",
            master_key=key,
            enforce_ssl=True,
        )
        self.topic.add_to_resource_policy(self._alarms_may_publish(names))
        for subscriber in subscribers:
            sns.Subscription(
                self,
                f"{subscriber.protocol}:{subscriber.endpoint}",
                topic=self.topic,
                protocol=sns.SubscriptionProtocol[subscriber.protocol.upper()],
                endpoint=subscriber.endpoint,
            )

    def _alarms_may_publish(self, names: PhysicalNames) -> iam.PolicyStatement:
        return iam.PolicyStatement(
            sid="AlarmsMayPublish",
            principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
            actions=["sns:Publish"],
            resources=[self.topic.topic_arn],
            conditions=from_this_account(regional_arn("cloudwatch", f"alarm:{names.alarm('*')}")),
        )
