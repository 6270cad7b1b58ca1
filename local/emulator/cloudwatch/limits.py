"""Limits of CloudWatch: pure checks of requests, with the error code and a message that its author can act on.

Sources: the API references of PutMetricData, PutMetricAlarm and PutDashboard, and "CloudWatch service quotas".
"""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from local.emulator.cloudwatch.metric_math.parser import parse
from local.emulator.cloudwatch.metric_math.values import ExpressionError

UNITS = frozenset(
    {"Seconds", "Microseconds", "Milliseconds", "Percent", "Count", "Count/Second", "None"}
    | {f"{prefix}{unit}" for unit in ("bytes", "bits") for prefix in ("Kilo", "Mega", "Giga", "Tera")}
    | {f"{prefix}{unit}/Second" for unit in ("bytes", "bits") for prefix in ("Kilo", "Mega", "Giga", "Tera")}
    | {"Bytes", "Bits", "Bytes/Second", "Bits/Second"}
)
MISSING_DATA_POLICIES = frozenset({"missing", "ignore", "breaching", "notBreaching"})
THRESHOLD_OPERATORS = frozenset(
    {
        "GreaterThanOrEqualToThreshold",
        "GreaterThanThreshold",
        "LessThanThreshold",
        "LessThanOrEqualToThreshold",
    }
)
BAND_OPERATORS = frozenset(
    {"LessThanLowerOrGreaterThanUpperThreshold", "LessThanLowerThreshold", "GreaterThanUpperThreshold"}
)

_MAX_DATUMS = 1_000
_MAX_VALUES = 150
_MAX_DIMENSIONS = 30
_MAX_MAGNITUDE = 2.0**360
_PAST_SECONDS = 14 * 86_400
_FUTURE_SECONDS = 2 * 3_600
_WEEK, _DAY, _HOUR = 604_800, 86_400, 3_600
_MAX_ACTIONS = 5
_MAX_DESCRIPTION = 1_024
_MAX_ALARM_METRICS = 10
_MAX_RULE = 10_240
_MAX_CHILDREN = 100
_MAX_WIDGETS = 500
_MAX_WIDGET_METRICS = 500
_SHORT_PERIODS = frozenset({10, 20, 30})
_STATISTICS = frozenset({"SampleCount", "Average", "Sum", "Minimum", "Maximum"})
_EXTENDED_STATISTIC = re.compile(r"p(\d{1,2}(\.\d{0,10})?|100)|(tm|tc|ts|wm)\d+(\.\d+)?|iqm|(PR|TM|TC|TS|WM)\(.*\)|IQM")
_WIDGET_TYPES = frozenset({"metric", "text", "log", "alarm", "explorer", "custom"})


