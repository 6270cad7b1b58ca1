"""Live mode: every way in which a query ends, any number of rows, and what its text finds."""

import io
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

from bedrock_eval.invocation_log import queries
from bedrock_eval.invocation_log.queries import LIMIT, Query
from ops.__main__ import main
from ops.aws import account
from ops.errors import OpsError
from ops.invocation_log.insights import Insights
from ops.terminal.status_line import StatusLine

END = datetime(2026, 11, 23, 12, tzinfo=UTC)
START = END - timedelta(hours=24)
GROUP = "/aws/bedrock/model-invocations"
QUERY = Query("fields @timestamp, modelId", needs=("@timestamp", "modelId"))


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def insights(client: Any) -> Insights:
    clock = Clock()
    return Insights(client, GROUP, StatusLine(io.StringIO()), clock=clock, sleep=clock.sleep)


@contextmanager
def stubbed() -> Iterator[tuple[Any, Stubber]]:
    client = boto3.client("logs", region_name="us-east-1")
    with Stubber(client) as stub:
        yield client, stub
        stub.assert_no_pending_responses()


def started(stub: Stubber) -> None:
    expected = {
        "logGroupName": GROUP,
        "startTime": int(START.timestamp()),
        "endTime": int(END.timestamp()),
        "queryString": ANY,
        "limit": LIMIT,
    }
    stub.add_response("start_query", {"queryId": "q-1"}, expected)


def polled(stub: Stubber, *statuses: str, rows: list[list[dict[str, str]]] | None = None) -> None:
    for status in statuses:
        statistics = {"recordsScanned": 5.0, "bytesScanned": 9.0, "recordsMatched": 1.0}
        response = {"status": status, "results": rows or [], "statistics": statistics}
        stub.add_response("get_query_results", response, {"queryId": "q-1"})


def stopped(stub: Stubber) -> None:
    stub.add_response("stop_query", {"success": True}, {"queryId": "q-1"})


ROW = [{"field": "@timestamp", "value": "2026-11-23 10:00:00.000"}, {"field": "modelId", "value": "m"}]


def test_complete_after_waiting() -> None:
    with stubbed() as (client, stub):
        started(stub)
        polled(stub, "Scheduled", "Running", "Unknown", "Running")
        polled(stub, "Complete", rows=[ROW])
        rows = insights(client).rows(QUERY, start=START, end=END, name="slow")
    assert rows == [{"@timestamp": "2026-11-23 10:00:00.000", "modelId": "m"}]


@pytest.mark.parametrize("status", ["Failed", "Cancelled", "Timeout"])
def test_every_other_end_is_an_error_that_names_it(status: str) -> None:
    with stubbed() as (client, stub):
        started(stub)
        polled(stub, "Running", status)
        stopped(stub)
        with pytest.raises(OpsError, match=f"slow: the query ended as {status} after 1 s"):
            insights(client).rows(QUERY, start=START, end=END, name="slow")


def test_unknown_is_waited_for_a_minute_and_no_longer() -> None:
    with stubbed() as (client, stub):
        started(stub)
        polled(stub, *["Running"] * 3, *["Unknown"] * 60)
        stopped(stub)
        with pytest.raises(OpsError, match="Unknown for 60 s"):
            insights(client).rows(QUERY, start=START, end=END, name="slow")


def test_running_for_ever_is_given_up_and_stopped(script: Any, result: Any) -> None:
    client = script(lambda _text, _number: iter(lambda: result([], status="Running"), None))
    with pytest.raises(OpsError, match="still is Running after 61 minutes"):
        insights(client).rows(QUERY, start=START, end=END, name="slow")
    assert client.stopped == ["q-1"]


def test_ctrl_c_stops_the_query(script: Any, result: Any) -> None:
    client = script(lambda _text, _number: [result([], status="Running")])

    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    asking = Insights(client, GROUP, StatusLine(io.StringIO()), clock=Clock(), sleep=interrupt)
    with pytest.raises(KeyboardInterrupt):
        asking.rows(QUERY, start=START, end=END, name="slow")
    assert client.stopped == ["q-1"]


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("ResourceNotFoundException", "log group /aws/bedrock/model-invocations does not exist in this account"),
        ("MalformedQueryException", "MalformedQueryException: why"),
        ("LimitExceededException", "LimitExceededException: why"),
        ("AccessDeniedException", "AccessDeniedException: why"),
    ],
)
def test_a_query_that_is_refused(code: str, told: str) -> None:
    with stubbed() as (client, stub):
        stub.add_client_error("start_query", code, "why")
        with pytest.raises(OpsError, match=told):
            insights(client).rows(QUERY, start=START, end=END, name="slow")


