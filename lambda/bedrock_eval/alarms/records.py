"""Alarms as CloudWatch tells of them: notifications, DescribeAlarms, DescribeAlarmHistory.

Source of the keys: CloudWatch user guide, AlarmActions; CloudWatch API reference, MetricAlarm and AlarmHistoryItem.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bedrock_eval import catalogue
from bedrock_eval.alarms import composite_rules
from bedrock_eval.alarms.composite_rules import ALARM, INSUFFICIENT_DATA, OK
from bedrock_eval.alarms.kinds import KINDS, Incident, Severity

COMPARISONS = {
    "GreaterThanThreshold": "above",
    "GreaterThanOrEqualToThreshold": "at or above",
    "LessThanThreshold": "below",
    "LessThanOrEqualToThreshold": "at or below",
    "GreaterThanUpperThreshold": "above the band of what is expected",
}
# These say something of a run that need not have finished.
_OF_ANY_RUN = frozenset(
    each.name for each in (catalogue.RUN_FAILED, catalogue.RUN_SKIPPED, catalogue.JOBS_LEFT, catalogue.SCHEDULE_OVERDUE)
)


@dataclass(frozen=True)
class Run:
    """A run in the results bucket, by the objects that it has.

    Attributes:
        failure: reason and message of one that failed, as far as somebody has looked.
    """

    run_id: str
    finished: bool
    reported: bool
    failure: str | None = None


@dataclass(frozen=True)
class Alarm:
    """An alarm at one moment, from a notification or from DescribeAlarms.

    Attributes:
        since: when it took this state, ISO 8601.
        reason: CloudWatch's own sentence.
        metrics: (namespace, name, dimensions) of what it watches; none for a composite.
        threshold: None: a band, whose newest upper edge is `band_top` where that is known.
        values: the datapoints it was judged on, the newest last; empty when that is not known.
        rule: of a composite.
    """

    name: str
    state: str
    since: str
    reason: str
    description: str = ""
    metrics: tuple[tuple[str, str, Mapping[str, str]], ...] = ()
    threshold: float | None = None
    band_top: float | None = None
    comparison: str | None = None
    period: int | None = None
    periods: int | None = None
    datapoints: int | None = None
    values: tuple[float, ...] = ()
    rule: str | None = None

    @property
    def evaluation(self) -> str | None:
        """The evaluation that it is about."""
        for _, _, dimensions in self.metrics:
            if catalogue.EVALUATION in dimensions:
                return dimensions[catalogue.EVALUATION]
        return None

    @property
    def of_finished_run(self) -> bool:
        """Whether what it watches is published by finished runs alone."""
        return not any(name in _OF_ANY_RUN for _, name, _ in self.metrics)

    @property
    def of_failed_run(self) -> bool:
        """Whether it watches for runs that fail."""
        return any(name == catalogue.RUN_FAILED.name for _, name, _ in self.metrics)


def read_notification(text: str) -> Mapping[str, Any] | None:
    """CloudWatch's notification, None for any other message."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    keys = ("AlarmName", "NewStateValue", "StateChangeTime")
    return found if isinstance(found, dict) and all(isinstance(found.get(key), str) for key in keys) else None


def may_be_first_word(notification: Mapping[str, Any]) -> bool:
    """Whether an alarm has learned that all is well and knew nothing before.

    Every new alarm does, and nobody needs to hear it; but one that rang before it had no data is over now.
    """
    change = (notification.get("OldStateValue"), notification["NewStateValue"])
    return change == (INSUFFICIENT_DATA, OK)


def is_composite(notification: Mapping[str, Any]) -> bool:
    """Whether it is about a composite alarm, which has no data only until it is first judged."""
    return "AlarmRule" in notification


def rang_before(history: Sequence[str]) -> bool:
    """Whether an alarm that had no data rang before.

    Args:
        history: its StateUpdate items' HistoryData, the newest first (CloudWatch API reference, AlarmHistoryItem).
    """
    for item in map(json.loads, history):
        if item["newState"]["stateValue"] == INSUFFICIENT_DATA:
            return bool(item["oldState"]["stateValue"] == ALARM)
    return False


@dataclass(frozen=True)
class FailedAction:
    """An action of an alarm that CloudWatch could not take; who should have heard of the alarm has not.

    Attributes:
        reason: what refused, in CloudWatch's words.
    """

    alarm: str
    reason: str


def failed_action(item: Mapping[str, Any]) -> FailedAction | None:
    """What an Action item of the alarm history says of an action that failed; None for one that was taken."""
    summary = str(item.get("HistorySummary") or "")
    try:
        data = json.loads(item.get("HistoryData") or "{}")
    except ValueError:
        data = {}
    state = data.get("actionState") if isinstance(data, dict) else None
    if state != "Failed" and not summary.startswith("Failed"):
        return None
    error = data.get("error") if isinstance(data, dict) else None
    return FailedAction(item["AlarmName"], str(error or summary or "CloudWatch gives no reason"))