class RefusedError(ValueError):
    """AWS would refuse the request; ``code`` is the error code of the answer."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def _invalid(message: str) -> RefusedError:
    return RefusedError("InvalidParameterValue", message)


def _conflict(message: str) -> RefusedError:
    return RefusedError("InvalidParameterCombination", message)


def check_metric_data(request: Mapping[str, Any], *, now: float) -> None:
    """Refuse what PutMetricData refuses; ``now`` is epoch seconds and datum timestamps are epoch seconds."""
    namespace, datums = request.get("Namespace"), request.get("MetricData") or []
    if not namespace:
        raise RefusedError("MissingParameter", "The parameter Namespace is required.")
    if str(namespace).startswith("AWS/"):
        raise _invalid("The value AWS/ for parameter Namespace is invalid.")
    if not datums:
        raise RefusedError("MissingParameter", "The parameter MetricData is required.")
    if len(datums) > _MAX_DATUMS:
        raise _invalid(f"The collection MetricData must not have a size greater than {_MAX_DATUMS}.")
    for number, datum in enumerate(datums, 1):
        _check_datum(datum, where=f"MetricData.member.{number}", now=now)


def _check_datum(datum: Mapping[str, Any], *, where: str, now: float) -> None:
    if not datum.get("MetricName"):
        raise RefusedError("MissingParameter", f"The parameter {where}.MetricName is required.")
    if datum.get("Unit", "None") not in UNITS:
        raise _invalid(f"The parameter {where}.Unit must be a value in the set {sorted(UNITS)}.")
    if datum.get("StorageResolution", 60) not in (1, 60):
        raise _invalid(f"The parameter {where}.StorageResolution must be 1 or 60.")
    check_dimensions(datum.get("Dimensions") or [], where=f"{where}.Dimensions")
    _check_values(datum, where=where)
    when = datum.get("Timestamp")
    if when is not None and not now - _PAST_SECONDS <= when <= now + _FUTURE_SECONDS:
        raise _invalid(
            f"The parameter {where}.Timestamp must specify a time within the past two weeks and no more than two "
            "hours into the future."
        )


def check_dimensions(dimensions: Sequence[Mapping[str, Any]], *, where: str) -> None:
    """Refuse too many dimensions, and dimensions without a name or value."""
    if len(dimensions) > _MAX_DIMENSIONS:
        raise _invalid(f"The collection {where} must not have a size greater than {_MAX_DIMENSIONS}.")
    for number, dimension in enumerate(dimensions, 1):
        for key in ("Name", "Value"):
            text = dimension.get(key)
            if not isinstance(text, str) or not text.strip():
                raise _invalid(f"The parameter {where}.member.{number}.{key} must not be empty.")


def _check_values(datum: Mapping[str, Any], *, where: str) -> None:
    given = [key for key in ("Value", "Values", "StatisticValues") if datum.get(key) is not None]
    if not given:
        raise RefusedError(
            "MissingParameter",
            f"One of the parameters {where}.Value, {where}.Values or {where}.StatisticValues must be specified.",
        )
    if len(given) > 1:
        raise _conflict(f"The parameters {where}.{given[0]} and {where}.{given[1]} are mutually exclusive.")
    values, counts = datum.get("Values"), datum.get("Counts")
    for key, numbers in (("Values", values), ("Counts", counts)):
        if numbers is not None and len(numbers) > _MAX_VALUES:
            raise _invalid(f"The collection {where}.{key} must not have a size greater than {_MAX_VALUES}.")
    if counts is not None and len(counts) != len(values or []):
        raise _conflict(f"The parameters {where}.Values and {where}.Counts must have the same number of elements.")
    for number in _numbers(datum):
        if not math.isfinite(number) or abs(number) > _MAX_MAGNITUDE:
            raise _invalid(f"The value {number} for parameter {where}.Value is invalid.")


def _numbers(datum: Mapping[str, Any]) -> Iterator[float]:
    if datum.get("Value") is not None:
        yield float(datum["Value"])
    for key in ("Values", "Counts"):
        yield from (float(number) for number in datum.get(key) or [])
    yield from (float(number) for number in (datum.get("StatisticValues") or {}).values())


def _refuse_alarm(message: str) -> RefusedError:
    return RefusedError("ValidationError", message)


def check_alarm(alarm: Mapping[str, Any]) -> None:
    """Refuse what PutMetricAlarm refuses; ``alarm`` holds the request's members with numbers as numbers."""
    periods = alarm.get("EvaluationPeriods")
    if not isinstance(periods, int) or periods < 1:
        raise _refuse_alarm("EvaluationPeriods must be a whole number of at least 1.")
    if alarm.get("DatapointsToAlarm", periods) > periods:
        raise _refuse_alarm("DatapointsToAlarm must be less than or equal to EvaluationPeriods.")
    if alarm.get("DatapointsToAlarm", 1) < 1:
        raise _refuse_alarm("DatapointsToAlarm must be at least 1.")
    if alarm.get("TreatMissingData", "missing") not in MISSING_DATA_POLICIES:
        raise _refuse_alarm(f"TreatMissingData must be one of {sorted(MISSING_DATA_POLICIES)}.")
    if not 1 <= len(str(alarm.get("AlarmName") or "")) <= 255:
        raise _refuse_alarm("AlarmName must have 1 to 255 characters.")
    if len(alarm.get("AlarmDescription") or "") > _MAX_DESCRIPTION:
        raise _refuse_alarm(f"AlarmDescription must have at most {_MAX_DESCRIPTION} characters.")
    for key in ("AlarmActions", "OKActions", "InsufficientDataActions"):
        _check_actions(alarm.get(key) or [], key=key)
    _check_threshold(alarm)
    if alarm.get("Metrics"):
        _check_alarm_queries(alarm)
    else:
        _check_single_metric(alarm)
    _check_span(alarm_period(alarm), periods)


def check_composite(request: Mapping[str, Any]) -> None:
    """Refuse what PutCompositeAlarm refuses for its size; the stock handler reads the rule."""
    rule = str(request.get("AlarmRule") or "")
    if len(rule) > _MAX_RULE:
        raise _refuse_alarm(f"AlarmRule must have at most {_MAX_RULE} characters, not {len(rule)}.")
    children = set(re.findall(r"\b(?:ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*\"?([^\")]+)", rule))
    if len(children) > _MAX_CHILDREN:
        raise _refuse_alarm(f"AlarmRule must name at most {_MAX_CHILDREN} alarms, not {len(children)}.")
    if not 1 <= len(str(request.get("AlarmName") or "")) <= 255:
        raise _refuse_alarm("AlarmName must have 1 to 255 characters.")
    if len(request.get("AlarmDescription") or "") > _MAX_DESCRIPTION:
        raise _refuse_alarm(f"AlarmDescription must have at most {_MAX_DESCRIPTION} characters.")
    for key in ("AlarmActions", "OKActions", "InsufficientDataActions"):
        _check_actions(request.get(key) or [], key=key)


