"""Topic, watchdog, alarms and dashboard of one environment. Deployed after the evaluation stack, which it names."""

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import ArnFormat, Aws, CfnOutput
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns

from bedrock_eval.alarms.kinds import FORMATTER_ERRORS, Severity
from bedrock_eval.alarms.subscribers import Subscription
from bedrock_eval.models import Model
from bedrock_eval.pricing.costs import Rates
from bedrock_eval.watchdog.watch_list import People
from bedrock_eval_cdk import BedrockEvaluation, BedrockInvocationLogging, BedrockMonitoring
from bedrock_eval_cdk.bedrock_monitoring import MonitoringSettings
from bedrock_eval_cdk.core.permissions import regional_arn
from bedrock_eval_cdk.evaluation.inference_profiles import application_profile_id, evaluation_profile_id
from bedrock_eval_cdk.invocation_logging.saved_queries import SavedQueries
from bedrock_eval_cdk.monitoring.budget import BudgetLimit, MonthlyBudget
from bedrock_eval_cdk.monitoring.metric_reads import reads
from bedrock_eval_cdk.monitoring.subjects import (
    MonitoredEnvironment,
    MonitoredGuardrail,
    MonitoredMachine,
    MonitoredModel,
    MonitoredModels,
    MonitoredRunner,
    Quota,
)
from bedrock_eval_cdk.monitoring.watchdog import Watchdog, WatchdogDuties
from bedrock_eval_cdk.monitoring.widgets.environment_health import EnvironmentHealth
from bedrock_eval_cdk.notification.alarm_formatter import AlarmFormatter, FormatterTopics
from bedrock_eval_cdk.notification.topics import AlarmTopic, EncryptedTopic, MessagesTopic, Subscriber
from configuration.schema.environment import Environment
from configuration.schema.guardrails import GuardrailConfig
from configuration.schema.models import ModelConfig
from constructs import Construct
from stacks.base import EnvironmentStack, environment_context


@dataclass(frozen=True)
class MonitoredConstructs:
    """What the other stacks of an environment made, which is monitored.

    Attributes:
        results: the bucket of results.
        logging: None: the account's invocation log is not this environment's.
    """

    results: s3.IBucket
    evaluations: Sequence[BedrockEvaluation]
    logging: BedrockInvocationLogging | None


