"""CloudWatch alarms.

Stock ministack 1.5.33 ignores an alarm's dimensions, DatapointsToAlarm and TreatMissingData, knows no metric math and
no anomaly bands (also not through CloudFormation), accepts impossible windows, and looks only when data arrives.
CloudWatch evaluates every alarm on its own clock over its exact metric, M of N, with four policies for gaps.

Here a thread looks every two seconds. Each complete minute is judged once; the running minute is judged early as soon
as it has data, so nobody waits for its end. Windows end at a minute and slide, as CloudWatch's do.
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

import botocore.session
from ministack.core import responses
from ministack.core.iam_evaluator import EvalContext, evaluate_resource_policy
from ministack.services import cloudwatch, sns
from ministack.services.cloudformation import provisioners

from local.emulator.cloudwatch import limits
from local.emulator.cloudwatch.alarm_state import INSUFFICIENT_DATA, decide, extra_periods
from local.emulator.cloudwatch.metric_math.evaluator import Scope
from local.emulator.cloudwatch.metric_math.values import Band, ExpressionError, Series
from local.emulator.cloudwatch.metric_reader import Window, forget_old_points, newest_arrival, points_of
from local.emulator.patches.cloudwatch.limits import Answer, Handler, refusal

logger = logging.getLogger("cloudwatch")

Alarm = dict[str, Any]

_TICK_SECONDS = 2.0
_EVICTION_SECONDS = 300.0
_CATCH_UP_MINUTES = 3
_INITIAL_REASON = "Unchecked: Initial alarm creation"
_KEPT = ("StateValue", "StateReason", "StateReasonData", "StateUpdatedTimestamp", "StateTransitionedTimestamp")
_NUMBERS = {"Period": int, "EvaluationPeriods": int, "DatapointsToAlarm": int, "Threshold": float}
_OPTIONAL = (
    "MetricName",
    "Namespace",
    "Statistic",
    "ExtendedStatistic",
    "Period",
    "DatapointsToAlarm",
    "Threshold",
    "ThresholdMetricId",
    "EvaluateLowSampleCountPercentile",
    "Unit",
)
_COMPARISONS: dict[str, tuple[str, Callable[[float, float], bool]]] = {
    "GreaterThanOrEqualToThreshold": ("greater than or equal to", operator.ge),
    "GreaterThanThreshold": ("greater than", operator.gt),
    "LessThanThreshold": ("less than", operator.lt),
    "LessThanOrEqualToThreshold": ("less than or equal to", operator.le),
}


# --- building -------------------------------------------------------------------------------------------------------


def _flag(value: object, *, default: bool = True) -> bool:
    """A boolean that CloudFormation may have turned into text."""
    return default if value is None else str(value).lower() == "true"


def _number(value: object, kind: type[int] | type[float], key: str) -> int | float:
    try:
        number = float(str(value))
    except ValueError as error:
        raise limits.RefusedError("ValidationError", f"{key} must be a number, not '{value}'.") from error
    if kind is int and not number.is_integer():
        raise limits.RefusedError("ValidationError", f"{key} must be a whole number, not '{value}'.")
    return kind(number)


def _query(given: Mapping[str, Any]) -> dict[str, Any]:
    query = {**given, "ReturnData": _flag(given.get("ReturnData"))}
    if given.get("Period") is not None:
        query["Period"] = int(given["Period"])
    if given.get("MetricStat"):
        stat = given["MetricStat"]
        query["MetricStat"] = {**stat, "Period": _number(stat.get("Period"), int, "MetricStat.Period")}
    return query


def alarm_record(name: str, given: Mapping[str, Any]) -> Alarm:
    """The stored alarm for a PutMetricAlarm request or a template's properties. Raises limits.RefusedError.

    An alarm that exists keeps its state: a new configuration is judged at the next tick.
    """
    members = {k: v for k, v in given.items() if v not in (None, "", [])}
    for key, kind in _NUMBERS.items():
        if key in members:
            members[key] = _number(members[key], kind, key)
    if members.get("Metrics"):
        members["Metrics"] = [_query(query) for query in members["Metrics"]]
    limits.check_alarm({**members, "AlarmName": name})
    now = int(time.time())
    record: Alarm = {
        "AlarmName": name,
        "AlarmArn": f"arn:aws:cloudwatch:{responses.get_region()}:{responses.get_account_id()}:alarm:{name}",
        "AlarmDescription": members.get("AlarmDescription", ""),
        "EvaluationPeriods": members["EvaluationPeriods"],
        "ComparisonOperator": members["ComparisonOperator"],
        "TreatMissingData": members.get("TreatMissingData", "missing"),
        "ActionsEnabled": _flag(members.get("ActionsEnabled")),
        "Dimensions": list(members.get("Dimensions") or []),
        "AlarmConfigurationUpdatedTimestamp": now,
        "StateValue": INSUFFICIENT_DATA,
        "StateReason": _INITIAL_REASON,
        "StateUpdatedTimestamp": now,
    }
    for key in ("AlarmActions", "OKActions", "InsufficientDataActions"):
        record[key] = [str(action) for action in members.get(key) or []]
    record.update({key: members[key] for key in _OPTIONAL if key in members})
    if members.get("Metrics"):
        record["Metrics"] = members["Metrics"]
    existing = cloudwatch._alarms.get(name) or {}
    record.update({key: existing[key] for key in _KEPT if key in existing})
    return record


def _put_metric_alarm(stock: Handler) -> Handler:
    def handle(params: Any, data: Any, is_cbor: bool, is_json: bool = False) -> Answer:
        if not is_json:
            return stock(params, data, is_cbor, is_json)
        name = data.get("AlarmName", "")
        is_new = name not in cloudwatch._alarms
        tags = data.get("Tags")
        refused: Answer | None = cloudwatch._alarm_tags_refusal(tags, None, is_new, False, True)
        if refused:
            return refused
        try:
            record = alarm_record(name, data)
        except limits.RefusedError as error:
            return refusal(error)
        cloudwatch.cloudformation_put_metric_alarm(record)
        if is_new and tags:
            cloudwatch._resource_tags[record["AlarmArn"]] = {t["Key"]: t["Value"] for t in tags}
        answer: Answer = cloudwatch._json_ok({})
        return answer

    return handle


# --- evaluation -----------------------------------------------------------------------------------------------------


@dataclass
class _Seen:
    """What an alarm was last judged on, so that an unchanged alarm costs nothing."""

    judged_minute: int
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
# Whoever holds it keeps alarms from being judged.
LOOKING = threading.RLock()


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
    """Whether a value leaves its band; None while there is no band, which CloudWatch treats as no value."""
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


def _judge(alarm: Alarm, end: int) -> None:
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
        "queryDate": _timestamp(time.time()),
        "startDate": _timestamp(evidence.starts[-1]),
        "endDate": _timestamp(end),
        "period": limits.alarm_period(alarm),
        "recentDatapoints": [value for value in reversed(evidence.values) if value is not None],
        **({"threshold": alarm["Threshold"]} if evidence.band is None else _edges(evidence, evidence.band)),
    }


def _edges(evidence: _Evidence, band: Band) -> dict[str, list[float]]:
    """The band where the datapoints are, as CloudWatch shows it in the place of a threshold."""
    judged = [at for at, value in zip(evidence.starts, evidence.values, strict=True) if value is not None]
    starts = [at for at in reversed(judged) if at in band.upper.points]
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


def _look_at(alarm: Alarm, key: tuple[str, str, str], minute: int) -> None:
    """Judge the complete minutes not judged yet, and the running one once it has data."""
    metrics = _metrics_of(alarm)
    arrivals = newest_arrival(metrics)
    seen = _seen.get(key)
    if seen is None:
        # A new alarm has no past: it is judged on what stands now.
        seen = _seen[key] = _Seen(judged_minute=minute - 1)
    # A changed alarm is a new dictionary.
    changed = seen.arrivals != arrivals or seen.configuration is not alarm
    if seen.judged_minute == minute - 1 and not changed:
        return
    for complete in range(max(seen.judged_minute + 1, minute - _CATCH_UP_MINUTES), minute):
        _judge(alarm, (complete + 1) * 60)
    if changed:
        running = minute * 60
        has_data = any(next(points_of(metric).between(running, running + 60), None) for metric in metrics)
        _judge(alarm, running + 60 if has_data else running)
    _seen[key] = _Seen(minute - 1, arrivals, alarm)


def _look_at_scope(account: str, region: str, minute: int) -> None:
    responses._request_account_id.set(account)
    responses._request_region.set(region)
    for alarm in cloudwatch._alarms.values():
        try:
            _look_at(alarm, (account, region, alarm["AlarmName"]), minute)
        except Exception:
            logger.exception("alarm %s could not be evaluated", alarm.get("AlarmName"))


def look_at_all(now: float) -> None:
    """Evaluate the alarms of every account and Region that need it; ``now`` is epoch seconds."""
    with LOOKING:
        scopes = {(account, region) for account, region, _ in list(cloudwatch._alarms._data)}
        for account, region in scopes:
            contextvars.copy_context().run(_look_at_scope, account, region, int(now // 60))
        for key in [key for key in _seen if key not in cloudwatch._alarms._data]:
            del _seen[key]


def look_anew(now: float) -> None:
    """Judge every alarm once, on what stands at ``now``: for a clock that has jumped, with no minutes to catch up."""
    with LOOKING:
        _seen.clear()
        look_at_all(now)


def _run() -> None:
    last_eviction = time.monotonic()
    while True:
        time.sleep(_TICK_SECONDS)
        try:
            with LOOKING:
                # Read inside: the clock may be set forward while this waits.
                look_at_all(time.time())
            if time.monotonic() - last_eviction > _EVICTION_SECONDS:
                forget_old_points()
                last_eviction = time.monotonic()
        except Exception:
            logger.exception("alarm evaluation")


# --- notifications --------------------------------------------------------------------------------------------------


def _timestamp(when: float) -> str:
    """CloudWatch's form in notifications: milliseconds and +0000."""
    return datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000"