def alarm_period(alarm: Mapping[str, Any]) -> int:
    """The period in seconds that an alarm evaluates; that of its queries when it is a math alarm."""
    queries = alarm.get("Metrics") or []
    if not queries:
        return int(alarm.get("Period") or 60)
    found = [int(q["MetricStat"]["Period"]) for q in queries if q.get("MetricStat")]
    return max(found + [int(q["Period"]) for q in queries if q.get("Period")], default=60)


def _check_actions(actions: Sequence[str], *, key: str) -> None:
    if len(actions) > _MAX_ACTIONS:
        raise _refuse_alarm(f"{key} must not have more than {_MAX_ACTIONS} members.")
    for action in actions:
        if not str(action).startswith("arn:"):
            raise _refuse_alarm(f"Invalid arn syntax in {key}: {action}")


def _check_threshold(alarm: Mapping[str, Any]) -> None:
    operator, band = alarm.get("ComparisonOperator"), alarm.get("ThresholdMetricId")
    if operator not in THRESHOLD_OPERATORS | BAND_OPERATORS:
        raise _refuse_alarm(f"ComparisonOperator must be one of {sorted(THRESHOLD_OPERATORS | BAND_OPERATORS)}.")
    if band and alarm.get("Threshold") is not None:
        raise _refuse_alarm("Threshold and ThresholdMetricId are mutually exclusive.")
    if (operator in BAND_OPERATORS) != bool(band):
        raise _refuse_alarm(
            f"ComparisonOperator {operator} does not go with {'a' if band else 'no'} ThresholdMetricId."
        )
    if not band and (alarm.get("Threshold") is None or not math.isfinite(float(alarm["Threshold"]))):
        raise _refuse_alarm("Threshold is required and must be a finite number.")


def _check_period(period: object, *, where: str) -> None:
    if not isinstance(period, int) or period < 1 or (period % 60 and period not in _SHORT_PERIODS):
        raise _refuse_alarm(f"{where} must be 10, 20, 30 or a multiple of 60 seconds.")


def _check_statistic(name: object, *, where: str) -> None:
    if name not in _STATISTICS and not _EXTENDED_STATISTIC.fullmatch(str(name)):
        raise _refuse_alarm(f"{where} '{name}' is not a statistic.")


def _check_single_metric(alarm: Mapping[str, Any]) -> None:
    for key in ("MetricName", "Namespace"):
        if not alarm.get(key):
            raise _refuse_alarm(f"{key} is required when Metrics is not given.")
    statistics = [alarm[key] for key in ("Statistic", "ExtendedStatistic") if alarm.get(key)]
    if len(statistics) != 1:
        raise _refuse_alarm("Exactly one of Statistic and ExtendedStatistic is required.")
    if alarm.get("Statistic") and alarm["Statistic"] not in _STATISTICS:
        raise _refuse_alarm(f"Statistic must be one of {sorted(_STATISTICS)}.")
    _check_statistic(statistics[0], where="ExtendedStatistic")
    _check_period(alarm.get("Period"), where="Period")
    if alarm.get("Unit") is not None and alarm["Unit"] not in UNITS:
        raise _refuse_alarm(f"Unit must be one of {sorted(UNITS)}.")
    _check_alarm_dimensions(alarm.get("Dimensions") or [])


def _check_alarm_dimensions(dimensions: Sequence[Mapping[str, Any]]) -> None:
    try:
        check_dimensions(dimensions, where="Dimensions")
    except RefusedError as error:
        raise _refuse_alarm(str(error)) from error


