"""The watchdog: every hour it says which evaluations are overdue, what the month has cost, and that it is alive."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from aws_cdk import Aws, CfnResource, CustomResource, Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_scheduler as scheduler

from bedrock_eval import catalogue, codec
from bedrock_eval.layout import DEFINITIONS, RUNS, WATCH_LIST, WATCHDOG_MEMORY
from bedrock_eval.models import Model
from bedrock_eval.pricing.costs import Rates
from bedrock_eval.watchdog.active_metrics import Reads
from bedrock_eval.watchdog.watch_list import People, WatchList
from bedrock_eval_cdk.core.context import EnvironmentContext
from bedrock_eval_cdk.core.functions import CustomResourceFunction, FunctionSettings, PythonFunction
from bedrock_eval_cdk.core.permissions import allow_key, allow_listing, from_this_account, regional_arn
from constructs import Construct

# The primer waits two minutes for one answer of the watchdog, and tries again while its fresh role is not known, or
# while the account's concurrency is full, for as long as a function may run.
_WATCHDOG_TIMEOUT = Duration.seconds(100)
_PRIMER_TIMEOUT = Duration.minutes(15)


@dataclass(frozen=True)
class WatchdogDuties:
    """What the watchdog looks after.

    Attributes:
        scheduled: evaluations with a schedule; when these change the watchdog is called again, so that a new one has a
            datapoint before its alarm looks for it.
        priced_models: rates of the models whose month-to-date cost is this application's, by their `ModelId`.
        models: the declared models, whose ends of life it tells beside those of the candidates.
        people: who is to hear of alarms.
        budget: ARN of the environment's budget, if it has one.
        owns_account: it looks at what is called in the account, whoever calls it.
        log_group: of the invocation log, against which runs are held; None: it is not this environment's.
    """

    scheduled: Sequence[str]
    priced_models: Mapping[str, Rates | None]
    models: Sequence[Model]
    people: People
    budget: str | None
    owns_account: bool
    log_group: str | None

    def watch_list(self, *, dead_letters: str) -> WatchList:
        """What the function is told at its first deploy."""
        return WatchList(
            models=tuple(sorted({model.model_id for model in self.models})),
            log_group=self.log_group,
            # Nothing is due when somebody looks at the rates again.
            priced={each: rates and replace(rates, verified_until=None) for each, rates in self.priced_models.items()},
            people=self.people,
            budget=self.budget,
            dead_letters=(dead_letters,),
        )


class Watchdog(Construct):
    """The function, its hourly schedule, and a custom resource that calls it once at deploy.

    The schedule lies in the group of the environment's schedules and leaves failed deliveries in their queue; the
    evaluation stack makes both, and they are used by name.

    Attributes:
        first_data: made once the watchdog has reported.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        context: EnvironmentContext,
        duties: WatchdogDuties,
        results_bucket: s3.IBucket,
    ) -> None:
        super().__init__(scope, construct_id)
        self._context = context
        self._names = context.fixed_names
        self._key = context.key
        self._watchdog = PythonFunction(
            self,
            "Function",
            context=context,
            settings=FunctionSettings(
                name=self._names.watchdog,
                description="Says every hour which evaluations are overdue, and what the month has cost.",
                package="watchdog",
                handler="bedrock_eval_functions.watchdog.handler.handler",
                timeout=_WATCHDOG_TIMEOUT,
                environment={"APPLICATION": context.application, "RESULTS_BUCKET": results_bucket.bucket_name},
            ),
        )
        self._watch_list = duties.watch_list(dead_letters=self._names.dead_letters)
        self._results_bucket = results_bucket
        self._allow_duties(duties)
        self._add_schedule()
        self.function: lambda_.IFunction = self._watchdog.function
        self.first_data = self._first_report(duties.scheduled)

    def _allow_duties(self, duties: WatchdogDuties) -> None:
        self._allow_looking(self._results_bucket)
        self._allow_asking(duties.models)
        self._allow_looking_after(duties.people)
        if duties.budget is not None:
            self._watchdog.allow(actions=["budgets:ViewBudget"], resources=[duties.budget])
        self._allow_counting_letters()
        if duties.owns_account:
            self._allow_listing_metrics()
        if duties.log_group is not None:
            self._allow_asking_the_log(duties.log_group)

    def watch_reads(self, reads: Reads) -> None:
        """Add to the watch list what alarms and widgets read, which is known when all of them are made."""
        self._watch_list = replace(self._watch_list, reads=reads)
        made = self.first_data.node.default_child
        if not isinstance(made, CfnResource):
            raise TypeError(f"{self.node.path}: CDK no longer makes a CfnResource of a custom resource")
        made.add_property_override("WatchList", _text(self._watch_list))

    def _allow_looking(self, results_bucket: s3.IBucket) -> None:
        self._watchdog.allow(
            actions=["s3:GetObject"],
            resources=[
                results_bucket.arn_for_objects(WATCH_LIST),
                results_bucket.arn_for_objects(f"{DEFINITIONS}*"),
                results_bucket.arn_for_objects(f"{RUNS}*/summary.json"),
                results_bucket.arn_for_objects(f"{RUNS}*/run.json"),
            ],
            wildcard="Definitions, states and summaries; their keys hold names and times, and no answers lie there.",
        )
        # Without a condition on s3:prefix: under one S3 answers 403, not 404, for a summary that is not there yet.
        self._watchdog.allow(actions=["s3:ListBucket"], resources=[results_bucket.bucket_arn])
        self._watchdog.allow(actions=["kms:Decrypt"], resources=[self._key.key_arn], conditions=_only_through("s3"))
        self._watchdog.allow(
            actions=["cloudwatch:PutMetricData"],
            resources=["*"],
            conditions={"StringEquals": {"cloudwatch:namespace": catalogue.CUSTOM}},
            wildcard=f"PutMetricData knows no resource; a condition limits it to the namespace {catalogue.CUSTOM}.",
        )
        self._watchdog.allow(
            actions=["cloudwatch:GetMetricData"],
            resources=["*"],
            wildcard="GetMetricData knows no resource; it only reads figures, here the token counts of models.",
        )

    def _allow_asking(self, models: Sequence[Model]) -> None:
        """What AWS announces of the declared models, to which all candidates belong."""
        foundation_models = sorted({model.base_id for model in models})
        self._watchdog.allow(
            actions=["bedrock:GetFoundationModel"],
            resources=[
                f"arn:{Aws.PARTITION}:bedrock:{Aws.REGION}::foundation-model/{each}" for each in foundation_models
            ],
        )

    def _allow_looking_after(self, people: People) -> None:
        """Who hears of alarms, which actions of alarms failed, and what it told people itself, past the alarms."""
        topics = dict.fromkeys(each.topic for each in people.declared)
        self._watchdog.allow(actions=["sns:ListSubscriptionsByTopic"], resources=list(topics))
        told = [people.messages, *([] if people.chat is None else [people.chat])]
        self._watchdog.allow(actions=["sns:Publish"], resources=told)
        self._watchdog.allow(
            actions=["cloudwatch:DescribeAlarmHistory"],
            resources=["*"],
            wildcard="DescribeAlarmHistory returns composite alarms only under a permission on *; it reads history.",
        )
        memory = self._results_bucket.arn_for_objects(WATCHDOG_MEMORY)
        self._watchdog.allow(actions=["s3:GetObject", "s3:PutObject"], resources=[memory])
        self._watchdog.allow(
            actions=["kms:Decrypt", "kms:GenerateDataKey"],
            resources=[self._key.key_arn],
            conditions=_only_through("sns", "s3"),
        )

    def _allow_counting_letters(self) -> None:
        self._watchdog.allow(
            actions=["sqs:GetQueueUrl", "sqs:GetQueueAttributes"],
            resources=[regional_arn("sqs", self._names.dead_letters)],
        )

    def _allow_listing_metrics(self) -> None:
        self._watchdog.allow(
            actions=["cloudwatch:ListMetrics"],
            resources=["*"],
            wildcard="ListMetrics knows no resource; it lists names and dimensions, and no figures.",
        )

    def _allow_asking_the_log(self, log_group: str) -> None:
        # Numbers alone come back: the query counts calls and tokens. The group's key is used by CloudWatch Logs itself.
        group = regional_arn("logs", f"log-group:{log_group}")
        self._watchdog.allow(
            actions=["logs:StartQuery", "logs:GetQueryResults"],
            resources=[group, f"{group}:*"],
            wildcard="The streams of the invocation log's one group, which a query reads all.",
        )

    def _add_schedule(self) -> None:
        dead_letters = regional_arn("sqs", self._names.dead_letters)
        scheduler.CfnSchedule(
            self,
            "Schedule",
            # An evaluation may be called "watchdog", but no name of one holds an underscore.
            name=f"{self._names.watchdog}_hourly",
            group_name=self._names.schedule_group,
            description="Calls the watchdog.",
            schedule_expression="rate(1 hour)",
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            target=scheduler.CfnSchedule.TargetProperty(
                arn=self._watchdog.arn,
                role_arn=self._schedule_role(dead_letters).role_arn,
                # A call that is half an hour late is no use: the next one comes.
                retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                    maximum_event_age_in_seconds=1800, maximum_retry_attempts=3
                ),
                dead_letter_config=scheduler.CfnSchedule.DeadLetterConfigProperty(arn=dead_letters),
            ),
        )

    def _schedule_role(self, dead_letters: str) -> iam.Role:
        group = regional_arn("scheduler", f"schedule-group/{self._names.schedule_group}")
        statements = [
            iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=[self._watchdog.arn]),
            iam.PolicyStatement(actions=["sqs:SendMessage"], resources=[dead_letters]),
            iam.PolicyStatement(
                actions=["kms:Decrypt", "kms:GenerateDataKey"],
                resources=[self._key.key_arn],
                conditions=_only_through("sqs"),
            ),
        ]
        return iam.Role(
            self,
            "ScheduleRole",
            role_name=self._names.function("watchdog-schedule"),
            description="EventBridge Scheduler calls the watchdog.",
            assumed_by=iam.ServicePrincipal("scheduler.amazonaws.com", conditions=from_this_account(group)),
            # Inline: the role never exists without them, and a new schedule may fire at once.
            inline_policies={"call-watchdog": iam.PolicyDocument(statements=statements)},
        )

    def _first_report(self, scheduled: Sequence[str]) -> CustomResource:
        primer = CustomResourceFunction(
            self,
            "Primer",
            context=self._context,
            settings=FunctionSettings(
                name=self._names.function("watchdog-primer"),
                description="Configures and invokes the watchdog, so that its alarms begin with a datapoint.",
                package="custom_resources",
                handler="bedrock_eval_functions.custom_resources.watchdog_primer.handler",
                timeout=_PRIMER_TIMEOUT,
            ),
        )
        primer.allow(actions=["lambda:InvokeFunction"], resources=[self._watchdog.arn])
        primer.allow(
            actions=["cloudwatch:GetMetricStatistics"],
            resources=["*"],
            wildcard="GetMetricStatistics knows no resource; it only reads figures.",
        )
        primer.allow(
            actions=["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
            resources=[self._results_bucket.arn_for_objects(WATCH_LIST)],
        )
        allow_listing(primer.role, self._results_bucket)
        allow_key(primer.role, self._key)
        return primer.resource(
            self,
            "FirstReport",
            kind="WatchdogReport",
            properties={
                "FunctionName": self.function.function_name,
                "Application": self._context.application,
                "Evaluations": sorted(scheduled),
                "Bucket": self._results_bucket.bucket_name,
                "WatchList": _text(self._watch_list),
            },
        )


def _text(watch_list: WatchList) -> str:
    """JSON with tokens of CDK in it, of which some are keys; CDK's own way to JSON takes none there."""
    return json.dumps(codec.encode(watch_list), separators=(",", ":"))


def _only_through(*services: str) -> dict[str, dict[str, str | list[str]]]:
    through = [f"{service}.{Aws.REGION}.{Aws.URL_SUFFIX}" for service in services]
    return {"StringEquals": {"kms:ViaService": through if len(through) > 1 else through[0]}}
