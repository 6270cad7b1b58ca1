"""The Logs Insights queries on the invocation log: one text for `ops logs`, saved queries and dashboard widgets.

Logs Insights finds at most 200 fields in an event, in the order of its text, and a long chat has more. The bodies stand
before the counts, so `output.*`, `identity.arn` and `schemaType` are the first to vanish. Every field that can is
therefore read by `parse` too, and coalesced; `errorCode` is not, because failed calls have no bodies. Latency has
no field of its own: it is in the body of the answer, for streams of InvokeModel in the last of its chunks, whose
number would be part of the field's name.
"""

from dataclasses import dataclass

from bedrock_eval.invocation_records import SCHEMA_TYPE, THROTTLING

LIMIT = 10_000
"""Most rows that one query gives (StartQuery)."""

# By the name of the parsed field. A prompt cannot feign these: quotes inside of text are escaped. A tool's input could.
PARSED = {
    "p_latency": r'"metrics":\s*\{\s*"latencyMs":\s*(?<p_latency>\d+)',
    "p_stream_latency": r'"amazon-bedrock-invocationMetrics":\s*\{[^}]*"invocationLatency":\s*(?<p_stream_latency>\d+)',
    "p_first_token": r'"amazon-bedrock-invocationMetrics":\s*\{[^}]*"firstByteLatency":\s*(?<p_first_token>\d+)',
    "p_input": r'"inputTokenCount":\s*(?<p_input>\d+)[^{]*"output":\s*\{',
    "p_output": r'.*"outputTokenCount":\s*(?<p_output>\d+)',
    "p_cache_read": r'"cacheReadInputTokenCount":\s*(?<p_cache_read>\d+)[^{]*"output":\s*\{',
    "p_cache_write": r'"cacheWriteInputTokenCount":\s*(?<p_cache_write>\d+)[^{]*"output":\s*\{',
    "p_stop": r'"output[A-Za-z]*":.*"[A-Za-z_]*[Rr]eason":\s*"(?<p_stop>[A-Za-z_]+)"',
    "p_identity": r'.*"identity":\s*\{\s*"arn":\s*"(?<p_identity>[^"]+)"',
    "p_purpose": r'.*"requestMetadata":\s*\{[^}]*"purpose":\s*"(?<p_purpose>[^"]+)"',
}

# Name of a column -> the fields that can hold it, the surest first.
SOURCES = {
    "latency_ms": ("output.outputBodyJson.metrics.latencyMs", "p_latency", "p_stream_latency"),
    "first_token_ms": ("p_first_token",),
    "input_tokens": ("input.inputTokenCount", "p_input"),
    "output_tokens": ("output.outputTokenCount", "p_output"),
    "cache_read": ("input.cacheReadInputTokenCount", "p_cache_read"),
    "cache_write": ("input.cacheWriteInputTokenCount", "p_cache_write"),
    "stop_reason": ("output.outputBodyJson.stopReason", "output.outputBodyJson.stop_reason", "p_stop"),
    "caller": ("identity.arn", "p_identity"),
    "purpose": ("requestMetadata.purpose", "p_purpose"),
    "error_code": ("errorCode",),
}


@dataclass(frozen=True)
class Query:
    """A query's text and the columns that each of its rows must have to count as an answer.

    Attributes:
        adds_up: rows of parts of the time range can be put together: single calls, counts and sums.
    """

    text: str
    needs: tuple[str, ...]
    adds_up: bool = True


def slow_calls(*, threshold_ms: float, model: str | None) -> Query:
    """The calls that took longer than the threshold."""
    columns = ("latency_ms", "first_token_ms", "input_tokens", "output_tokens", "stop_reason", "caller", "error_code")
    return Query(
        _query(
            columns,
            f"filter latency_ms > {threshold_ms:f}",
            "sort latency_ms desc",
            _show(columns),
            model=model,
        ),
        needs=("@timestamp", "modelId", "latency_ms"),
    )


