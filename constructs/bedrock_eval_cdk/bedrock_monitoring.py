"""A dashboard and alarms for models of Amazon Bedrock."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from aws_cdk import Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns

from bedrock_eval.alarms.kinds import Severity
from bedrock_eval.alarms.thresholds import Thresholds
from bedrock_eval.models import candidate_name
from bedrock_eval_cdk.core.context import Identity, stack_identity
from bedrock_eval_cdk.core.errors import DeclarationError
from bedrock_eval_cdk.core.model_checks import checked_model, warn_of_models
from bedrock_eval_cdk.monitoring.alarm_policy import AlarmPolicy
from bedrock_eval_cdk.monitoring.alarms import AlarmFactory
from bedrock_eval_cdk.monitoring.model_alarms import add_model_alarms
from bedrock_eval_cdk.monitoring.routed_alarm import RoutedAlarm
from bedrock_eval_cdk.monitoring.routing import Notified
from bedrock_eval_cdk.monitoring.subjects import MonitoredGuardrail, MonitoredModel, MonitoredModels
from bedrock_eval_cdk.monitoring.widgets.dashboard import MonitoringDashboard
from bedrock_eval_cdk.monitoring.widgets.drawing import THIRD, Drawing
from bedrock_eval_cdk.monitoring.widgets.monitored import Monitored
from bedrock_eval_cdk.notification.topics import AlarmTopic
from bedrock_eval_cdk.storage.encryption import KeyUse, standalone_context
from constructs import Construct, IDependable


@dataclass(frozen=True)
class MonitoringSettings:
    """What an environment with fixed names and a watchdog adds.

    Attributes:
        subjects: whose figures are shown, and whose alarms are made.
        region: of every series; a dashboard itself is global.
        health: what watches; its alarms come first and explain others, its widgets come last.
        first_data: what puts the first datapoint of the watchdog.
    """

    subjects: MonitoredModels
    region: str
    health: Monitored
    first_data: IDependable


class BedrockMonitoring(Construct):
    """A dashboard and alarms for models, guardrails and what else is monitored.

    Args:
        models: ids of foundation models or inference profiles, or `MonitoredModel` with thresholds, rates and quotas.
        guardrails: those that are called by ApplyGuardrail.
        monitored: constructs with alarms and widgets of their own: `BedrockEvaluation`, `BedrockInvocationLogging`.
        alarms: make alarms. False: only the dashboard is made.
        alarm_topic: where alarms report; left out: an encrypted topic is made.
        dashboard: one that is added to; left out: one is made.
        thresholds: of models that have none of their own; left out: the defaults.
        severities: by kind of alarm, where they differ from the defaults; None: not made.
        key: encrypts the topic that is made; left out: a key is made with the topic.
        environment: of constructs with fixed names.

    Attributes:
        topic: where alarms report; None without alarms.
        key: of the topic that was made.
        dashboard: the dashboard, made or given.
        alarms: all that were made.
        widgets: all that were added.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        models: Sequence[str | MonitoredModel],
        guardrails: Sequence[MonitoredGuardrail] = (),
        monitored: Sequence[Monitored] = (),
        alarms: bool = True,
        alarm_topic: sns.ITopic | None = None,
        dashboard: cloudwatch.Dashboard | None = None,
        thresholds: Thresholds | None = None,
        severities: Mapping[str, Severity | None] | None = None,
        key: kms.IKey | None = None,
        environment: MonitoringSettings | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        self._environment = environment
        self._monitored = tuple(monitored)
        limits = thresholds or Thresholds()
        self._subjects = self._make_subjects(models, guardrails, limits)
        self.key = key
        self.topic = (alarm_topic or self._make_topic()) if alarms else None
        self.alarms = self._make_alarms(AlarmPolicy(self._identity, limits, severities or {}, self._first_data))
        self._drawn = self._draw(limits, dashboard)
        self.dashboard, self.widgets = self._drawn.dashboard, self._drawn.widgets

    @property
    def _identity(self) -> Identity:
        return stack_identity(self) if self._environment is None else self._environment.subjects.identity

    @property
    def _first_data(self) -> IDependable | None:
        return None if self._environment is None else self._environment.first_data

    @property
    def _region(self) -> str:
        return Stack.of(self).region if self._environment is None else self._environment.region

    @property
    def dashboard_url(self) -> str:
        """Where the console shows the dashboard."""
        return self._drawn.url(region=self._region)

    def add_alarm(self, alarm: cloudwatch.AlarmBase) -> None:
        """Let an alarm of your own notify the topic, and show its state on the dashboard."""
        if self.topic is not None:
            alarm.add_alarm_action(actions.SnsAction(self.topic))
            alarm.add_ok_action(actions.SnsAction(self.topic))
        self.dashboard.add_widgets(
            cloudwatch.AlarmStatusWidget(title=alarm.node.id, alarms=[alarm], width=THIRD, height=2)
        )

    def add_widget(self, *widgets: cloudwatch.IWidget) -> None:
        """Add widgets of your own to the end of the dashboard, side by side."""
        self.dashboard.add_widgets(*widgets)

    def _make_subjects(
        self,
        models: Sequence[str | MonitoredModel],
        guardrails: Sequence[MonitoredGuardrail],
        thresholds: Thresholds,
    ) -> MonitoredModels:
        for each in models:
            checked_model(self, each if isinstance(each, str) else each.model_id)
        monitored = _named(models, thresholds)
        _check_names(self, monitored)
        if self._environment is not None:
            return replace(self._environment.subjects, models=monitored, guardrails=tuple(guardrails))
        warn_of_models(self, [checked_model(self, each.model_id) for each in monitored])
        return MonitoredModels(identity=self._identity, models=monitored, guardrails=tuple(guardrails))

    def _make_topic(self) -> AlarmTopic:
        context = standalone_context(self, key=self.key, use=KeyUse())
        self.key = context.key
        return AlarmTopic(self, "Topic", context=context)

    def _make_alarms(self, policy: AlarmPolicy) -> tuple[RoutedAlarm, ...]:
        if self.topic is None:
            return ()
        scope = Construct(self, "Alarms")
        first = (
            () if self._environment is None else self._environment.health.add_alarms(scope, self.topic, policy=policy)
        )
        policy = replace(policy, explaining=first)
        factory = AlarmFactory(scope, policy=policy, notified=Notified(self.topic))
        add_model_alarms(factory, self._subjects)
        of_models = factory.route()
        others = [alarm for each in self._monitored for alarm in each.add_alarms(scope, self.topic, policy=policy)]
        return (*of_models, *others, *first)

    def _draw(self, thresholds: Thresholds, dashboard: cloudwatch.Dashboard | None) -> MonitoringDashboard:
        drawing = Drawing(models=self._subjects, alarms=self.alarms, thresholds=thresholds, region=self._region)
        last = [] if self._environment is None else [self._environment.health]
        further = [row for each in (*self._monitored, *last) for row in each.rows(drawing)]
        return MonitoringDashboard(self, "Dashboard", drawing=drawing, further=further, existing=dashboard)


def _named(models: Sequence[str | MonitoredModel], thresholds: Thresholds) -> tuple[MonitoredModel, ...]:
    """The models, those given by their id alone under a short name of it."""
    taken: list[str] = [each.name for each in models if isinstance(each, MonitoredModel)]
    named: list[MonitoredModel] = []
    for each in models:
        if isinstance(each, MonitoredModel):
            named.append(each)
        else:
            name = candidate_name(each, taken=taken)
            taken.append(name)
            named.append(MonitoredModel(name, each, thresholds))
    return tuple(named)


def _check_names(scope: Construct, models: Sequence[MonitoredModel]) -> None:
    if not models:
        raise DeclarationError(f"{scope.node.path}: models is empty; allowed: one model id or more")
    for attribute in ("name", "model_id"):
        values = [getattr(each, attribute) for each in models]
        twice = next((value for value in values if values.count(value) > 1), None)
        if twice is not None:
            raise DeclarationError(f"{scope.node.path}: {twice!r} stands twice in models; allowed: each once")