def _check_alarm_queries(alarm: Mapping[str, Any]) -> None:
    if alarm.get("MetricName") or alarm.get("Namespace") or alarm.get("Statistic") or alarm.get("Period"):
        raise _refuse_alarm("Metrics must not be given together with MetricName, Namespace, Statistic or Period.")
    queries = alarm["Metrics"]
    stats = [query["MetricStat"] for query in queries if query.get("MetricStat")]
    if len(stats) > _MAX_ALARM_METRICS:
        raise _refuse_alarm(f"An alarm on metric math can use at most {_MAX_ALARM_METRICS} metrics, not {len(stats)}.")
    ids = [query.get("Id") for query in queries]
    if len(set(ids)) != len(ids):
        raise _refuse_alarm("The Ids in Metrics must be unique.")
    returned = [query["Id"] for query in queries if query.get("ReturnData", True)]
    watched = [name for name in returned if name != alarm.get("ThresholdMetricId")]
    if len(watched) != 1:
        raise _refuse_alarm(f"Exactly one element of Metrics must have ReturnData true, not {len(watched)}.")
    for query in queries:
        _check_query(query, ids=ids)
    periods = {int(stat["Period"]) for stat in stats}
    if len(periods) > 1:
        raise _refuse_alarm(f"The metrics of an alarm must share one period, not {sorted(periods)}.")
    for stat in stats:
        _check_period(int(stat["Period"]), where="MetricStat.Period")
        _check_statistic(stat.get("Stat"), where="MetricStat.Stat")
        _check_alarm_dimensions(stat["Metric"].get("Dimensions") or [])
    if alarm.get("ThresholdMetricId") and alarm["ThresholdMetricId"] not in ids:
        raise _refuse_alarm(f"ThresholdMetricId '{alarm['ThresholdMetricId']}' is not an Id in Metrics.")


def _check_query(query: Mapping[str, Any], *, ids: Sequence[Any]) -> None:
    if not re.fullmatch(r"[a-z][a-zA-Z0-9_]*", str(query.get("Id"))):
        raise _refuse_alarm(f"The Id '{query.get('Id')}' must begin with a lowercase letter.")
    if bool(query.get("MetricStat")) == bool(query.get("Expression")):
        raise _refuse_alarm(f"Metrics element '{query['Id']}' needs exactly one of MetricStat and Expression.")
    if not query.get("Expression"):
        return
    try:
        tree = parse(str(query["Expression"]))
    except ExpressionError as error:
        raise _refuse_alarm(f"Metrics element '{query['Id']}': {error}") from error
    for node in tree.walk():
        if node.kind == "call" and node.text == "SEARCH":
            raise _refuse_alarm("SEARCH is not supported on Metric Alarms.")
        if node.kind == "name" and node.text not in {*ids, "REPEAT", "LINEAR"}:
            raise _refuse_alarm(f"Metrics element '{query['Id']}': unknown identifier '{node.text}'.")


def _check_span(period: int, evaluation_periods: int) -> None:
    span = period * evaluation_periods
    if span > _WEEK:
        raise _refuse_alarm(
            f"Metrics cannot be checked across more than seven days (EvaluationPeriods * Period must be <= {_WEEK}, "
            f"not {span})."
        )
    if period < _HOUR and span > _DAY:
        raise _refuse_alarm(
            f"Metrics cannot be checked across more than a day when the period is under an hour (EvaluationPeriods * "
            f"Period must be <= {_DAY}, not {span})."
        )


def check_dashboard(body: str) -> None:
    """Refuse a dashboard body that CloudWatch would not store."""

    def refuse(message: str) -> RefusedError:
        return RefusedError("InvalidParameterInput", f"The dashboard body is invalid: {message}")

    try:
        document = json.loads(body)
    except ValueError as error:
        raise refuse(f"not JSON ({error})") from error
    widgets = document.get("widgets") if isinstance(document, dict) else None
    if not isinstance(widgets, list):
        raise refuse("it must be an object with a list 'widgets'")
    if len(widgets) > _MAX_WIDGETS:
        raise refuse(f"it has {len(widgets)} widgets; the limit is {_MAX_WIDGETS}")
    for number, widget in enumerate(widgets):
        problem = _widget_problem(widget)
        if problem:
            raise refuse(f"/widgets/{number}: {problem}")


def _widget_problem(widget: Any) -> str | None:
    if not isinstance(widget, dict) or widget.get("type") not in _WIDGET_TYPES:
        return f"type must be one of {sorted(_WIDGET_TYPES)}"
    properties = widget.get("properties")
    if not isinstance(properties, dict):
        return "properties must be an object"
    for key, low, high in (("x", 0, 23), ("width", 1, 24), ("height", 1, 1_000)):
        if key in widget and not (isinstance(widget[key], int) and low <= widget[key] <= high):
            return f"{key} must be a whole number from {low} to {high}"
    return _content_problem(widget["type"], properties)


def _content_problem(kind: str, properties: Mapping[str, Any]) -> str | None:
    needed = {"text": "markdown", "log": "query", "alarm": "alarms", "metric": "region"}.get(kind)
    if needed and needed not in properties:
        return f"properties must have '{needed}'"
    metrics = properties.get("metrics", [])
    if not isinstance(metrics, list) or len(metrics) > _MAX_WIDGET_METRICS:
        return f"properties.metrics must be a list of at most {_MAX_WIDGET_METRICS}"
    if kind == "metric" and not metrics and not (properties.get("annotations") or {}).get("alarms"):
        return "a metric widget needs metrics or one alarm annotation"
    return None
