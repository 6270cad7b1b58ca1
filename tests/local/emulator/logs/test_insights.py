"""Logs Insights: the language, and the operations over the wire."""

import json
import time
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.emulator.logs.insights.events import Event
from local.emulator.logs.insights.lexer import QueryError
from local.emulator.logs.insights.parser import run
from tests.support.aws.log_records import PERMISSION_CHECK, RECORDS
from tests.support.local.emulator import Clients

MINUTE = 60_000
LINES: list[Any] = [
    {"level": "INFO", "took": 10, "user": {"name": "a b"}, "list": [{"n": 1}]},
    {"level": "WARN", "took": 20.5, "odd-name": "x"},
    {"level": "WARN", "took": "30", "ok": True, "empty": " "},
    "plain text took=40 from 10.0.0.1",
]
EVENTS = [
    Event(number * MINUTE, line if isinstance(line, str) else json.dumps(line), pointer=str(number))
    for number, line in enumerate(LINES)
]


def rows(query: str) -> list[dict[str, str]]:
    return [{key: value for key, value in row.items() if key != "@ptr"} for row in run(query, EVENTS).rows]


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ('level = "WARN"', "21"),
        ("level = 'WARN' and took > 20.5", "2"),
        ("took >= 20.5 or ispresent(user.name)", "210"),
        ("took + 1 = 11", "0"),
        ("took * 2 - 1 < 20 % 7 + 14", "0"),
        ("(took > 25 or took < 15) and not level like /WARN/", "0"),
        ('level in ["INFO", "DEBUG"]', "0"),
        ('level not in ["INFO", "DEBUG"]', "321"),
        ('@message like "10.0.0.1"', "3"),
        ("@message not like /took/", ""),
        ("@message =~ /(?i)TOOK=4/", "3"),
        ("isblank(empty) and level = 'WARN'", "21"),
        ("isempty(empty) and level = 'WARN'", "1"),
        ('`odd-name` = "x"', "1"),
        ("list.0.n = 1", "0"),
        ("ok = 1", "2"),
        ("absent != 3", ""),
        ("not absent = 3", ""),
        ("coalesce(absent, took, 0) = 0", "3"),
        ("if(level = 'WARN', 1, 0) = 0", "30"),
        ("if(ispresent(took), took, 7) + 1 = 8", "3"),
        ("toMillis(@timestamp) >= 60000 # a comment", "321"),
        ("strlen(level) = 4 and strcontains(tolower(level), 'arn')", "21"),
        ("concat(level, '-', took) = 'INFO-10'", "0"),
        ("greatest(took, 15, floor(15.9)) = 15 and abs(-1) = ceil(0.2)", "0"),
    ],
)
def test_filter(condition: str, found: str) -> None:
    """Without `sort` the newest come first."""
    answer = run(f"filter {condition}\n| fields level", EVENTS)
    assert "".join(row["@ptr"] for row in answer.rows) == found
    assert answer.matched == len(found)


def test_fields_display_and_their_names() -> None:
    assert rows("filter took = 10 | fields level, took / 4, took * 2 as double")[0] == {
        **{"level": "INFO", "took / 4": "2.5", "double": "20"}
    }
    assert rows("filter took = 10 | fields level, took | display took") == [{"took": "10"}]
    assert rows("limit 1") == [{"@timestamp": "1970-01-01 00:03:00.000", "@message": LINES[3]}]


def test_parse_by_groups_and_by_wildcards() -> None:
    assert rows(r"parse @message /took=(?<t>\d+) from (?<ip>[\d.]+)/ | filter ispresent(t) | display t, ip, t + 1") == [
        {"t": "40", "ip": "10.0.0.1", "t + 1": "41"}
    ]
    (row,) = rows('parse @message "took=* from" as t | filter t > 39 | display t')
    assert row == {"t": "40"}


def test_stats_by_text_and_by_time() -> None:
    assert rows(
        "stats count(*) as n, count(took), sum(took) as s, avg(took) as a, min(took) as low, max(took) as high, "
        "pct(took, 50) as p50, count_distinct(level), s / n as mean by level | sort level asc"
    ) == [
        {"level": "INFO", "n": "1", "count(took)": "1", "s": "10", "a": "10", "low": "10", "high": "10", "p50": "10"}
        | {"count_distinct(level)": "1", "mean": "10"},
        {"level": "WARN", "n": "2", "count(took)": "2", "s": "50.5", "a": "25.25", "low": "20.5", "high": "30"}
        | {"p50": "20.5", "count_distinct(level)": "1", "mean": "25.25"},
        {"n": "1", "count(took)": "0", "count_distinct(level)": "0"},
    ]
    assert rows("stats count(*) as n by bin(2m)") == [
        {"bin(2m)": "1970-01-01 00:00:00.000", "n": "2"},
        {"bin(2m)": "1970-01-01 00:02:00.000", "n": "2"},
    ]
    assert rows("stats earliest(took) as first, latest(took) as last by level | filter level = 'WARN'") == [
        {"level": "WARN", "first": "20.5", "last": "30"}
    ]
    assert rows("stats min(@timestamp) as first by level | filter level = 'WARN'") == [
        {"level": "WARN", "first": "60000"}
    ]


