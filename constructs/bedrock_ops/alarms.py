"""Every kind of alarm in one table, and the factory that turns a kind and a subject into a routed alarm.

Three policies of missing data, by what silence means: no traffic is no trouble, a run that has not happened again
leaves the last word standing, and a watcher that says nothing is itself the trouble.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum
from types import MappingProxyType

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns

from bedrock_eval import catalogue
from bedrock_eval.names import PhysicalNames
from bedrock_ops.monitoring_metrics import metric
from constructs import Construct, IDependable

# PutMetricAlarm: name, description, metrics of a math alarm, and how far back an alarm may look.
_MOST_NAME = 255
_MOST_DESCRIPTION = 1024
_MOST_METRICS = 10
_HOUR = 3_600
_DAY = 86_400
_WEEK = 604_800


class Severity(StrEnum):
    """How soon somebody looks: critical at once, warning in working hours."""

    CRITICAL = "critical"
    WARNING = "warning"


class MissingData(Enum):
    """What a period without data means, by what the alarm watches."""

    TRAFFIC = cloudwatch.TreatMissingData.NOT_BREACHING
    RUN = cloudwatch.TreatMissingData.IGNORE
    LIVENESS = cloudwatch.TreatMissingData.BREACHING


@dataclass(frozen=True)
class Window:
    """`datapoints` of `periods` periods of `seconds` each must breach."""

    seconds: int
    datapoints: int
    periods: int

    def check(self) -> None:
        """Hold to what PutMetricAlarm takes; CDK, its validation and cfn-lint let more pass.

        Raises:
            ValueError: naming the limit.
        """
        if self.seconds not in {10, 20, 30} and (self.seconds < 60 or self.seconds % 60):
            raise ValueError(f"period {self.seconds} s; allowed: 10, 20, 30 or a multiple of 60 s")
        if not 1 <= self.datapoints <= self.periods:
            raise ValueError(f"{self.datapoints} of {self.periods} datapoints; allowed: 1 to {self.periods}")
        most = _DAY if self.seconds < _HOUR else _WEEK
        if self.seconds * self.periods > most:
            back = self.seconds * self.periods
            raise ValueError(f"{self.periods} periods of {self.seconds} s look back {back} s; allowed: {most} s")

    def __str__(self) -> str:
        unit, size = ("h", _HOUR) if self.seconds % _HOUR == 0 else ("min", 60)
        return f"{self.datapoints} of {self.periods} periods of {self.seconds / size:g} {unit}"


@dataclass(frozen=True)
class Thresholds:
    """What an environment sets. Rates are per cent of all requests, in periods of at least `traffic_floor` requests."""

    latency_p90_ms: float
    server_error_percent: float
    client_error_percent: float
    throttle_percent: float
    throttle_count: int
    traffic_floor: int


@dataclass(frozen=True)
class AlarmKind:
    """One row of the table.

    Attributes:
        name: in the alarm's name, and the anchor in the runbook.
        metrics: by the id that `expression` calls them; rates that share a graph must mean one metric by one id. A
            single metric when there is no expression.
        expression: metric math, with `{floor}` for the traffic floor.
        happened: what is known when it rings, with `{subject}` and `{threshold}`.
        look_at: where to look first.
    """

    name: str
    severity: Severity
    missing_data: MissingData
    metrics: Mapping[str, catalogue.Metric]
    comparison: cloudwatch.ComparisonOperator
    threshold: Callable[[Thresholds], float]
    window: Window
    happened: str
    look_at: str
    expression: str | None = None

    def watched(
        self,
        *,
        dimensions: Mapping[str, str],
        thresholds: Thresholds,
        label: str | None = None,
        color: str | None = None,
    ) -> cloudwatch.Metric | cloudwatch.MathExpression:
        """The series that the threshold is about, the same on the alarm and on the dashboard."""
        period = Duration.seconds(self.window.seconds)
        parts = {name: metric(entry, dimensions=dimensions, period=period) for name, entry in self.metrics.items()}
        if self.expression is None:
            (entry,) = self.metrics.values()
            return metric(entry, dimensions=dimensions, period=period, label=label, color=color)
        return cloudwatch.MathExpression(
            expression=self.expression.format(floor=thresholds.traffic_floor),
            using_metrics=dict(parts),
            period=period,
            label=label or self.name,
            color=color,
        )


def guarded_rate(part: str, whole: str = "i") -> str:
    """Per cent of `part` in all requests, 0 below the traffic floor.

    Both series are filled: arithmetic on a series without data gives nothing, and a model that is throttled throughout
    has no Invocations. AWS has described Invocations both as every accepted request and as the successful ones; the
    failed ones are added, so that the rate is never above the true one and total failure still reads as 50 % or more.
    """
    everything = f"FILL({whole},0)+FILL({part},0)"
    return f"IF({everything} >= {{floor}}, 100*FILL({part},0)/({everything}), 0)"


_ABOVE = cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD
_AT_LEAST = cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD
_BELOW = cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD

# The figures of a run carry its start minute and a run may take a day: the window is that day and one datapoint
# decides, or the verdict of a long run would come too late to be seen.
_RUN_WINDOW = Window(seconds=_HOUR, datapoints=1, periods=24)
_BURST = Window(seconds=300, datapoints=2, periods=3)
_EVENT = Window(seconds=300, datapoints=1, periods=1)

LATENCY_P90 = AlarmKind(
    name="latency-p90",
    severity=Severity.WARNING,
    missing_data=MissingData.TRAFFIC,
    metrics={"l": catalogue.INVOCATION_LATENCY},
    comparison=_ABOVE,
    threshold=lambda limits: limits.latency_p90_ms,
    window=Window(seconds=300, datapoints=3, periods=5),
    happened="One in ten requests to model {subject} takes longer than {threshold:g} ms to the last token.",
    look_at="output tokens (longer answers take longer), then throttles and the AWS Health Dashboard.",
)
SERVER_ERRORS = AlarmKind(
    name="server-errors",
    severity=Severity.CRITICAL,
    missing_data=MissingData.TRAFFIC,
    metrics={"i": catalogue.INVOCATIONS, "s": catalogue.SERVER_ERRORS},
    expression=guarded_rate("s"),
    comparison=_ABOVE,
    threshold=lambda limits: limits.server_error_percent,
    window=_BURST,
    happened="More than {threshold:g} % of the requests to model {subject} end in a server error.",
    look_at="the AWS Health Dashboard, and the errorCode of the failed requests in the invocation log.",
)
CLIENT_ERRORS = AlarmKind(
    name="client-errors",
    severity=Severity.WARNING,
    missing_data=MissingData.TRAFFIC,
    metrics={"i": catalogue.INVOCATIONS, "c": catalogue.CLIENT_ERRORS},
    expression=guarded_rate("c"),
    comparison=_ABOVE,
    threshold=lambda limits: limits.client_error_percent,
    window=_BURST,
    happened="More than {threshold:g} % of the requests to model {subject} are refused as the caller's mistake.",
    look_at="errorCode and identity in the invocation log: a new release, lost permission or a retired model.",
)
THROTTLES = AlarmKind(
    name="throttles",
    severity=Severity.WARNING,
    missing_data=MissingData.TRAFFIC,
    metrics={"i": catalogue.INVOCATIONS, "t": catalogue.THROTTLES},
    expression=guarded_rate("t"),
    comparison=_ABOVE,
    threshold=lambda limits: limits.throttle_percent,
    window=_BURST,
    happened="More than {threshold:g} % of the requests to model {subject} are throttled.",
    look_at="requests and tokens against the quotas of this model, and who sends more than before.",
)
THROTTLE_COUNT = AlarmKind(
    name="throttle-count",
    severity=Severity.WARNING,
    missing_data=MissingData.TRAFFIC,
    metrics={"t": catalogue.THROTTLES},
    comparison=_AT_LEAST,
    threshold=lambda limits: limits.throttle_count,
    window=_BURST,
    happened="{threshold:g} or more requests to model {subject} were throttled in 5 minutes.",
    look_at="Invocations: without any, the model is throttled throughout and the rate has nothing to stand on.",
)
LOG_DELIVERY = AlarmKind(
    name="log-delivery",
    severity=Severity.CRITICAL,
    missing_data=MissingData.TRAFFIC,
    metrics={"f": catalogue.LOG_DELIVERY_FAILURES},
    comparison=_AT_LEAST,
    threshold=lambda _: 1,
    window=_EVENT,
    happened="Bedrock could not deliver invocation logs of this account to CloudWatch; those records are lost.",
    look_at="the delivery role, the log group and the key policy.",
)
RUN_FAILED = AlarmKind(
    name="run-failed",
    severity=Severity.CRITICAL,
    missing_data=MissingData.RUN,
    metrics={"f": catalogue.RUN_FAILED},
    comparison=_AT_LEAST,
    threshold=lambda _: 1,
    window=_RUN_WINDOW,
    happened="A run of evaluation {subject} failed; it has no scores and no verdict.",
    look_at="reason and message in run.json of the newest run.",
)
EXECUTIONS_FAILED = AlarmKind(
    name="executions-failed",
    severity=Severity.CRITICAL,
    missing_data=MissingData.TRAFFIC,
    metrics={"f": catalogue.STATES_FAILED, "t": catalogue.STATES_TIMED_OUT, "a": catalogue.STATES_ABORTED},
    expression="FILL(f,0)+FILL(t,0)+FILL(a,0)",
    comparison=_AT_LEAST,
    threshold=lambda _: 1,
    window=_EVENT,
    happened="An execution of state machine {subject} failed, timed out or was aborted.",
    look_at="the execution's event history in Step Functions.",
)
DEAD_LETTERS = AlarmKind(
    name="dead-letters",
    severity=Severity.CRITICAL,
    missing_data=MissingData.TRAFFIC,
    metrics={"m": catalogue.QUEUE_MESSAGES},
    comparison=_AT_LEAST,
    threshold=lambda _: 1,
    window=_EVENT,
    happened="A schedule could not start its target; the delivery waits in queue {subject}.",
    look_at="the error attributes of the messages in that queue.",
)
VERDICT = AlarmKind(
    name="verdict",
    severity=Severity.CRITICAL,
    missing_data=MissingData.RUN,
    metrics={"v": catalogue.GATE_VERDICT},
    comparison=_AT_LEAST,
    threshold=lambda _: 3,
    window=_RUN_WINDOW,
    happened="A gate is broken: {subject}. The whole confidence interval of the score lies beyond the bound.",
    look_at="the run's report.html, and what changed since the last run: model, prompt, parameters or dataset.",
)
RUN_OVERDUE = AlarmKind(
    name="run-overdue",
    severity=Severity.CRITICAL,
    missing_data=MissingData.LIVENESS,
    metrics={"o": catalogue.SCHEDULE_OVERDUE},
    comparison=_AT_LEAST,
    threshold=lambda _: 1,
    window=Window(seconds=_HOUR, datapoints=2, periods=2),
    happened="Evaluation {subject} has no finished run since it was due, its grace included, or nobody watches it.",
    look_at="alarm watchdog-silent first, then the schedule, its dead letters and the newest execution.",
)
WATCHDOG_SILENT = AlarmKind(
    name="watchdog-silent",
    severity=Severity.CRITICAL,
    missing_data=MissingData.LIVENESS,
    metrics={"h": catalogue.WATCHDOG_HEARTBEAT},
    comparison=_BELOW,
    threshold=lambda _: 1,
    window=Window(seconds=_HOUR, datapoints=3, periods=3),
    happened="The watchdog of {subject} has not reported for three hours; overdue runs go unseen.",
    look_at="the log of the watchdog function, its schedule and its dead letters.",
)

KINDS: Mapping[str, AlarmKind] = MappingProxyType(
    {kind.name: kind for kind in list(globals().values()) if isinstance(kind, AlarmKind)}
)
"""Every kind by its name, which is also its anchor in the runbook."""


@dataclass(frozen=True)
class RoutedAlarm:
    """An alarm with what a graph needs to draw its threshold."""

    kind: AlarmKind
    dimensions: Mapping[str, str]
    threshold: float
    alarm: cloudwatch.Alarm


class AlarmFactory:
    """Makes alarms that are routed, described and under their kind's missing-data policy; it can make no others.

    Args:
        first_data: what puts the first datapoint of liveness alarms; they are made after it, or they would ring at the
            first deploy.
    """

    def __init__(  # noqa: PLR0913 - all by keyword but the scope
        self,
        scope: Construct,
        *,
        names: PhysicalNames,
        topic: sns.ITopic,
        owner: str,
        runbook_url: str,
        thresholds: Thresholds,
        first_data: IDependable,
    ) -> None:
        self._scope = scope
        self._names = names
        self._action = actions.SnsAction(topic)
        self._owner = owner
        self._runbook_url = runbook_url.partition("#")[0]
        self._thresholds = thresholds
        self._first_data = first_data
        self._subjects: dict[str, tuple[str, ...]] = {}

    def make(
        self, kind: AlarmKind, *subject: str, dimensions: Mapping[str, str], about: str | None = None
    ) -> RoutedAlarm:
        """One alarm, named `<prefix>-<kind>-<subject>`.

        Args:
            about: the subject in the description, when its name says it badly.

        Raises:
            ValueError: CloudWatch would refuse it, or another subject has this name.
        """
        name = self._name(kind, subject)
        threshold = kind.threshold(self._thresholds)
        watched = kind.watched(dimensions=dimensions, thresholds=self._thresholds)
        description = self._description(kind, about=about or " ".join(subject) or self._names.prefix, value=threshold)
        _check(kind, name=name, description=description)
        alarm = cloudwatch.Alarm(
            self._scope,
            "-".join((kind.name, *subject)),
            alarm_name=name,
            alarm_description=description,
            metric=watched,
            comparison_operator=kind.comparison,
            threshold=threshold,
            evaluation_periods=kind.window.periods,
            datapoints_to_alarm=kind.window.datapoints,
            treat_missing_data=kind.missing_data.value,
        )
        alarm.add_alarm_action(self._action)
        alarm.add_ok_action(self._action)
        if kind.missing_data is MissingData.LIVENESS:
            alarm.node.add_dependency(self._first_data)
        return RoutedAlarm(kind=kind, dimensions=dimensions, threshold=threshold, alarm=alarm)

    def _name(self, kind: AlarmKind, subject: tuple[str, ...]) -> str:
        name = self._names.alarm(kind.name, *subject)
        if name in self._subjects:
            taken = ", ".join(self._subjects[name])
            raise ValueError(f"alarm {name} would be about both ({taken}) and ({', '.join(subject)}): rename one")
        self._subjects[name] = subject
        return name

    def _description(self, kind: AlarmKind, *, about: str, value: float) -> str:
        happened = kind.happened.format(subject=about, threshold=value)
        return (
            f"[{kind.severity}] {happened} Rings at {kind.window}. Look at: {kind.look_at} "
            f"Owner: {self._owner}. Runbook: {self._runbook_url}#{kind.name}"
        )


def _check(kind: AlarmKind, *, name: str, description: str) -> None:
    kind.window.check()
    if len(kind.metrics) + (kind.expression is not None) > _MOST_METRICS:
        raise ValueError(
            f"alarm kind {kind.name}: {len(kind.metrics)} metrics; allowed: {_MOST_METRICS} with the result"
        )
    if len(name) > _MOST_NAME:
        raise ValueError(f"alarm name {name!r} has {len(name)} characters; allowed: {_MOST_NAME}")
    if len(description) > _MOST_DESCRIPTION:
        raise ValueError(f"description of alarm {name} has {len(description)} characters; allowed: {_MOST_DESCRIPTION}")