def _region_name(region: str) -> str:
    """The Region as the message spells it, e.g. "US East (N. Virginia)"."""
    regions = botocore.session.get_session().get_data("endpoints")["partitions"][0]["regions"]
    return str(regions.get(region, {}).get("description", region))


def _small_dimensions(dimensions: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{"value": d["Value"], "name": d["Name"]} for d in dimensions]


def _trigger(alarm: Alarm) -> dict[str, Any]:
    trigger: dict[str, Any] = {
        "Period": limits.alarm_period(alarm),
        "EvaluationPeriods": alarm["EvaluationPeriods"],
        "DatapointsToAlarm": alarm.get("DatapointsToAlarm", alarm["EvaluationPeriods"]),
        "ComparisonOperator": alarm["ComparisonOperator"],
        "TreatMissingData": alarm["TreatMissingData"],
        "EvaluateLowSampleCountPercentile": alarm.get("EvaluateLowSampleCountPercentile", ""),
    }
    trigger.update({key: alarm[key] for key in ("Threshold", "ThresholdMetricId") if key in alarm})
    if alarm.get("Metrics"):
        trigger["Metrics"] = [_trigger_query(query) for query in alarm["Metrics"]]
        return trigger
    extended = alarm.get("ExtendedStatistic")
    return {
        **trigger,
        "MetricName": alarm["MetricName"],
        "Namespace": alarm["Namespace"],
        "StatisticType": "ExtendedStatistic" if extended else "Statistic",
        ("ExtendedStatistic" if extended else "Statistic"): extended or str(alarm.get("Statistic")).upper(),
        "Unit": alarm.get("Unit"),
        "Dimensions": _small_dimensions(alarm["Dimensions"]),
    }