def test_sort_puts_numbers_in_order_and_the_unknown_last() -> None:
    assert [row.get("took") for row in rows("fields took | sort took desc")] == ["30", "20.5", "10", None]
    assert [row.get("took") for row in rows("fields took | sort level desc, took")] == ["20.5", "30", "10", None]


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("dedup level", "unknown command 'dedup'; known: fields, display, filter"),
        ("fields jsonParse(@message)", "unknown function 'jsonparse'; known: ispresent"),
        ("filter level = ", "unexpected 'end of query'"),
        ("filter level == 'x'", "unexpected '='"),
        ("filter count(*) > 1", "aggregations stand in stats only"),
        ("stats level by took", "stats: no aggregation"),
        ("stats sum(count(*))", "aggregations stand in stats only"),
        ("stats count(*) by", "unexpected 'end of query'"),
        (r"parse @message /(\d+)/", "every group needs a name"),
        ("parse @message 'a * b *' as one", "2 wildcards and 1 names"),
        ("filter @message like /(/", r"\(/"),
        ("limit 10001", "limit 10001: allowed: 1 to 10000"),
        ("fields a |", "unexpected 'end of query'"),
        ("fields a; b", "unexpected character ';' at 8"),
        ("stats count(*) by bin(0m)", "not a length of time"),
        ("filter strlen(a, b) > 1", "strlen: 2 arguments; allowed: 1 to 1"),
        ("", "unexpected 'end of query'"),
    ],
)
def test_what_it_does_not_know_is_refused(query: str, told: str) -> None:
    with pytest.raises(QueryError, match=told):
        run(query, [])


# --- over the wire


@pytest.fixture(scope="module")
def group(clients: Clients) -> str:
    name, now = f"insights-{uuid.uuid4().hex[:8]}", int(time.time() * 1000)
    logs = clients("logs")
    logs.create_log_group(logGroupName=name)
    logs.create_log_stream(logGroupName=name, logStreamName="aws/bedrock/modelinvocations")
    messages = [PERMISSION_CHECK, *map(json.dumps, RECORDS.values())]
    logs.put_log_events(
        logGroupName=name,
        logStreamName="aws/bedrock/modelinvocations",
        logEvents=[{"timestamp": now - 1000 + n, "message": message} for n, message in enumerate(messages)],
    )
    return name


def start(clients: Clients, group: str, query: str, **changes: Any) -> str:
    now = int(time.time())
    settings = {"logGroupName": group, "startTime": now - 3600, "endTime": now + 60, "queryString": query, **changes}
    return str(clients("logs").start_query(**settings)["queryId"])


def test_a_query_from_start_to_end(clients: Clients, group: str) -> None:
    logs = clients("logs")
    query = start(clients, group, "filter ispresent(errorCode) | stats count(*) as n by errorCode | sort errorCode asc")
    answer = logs.get_query_results(queryId=query)
    assert answer["status"] == "Complete"
    assert [{each["field"]: each["value"] for each in row} for row in answer["results"]] == [
        {"errorCode": "ThrottlingException", "n": "1"},
        {"errorCode": "ValidationException", "n": "1"},
    ]
    statistics = answer["statistics"]
    assert (statistics["recordsMatched"], statistics["recordsScanned"]) == (2.0, len(RECORDS) + 1)
    assert statistics["bytesScanned"] > 1000
    with pytest.raises(ClientError, match="not running: it is Complete"):
        logs.stop_query(queryId=query)


def test_a_query_that_is_stopped(clients: Clients, group: str) -> None:
    logs = clients("logs")
    query = start(clients, group, "fields modelId")
    assert logs.stop_query(queryId=query)["success"] is True
    answer = logs.get_query_results(queryId=query)
    assert (answer["status"], answer["results"]) == ("Cancelled", [])


@pytest.mark.parametrize(
    ("query", "changes", "code"),
    [
        ("fields a | pattern @message", {}, "MalformedQueryException"),
        ("fields a", {"logGroupName": "absent"}, "ResourceNotFoundException"),
        ("fields a", {"endTime": 1}, "InvalidParameterException"),
        ("fields a", {"limit": 10_001}, "InvalidParameterException"),
    ],
)
def test_a_query_that_is_refused(clients: Clients, group: str, query: str, changes: dict[str, Any], code: str) -> None:
    with pytest.raises(ClientError) as refused:
        start(clients, group, query, **changes)
    assert refused.value.response["Error"]["Code"] == code


def test_the_limit_and_the_time_of_the_request(clients: Clients, group: str) -> None:
    logs = clients("logs")
    query = start(clients, group, "fields requestId", limit=2)
    found = logs.get_query_results(queryId=query)["results"]
    assert [row[0]["value"] for row in found] == ["r-12", "r-11"]
    now = int(time.time())
    query = start(clients, group, "fields requestId", startTime=now - 7200, endTime=now - 3600)
    assert logs.get_query_results(queryId=query)["results"] == []
