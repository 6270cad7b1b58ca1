"""The factory that turns a kind of alarm and a subject into a described alarm, and routes all of them."""

from collections.abc import Mapping

from aws_cdk import aws_cloudwatch as cloudwatch

from bedrock_eval.alarms.description import AlarmDescription
from bedrock_eval.alarms.kinds import AlarmKind, Comparison, MissingData, Window
from bedrock_eval.alarms.thresholds import Thresholds
from bedrock_eval.alarms.units import figure
from bedrock_eval_cdk.core.errors import DeclarationError
from bedrock_eval_cdk.monitoring.alarm_policy import AlarmPolicy
from bedrock_eval_cdk.monitoring.routed_alarm import RoutedAlarm
from bedrock_eval_cdk.monitoring.routing import AlarmRouter, Notified
from bedrock_eval_cdk.monitoring.series import Math, Series, watched_series
from constructs import Construct

# PutMetricAlarm: metrics of a math alarm.
_MOST_METRICS = 10

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


class AlarmFactory:
    """Makes alarms that are described and under their kind's missing-data policy, and routes them; no others."""

    def __init__(self, scope: Construct, *, policy: AlarmPolicy, notified: Notified) -> None:
        self._scope = scope
        self._policy = policy
        self._router = AlarmRouter(scope, policy, notified)
        self._made: list[RoutedAlarm] = []

    @property
    def has_watchdog(self) -> bool:
        """A watchdog publishes figures of its own beside those of AWS."""
        return self._policy.first_data is not None

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
        severity = self._policy.severity(kind)
        limits = thresholds or self._policy.thresholds
        value = kind.threshold(limits) if kind.threshold else threshold
        if severity is None or value is None:
            return
        name = self._policy.take_name(kind.name, *subject, subject=subject)
        window = kind.window_of(limits)
        happened = kind.happened.format(
            subject=about or " ".join(subject) or self._policy.identity.label, threshold=figure(value)
        )
        said = AlarmDescription(happened, severity, condition=f"{window}.", look_at=kind.look_at)
        description = self._policy.description(said, entry=kind.name)
        _check(kind, subject, window=window, metrics=math.terms if math else kind.metrics)
        series = watched_series(kind, dimensions=dimensions, thresholds=limits, math=math)
        alarm = self._alarm(kind, subject, series=series, value=value, window=window, texts=(name, description))
        if kind.missing_data is MissingData.LIVENESS and self._policy.first_data is not None:
            alarm.node.add_dependency(self._policy.first_data)
        self._made.append(RoutedAlarm(kind, severity, subject, dimensions, value, name, series, alarm))

    def _alarm(  # noqa: PLR0913 - all by keyword but the first two
        self,
        kind: AlarmKind,
        subject: tuple[str, ...],
        *,
        series: Series,
        value: float,
        window: Window,
        texts: tuple[str | None, str],
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
        return self._router.route(self._made)


def _check(kind: AlarmKind, subject: tuple[str, ...], *, window: Window, metrics: Mapping[str, object]) -> None:
    window.check()
    if len(metrics) >= _MOST_METRICS:
        raise DeclarationError(
            f"alarm {' '.join((kind.name, *subject))}: {len(metrics)} metrics; allowed: {_MOST_METRICS} with the result"
        )
