"""The factory that turns a kind of alarm and a subject into a described alarm, and routes all of them.

An alarm is routed when it has actions, or is a child of a composite that has them. Alarms of one severity about one
incident of one subject become children of one composite, which tells of the incident once; what stands alone tells by
itself. See docs/decisions.md for what a composite must not hold.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns

from bedrock_eval import catalogue
from bedrock_eval.alarms.kinds import AlarmKind, Comparison, Incident, MissingData, Severity, Thresholds, Window
from bedrock_eval.alarms.units import figure, plain
from bedrock_eval.names import PhysicalNames
from bedrock_ops.errors import DeclarationError
from bedrock_ops.monitoring_metrics import metric
from constructs import Construct, IDependable

# PutMetricAlarm and PutCompositeAlarm: name, description, metrics of a math alarm, children and rule of a composite.
_MOST_NAME = 255
_MOST_DESCRIPTION = 1024
_MOST_METRICS = 10
_MOST_CHILDREN = 100
_MOST_RULE = 10_240

_OPERATORS = {
    Comparison.ABOVE: cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
    Comparison.AT_LEAST: cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    Comparison.BELOW: cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
    Comparison.ABOVE_BAND: cloudwatch.ComparisonOperator.GREATER_THAN_UPPER_THRESHOLD,
}
_MISSING = {
    MissingData.TRAFFIC: cloudwatch.TreatMissingData.NOT_BREACHING,
    MissingData.RUN: cloudwatch.TreatMissingData.IGNORE,
    MissingData.LIVENESS: cloudwatch.TreatMissingData.BREACHING,
}


@dataclass(frozen=True)
class Part:
    """One metric of an expression, with the dimensions that it is read with."""

    entry: catalogue.Metric
    dimensions: Mapping[str, str]


@dataclass(frozen=True)
class Math:
    """Metric math over parts by their id, where not every metric of the kind is read with the same dimensions.

    Attributes:
        expression: None: the kind's own.
    """

    expression: str | None
    parts: Mapping[str, Part]


def watched(  # noqa: PLR0913 - all by keyword but the first
    kind: AlarmKind,
    *,
    dimensions: Mapping[str, str],
    thresholds: Thresholds,
    math: Math | None = None,
    drawn: bool = False,
    label: str | None = None,
    color: str | None = None,
) -> cloudwatch.Metric | cloudwatch.MathExpression:
    """The series that the threshold of a kind is about, the same on the alarm and on the dashboard.

    Args:
        drawn: for a graph, which leaves out what the alarm does not judge.
    """
    period = Duration.seconds(kind.window.seconds)
    if math is None and kind.expression is None:
        (entry,) = kind.metrics.values()
        return metric(entry, dimensions=dimensions, period=period, label=label, color=color)
    math = math or Math(None, {name: Part(entry, dimensions) for name, entry in kind.metrics.items()})
    # Assumption: missing-is-zero, fill-without-points, if-without-else
    return cloudwatch.MathExpression(
        expression=math.expression or _filled(kind, thresholds, drawn=drawn),
        using_metrics={
            name: metric(part.entry, dimensions=part.dimensions, period=period) for name, part in math.parts.items()
        },
        period=period,
        label=label or kind.name,
        color=color,
    )


def _filled(kind: AlarmKind, thresholds: Thresholds, *, drawn: bool) -> str:
    limit = kind.threshold(thresholds) if kind.threshold else None
    expression = kind.drawn if drawn and kind.drawn else kind.expression
    return str(expression).format(floor=thresholds.traffic_floor, threshold=None if limit is None else plain(limit))


@dataclass(frozen=True)
class RoutedAlarm:
    """An alarm with what a graph needs to draw what it watches and its threshold.

    Attributes:
        told_by: the composite that tells of it; None: it tells by itself.
    """

    kind: AlarmKind
    severity: Severity
    subject: tuple[str, ...]
    dimensions: Mapping[str, str]
    threshold: float
    name: str
    series: cloudwatch.Metric | cloudwatch.MathExpression
    alarm: cloudwatch.Alarm
    told_by: cloudwatch.CompositeAlarm | None = None


@dataclass(frozen=True)
class _Group:
    """Alarms that one incident rings together."""

    severity: Severity
    incident: Incident
    subject: tuple[str, ...]


@dataclass(frozen=True)
class _Told:
    """Who hears of alarms, and what every description ends with."""

    rings: actions.SnsAction
    recovers: actions.SnsAction
    owner: str
    runbook_url: str
    dashboard: str

    def description(self, severity: Severity, text: str, *, entry: str) -> str:
        return (
            f"[{severity}] {text} Owner: {self.owner}. Dashboard: {self.dashboard}. Runbook: {self.runbook_url}#{entry}"
        )


@dataclass
class _Made:
    """What the factory has made so far, by name."""

    subjects: dict[str, tuple[str, ...]] = field(default_factory=dict)
    alarms: list[RoutedAlarm] = field(default_factory=list)


class AlarmFactory:
    """Makes alarms that are described and under their kind's missing-data policy, and routes them; no others.

    Args:
        recovered: where it is told that all is well, where that is not the topic.
        thresholds: of subjects that have none of their own.
        severities: by kind, where the environment says otherwise than the table; None: not made.
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
        recovered: sns.ITopic | None = None,
        severities: Mapping[str, Severity | None] | None = None,
    ) -> None:
        self._scope = scope
        self._names = names
        self._told = _Told(
            rings=actions.SnsAction(topic),
            recovers=actions.SnsAction(recovered or topic),
            owner=owner,
            runbook_url=runbook_url.partition("#")[0],
            dashboard=names.dashboard,
        )
        self._thresholds = thresholds
        self._severities = severities or {}
        self._first_data = first_data
        self._made = _Made()

    def make(  # noqa: PLR0913 - all by keyword but the kind and its subject
        self,
        kind: AlarmKind,
        *subject: str,
        dimensions: Mapping[str, str],
        about: str | None = None,
        thresholds: Thresholds | None = None,
        threshold: float | None = None,
        math: Math | None = None,
    ) -> None:
        """One alarm, named `<prefix>-<kind>-<subject>`; none where its severity is off or it has no threshold.

        Args:
            about: the subject in the description, when its name says it badly.
            thresholds: the subject's own.
            threshold: the subject's own, of a kind whose thresholds are not the environment's.
            math: in the place of the kind's expression.

        Raises:
            DeclarationError: CloudWatch would refuse its name or description, or another subject has this name.
            ValueError: the row of the table is one that CloudWatch would refuse.
        """
        severity = self._severities.get(kind.name, kind.severity)
        limits = thresholds or self._thresholds
        value = kind.threshold(limits) if kind.threshold else threshold
        if severity is None or value is None:
            return
        name = self._name(self._names.alarm(kind.name, *subject), subject)
        window = kind.window_of(limits)
        happened = kind.happened.format(
            subject=about or " ".join(subject) or self._names.prefix, threshold=figure(value)
        )
        text = f"{happened} Rings at {window}. Look at: {kind.look_at}"
        description = self._told.description(severity, text, entry=kind.name)
        series = watched(kind, dimensions=dimensions, thresholds=limits, math=math)
        _check(name, description, window=window, metrics=math.parts if math else kind.metrics)
        alarm = self._alarm(kind, subject, series=series, value=value, window=window, texts=(name, description))
        if kind.missing_data is MissingData.LIVENESS:
            alarm.node.add_dependency(self._first_data)
        self._made.alarms.append(RoutedAlarm(kind, severity, subject, dimensions, value, name, series, alarm))

    def _alarm(  # noqa: PLR0913 - all by keyword but the first two
        self,
        kind: AlarmKind,
        subject: tuple[str, ...],
        *,
        series: cloudwatch.Metric | cloudwatch.MathExpression,
        value: float,
        window: Window,
        texts: tuple[str, str],
    ) -> cloudwatch.Alarm:
        construct_id, (name, description) = "-".join((kind.name, *subject)), texts
        if kind.comparison is Comparison.ABOVE_BAND:
            return cloudwatch.AnomalyDetectionAlarm(
                self._scope,
                construct_id,
                alarm_name=name,
                alarm_description=description,
                metric=series,
                std_devs=value,
                comparison_operator=_OPERATORS[kind.comparison],
                evaluation_periods=window.periods,
                datapoints_to_alarm=window.datapoints,
                treat_missing_data=_MISSING[kind.missing_data],
            )
        return cloudwatch.Alarm(
            self._scope,
            construct_id,
            alarm_name=name,
            alarm_description=description,
            metric=series,
            comparison_operator=_OPERATORS[kind.comparison],
            threshold=value,
            evaluation_periods=window.periods,
            datapoints_to_alarm=window.datapoints,
            treat_missing_data=_MISSING[kind.missing_data],
        )

    def route(self) -> tuple[RoutedAlarm, ...]:
        """Give every alarm somebody who hears of it; called once, when all are made."""
        groups: dict[_Group, list[RoutedAlarm]] = {}
        for made in self._made.alarms:
            incident = made.kind.incident
            if incident is None:
                self._tell(made.alarm)
                continue
            subject = made.subject[: incident.subject_parts]
            groups.setdefault(_Group(made.severity, incident, subject), []).append(made)
        told: dict[str, cloudwatch.CompositeAlarm] = {}
        for group, members in groups.items():
            if len(members) == 1 and self._explaining(members[0]) is None:
                self._tell(members[0].alarm)
            else:
                told |= self._compose(group, members)
        return tuple(replace(made, told_by=told.get(made.name)) for made in self._made.alarms)

    def _compose(self, group: _Group, members: Sequence[RoutedAlarm]) -> dict[str, cloudwatch.CompositeAlarm]:
        """The composites over a group, by the names of the alarms that each tells of."""
        by_term = {self._term(member): member.name for member in members}
        shards = list(shard(list(by_term)))
        told: dict[str, cloudwatch.CompositeAlarm] = {}
        for number, terms in enumerate(shards, 1):
            part = (f"part-{number}",) if len(shards) > 1 else ()
            words = (group.severity, group.incident, *group.subject, *part)
            name = self._name(self._names.alarm(*words), group.subject)
            composite = cloudwatch.CompositeAlarm(
                self._scope,
                "-".join(words),
                composite_alarm_name=name,
                alarm_description=self._composed(group, members),
                alarm_rule=cloudwatch.AlarmRule.from_string(" OR ".join(terms)),
            )
            # The rule names its children as text, so CloudFormation cannot see that they come first.
            composite.node.add_dependency(*(made.alarm for made in self._named_in(terms)))
            self._tell(composite)
            told |= dict.fromkeys((by_term[term] for term in terms), composite)
        return told

    def _composed(self, group: _Group, members: Sequence[RoutedAlarm]) -> str:
        kinds = ", ".join(dict.fromkeys(member.kind.name for member in members))
        text = (
            f"{group.incident.capitalize()} of {' '.join(group.subject)}: at least one of these rings: {kinds}. It "
            "tells once, whichever join later, and again when all are well. Look at: the alarms named in the message."
        )
        description = self._told.description(group.severity, text, entry="incidents")
        if len(description) > _MOST_DESCRIPTION:
            raise DeclarationError(
                f"description of a composite about {' '.join(group.subject)} is too long: {description}"
            )
        return description

    def _term(self, member: RoutedAlarm) -> str:
        explaining = self._explaining(member)
        rings = f'ALARM("{member.name}")'
        return rings if explaining is None else f'({rings} AND NOT ALARM("{explaining}"))'

    def _explaining(self, member: RoutedAlarm) -> str | None:
        """The alarm about the whole environment that explains this one, if it was made."""
        name = self._names.alarm(member.kind.unless or "")
        return name if any(made.name == name for made in self._made.alarms) else None

    def _named_in(self, terms: Sequence[str]) -> list[RoutedAlarm]:
        rule = " ".join(terms)
        return [made for made in self._made.alarms if f'"{made.name}"' in rule]

    def _tell(self, alarm: cloudwatch.AlarmBase) -> None:
        alarm.add_alarm_action(self._told.rings)
        alarm.add_ok_action(self._told.recovers)

    def _name(self, name: str, subject: tuple[str, ...]) -> str:
        if len(name) > _MOST_NAME:
            raise DeclarationError(f"alarm name {name!r} has {len(name)} characters; allowed: {_MOST_NAME}")
        if name in self._made.subjects:
            taken = ", ".join(self._made.subjects[name])
            raise DeclarationError(f"alarm {name} would be about both ({taken}) and ({', '.join(subject)}): rename one")
        self._made.subjects[name] = subject
        return name


def shard(terms: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Terms of composite rules, as many to a rule as CloudWatch takes: 100 children, 10,240 characters with ` OR `."""
    part: list[str] = []
    children = size = 0
    for term in terms:
        named = term.count("ALARM(")
        if part and (children + named > _MOST_CHILDREN or size + len(" OR ") + len(term) > _MOST_RULE):
            yield tuple(part)
            part, children, size = [], 0, 0
        size += len(term) + (len(" OR ") if part else 0)
        children += named
        part.append(term)
    if part:
        yield tuple(part)


def _check(name: str, description: str, *, window: Window, metrics: Mapping[str, object]) -> None:
    window.check()
    if len(metrics) >= _MOST_METRICS:
        raise DeclarationError(f"alarm {name}: {len(metrics)} metrics; allowed: {_MOST_METRICS} with the result")
    if len(description) > _MOST_DESCRIPTION:
        raise DeclarationError(
            f"description of alarm {name} has {len(description)} characters with owner and runbook_url; allowed: "
            f"{_MOST_DESCRIPTION}"
        )
