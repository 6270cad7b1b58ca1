"""Topic, watchdog, alarms and dashboard of one environment. Deployed after the evaluation stack, which it names."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aws_cdk import ArnFormat, Aws, CfnOutput, Stack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns

from bedrock_eval.alarms.kinds import FORMATTER_ERRORS, Severity, Thresholds
from bedrock_eval.alarms.subscribers import Subscription
from bedrock_eval.evaluation.definition import Gate
from bedrock_eval.models import Model
from bedrock_eval.names import PhysicalNames
from bedrock_eval.pricing.costs import Rates
from bedrock_eval.watchdog.watch_list import People
from bedrock_ops.alarm_formatter import AlarmFormatter
from bedrock_ops.alarms import AlarmFactory
from bedrock_ops.budget import MonthlyBudget
from bedrock_ops.dashboard import MonitoringDashboard
from bedrock_ops.inference_profiles import application_profile_id, evaluation_profile_id
from bedrock_ops.metric_reads import reads
from bedrock_ops.monitoring_alarms import add_alarms, add_formatter_alarm
from bedrock_ops.monitoring_subjects import (
    Quota,
    Watched,
    WatchedCandidate,
    WatchedEvaluation,
    WatchedGuardrail,
    WatchedMachine,
    WatchedModel,
)
from bedrock_ops.permissions import regional_arn
from bedrock_ops.saved_queries import SavedQueries
from bedrock_ops.topic import AlarmTopic, EncryptedTopic, MessagesTopic, Subscriber
from bedrock_ops.watchdog import Watchdog
from constructs import Construct
from environments.evaluation_schema import EvaluationConfig
from environments.schema import Environment, GuardrailConfig, ModelConfig


class MonitoringStack(Stack):
    """What watches an environment and who hears of it.

    Args:
        code: gives the code asset of a function package, as `watchdog`.
    """

    def __init__(  # noqa: PLR0913 - all by keyword but the first two
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        results_bucket: s3.IBucket,
        key: kms.IKey,
        code: Callable[[str], lambda_.Code],
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)
        names = PhysicalNames(environment.prefix)
        watched = watched_environment(
            environment,
            machines=self._machines(environment),
            guardrails=[self._guardrail(each) for each in environment.guardrails],
            profile_ids={
                name: application_profile_id(self, names=names, model_name=name)
                for name, model in environment.models.items()
                if model.profile
            },
            evaluation_ids={
                name: evaluation_profile_id(self, names=names, model_name=name)
                for name in (environment.asked_models if environment.has_own_profiles else ())
            },
        )
        topic = AlarmTopic(self, "Topic", names=names, key=key)
        messages, people = self._add_messages(
            environment, alarms=topic, results_bucket=results_bucket, key=key, code=code
        )
        budget = self._add_budget(environment, topic)
        watchdog = self._add_watchdog(
            environment, watched, people=people, budget=budget, results_bucket=results_bucket, key=key, code=code
        )
        # Its first report would count as gone whoever is about to be subscribed.
        subscribed = [each for each in self.node.find_all() if isinstance(each, sns.Subscription)]
        watchdog.first_data.node.add_dependency(*subscribed)
        thresholds = _thresholds(environment)
        settings: dict[str, Any] = {
            "names": names,
            "owner": environment.owner,
            "runbook_url": environment.runbook_url,
            "thresholds": thresholds,
            "first_data": watchdog.first_data,
            "severities": _severities(environment),
        }
        factory = AlarmFactory(Construct(self, "Alarms"), topic=topic, **settings)
        # Past the formatter, which could not tell of its own trouble; that it works again it can tell, or rings again.
        direct = AlarmFactory(Construct(self, "DirectAlarms"), topic=messages, recovered=topic, **settings)
        alarms = (*add_alarms(factory, watched), *add_formatter_alarm(direct, watched))
        dashboard = MonitoringDashboard(
            self,
            "Dashboard",
            watched=watched,
            alarms=alarms,
            thresholds=thresholds,
            region=environment.region,
        )
        if watched.owns_account:
            found = reads(
                self,
                alarms=alarms,
                widgets=dashboard.widgets,
                elsewhere=environment.watched_elsewhere,
                logs=watched.logs_invocations,
            )
            watchdog.watch(reads=found)
        if watched.logs_invocations:
            log_group = environment.invocation_logging.log_group
            SavedQueries(self, "SavedQueries", names=names, log_group=log_group, rates=_logged_rates(watched))
        CfnOutput(self, "DashboardUrl", value=dashboard.url)
        CfnOutput(self, "TopicArn", value=topic.topic_arn)
        CfnOutput(self, "MessagesTopicArn", value=messages.topic_arn)
        CfnOutput(self, "WatchdogFunction", value=watchdog.function.function_name)

    def _add_messages(
        self,
        environment: Environment,
        *,
        alarms: AlarmTopic,
        results_bucket: s3.IBucket,
        key: kms.IKey,
        code: Callable[[str], lambda_.Code],
    ) -> tuple[MessagesTopic, People]:
        """The people's topic, the formatter that fills it, and who is to hear."""
        names = PhysicalNames(environment.prefix)
        protocols = {each.protocol for each in environment.subscriptions}
        chat = None
        if "chat" in protocols:
            chat = EncryptedTopic(self, "Chat", name=names.chat_topic, display_name=f"Chat of {names.prefix}", key=key)
            CfnOutput(self, "ChatTopicArn", value=chat.topic_arn)
        messages = MessagesTopic(
            self,
            "Messages",
            names=names,
            key=key,
            formatter_alarm=names.alarm(FORMATTER_ERRORS.name),
            subscribers=[
                Subscriber(each.protocol, each.endpoint) for each in environment.subscriptions if each.endpoint
            ],
        )
        formatter = AlarmFormatter(
            self,
            "AlarmFormatter",
            names=names,
            runbook_url=environment.runbook_url,
            alarms=alarms,
            messages=messages,
            chat=chat,
            results_bucket=results_bucket,
            key=key,
            log_retention_days=environment.retention_days.function_logs,
            code=code,
        )
        declared = [
            Subscription(messages.topic_arn, each.protocol, each.endpoint)
            for each in environment.subscriptions
            if each.endpoint
        ]
        # Amazon Q Developer subscribes as https, once somebody adds the topic to a channel.
        channels = [] if chat is None else [Subscription(chat.topic_arn, "https", None)]
        people = People(
            declared=(formatter.listening, *declared, *channels),
            messages=messages.topic_arn,
            chat=None if chat is None else chat.topic_arn,
            prefix=names.prefix,
            runbook=environment.runbook_url.partition("#")[0],
            severities=dict(environment.alarms.severity),
        )
        return messages, people

    def _add_budget(self, environment: Environment, topic: AlarmTopic) -> MonthlyBudget | None:
        budget = environment.budget
        if budget is None:
            return None
        return MonthlyBudget(
            self,
            "Budget",
            names=PhysicalNames(environment.prefix),
            topic=topic,
            application=environment.application if budget.scope == "application" else None,
            monthly_usd=budget.monthly_usd,
            notify_percent=budget.notify_percent,
        )

    def _add_watchdog(  # noqa: PLR0913 - all by keyword but the first two
        self,
        environment: Environment,
        watched: Watched,
        *,
        people: People,
        budget: MonthlyBudget | None,
        results_bucket: s3.IBucket,
        key: kms.IKey,
        code: Callable[[str], lambda_.Code],
    ) -> Watchdog:
        return Watchdog(
            self,
            "Watchdog",
            names=watched.names,
            application=environment.application,
            scheduled=[evaluation.name for evaluation in watched.evaluations if evaluation.scheduled],
            priced_models=_priced_models(watched),
            models=[environment.model(name) for name in environment.models],
            people=people,
            budget=None if budget is None else budget.arn,
            owns_account=watched.owns_account,
            log_group=watched.log_group,
            results_bucket=results_bucket,
            key=key,
            log_retention_days=environment.retention_days.function_logs,
            code=code,
        )

    def _guardrail(self, config: GuardrailConfig) -> WatchedGuardrail:
        by_id = self.format_arn(service="bedrock", resource="guardrail", resource_name=config.id)
        return WatchedGuardrail(config.name, config.id if config.is_arn else by_id, config.version)

    def _machines(self, environment: Environment) -> list[WatchedMachine]:
        names = PhysicalNames(environment.prefix)
        found = [WatchedMachine(names.state_machine, self._machine_arn(names.state_machine), names.custom_evaluator)]
        if any(config.job_kind is not None for config in environment.evaluations.values()):
            name = names.jobs_state_machine
            found.append(WatchedMachine(name, self._machine_arn(name), names.evaluation_jobs, subject=("jobs",)))
        return found

    def _machine_arn(self, name: str) -> str:
        return self.format_arn(
            service="states",
            resource="stateMachine",
            resource_name=name,
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )


