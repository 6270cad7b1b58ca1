"""CloudWatch alarms as they are evaluated: on a clock, M out of N.

Stock ministack ignores an alarm's dimensions, DatapointsToAlarm and TreatMissingData, knows no metric math and no
anomaly bands, and evaluates an alarm only when data arrives. CloudWatch evaluates every alarm on its own clock over its
exact metric, M of N, with four policies for gaps.

Here a thread wakes up every two seconds. It evaluates each complete minute once, and the running minute as soon as it
has data, so that no test waits for its end. Windows end at a minute and slide, as those of CloudWatch do.
"""

import contextvars
import json
import logging
import operator
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ministack.core import responses
from ministack.services import cloudwatch

from local.emulator.cloudwatch import limits
from local.emulator.cloudwatch.alarm_state import INSUFFICIENT_DATA, decide, extra_periods
from local.emulator.cloudwatch.metric_math.evaluator import Scope
from local.emulator.cloudwatch.metric_math.values import Band, ExpressionError, Series
from local.emulator.cloudwatch.metric_reader import Window, forget_old_points, newest_arrival, points_of
from local.emulator.patches.cloudwatch.alarm_actions import timestamp
from local.emulator.patches.cloudwatch.alarm_records import Alarm

logger = logging.getLogger("cloudwatch")

_TICK_SECONDS = 2.0
_EVICTION_SECONDS = 300.0
_CATCH_UP_MINUTES = 3
_COMPARISONS: dict[str, tuple[str, Callable[[float, float], bool]]] = {
    "GreaterThanOrEqualToThreshold": ("greater than or equal to", operator.ge),
    "GreaterThanThreshold": ("greater than", operator.gt),
    "LessThanThreshold": ("less than", operator.lt),
    "LessThanOrEqualToThreshold": ("less than or equal to", operator.le),
}


@dataclass
class _Seen:
    """The data of the last evaluation of an alarm, so that an unchanged alarm costs nothing."""

    evaluated_minute: int
    arrivals: tuple[tuple[int, float], ...] = ()
    configuration: Alarm | None = None


@dataclass(frozen=True)
class _Evidence:
    """Values newest first with the starts of their periods, and the range they must leave to breach."""

    values: Sequence[float | None]
    starts: Sequence[int]
    breaching: Sequence[bool | None] = field(default=())
    band: Band | None = None


_seen: dict[tuple[str, str, str], _Seen] = {}
# A thread that holds it keeps alarms from being evaluated.
EVALUATING = threading.RLock()


def _metrics_of(alarm: Alarm) -> list[Mapping[str, Any]]:
    if alarm.get("Metrics"):
        return [query["MetricStat"]["Metric"] for query in alarm["Metrics"] if query.get("MetricStat")]
    return [alarm]


def _watched_series(alarm: Alarm, window: Window) -> tuple[Series, Band | None]:
    if not alarm.get("Metrics"):
        statistic = alarm.get("ExtendedStatistic") or alarm.get("Statistic") or "Average"
        return window.series(alarm, statistic=statistic, period=alarm["Period"], unit=alarm.get("Unit")), None
    scope = window.scope(alarm["Metrics"])
    band_id = alarm.get("ThresholdMetricId")
    main = next(q["Id"] for q in alarm["Metrics"] if q["ReturnData"] and q["Id"] != band_id)
    lines = scope.as_series(scope.value(main))
    if len(lines) != 1:
        raise ExpressionError(f"'{main}' gives {len(lines)} time series; an alarm watches exactly one")
    return lines[0], _band(scope, band_id)


def _band(scope: Scope, band_id: str | None) -> Band | None:
    if band_id is None:
        return None
    band = scope.value(band_id)
    if not isinstance(band, Band):
        raise ExpressionError(f"'{band_id}' is not an ANOMALY_DETECTION_BAND")
    return band


