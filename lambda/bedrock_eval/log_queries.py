"""The Logs Insights queries on the invocation log: one text for `ops logs`, saved queries and dashboard widgets.

Logs Insights finds at most 200 fields in an event, in the order of its text, and a long chat has more. The bodies stand
before the counts, so `output.*`, `identity.arn` and `schemaType` are the first to vanish. Every field that can is
therefore read by `parse` too, and coalesced; `errorCode` is not, because failed calls have no bodies. Latency has
no field of its own: it is in the body of the answer, for streams of InvokeModel in the last of its chunks, whose
number would be part of the field's name.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from bedrock_eval.costs import MILLION, Rates
from bedrock_eval.invocation_records import SCHEMA_TYPE, THROTTLING

LIMIT = 10_000
"""Most rows that one query gives (StartQuery)."""

THRESHOLD_MS = 3000.0
"""Slower is slow, unless somebody says otherwise."""

LONGEST = 100
"""How many of the longest prompts are shown."""

EVALUATION_PURPOSE = "evaluation"
"""What the evaluator puts as `purpose` in the request metadata of its calls."""


class By(StrEnum):
    """What tokens and cost are summed by."""

    MODEL = "model"
    IDENTITY = "identity"
    APPLICATION = "application"
    DAY = "day"


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
    "p_application": r'.*"requestMetadata":\s*\{[^}]*"application":\s*"(?<p_application>[^"]+)"',
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
    "application": ("requestMetadata.application", "p_application"),
    "error_code": ("errorCode",),
}


_ANSWERED = "filter isblank(error_code)"
_TOKENS = ("input_tokens", "output_tokens", "cache_read", "cache_write")
_SUMS = (
    "count(*) as calls, count(input_tokens) as counted, sum(input_tokens) as input, sum(output_tokens) as output, "
    "sum(cache_read) as cached, sum(cache_write) as written"
)
_PERCENTILES = (
    "count(latency_ms) as known, pct(latency_ms, 50) as p50, pct(latency_ms, 90) as p90, pct(latency_ms, 99) as p99, "
    "max(latency_ms) as longest"
)
# One model is logged as id and as ARN; percentiles of the two could not be put together later.
_MODEL = r"parse modelId /(?<model>[^\/]+)$/"

# What each kind of sum is grouped by, and the column that this takes.
_GROUPS = {
    By.MODEL: ("model", ()),
    By.IDENTITY: ("caller", ("caller",)),
    By.APPLICATION: ("application", ("application",)),
    By.DAY: ("bin(1d)", ()),
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
            _ANSWERED,
            _MODEL,
            f"stats count(*) as calls, {_PERCENTILES} by model",
            model=model,
        ),
        needs=("model", "calls"),
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
    columns = (*_TOKENS, "caller", "purpose", "error_code")
    return Query(
        _query(columns, _ANSWERED, f"stats {_SUMS} by modelId, purpose, caller", model=model),
        needs=("modelId", "calls"),
    )


def tokens_by(by: By, *, model: str | None) -> Query:
    """Tokens of answered calls by caller, application (`requestMetadata.application`) or day (UTC), and by model."""
    group, columns = _GROUPS[by]
    groups = group if by is By.MODEL else f"{group}, model"
    return Query(
        _query((*_TOKENS, *columns, "error_code"), _ANSWERED, _MODEL, f"stats {_SUMS} by {groups}", model=model),
        needs=("model", "calls"),
    )


def cost_by(by: By, *, rates: Mapping[str, Rates]) -> Query:
    """US dollars by the rates, of the models that have some; `unpriced_tokens` are cached ones without a rate.

    Args:
        rates: by model or profile id, without ARN; not empty. Whatever has none is in `unpriced_tokens` below.
    """
    if not rates:
        raise ValueError("cost_by: no model has rates; needed: one at least")
    group, columns = _GROUPS[by]
    used: dict[str, dict[str, float | None]] = {
        "input_tokens": {name: each.input for name, each in rates.items()},
        "output_tokens": {name: each.output for name, each in rates.items()},
        "coalesce(cache_read, 0)": {name: each.cache_read for name, each in rates.items()},
        "coalesce(cache_write, 0)": {name: each.cache_write for name, each in rates.items()},
    }
    dollars = " + ".join(f"{kind} * ({_rate(by_model)})" for kind, by_model in used.items())
    unrated = {kind: [name for name, rate in by_model.items() if rate is None] for kind, by_model in used.items()}
    unpriced = " + ".join(f"{kind} * ({_is_one_of(names)})" for kind, names in unrated.items() if names)
    return Query(
        _query(
            (*_TOKENS, *columns, "error_code"),
            _ANSWERED,
            _MODEL,
            f"filter model in [{_listed(rates)}]",
            f"fields {dollars} as usd, {unpriced or '0'} as unpriced",
            f"stats count(*) as calls, count(usd) as priced_calls, sum(usd) as cost_usd, "
            f"sum(unpriced) as unpriced_tokens by {group}",
            "sort cost_usd desc",
            model=None,
        ),
        needs=(group, "calls"),
    )


def unpriced_tokens(*, rates: Mapping[str, Rates]) -> Query:
    """Tokens by model of the models without rates, which are in no cost."""
    stages = [f"filter model not in [{_listed(rates)}]"] if rates else []
    return Query(
        _query((*_TOKENS, "error_code"), _ANSWERED, _MODEL, *stages, f"stats {_SUMS} by model", model=None),
        needs=("model", "calls"),
    )


def longest_prompts(*, model: str | None) -> Query:
    """The calls with the longest prompts, cached tokens included."""
    columns = (*_TOKENS, "latency_ms", "stop_reason", "caller", "error_code")
    return Query(
        _query(
            columns,
            "fields input_tokens + coalesce(cache_read, 0) + coalesce(cache_write, 0) as prompt_tokens",
            "filter ispresent(prompt_tokens)",
            "sort prompt_tokens desc, @timestamp desc",
            _show(("prompt_tokens", *columns)),
            f"limit {LONGEST}",
            model=model,
        ),
        needs=("@timestamp", "modelId", "prompt_tokens"),
    )


def traffic(*, model: str | None) -> Query:
    """Answered calls, latency and tokens by model, those of evaluations (`is_evaluation` 1) apart from all others."""
    return Query(
        _query(
            (*_TOKENS, "latency_ms", "purpose", "error_code"),
            _ANSWERED,
            _MODEL,
            f'fields coalesce(purpose = "{EVALUATION_PURPOSE}", 0) as is_evaluation',
            f"stats {_SUMS}, {_PERCENTILES} by is_evaluation, model",
            model=model,
        ),
        needs=("is_evaluation", "model", "calls"),
        adds_up=False,
    )


def stop_reasons(*, model: str | None) -> Query:
    """By model: how many calls were answered, and of how many it is known why the answer ended."""
    return Query(
        _query(
            ("stop_reason", "error_code"),
            _ANSWERED,
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


def saved_queries(*, rates: Mapping[str, Rates]) -> Mapping[str, str]:
    """What the console shows under "Saved queries", by name.

    Args:
        rates: of those model and profile ids that have some.
    """
    priced = {f"cost by {by}": cost_by(by, rates=rates) for by in By} if rates else {}
    found = {
        "slow calls": slow_calls(threshold_ms=THRESHOLD_MS, model=None),
        "latency by model": latencies(model=None),
        "errors": errors(model=None),
        "throttles": throttles(model=None),
        **{f"tokens by {by}": tokens_by(by, model=None) for by in By},
        **priced,
        "unpriced tokens": unpriced_tokens(rates=rates),
        "longest prompts": longest_prompts(model=None),
        "truncated answers": truncated_calls(model=None),
        "evaluation and production": traffic(model=None),
    }
    return {name: query.text for name, query in found.items()}


def _listed(names: Mapping[str, object]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _rate(by_model: Mapping[str, float | None]) -> str:
    """US dollars per token of the row's model; 0 of a kind without a rate, whose tokens are counted as unpriced."""
    rated = {name: rate for name, rate in by_model.items() if rate}
    terms = [f'coalesce(model = "{name}", 0) * {_plain(rate / MILLION)}' for name, rate in rated.items()]
    return " + ".join(terms) or "0"


def _is_one_of(names: list[str]) -> str:
    return " + ".join(f'coalesce(model = "{name}", 0)' for name in names)


def _plain(rate: float) -> str:
    """Without an exponent."""
    return f"{rate:.15f}".rstrip("0").rstrip(".")


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
