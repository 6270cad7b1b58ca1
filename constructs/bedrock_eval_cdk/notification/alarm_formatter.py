"""The function between the alarm topic and the people."""

from dataclasses import dataclass

from aws_cdk import Aws, Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns

from bedrock_eval.alarms.subscribers import Subscription
from bedrock_eval.layout import RUNS
from bedrock_eval.names import PhysicalNames
from bedrock_eval_cdk.core.context import EnvironmentContext
from bedrock_eval_cdk.core.functions import FunctionSettings, PythonFunction
from bedrock_eval_cdk.core.permissions import regional_arn
from constructs import Construct

_TIMEOUT = Duration.seconds(60)
# A second message is better than none.
_RETRIES = 2


@dataclass(frozen=True)
class FormatterTopics:
    """Where alarms come from, and where they go in words.

    Attributes:
        alarms: the topic to listen to.
        messages: the people's topic.
        chat: a topic of Amazon Q Developer in chat applications, if people want it.
    """

    alarms: sns.ITopic
    messages: sns.ITopic
    chat: sns.ITopic | None


class AlarmFormatter(Construct):
    """Says in words what arrives at the alarm topic.

    When the function itself fails, Lambda tries it twice again and then sends the raw event to the people's topic.

    Attributes:
        listening: its subscription to the alarms.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        context: EnvironmentContext,
        topics: FormatterTopics,
        results_bucket: s3.IBucket,
    ) -> None:
        super().__init__(scope, construct_id)
        names, key = context.fixed_names, context.key
        alarms, messages, chat = topics.alarms, topics.messages, topics.chat
        self._function = PythonFunction(
            self,
            "Function",
            context=context,
            settings=FunctionSettings(
                name=names.alarm_formatter,
                description="Says in words what alarms report.",
                package="alarm_formatter",
                handler="bedrock_eval_functions.alarm_formatter.handler.handler",
                timeout=_TIMEOUT,
                retry_attempts=_RETRIES,
                failures=messages,
                environment={
                    "RESULTS_BUCKET": results_bucket.bucket_name,
                    "PREFIX": names.prefix,
                    "RUNBOOK_URL": context.runbook or "",
                    "MESSAGES_TOPIC": messages.topic_arn,
                    **({} if chat is None else {"CHAT_TOPIC": chat.topic_arn}),
                },
            ),
        )
        self._allow_looking(results_bucket, names)
        self._allow_reading_failures(results_bucket, key)
        self._allow_telling([messages.topic_arn, *([] if chat is None else [chat.topic_arn])], key)
        self._listen(alarms)
        self.listening = Subscription(alarms.topic_arn, "lambda", self._function.arn)

    def _allow_looking(self, results_bucket: s3.IBucket, names: PhysicalNames) -> None:
        # Names of runs and of what they hold.
        self._function.allow(
            actions=["s3:ListBucket"],
            resources=[results_bucket.bucket_arn],
            conditions={"StringLike": {"s3:prefix": f"{RUNS}*"}},
        )
        self._function.allow(
            actions=["cloudwatch:DescribeAlarms"],
            resources=["*"],
            wildcard="DescribeAlarms returns composite alarms only under a permission on *; it reads alarms.",
        )
        self._function.allow(
            actions=["cloudwatch:DescribeAlarmHistory"],
            resources=[regional_arn("cloudwatch", f"alarm:{names.alarm('*')}")],
            wildcard="Of the alarms of this environment, which all begin with its prefix.",
        )

    def _allow_reading_failures(self, results_bucket: s3.IBucket, key: kms.IKey) -> None:
        self._function.allow(
            actions=["s3:GetObject"],
            resources=[results_bucket.arn_for_objects(f"{RUNS}*/run.json")],
            wildcard="The states of runs, whose keys hold names and times; no prompts and no answers lie there.",
        )
        self._function.allow(
            actions=["kms:Decrypt"],
            resources=[key.key_arn],
            conditions={"StringEquals": {"kms:ViaService": f"s3.{Aws.REGION}.{Aws.URL_SUFFIX}"}},
        )

    def _allow_telling(self, topics: list[str], key: kms.IKey) -> None:
        self._function.allow(actions=["sns:Publish"], resources=topics)
        self._function.allow(
            actions=["kms:Decrypt", "kms:GenerateDataKey"],
            resources=[key.key_arn],
            conditions={"StringEquals": {"kms:ViaService": f"sns.{Aws.REGION}.{Aws.URL_SUFFIX}"}},
        )

    def _listen(self, alarms: sns.ITopic) -> None:
        self._function.function.add_permission(
            "AlarmTopic",
            principal=iam.ServicePrincipal("sns.amazonaws.com"),
            source_arn=alarms.topic_arn,
        )
        sns.Subscription(
            self,
            "Subscription",
            topic=alarms,
            protocol=sns.SubscriptionProtocol.LAMBDA,
            endpoint=self._function.arn,
        )