def is_alarm_of(name: str, *, prefix: str) -> bool:
    """Whether an alarm is one of the environment's; another one's prefix may begin with this one."""
    incidents = (f"{severity}-{incident}" for severity in Severity for incident in Incident)
    return any(f"{name}-".startswith(f"{prefix}-{word}-") for word in (*KINDS, *incidents))


def asked_about(alarm: Alarm) -> tuple[str, ...]:
    """Names of the alarms in a composite's rule; none for any other alarm, or for a rule that cannot be read."""
    try:
        return composite_rules.named(alarm.rule) if alarm.rule else ()
    except ValueError:
        return ()


def ringing_children(composite: Alarm, asked: Sequence[Alarm]) -> list[Alarm]:
    """Those of the alarms in its rule that make a composite ring."""
    if not asked or composite.rule is None:
        return []
    causes = composite_rules.ringing(composite.rule, {alarm.name: alarm.state for alarm in asked})
    return [alarm for alarm in asked if alarm.name in causes]


def notified_alarm(notification: Mapping[str, Any]) -> Alarm:
    """The alarm that a notification tells of; its datapoints are not in there."""
    return _alarm(
        notification.get("Trigger") or {},
        name=notification["AlarmName"],
        state=notification["NewStateValue"],
        since=_iso(notification["StateChangeTime"]),
        reason=notification.get("NewStateReason") or "",
        description=notification.get("AlarmDescription") or "",
        rule=notification.get("AlarmRule"),
    )


def described_alarm(record: Mapping[str, Any], *, since: str) -> Alarm:
    """The alarm that DescribeAlarms tells of, under either key of its answer."""
    return _alarm(
        record,
        name=record["AlarmName"],
        state=record["StateValue"],
        since=since,
        reason=record.get("StateReason") or "",
        description=record.get("AlarmDescription") or "",
        values=_reasons(record, "recentDatapoints"),
        band_top=next(reversed(_reasons(record, "recentUpperThresholds")), None),
        rule=record.get("AlarmRule"),
    )


def _alarm(watched: Mapping[str, Any], **known: Any) -> Alarm:
    queries = [query for query in watched.get("Metrics") or () if isinstance(query, Mapping)]
    metrics = [query["MetricStat"]["Metric"] for query in queries if query.get("MetricStat")]
    return Alarm(
        metrics=tuple(_metric(each) for each in (metrics if queries else [watched]) if each.get("MetricName")),
        threshold=watched.get("Threshold"),
        comparison=COMPARISONS.get(watched.get("ComparisonOperator", "")),
        period=watched.get("Period") or _period(queries),
        periods=watched.get("EvaluationPeriods"),
        datapoints=watched.get("DatapointsToAlarm") or watched.get("EvaluationPeriods"),
        **known,
    )


def _metric(found: Mapping[str, Any]) -> tuple[str, str, Mapping[str, str]]:
    """Notifications spell a dimension `name` and `value`, DescribeAlarms `Name` and `Value`."""
    dimensions = ({key.lower(): value for key, value in each.items()} for each in found.get("Dimensions") or ())
    return found.get("Namespace", ""), found["MetricName"], {each["name"]: each["value"] for each in dimensions}


def _period(queries: Sequence[Mapping[str, Any]]) -> int | None:
    periods = (query["MetricStat"].get("Period") for query in queries if query.get("MetricStat"))
    return next((period for period in periods if period), None)


def _reasons(record: Mapping[str, Any], key: str) -> tuple[float, ...]:
    """Numbers that CloudWatch has judged the alarm on; none where it does not tell them."""
    try:
        found = json.loads(record.get("StateReasonData") or "{}")
    except ValueError:
        return ()
    values = found.get(key, ()) if isinstance(found, dict) else ()
    return tuple(float(value) for value in values or () if isinstance(value, int | float))


def newest(runs: Sequence[Run], alarm: Alarm) -> Run | None:
    """The run that an alarm is about: the newest, among the finished where only these publish what it watches."""
    ordered = sorted(runs, key=lambda run: run.run_id)
    finished = [run for run in ordered if run.finished]
    return (finished if alarm.of_finished_run and finished else ordered)[-1] if ordered else None


def _iso(time: str) -> str:
    """CloudWatch writes `2026-11-24T16:02:10.123+0000`."""
    return re.sub(r"([+-][0-9][0-9])([0-9][0-9])$", r"\1:\2", time)