def _outside(value: float, start: int, band: Band, comparison: str) -> bool | None:
    """Say whether a value leaves its band; None while there is no band, which CloudWatch treats as no value."""
    low, high = band.lower.points.get(start), band.upper.points.get(start)
    if low is None or high is None:
        return None
    above = "Upper" in comparison and value > high
    return above or ("Lower" in comparison and value < low)


def _evidence(alarm: Alarm, end: int) -> _Evidence:
    period = limits.alarm_period(alarm)
    count = alarm["EvaluationPeriods"] + extra_periods(period)
    starts = [end - (i + 1) * period for i in range(count)]
    series, band = _watched_series(alarm, Window(starts[-1], end))
    values = [series.points.get(start) for start in starts]
    breaching: list[bool | None] = []
    for start, value in zip(starts, values, strict=True):
        if value is None:
            breaching.append(None)
        elif band is not None:
            breaching.append(_outside(value, start, band, alarm["ComparisonOperator"]))
        else:
            breaching.append(_COMPARISONS[alarm["ComparisonOperator"]][1](value, alarm["Threshold"]))
    return _Evidence(values, starts, breaching, band)


def _evaluate_window(alarm: Alarm, end: int) -> None:
    """Evaluate one alarm over the window that ends at ``end`` (epoch seconds) and act on a change."""
    needed: int = alarm.get("DatapointsToAlarm") or alarm["EvaluationPeriods"]
    try:
        evidence = _evidence(alarm, end)
    except ExpressionError as error:
        _move(alarm, INSUFFICIENT_DATA, str(error), {})
        return
    state = decide(
        evidence.breaching,
        evaluation_periods=alarm["EvaluationPeriods"],
        datapoints_to_alarm=needed,
        missing=alarm["TreatMissingData"],
        current=alarm["StateValue"],
    )
    _move(alarm, state, _reason(alarm, evidence, state), _reason_data(alarm, evidence, end))


def _reason(alarm: Alarm, evidence: _Evidence, state: str) -> str:
    periods = alarm["EvaluationPeriods"]
    if state == INSUFFICIENT_DATA:
        return f"Insufficient Data: {periods} datapoint{'s were' if periods > 1 else ' was'} unknown."
    shown = [
        f"{value} ({datetime.fromtimestamp(start, UTC):%d/%m/%y %H:%M:%S})"
        for value, start in zip(evidence.values, evidence.starts, strict=True)
        if value is not None
    ][:periods]
    breaches = sum(bool(b) for b in evidence.breaching)
    limit = (
        f"the threshold ({alarm['Threshold']})"
        if "Threshold" in alarm
        else f"the expected range of {alarm['ThresholdMetricId']}"
    )
    words = _COMPARISONS[alarm["ComparisonOperator"]][0] if "Threshold" in alarm else "outside"
    if not shown:
        return (
            f"Threshold Crossed: no datapoints were received for {periods} period(s) and {periods} missing "
            f"datapoint(s) were treated as [{'Breaching' if state == 'ALARM' else 'NonBreaching'}]."
        )
    needed: int = alarm.get("DatapointsToAlarm") or periods
    return (
        f"Threshold Crossed: {min(breaches, periods)} out of the last {periods} datapoints [{', '.join(shown)}] "
        f"{'was' if state == 'ALARM' else 'was not'} {words} {limit} (minimum {needed} datapoint"
        f"{'s' if needed > 1 else ''} for OK -> ALARM transition)."
    )


def _reason_data(alarm: Alarm, evidence: _Evidence, end: int) -> dict[str, Any]:
    return {
        "version": "1.0",
        "queryDate": timestamp(time.time()),
        "startDate": timestamp(evidence.starts[-1]),
        "endDate": timestamp(end),
        "period": limits.alarm_period(alarm),
        "recentDatapoints": [value for value in reversed(evidence.values) if value is not None],
        **({"threshold": alarm["Threshold"]} if evidence.band is None else _edges(evidence, evidence.band)),
    }