def _trigger_query(query: Mapping[str, Any]) -> dict[str, Any]:
    if not query.get("MetricStat"):
        return dict(query)
    stat = query["MetricStat"]
    metric = {**stat["Metric"], "Dimensions": _small_dimensions(stat["Metric"].get("Dimensions") or [])}
    return {**query, "MetricStat": {**stat, "Metric": metric}}


def notification(alarm: Alarm, before: str, after: str, reason: str) -> dict[str, Any]:
    """The body of the message that CloudWatch publishes to SNS when an alarm changes state."""
    message = {
        "AlarmName": alarm["AlarmName"],
        "AlarmDescription": alarm.get("AlarmDescription") or None,
        "AWSAccountId": responses.get_account_id(),
        "AlarmConfigurationUpdatedTimestamp": _timestamp(alarm["AlarmConfigurationUpdatedTimestamp"]),
        "NewStateValue": after,
        "NewStateReason": reason,
        "StateChangeTime": _timestamp(time.time()),
        "Region": _region_name(responses.get_region()),
        "AlarmArn": alarm["AlarmArn"],
        "OldStateValue": before,
        "OKActions": alarm["OKActions"],
        "AlarmActions": alarm["AlarmActions"],
        "InsufficientDataActions": alarm["InsufficientDataActions"],
    }
    if "AlarmRule" not in alarm:
        return {**message, "Trigger": _trigger(alarm)}
    del message["AlarmConfigurationUpdatedTimestamp"]
    children = json.loads(alarm.get("StateReasonData") or "{}").get("triggeringAlarms", [])
    return {
        **message,
        "AlarmRule": alarm["AlarmRule"],
        "TriggeringChildren": [
            {"Arn": c["arn"], "State": {"Value": c["state"]["value"], "Timestamp": c["state"]["timestamp"]}}
            for c in children
        ],
    }