def test_results_that_come_in_pages() -> None:
    with stubbed() as (client, stub):
        started(stub)
        first = {"status": "Complete", "results": [ROW], "nextToken": "t"}
        stub.add_response("get_query_results", first, {"queryId": "q-1"})
        more = {"status": "Complete", "results": [ROW, ROW]}
        stub.add_response("get_query_results", more, {"queryId": "q-1", "nextToken": "t"})
        assert len(insights(client).rows(QUERY, start=START, end=END, name="slow")) == 3


def bounds(text: str) -> tuple[int, int]:
    found = re.match(r"filter toMillis\(@timestamp\) >= (\d+)\n\| filter toMillis\(@timestamp\) < (\d+)\n", text)
    assert found
    return int(found[1]), int(found[2])


@pytest.mark.parametrize("count", [9_999, 10_000, 25_000, 61_234])
@pytest.mark.parametrize("bunched", [False, True])
def test_more_rows_than_one_query_gives(script: Any, result: Any, count: int, bunched: bool) -> None:
    """Every call exactly once, also when most of them came within one hour."""
    begin, span = int(START.timestamp() * 1000), 24 * 3_600_000
    times = [begin + (span // 24 if bunched else span) * number // count for number in range(count)]

    def answer(text: str, _number: int) -> list[dict[str, Any]]:
        low, high = bounds(text)
        found = [time for time in times if low <= time < high]
        rows = [{"@timestamp": "t", "modelId": "m", "requestId": str(time)} for time in found[:LIMIT]]
        return [result(rows, matched=len(found))]

    client = script(answer)
    rows = insights(client).rows(QUERY, start=START, end=END, name="slow")
    assert sorted(row["requestId"] for row in rows) == sorted(map(str, times))
    for arguments in client.started:
        low, high = bounds(arguments["queryString"])
        assert arguments["startTime"] * 1000 <= low < high <= arguments["endTime"] * 1000


def test_too_many_calls_in_one_second_are_no_silent_loss(script: Any, result: Any) -> None:
    rows = [{"@timestamp": "t", "modelId": "m"}] * LIMIT
    client = script(lambda _text, _number: [result(rows, matched=20_000)])
    with pytest.raises(OpsError, match=r"more than 10,000 rows .* narrow it with --model"):
        insights(client).rows(QUERY, start=END - timedelta(seconds=8), end=END, name="slow")


def test_percentiles_are_never_put_together_from_parts(script: Any, result: Any) -> None:
    query = Query("stats ...", needs=("modelId",), adds_up=False)
    client = script(lambda _text, _number: [result([{"modelId": "m"}] * LIMIT)])
    with pytest.raises(OpsError, match="cannot be split"):
        insights(client).rows(query, start=START, end=END, name="latency")
    assert len(client.started) == 1


def test_an_endpoint_that_ignores_half_of_the_query_is_found_out(script: Any, result: Any) -> None:
    client = script(lambda _text, _number: [result([{"@timestamp": "t", "modelId": "", "@ptr": "p"}])])
    with pytest.raises(OpsError, match=r"without modelId; .* as emulators do. Use --from"):
        insights(client).rows(QUERY, start=START, end=END, name="slow")


def test_progress_is_one_line_on_a_terminal(script: Any, result: Any) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal, pipe = Terminal(), io.StringIO()
    for stream in (terminal, pipe):
        client = script(lambda *_: [result([], status="Running"), result([dict.fromkeys(QUERY.needs, "x")])])
        clock = Clock()
        asking = Insights(client, GROUP, StatusLine(stream), clock=clock, sleep=clock.sleep)
        asking.rows(QUERY, start=START, end=END, name="slow")
    assert pipe.getvalue() == "slow: Complete, 99 records, 1,000,000 bytes scanned, 1 s\n"
    assert "slow: Running" in terminal.getvalue()
    assert terminal.getvalue().count("\n") == 1


# --- the texts


ALL = {
    "slow": queries.slow_calls(threshold_ms=3000, model="haiku"),
    "latencies": queries.latencies(model="haiku"),
    "errors": queries.errors(model="haiku"),
    "throttles": queries.throttles(model="haiku"),
    "calls": queries.calls(model="haiku"),
    "tokens": queries.tokens(model="haiku"),
    "stop reasons": queries.stop_reasons(model="haiku"),
    "truncated": queries.truncated_calls(model="haiku"),
}


def parsed(query: Query, message: str) -> dict[str, str]:
    """What the query's `parse` stages find in an event."""
    found = {}
    for pattern in re.findall(r"parse @message /(.*)/$", query.text, re.MULTILINE):
        match = re.search(pattern.replace("(?<", "(?P<"), message)
        found.update(match.groupdict() if match else {})
    return found


@pytest.mark.parametrize("name", ALL)
def test_every_query_reads_records_only_and_the_model_by_like(name: str) -> None:
    text = ALL[name].text
    assert text.startswith('filter @message like /"ModelInvocationLog"/\n| filter modelId like "haiku"')
    assert "latencyMs >" not in text.replace("metrics.latencyMs", "")


@pytest.mark.parametrize("name", ALL)
def test_no_query_uses_a_field_before_it_is_made(name: str) -> None:
    """Names that are ours, not the record's."""
    text = ALL[name].text
    for own in (*queries.SOURCES, *queries.PARSED):
        uses = [found.start() for found in re.finditer(rf"(?<![.\"\w]){own}\b", text)]
        made = text.find(f" as {own}") if own in queries.SOURCES else text.find(f"(?<{own}>")
        assert not uses or -1 < made <= uses[0], own


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
def test_the_parse_fallback_finds_what_the_fields_would(
    sample: list[dict[str, Any]], separators: tuple[str, str]
) -> None:
    both = {**sample[1], "requestMetadata": {"run": "x", "purpose": "evaluation"}}
    both["input"] = {**both["input"], "cacheReadInputTokenCount": 5, "cacheWriteInputTokenCount": 6}
    message = json.dumps(both, separators=separators)
    assert parsed(ALL["slow"], message) == {
        "parsedLatency": "4200",
        "parsedInput": "10",
        "parsedOutput": "20",
        "parsedStop": "end_turn",
        "parsedIdentity": "arn:aws:sts::111122223333:assumed-role/support/i-2",
    }
    tokens = parsed(ALL["tokens"], message)
    assert (tokens["parsedPurpose"], tokens["parsedCacheRead"], tokens["parsedCacheWrite"]) == ("evaluation", "5", "6")


def test_the_parse_fallback_reads_streams_of_invoke_model(sample: list[dict[str, Any]]) -> None:
    found = parsed(ALL["slow"], json.dumps(sample[3]))
    assert (found["parsedStreamLatency"], found["parsedFirstToken"]) == ("5100", "310")
    assert found["parsedStop"] == "max_tokens"
    # The record's own counts, not those of the chunk.
    assert (found["parsedInput"], found["parsedOutput"]) == ("10", "8")


def test_what_a_prompt_says_is_not_parsed(sample: list[dict[str, Any]]) -> None:
    feigned = '"metrics":{"latencyMs":1},"stopReason":"max_tokens","identity":{"arn":"victim"},"outputTokenCount":1'
    messages = [{"role": "user", "content": [{"text": feigned}]}]
    record = {**sample[1], "input": {"inputBodyJson": {"messages": messages}, "inputTokenCount": 10}}
    found = parsed(ALL["slow"], json.dumps(record))
    assert (found["parsedLatency"], found["parsedStop"], found["parsedOutput"]) == ("4200", "end_turn", "20")
    assert found["parsedIdentity"].endswith("support/i-2")


# --- the commands


AWS = {
    "calls by model": [
        {"modelId": "m", "calls": "8"},
        {"modelId": "arn:aws:bedrock:r:a:inference-profile/m", "calls": "2"},
    ],
    "latency by model": [
        {"model": "m", "calls": "7", "known": "4", "p50": "800.5", "p90": "4000", "p99": "5000", "longest": "5000"},
        {"model": "n", "calls": "1", "known": "0"},
    ],
    "slow calls": [
        {"@timestamp": "2026-11-23 10:00:00.000", "requestId": "a", "operation": "Converse", "modelId": "m"}
        | {"latency_ms": "4000", "input_tokens": "10", "caller": "arn:aws:sts::1:assumed-role/r/s"},
        {"@timestamp": "2026-11-23 10:00:01.000", "requestId": "b", "modelId": "m", "latency_ms": "5000"},
    ],
    "errors": [
        {"error_code": "E", "modelId": "m", "caller": f"arn:aws:sts::1:assumed-role/r/{n}", "calls": "2"}
        | {"first": "1795428000000", "last": "2026-11-23 10:05:00.000"}
        for n in range(2)
    ],
    "throttles": [
        {"modelId": "m", "caller": "", "bin(5m)": f"2026-11-23 10:{n:02}:00.000", "calls": str(n + 1)}
        | {"first": f"2026-11-23 10:{n:02}:30.000", "last": f"2026-11-23 10:{n:02}:40.000"}
        for n in (0, 5)
    ],
    "tokens": [
        {"modelId": "m", "caller": f"arn:aws:sts::1:assumed-role/r/{n}", "calls": "3", "counted": "2"}
        | {"input": "20", "output": "30", "cached": "1"}
        for n in range(2)
    ],
    "stop reasons by model": [{"modelId": "m", "calls": "6", "known": "4"}],
    "truncated answers": [{"@timestamp": "2026-11-23 10:00:00.000", "modelId": "m", "stop_reason": "max_tokens"}],
}


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, script: Any, result: Any) -> Callable[[], Any]:
    """An account that answers each query with rows as Logs Insights writes them: text, and no key for what is null."""
    texts = {
        queries.calls(model=None).text: "calls by model",
        queries.latencies(model=None).text: "latency by model",
        queries.slow_calls(threshold_ms=3000, model=None).text: "slow calls",
        queries.errors(model=None).text: "errors",
        queries.throttles(model=None).text: "throttles",
        queries.tokens(model=None).text: "tokens",
        queries.stop_reasons(model=None).text: "stop reasons by model",
        queries.truncated_calls(model=None).text: "truncated answers",
    }

    def answer(text: str, _number: int) -> list[dict[str, Any]]:
        return [result(next(AWS[name] for query, name in texts.items() if text.endswith(query)))]

    client = script(answer)
    sts = boto3.client("sts", region_name="us-east-1")
    stub = Stubber(sts)
    stub.add_response("get_caller_identity", {"Account": "111111111111", "Arn": "arn:aws:iam::111111111111:user/me"})
    stub.activate()
    monkeypatch.setattr(account, "client", lambda service, **_: {"logs": client, "sts": sts}[service])
    return lambda: client


@pytest.mark.parametrize(
    ("question", "told"),
    [
        (
            "slow",
            [
                "2 calls slower than 3,000 ms, of 8 answered; the latency of 4 is unknown",
                "2026-11-23 10:00:01 5,000 unknown unknown unknown m unknown unknown b",
                "2026-11-23 10:00:00 4,000 unknown 10 unknown m Converse assumed-role/r a",
                "m 7 4 3 2 800 4,000 5,000 5,000",
                "n 1 0 1 0 unknown unknown unknown unknown",
            ],
        ),
        (
            "errors",
            [
                "4 failed calls of 10 logged; share of the model's calls",
                "E m assumed-role/r 4 10 40 2026-11-23 10:00:00 2026-11-23 10:05:00",
            ],
        ),
        (
            "throttles",
            [
                "7 throttled calls of 10 logged; share of the model's calls",
                "m unknown 7 10 70 2026-11-23 10:05:00 6 2026-11-23 10:00:30 2026-11-23 10:05:40",
            ],
        ),
        (
            "tokens",
            [
                "40 input and 60 output tokens in 6 answered calls; those of 2 are unknown; cached tokens are not in "
                "the input",
                "m assumed-role/r 6 2 40 60 2 0",
            ],
        ),
        (
            "truncated",
            [
                "1 truncated answer of 6; the stop reason of 2 is unknown",
                "m 6 4 2 1 25",
            ],
        ),
    ],
)
def test_a_question_to_aws(
    aws: Callable[[], Any], capsys: pytest.CaptureFixture[str], question: str, told: list[str]
) -> None:
    assert main(["logs", question, "--env", "dev", "--hours", "24"]) == 0
    printed = capsys.readouterr()
    lines = [" ".join(line.split()) for line in printed.out.splitlines()]
    assert [line for line in told if line not in lines] == []
    assert "Complete, 99 records" in printed.err
    for arguments in aws().started:
        assert arguments["logGroupName"] == GROUP
        assert arguments["endTime"] - arguments["startTime"] in (24 * 3600, 24 * 3600 + 1)


def test_credentials_of_another_account_are_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sts = boto3.client("sts", region_name="us-east-1")
    with Stubber(sts) as stub:
        stub.add_response(
            "get_caller_identity", {"Account": "999999999999", "Arn": "arn:aws:iam::999999999999:user/me"}
        )
        monkeypatch.setattr(account, "client", lambda _service, **_: sts)
        assert main(["logs", "slow", "--env", "dev"]) == 1
    told = capsys.readouterr().err
    assert "credentials are for account 999999999999; environment dev is in 111111111111" in told


def test_the_endpoint_of_the_command_line_is_asked_by_every_client(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, str | None] = {}

    def made(service: str, *, region: str, endpoint_url: str | None) -> Any:
        asked[service] = endpoint_url
        caller = {"Account": "111111111111", "Arn": "arn:aws:iam::111111111111:user/me"}
        if service == "sts":
            return SimpleNamespace(get_caller_identity=lambda: caller)
        raise OpsError("far enough")

    monkeypatch.setattr(account, "client", made)
    assert main(["logs", "slow", "--env", "dev", "--endpoint-url", "http://localhost:4566"]) == 1
    assert asked == dict.fromkeys(("sts", "logs"), "http://localhost:4566")
