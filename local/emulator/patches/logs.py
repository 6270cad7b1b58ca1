"""CloudWatch Logs: metric filters that publish, saved queries, and Logs Insights.

Stock ministack stores metric filters and never applies them, accepts any pattern, and does not know query
definitions. CloudWatch Logs turns every matching event into a metric value at the event's own time. Of an Insights
query stock ministack skips what it does not know (`stats`, `parse`, any operator) and calls the rest complete; here a
query runs as a whole, or is refused as malformed.
"""

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from ministack.core import responses
from ministack.services import cloudwatch, cloudwatch_logs

from local.emulator.logs.filter_pattern import Document, PatternError, compile_pattern, matches, select
from local.emulator.logs.insights.evaluator import MOST_ROWS
from local.emulator.logs.insights.events import Event
from local.emulator.logs.insights.lexer import QueryError
from local.emulator.logs.insights.parser import run
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


def _refused(code: str, message: str) -> Answer:
    answer: Answer = responses.error_response_json(code, message, 400)
    return answer


def _start_query(data: Mapping[str, Any]) -> Answer:
    groups = cloudwatch_logs._resolve_query_log_groups(data)
    start, end, limit = data.get("startTime"), data.get("endTime"), data.get("limit", MOST_ROWS)
    if not groups or start is None or end is None or start > end:
        return _refused("InvalidParameterException", "needed: log groups, and startTime not after endTime")
    if not 1 <= limit <= MOST_ROWS:
        return _refused("InvalidParameterException", f"limit {limit}: allowed: 1 to {MOST_ROWS}")
    for name in groups:
        if name not in cloudwatch_logs._log_groups:
            return _refused("ResourceNotFoundException", f"The specified log group does not exist: {name}")
    events = [_event(record) for record in cloudwatch_logs._collect_query_records(groups, start, end)]
    try:
        found = run(data.get("queryString") or "", events, limit=limit)
    except QueryError as error:
        return _refused("MalformedQueryException", str(error))
    query_id = responses.new_uuid()
    cloudwatch_logs._queries[query_id] = {
        **{key: value for key, value in data.items() if key != "limit"},
        "queryId": query_id,
        # It completes when its results are read, so that it can be stopped before.
        "status": "Scheduled",
        "results": [[{"field": key, "value": value} for key, value in row.items()] for row in found.rows],
        "statistics": {
            "recordsMatched": float(found.matched),
            "recordsScanned": float(len(events)),
            "bytesScanned": float(sum(len(event.message.encode()) for event in events)),
        },
    }
    started: Answer = responses.json_response({"queryId": query_id})
    return started


def _event(record: Mapping[str, Any]) -> Event:
    return Event(
        ms=record["_timestamp_ms"],
        message=record["@message"],
        stream=record["@logStream"],
        log=record["@log"],
        pointer=record["@ptr"],
    )


def _completing(stock: Callable[[Mapping[str, Any]], Answer]) -> Callable[[Mapping[str, Any]], Answer]:
    def get(data: Mapping[str, Any]) -> Answer:
        query = cloudwatch_logs._queries.get(data.get("queryId"))
        if query is not None and query["status"] == "Scheduled":
            query["status"] = "Complete"
        return stock(data)

    return get


def _stop_query(data: Mapping[str, Any]) -> Answer:
    query = cloudwatch_logs._queries.get(data.get("queryId"))
    if query is None:
        return _refused("ResourceNotFoundException", f"The specified query does not exist: {data.get('queryId')}")
    if query["status"] != "Scheduled":
        return _refused("InvalidParameterException", f"Query is not running: it is {query['status']}")
    query.update(status="Cancelled", results=[])
    stopped: Answer = responses.json_response({"success": True})
    return stopped


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
    """Wrap arrival of events and PutMetricFilter, replace the queries of Insights, and add the missing actions."""
    cloudwatch_logs._append_log_events = _appending(cloudwatch_logs._append_log_events)
    cloudwatch_logs._put_metric_filter = _refusing_bad_patterns(cloudwatch_logs._put_metric_filter)
    cloudwatch_logs._start_query = _start_query
    cloudwatch_logs._get_query_results = _completing(cloudwatch_logs._get_query_results)
    cloudwatch_logs._stop_query = _stop_query
    add_actions(cloudwatch_logs, _ACTIONS)