def watched_environment(
    environment: Environment,
    *,
    machines: Sequence[WatchedMachine],
    profile_ids: Mapping[str, str],
    evaluation_ids: Mapping[str, str],
    guardrails: Sequence[WatchedGuardrail],
) -> Watched:
    """An environment file as the monitoring constructs see it.

    Args:
        profile_ids: of the application inference profiles, by the name of their model.
        evaluation_ids: of those that evaluations call.
    """
    names = PhysicalNames(environment.prefix)
    return Watched(
        application=environment.application,
        environment=environment.name,
        owner=environment.owner,
        runbook_url=environment.runbook_url,
        names=names,
        models=tuple(
            WatchedModel(
                name=name,
                model_id=config.id,
                thresholds=_thresholds(environment, config),
                rates=environment.rates(name),
                profile_id=profile_ids.get(name),
                evaluation_id=evaluation_ids.get(name),
                quota=_quota(config),
                called_arn=_called_arn(environment.model(name), profile_ids.get(name)),
            )
            for name, config in environment.models.items()
        ),
        evaluations=tuple(_watched_evaluation(environment, *item) for item in environment.evaluations.items()),
        owns_account=environment.owns_account,
        log_group=_log_group(environment),
        log_filters=environment.log_filters,
        interventions=environment.interventions_counted,
        own_profile=environment.has_own_profiles,
        machines=tuple(machines),
        guardrails=tuple(guardrails),
        budget=None if environment.budget is None else names.budget(environment.budget.notify_percent),
    )


