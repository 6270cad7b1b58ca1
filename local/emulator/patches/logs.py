"""CloudWatch Logs: metric filters that publish, and saved queries.

Stock ministack stores metric filters and never applies them, accepts any pattern, and does not know query
definitions. CloudWatch Logs turns every matching event into a metric value at the event's own time.
"""

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from ministack.core import responses
from ministack.services import cloudwatch, cloudwatch_logs

from local.emulator.filter_pattern import Document, PatternError, compile_pattern, matches, select
from local.emulator.patches.json_actions import add_actions

logger = logging.getLogger("logs")

Answer = tuple[int, dict[str, str], bytes]
Stream = dict[str, Any]

query_definitions = responses.AccountRegionScopedDict()


_groups: dict[int, tuple[Stream, str]] = {}


def _group_of(stream: Stream) -> str | None:
    """The log group of a stream; the walk is done once per stream, whose reference keeps its id from being reused."""
    known = _groups.get(id(stream))
    if known is not None and known[1] in cloudwatch_logs._log_groups:
        return known[1]
    for name, group in cloudwatch_logs._log_groups.items():
        if any(candidate is stream for candidate in group["streams"].values()):
            _groups[id(stream)] = (stream, str(name))
            return str(name)
    return None


def _number(text: Any, document: Document) -> float | None:
    raw = select(document, text) if isinstance(text, str) and text.startswith("$") else text
    if raw is None or isinstance(raw, bool):
        return None
    try:
        return float(raw)
    except (TypeError, ValueError):
        return None


def _publish(transformation: Mapping[str, Any], document: Document, timestamp: float) -> None:
    value = _number(transformation.get("metricValue"), document)
    if value is None:
        return
    dimensions = {n: select(document, s) for n, s in (transformation.get("dimensions") or {}).items()}
    # As on CloudWatch: an event that lacks one of the dimensions gives no value at all.
    if any(v is None for v in dimensions.values()):
        return
    cloudwatch._store_datum(
        transformation["metricNamespace"],
        transformation["metricName"],
        {name: str(v) for name, v in dimensions.items()},
        timestamp,
        transformation.get("unit", "None"),
        value,
        None,
        None,
        None,
    )


def _apply_filters(group: str, events: list[dict[str, Any]]) -> None:
    filters = [f for (name, _), f in cloudwatch_logs._metric_filters.items() if name == group]
    for metric_filter in filters:
        for event in events:
            matched, document = matches(metric_filter["filterPattern"] or "", event["message"])
            for transformation in metric_filter["metricTransformations"] if matched else []:
                _publish(transformation, document, event["timestamp"] / 1000)


def _appending(stock: Callable[[Stream, list[dict[str, Any]]], None]) -> Callable[[Stream, list[dict[str, Any]]], None]:
    def append(stream: Stream, events: list[dict[str, Any]]) -> None:
        stock(stream, events)
        if not events or not cloudwatch_logs._metric_filters:
            return
        group = _group_of(stream)
        if group is not None:
            _apply_filters(group, events)

    return append


def _refusing_bad_patterns(stock: Callable[[dict[str, Any]], Answer]) -> Callable[[dict[str, Any]], Answer]:
    def put(data: dict[str, Any]) -> Answer:
        try:
            compile_pattern(data.get("filterPattern") or "")
        except PatternError as error:
            answer: Answer = responses.error_response_json("InvalidParameterException", str(error), 400)
            return answer
        return stock(data)

    return put


def put_query_definition(data: Mapping[str, Any]) -> str:
    """Store a saved Insights query and return its id."""
    query_id = data.get("queryDefinitionId") or responses.new_uuid()
    query_definitions[query_id] = {
        "queryDefinitionId": query_id,
        "name": data["name"],
        "queryString": data["queryString"],
        "logGroupNames": list(data.get("logGroupNames") or []),
        "lastModified": int(time.time() * 1000),
    }
    return str(query_id)


def _describe_query_definitions(data: Mapping[str, Any]) -> dict[str, Any]:
    prefix = data.get("queryDefinitionNamePrefix") or ""
    found = [q for q in query_definitions.values() if q["name"].startswith(prefix)]
    return {"queryDefinitions": sorted(found, key=lambda q: q["name"])}


_ACTIONS: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "PutQueryDefinition": lambda data: {"queryDefinitionId": put_query_definition(data)},
    "DescribeQueryDefinitions": _describe_query_definitions,
    "DeleteQueryDefinition": lambda data: {
        "success": query_definitions.pop(data.get("queryDefinitionId"), None) is not None
    },
    "TestMetricFilter": lambda data: {
        "matches": [
            {"eventNumber": number, "eventMessage": message, "extractedValues": {}}
            for number, message in enumerate(data.get("logEventMessages") or [], 1)
            if matches(data.get("filterPattern") or "", message)[0]
        ]
    },
}


def apply() -> None:
    """Wrap arrival of events and PutMetricFilter, and add the missing actions."""
    cloudwatch_logs._append_log_events = _appending(cloudwatch_logs._append_log_events)
    cloudwatch_logs._put_metric_filter = _refusing_bad_patterns(cloudwatch_logs._put_metric_filter)
    add_actions(cloudwatch_logs, _ACTIONS)
