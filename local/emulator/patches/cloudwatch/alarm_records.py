"""CloudWatch alarms as they are stored: by PutMetricAlarm and by AWS::CloudWatch::Alarm.

Stock ministack accepts impossible windows and, through CloudFormation, drops metric math and anomaly bands. CloudWatch
keeps every member, and refuses what it cannot evaluate.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

from ministack.core import responses
from ministack.services import cloudwatch
from ministack.services.cloudformation import provisioners

from local.emulator.cloudwatch import limits
from local.emulator.cloudwatch.alarm_state import INSUFFICIENT_DATA
from local.emulator.patches.cloudwatch.limits import Answer, Handler, refusal

Alarm = dict[str, Any]

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

    An alarm that exists keeps its state: the next tick evaluates a new configuration.
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


def _record_history(stock: Callable[..., None]) -> Callable[..., None]:
    def record(name: str, before: str, after: str, reason: str, *rest: Any, **named: Any) -> None:
        stock(name, before, after, reason, *rest, **named)
        if before == after and reason == _INITIAL_REASON:
            cloudwatch._history_entries()[-1].update(
                HistoryItemType="ConfigurationUpdate", HistorySummary=f'Alarm "{name}" created', HistoryData="{}"
            )

    return record


def apply() -> None:
    """Replace how alarms are stored, and what their history says of it."""
    cloudwatch._put_metric_alarm = _put_metric_alarm(cloudwatch._put_metric_alarm)
    cloudwatch._record_history = _record_history(cloudwatch._record_history)
    provisioners._cw_metric_alarm_record = alarm_record