def _priced_models(watched: Watched) -> dict[str, Rates | None]:
    """What is this application's to pay: its profiles, and for the owner of the account also what has none."""
    return {model.metric_id: model.rates for model in watched.own_models}


def _thresholds(environment: Environment, model: ModelConfig | None = None) -> Thresholds:
    """The environment's, and in their places those that a model has of its own."""
    own = {} if model is None else model.alarms.model_dump(exclude_none=True)
    return Thresholds(**{**environment.alarms.model_dump(exclude={"severity"}), **own})


def _severities(environment: Environment) -> dict[str, Severity | None]:
    given = environment.alarms.severity
    return {kind: None if severity == "off" else Severity(severity) for kind, severity in given.items()}


def _log_group(environment: Environment) -> str | None:
    return environment.invocation_logging.log_group if environment.logs_invocations else None


def _logged_rates(watched: Watched) -> dict[str, Rates]:
    """By the ids that the log can have of a model: its own and its profile's."""
    return {
        model_id: model.rates
        for model in watched.models
        for model_id in (model.model_id, model.profile_id)
        if model_id is not None and model.rates is not None
    }


def _called_arn(model: Model, profile_id: str | None) -> str:
    """Of the application inference profile where there is one, else of the model or its system profile."""
    if profile_id is not None:
        return regional_arn("bedrock", f"application-inference-profile/{profile_id}")
    return model.source_arn(partition=Aws.PARTITION, account=Aws.ACCOUNT_ID)


def _quota(config: ModelConfig) -> Quota | None:
    return None if config.quota is None else Quota(**config.quota.model_dump())


def _watched_evaluation(environment: Environment, name: str, config: EvaluationConfig) -> WatchedEvaluation:
    return WatchedEvaluation(
        application=environment.application,
        name=name,
        candidates=tuple(
            WatchedCandidate(candidate.name, environment.models[candidate.model].id) for candidate in config.candidates
        ),
        measures=tuple(config.measures.values()),
        gates=tuple(Gate(**gate.model_dump()) for gate in config.gates),
        min_coverage=config.min_coverage,
        scheduled=config.schedule is not None,
        jobs=config.job_kind is not None,
        own_profile=config.job_kind is None and environment.has_own_profiles,
    )