def latencies(*, model: str | None) -> Query:
    """By model: how many calls were answered, of how many the latency is known, and its percentiles."""
    return Query(
        _query(
            ("latency_ms", "error_code"),
            "filter isblank(error_code)",
            "stats count(*) as calls, count(latency_ms) as known, pct(latency_ms, 50) as p50, "
            "pct(latency_ms, 90) as p90, pct(latency_ms, 99) as p99, max(latency_ms) as longest by modelId",
            model=model,
        ),
        needs=("modelId", "calls"),
        adds_up=False,
    )


def errors(*, model: str | None) -> Query:
    """Failed calls by code, model and caller."""
    return Query(
        _query(
            ("error_code", "caller"),
            "filter not isblank(error_code)",
            "stats count(*) as calls, min(@timestamp) as first, max(@timestamp) as last by error_code, modelId, caller",
            model=model,
        ),
        needs=("modelId", "calls", "error_code"),
    )


def throttles(*, model: str | None) -> Query:
    """Throttled calls by model, caller and five minutes."""
    return Query(
        _query(
            ("error_code", "caller"),
            f"filter error_code like /{THROTTLING}/",
            "stats count(*) as calls, min(@timestamp) as first, max(@timestamp) as last by modelId, caller, bin(5m)",
            model=model,
        ),
        needs=("modelId", "calls", "bin(5m)"),
    )


def calls(*, model: str | None) -> Query:
    """All calls by model: what errors and throttles are a share of."""
    return Query(_query((), "stats count(*) as calls by modelId", model=model), needs=("modelId", "calls"))


def tokens(*, model: str | None) -> Query:
    """Tokens of answered calls by model, purpose (`requestMetadata.purpose`) and caller."""
    columns = ("input_tokens", "output_tokens", "cache_read", "cache_write", "caller", "purpose", "error_code")
    return Query(
        _query(
            columns,
            "filter isblank(error_code)",
            "stats count(*) as calls, count(input_tokens) as counted, sum(input_tokens) as input, "
            "sum(output_tokens) as output, sum(cache_read) as cached, sum(cache_write) as written "
            "by modelId, purpose, caller",
            model=model,
        ),
        needs=("modelId", "calls"),
    )


def stop_reasons(*, model: str | None) -> Query:
    """By model: how many calls were answered, and of how many it is known why the answer ended."""
    return Query(
        _query(
            ("stop_reason", "error_code"),
            "filter isblank(error_code)",
            "stats count(*) as calls, count(stop_reason) as known by modelId",
            model=model,
        ),
        needs=("modelId", "calls"),
    )


def truncated_calls(*, model: str | None) -> Query:
    """The calls whose answer hit a limit of tokens; is_truncation of the core, as a pattern."""
    columns = ("input_tokens", "output_tokens", "latency_ms", "stop_reason", "caller", "error_code")
    return Query(
        _query(
            columns,
            "filter stop_reason like /(?i)^(max_tokens|length|model_context_window_exceeded)$/",
            "sort @timestamp desc",
            _show(columns),
            model=model,
        ),
        needs=("@timestamp", "modelId", "stop_reason"),
    )


def between(query: Query, *, start_ms: int, end_ms: int) -> str:
    """The query for [start, end): StartQuery knows whole seconds, and includes both."""
    bounds = f"filter toMillis(@timestamp) >= {start_ms}\n| filter toMillis(@timestamp) < {end_ms}\n| "
    return bounds + query.text


def _query(columns: tuple[str, ...], *stages: str, model: str | None) -> str:
    wanted = [f'filter @message like /"{SCHEMA_TYPE}"/']
    if model is not None:
        wanted.append(f'filter modelId like "{model}"')
    sources = [source for column in columns for source in SOURCES[column]]
    parses = [f"parse @message /{PARSED[source]}/" for source in sources if source in PARSED]
    named = [f"{_either(SOURCES[column])} as {column}" for column in columns]
    fields = [f"fields {', '.join(named)}"] if named else []
    return "\n| ".join([*wanted, *parses, *fields, *stages])


def _show(columns: tuple[str, ...]) -> str:
    return f"display @timestamp, requestId, operation, modelId, {', '.join(columns)}"


def _either(sources: tuple[str, ...]) -> str:
    return sources[0] if len(sources) == 1 else f"coalesce({', '.join(sources)})"