def _dispatch(alarm: Alarm, before: str, after: str, reason: str) -> None:
    if not alarm.get("ActionsEnabled", True):
        return
    key = {"ALARM": "AlarmActions", "OK": "OKActions"}.get(after, "InsufficientDataActions")
    message = json.dumps(notification(alarm, before, after, reason))
    subject = f'{after}: "{alarm["AlarmName"]}" in {_region_name(responses.get_region())}'[:100]
    for action in alarm.get(key) or []:
        error = _refusal(alarm, action)
        if error is None:
            sns._fanout(action, responses.new_uuid(), message, subject)
        _record_action(alarm, action, error=error)


def _refusal(alarm: Alarm, action: str) -> str | None:
    """Why CloudWatch cannot take an action; None when it can. A topic's policy holds also without IAM's."""
    topic = sns._topic_by_arn_any_scope(action) if action.split(":")[2] == "sns" else None
    if topic is None:
        return "Resource does not exist"
    account = responses.get_account_id()
    context = EvalContext(
        principal_arn="*",
        principal_type="Service",
        principal_account="",
        action="sns:Publish",
        resource_arn=action,
        region=responses.get_region(),
        secure_transport=True,
        service_context={
            "aws:sourcearn": alarm["AlarmArn"],
            "aws:sourceaccount": account,
            "aws:sourceowner": account,
        },
    )
    policy = topic["attributes"].get("Policy") or ""
    if policy and evaluate_resource_policy(policy, context, service="cloudwatch.amazonaws.com").decision == "Allow":
        return None
    return f"CloudWatch Alarms is not authorized to perform: SNS:Publish on resource: {action}"


def _record_action(alarm: Alarm, action: str, *, error: str | None) -> None:
    """CloudWatch's history shows each action, and one that failed shows there and nowhere else."""
    done = error is None
    summary = f"{'Successfully executed' if done else 'Failed to execute'} action {action}"
    cloudwatch._history_entries().append(
        {
            "AlarmName": alarm["AlarmName"],
            "AlarmType": "CompositeAlarm" if "AlarmRule" in alarm else "MetricAlarm",
            "Timestamp": cloudwatch._ts_iso(time.time()),
            "HistoryItemType": "Action",
            "HistorySummary": summary if done else f'{summary}. Received error: "{error}"',
            "HistoryData": json.dumps(
                {
                    "actionState": "Succeeded" if done else "Failed",
                    "notificationResource": action,
                    **({} if done else {"error": error}),
                }
            ),
        }
    )


def _record_history(stock: Callable[..., None]) -> Callable[..., None]:
    def record(name: str, before: str, after: str, reason: str, *rest: Any, **named: Any) -> None:
        stock(name, before, after, reason, *rest, **named)
        if before == after and reason == _INITIAL_REASON:
            cloudwatch._history_entries()[-1].update(
                HistoryItemType="ConfigurationUpdate", HistorySummary=f'Alarm "{name}" created', HistoryData="{}"
            )

    return record


def _nothing(alarm: Alarm) -> None:
    """A stored alarm waits for the clock."""


def apply() -> None:
    """Replace building, evaluation and notification of alarms, and start the clock."""
    cloudwatch._put_metric_alarm = _put_metric_alarm(cloudwatch._put_metric_alarm)
    cloudwatch._evaluate_alarm = _nothing
    cloudwatch._dispatch_alarm_actions = _dispatch
    cloudwatch._record_history = _record_history(cloudwatch._record_history)
    provisioners._cw_metric_alarm_record = alarm_record
    threading.Thread(target=_run, daemon=True, name="alarm-clock").start()