class MonitoringStack(EnvironmentStack):
    """What watches an environment and who hears of it."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        key: kms.IKey,
        monitored: MonitoredConstructs,
    ) -> None:
        super().__init__(scope, construct_id, environment=environment)
        self._environment = environment
        self._context = environment_context(environment, key=key)
        self._monitored = monitored
        subjects = self._subjects()
        topic = AlarmTopic(self, "Topic", context=self._context)
        messages, people = self._add_messages(topic)
        watchdog = self._add_watchdog(subjects, people=people, budget=self._add_budget(topic))
        monitoring = self._monitor(subjects, topic=topic, messages=messages, watchdog=watchdog)
        self._watch_reads(watchdog, monitoring)
        self._save_queries(subjects)
        CfnOutput(self, "DashboardUrl", value=monitoring.dashboard_url)
        CfnOutput(self, "TopicArn", value=topic.topic_arn)
        CfnOutput(self, "MessagesTopicArn", value=messages.topic_arn)
        CfnOutput(self, "WatchdogFunction", value=watchdog.function.function_name)

    def _subjects(self) -> MonitoredModels:
        """The models and guardrails of the environment file as the monitoring constructs see them."""
        environment, names = self._environment, self._context.fixed_names
        return MonitoredModels(
            identity=self._context,
            models=tuple(self._model(name, config) for name, config in environment.models.items()),
            guardrails=tuple(self._guardrail(each) for each in environment.guardrails),
            owns_account=environment.owns_account,
            own_profile=environment.has_own_profiles,
            interventions=environment.interventions_counted,
            watchdog=True,
            budget=None if environment.budget is None else names.budget(environment.budget.notify_percent),
        )

    def _model(self, name: str, config: ModelConfig) -> MonitoredModel:
        environment, names = self._environment, self._context.fixed_names
        evaluated = environment.has_own_profiles and name in environment.asked_models
        profile_id = application_profile_id(self, names=names, model_name=name) if config.profile else None
        return MonitoredModel(
            name=name,
            model_id=config.id,
            thresholds=config.alarms.over(environment.thresholds()),
            rates=environment.rates(name),
            profile_id=profile_id,
            evaluation_id=evaluation_profile_id(self, names=names, model_name=name) if evaluated else None,
            quota=_quota(config),
            called_arn=_called_arn(environment.model(name), profile_id),
        )

    def _add_watchdog(self, subjects: MonitoredModels, *, people: People, budget: MonthlyBudget | None) -> Watchdog:
        watchdog = Watchdog(
            self,
            "Watchdog",
            context=self._context,
            duties=self._duties(subjects, people=people, budget=budget),
            results_bucket=self._monitored.results,
        )
        # Its first report would count as gone whoever is about to be subscribed.
        subscribed = [each for each in self.node.find_all() if isinstance(each, sns.Subscription)]
        watchdog.first_data.node.add_dependency(*subscribed)
        return watchdog

    def _monitor(
        self, subjects: MonitoredModels, *, topic: AlarmTopic, messages: MessagesTopic, watchdog: Watchdog
    ) -> BedrockMonitoring:
        environment, monitored = self._environment, self._monitored
        whole = MonitoredEnvironment(
            subjects,
            evaluations=tuple(each.monitored for each in monitored.evaluations),
            runner=MonitoredRunner(tuple(self._machines()), self._context.fixed_names.dead_letters),
        )
        return BedrockMonitoring(
            self,
            "Bedrock",
            models=subjects.models,
            guardrails=subjects.guardrails,
            monitored=[*monitored.evaluations, *([] if monitored.logging is None else [monitored.logging])],
            alarm_topic=topic,
            thresholds=environment.thresholds(),
            severities=_severities(environment),
            environment=MonitoringSettings(
                subjects, environment.region, EnvironmentHealth(whole, messages), watchdog.first_data
            ),
        )

    def _watch_reads(self, watchdog: Watchdog, monitoring: BedrockMonitoring) -> None:
        """Let the watchdog of the account's owner compare what is called with what is read."""
        if self._environment.owns_account:
            found = reads(
                self,
                alarms=monitoring.alarms,
                widgets=monitoring.widgets,
                elsewhere=self._environment.watched_elsewhere,
                logs=self._monitored.logging is not None,
            )
            watchdog.watch_reads(found)

    def _save_queries(self, subjects: MonitoredModels) -> None:
        if self._monitored.logging is not None:
            SavedQueries(
                self,
                "SavedQueries",
                names=self._context.fixed_names,
                log_group=self._environment.invocation_logging.log_group,
                rates=_logged_rates(subjects),
            )

    def _add_messages(self, alarms: AlarmTopic) -> tuple[MessagesTopic, People]:
        """The people's topic, the formatter that fills it, and who is to hear."""
        environment, names, key = self._environment, self._context.fixed_names, self._context.key
        protocols = {each.protocol for each in environment.subscriptions}
        chat = None
        if "chat" in protocols:
            chat = EncryptedTopic(self, "Chat", name=names.chat_topic, display_name=f"Chat of {names.prefix}", key=key)
            CfnOutput(self, "ChatTopicArn", value=chat.topic_arn)
        messages = MessagesTopic(
            self,
            "Messages",
            context=self._context,
            formatter_alarm=names.alarm(FORMATTER_ERRORS.name),
            subscribers=[
                Subscriber(each.protocol, each.endpoint) for each in environment.subscriptions if each.endpoint
            ],
        )
        formatter = AlarmFormatter(
            self,
            "AlarmFormatter",
            context=self._context,
            topics=FormatterTopics(alarms, messages, chat),
            results_bucket=self._monitored.results,
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

    def _add_budget(self, topic: AlarmTopic) -> MonthlyBudget | None:
        environment, budget = self._environment, self._environment.budget
        if budget is None:
            return None
        return MonthlyBudget(
            self,
            "Budget",
            names=self._context.fixed_names,
            topic=topic,
            limit=BudgetLimit(
                environment.application if budget.scope == "application" else None,
                budget.monthly_usd,
                budget.notify_percent,
            ),
        )

    def _duties(self, subjects: MonitoredModels, *, people: People, budget: MonthlyBudget | None) -> WatchdogDuties:
        environment = self._environment
        return WatchdogDuties(
            scheduled=[each.name for each in self._monitored.evaluations if each.monitored.scheduled],
            priced_models=_priced_models(subjects),
            models=[environment.model(name) for name in environment.models],
            people=people,
            budget=None if budget is None else budget.arn,
            owns_account=environment.owns_account,
            log_group=None if self._monitored.logging is None else environment.invocation_logging.log_group,
        )

    def _guardrail(self, config: GuardrailConfig) -> MonitoredGuardrail:
        by_id = self.format_arn(service="bedrock", resource="guardrail", resource_name=config.id)
        return MonitoredGuardrail(config.name, config.id if config.is_arn else by_id, config.version)

    def _machines(self) -> list[MonitoredMachine]:
        environment, names = self._environment, self._context.fixed_names
        found = [MonitoredMachine(names.state_machine, self._machine_arn(names.state_machine), names.custom_evaluator)]
        if any(config.job_kind is not None for config in environment.evaluations.values()):
            name = names.jobs_state_machine
            found.append(MonitoredMachine(name, self._machine_arn(name), names.evaluation_jobs, subject=("jobs",)))
        return found

    def _machine_arn(self, name: str) -> str:
        return self.format_arn(
            service="states",
            resource="stateMachine",
            resource_name=name,
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )


def _priced_models(subjects: MonitoredModels) -> dict[str, Rates | None]:
    """What is this application's to pay: its profiles, and for the owner of the account also what has none."""
    return {model.metric_id: model.rates for model in subjects.own_models}


def _severities(environment: Environment) -> dict[str, Severity | None]:
    given = environment.alarms.severity
    return {kind: None if severity == "off" else Severity(severity) for kind, severity in given.items()}


def _logged_rates(subjects: MonitoredModels) -> dict[str, Rates]:
    """By the ids that the log can have of a model: its own and its profile's."""
    return {
        model_id: model.rates
        for model in subjects.models
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
