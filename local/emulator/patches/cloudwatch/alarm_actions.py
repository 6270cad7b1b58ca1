"""The actions of CloudWatch alarms: the message to SNS, a topic's policy, and the history.

Stock ministack sends another message than CloudWatch, and to any topic. CloudWatch obeys the topic's policy, and shows
an action that failed in the alarm's history alone.
"""

import json
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import botocore.session
from ministack.core import responses
from ministack.core.iam_evaluator import EvalContext, evaluate_resource_policy
from ministack.services import cloudwatch, sns

from local.emulator.cloudwatch import limits
from local.emulator.patches.cloudwatch.alarm_records import Alarm


def timestamp(when: float) -> str:
    """A time as CloudWatch writes it in notifications: milliseconds and +0000."""
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
        "AlarmConfigurationUpdatedTimestamp": timestamp(alarm["AlarmConfigurationUpdatedTimestamp"]),
        "NewStateValue": after,
        "NewStateReason": reason,
        "StateChangeTime": timestamp(time.time()),
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
    """The reason why CloudWatch cannot take an action; None when it can. A topic's policy is enough without IAM's."""
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
    """Record an action in the alarm's history; one that failed shows nowhere else."""
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


def apply() -> None:
    """Replace how actions of alarms are carried out."""
    cloudwatch._dispatch_alarm_actions = _dispatch