def _edges(evidence: _Evidence, band: Band) -> dict[str, list[float]]:
    """The band where the datapoints are, as CloudWatch shows it in the place of a threshold."""
    evaluated = [at for at, value in zip(evidence.starts, evidence.values, strict=True) if value is not None]
    starts = [at for at in reversed(evaluated) if at in band.upper.points]
    return {
        "recentLowerThresholds": [band.lower.points[at] for at in starts],
        "recentUpperThresholds": [band.upper.points[at] for at in starts],
    }


def _move(alarm: Alarm, state: str, reason: str, data: Mapping[str, Any]) -> None:
    before = alarm["StateValue"]
    if state == before:
        return
    now = int(time.time())
    alarm.update(
        StateValue=state,
        StateReason=reason,
        StateReasonData=json.dumps(data),
        StateUpdatedTimestamp=now,
        StateTransitionedTimestamp=now,
    )
    cloudwatch._record_history(alarm["AlarmName"], before, state, reason, reason_data=dict(data))
    cloudwatch._dispatch_alarm_actions(alarm, before, state, reason)
    cloudwatch._evaluate_parent_alarms(alarm)


def _evaluate(alarm: Alarm, key: tuple[str, str, str], minute: int) -> None:
    """Evaluate the complete minutes that are left, and the running one once it has data."""
    metrics = _metrics_of(alarm)
    arrivals = newest_arrival(metrics)
    seen = _seen.get(key)
    if seen is None:
        # A new alarm has no past: it is evaluated on the data of now.
        seen = _seen[key] = _Seen(evaluated_minute=minute - 1)
    # A changed alarm is a new dictionary.
    changed = seen.arrivals != arrivals or seen.configuration is not alarm
    if seen.evaluated_minute == minute - 1 and not changed:
        return
    for complete in range(max(seen.evaluated_minute + 1, minute - _CATCH_UP_MINUTES), minute):
        _evaluate_window(alarm, (complete + 1) * 60)
    if changed:
        running = minute * 60
        has_data = any(next(points_of(metric).between(running, running + 60), None) for metric in metrics)
        _evaluate_window(alarm, running + 60 if has_data else running)
    _seen[key] = _Seen(minute - 1, arrivals, alarm)


def _evaluate_scope(account: str, region: str, minute: int) -> None:
    responses._request_account_id.set(account)
    responses._request_region.set(region)
    for alarm in cloudwatch._alarms.values():
        try:
            _evaluate(alarm, (account, region, alarm["AlarmName"]), minute)
        except Exception:
            logger.exception("alarm %s could not be evaluated", alarm.get("AlarmName"))


def evaluate_all(now: float) -> None:
    """Evaluate the alarms of every account and Region that need it; ``now`` is epoch seconds."""
    with EVALUATING:
        scopes = {(account, region) for account, region, _ in list(cloudwatch._alarms._data)}
        for account, region in scopes:
            contextvars.copy_context().run(_evaluate_scope, account, region, int(now // 60))
        for key in [key for key in _seen if key not in cloudwatch._alarms._data]:
            del _seen[key]


def evaluate_anew(now: float) -> None:
    """Evaluate every alarm once, on the data at ``now``: for a clock that has jumped, with no minutes to catch up."""
    with EVALUATING:
        _seen.clear()
        evaluate_all(now)


def _run() -> None:
    last_eviction = time.monotonic()
    while True:
        time.sleep(_TICK_SECONDS)
        try:
            with EVALUATING:
                # Read inside: the clock may be set forward while this waits.
                evaluate_all(time.time())
            if time.monotonic() - last_eviction > _EVICTION_SECONDS:
                forget_old_points()
                last_eviction = time.monotonic()
        except Exception:
            logger.exception("alarm evaluation")


def _nothing(alarm: Alarm) -> None:
    """A stored alarm waits for the clock."""


def apply() -> None:
    """Replace the evaluation of alarms, and start the clock."""
    cloudwatch._evaluate_alarm = _nothing
    threading.Thread(target=_run, daemon=True, name="alarm-clock").start()
