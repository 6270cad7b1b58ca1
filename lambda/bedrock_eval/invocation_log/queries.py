"""The Logs Insights queries on the invocation log: one text for `ops logs`, saved queries and dashboard widgets.

Logs Insights finds at most 200 fields in an event, in the order of its text, and a long chat has more. The bodies stand
before the counts, so `output.*`, `identity.arn` and `schemaType` are the first to vanish. Every field that can is
therefore read by `parse` too, and coalesced; `errorCode` is not, because failed calls have no bodies. Latency has
no field of its own: it is in the body of the answer, for streams of InvokeModel in the last of its chunks, whose
number would be part of the field's name.

Only what the CloudWatch Logs user guide shows is used: docs/logs.md names its page for each function. A comparison
stands in `filter` and in `if(...)`, never in arithmetic, and the groups of `parse` have letters only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from bedrock_eval.arrival import LAST_MINUTES
from bedrock_eval.invocation_log.records import SCHEMA_TYPE, THROTTLING
from bedrock_eval.pricing.costs import MILLION, Rates

LIMIT = 10_000
"""Most rows that one query gives (StartQuery)."""

THRESHOLD_MS = 3000.0
"""Slower is slow, unless somebody says otherwise."""

LONGEST_TEXT = 10_000
"""Characters of a query (StartQuery, PutQueryDefinition)."""

LONGEST = 100
"""How many of the longest prompts are shown."""

EVALUATION_PURPOSE = "evaluation"
"""What the evaluator puts as `purpose` in the request metadata of its calls."""


Models = str | tuple[str, ...]
"""Which models are asked about: part of an id as the log has it, or whole ids without the ARN before them."""


class By(StrEnum):
    """What tokens and cost are summed by."""

    MODEL = "model"
    IDENTITY = "identity"
    APPLICATION = "application"
    DAY = "day"


# By the name of the parsed field. A prompt cannot feign these: quotes inside of text are escaped. A tool's input could.
PARSED = {
    "parsedLatency": r'"metrics":\s*\{\s*"latencyMs":\s*(?<parsedLatency>\d+)',
    "parsedStreamLatency": (
        r'"amazon-bedrock-invocationMetrics":\s*\{[^}]*"invocationLatency":\s*(?<parsedStreamLatency>\d+)'
    ),
    "parsedFirstToken": r'"amazon-bedrock-invocationMetrics":\s*\{[^}]*"firstByteLatency":\s*(?<parsedFirstToken>\d+)',
    "parsedInput": r'"inputTokenCount":\s*(?<parsedInput>\d+)[^{]*"output":\s*\{',
    "parsedOutput": r'.*"outputTokenCount":\s*(?<parsedOutput>\d+)',
    "parsedCacheRead": r'"cacheReadInputTokenCount":\s*(?<parsedCacheRead>\d+)[^{]*"output":\s*\{',
    "parsedCacheWrite": r'"cacheWriteInputTokenCount":\s*(?<parsedCacheWrite>\d+)[^{]*"output":\s*\{',
    "parsedStop": r'"output[A-Za-z]*":.*"[A-Za-z_]*[Rr]eason":\s*"(?<parsedStop>[A-Za-z_]+)"',
    "parsedAction": r'"output[A-Za-z]*":.*"amazon-bedrock-guardrailAction":\s*"(?<parsedAction>INTERVENED)"',
    "parsedIdentity": r'.*"identity":\s*\{\s*"arn":\s*"(?<parsedIdentity>[^"]+)"',
    "parsedPurpose": r'.*"requestMetadata":\s*\{[^}]*"purpose":\s*"(?<parsedPurpose>[^"]+)"',
    "parsedApplication": r'.*"requestMetadata":\s*\{[^}]*"application":\s*"(?<parsedApplication>[^"]+)"',
}

# Name of a column -> the fields that can hold it, the surest first.
SOURCES = {
    "latency_ms": ("output.outputBodyJson.metrics.latencyMs", "parsedLatency", "parsedStreamLatency"),
    "first_token_ms": ("parsedFirstToken",),
    "input_tokens": ("input.inputTokenCount", "parsedInput"),
    "output_tokens": ("output.outputTokenCount", "parsedOutput"),
    "cache_read": ("input.cacheReadInputTokenCount", "parsedCacheRead"),
    "cache_write": ("input.cacheWriteInputTokenCount", "parsedCacheWrite"),
    "stop_reason": ("output.outputBodyJson.stopReason", "output.outputBodyJson.stop_reason", "parsedStop"),
    "guardrail_action": ("parsedAction",),
    "caller": ("identity.arn", "parsedIdentity"),
    "purpose": ("requestMetadata.purpose", "parsedPurpose"),
    "application": ("requestMetadata.application", "parsedApplication"),
    "error_code": ("errorCode",),
}


_ANSWERED = "filter not ispresent(errorCode)"
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


def slow_calls(*, threshold_ms: float, model: Models | None) -> Query:
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


def latencies(*, model: Models | None) -> Query:
    """By model: how many calls were answered, of how many the latency is known, and its percentiles."""
    return Query(
        _query(
            ("latency_ms",),
            _ANSWERED,
            _MODEL,
            f"stats count(*) as calls, {_PERCENTILES} by model",
            model=model,
        ),
        needs=("model", "calls"),
        adds_up=False,
    )


def output_speed(*, model: Models | None) -> Query:
    """Output tokens per second of streamed calls by model and five minutes, the time to the first token included."""
    return Query(
        _query(
            ("latency_ms", "output_tokens"),
            "filter operation like /Stream$/ and latency_ms > 0",
            _MODEL,
            "fields 1000 * output_tokens / latency_ms as speed",
            "stats count(speed) as known, pct(speed, 50) as p50, pct(speed, 10) as slowest_tenth by model, bin(5m)",
            model=model,
        ),
        needs=("model", "known", "bin(5m)"),
        adds_up=False,
    )


# Assumption: failed-calls-logged
def errors(*, model: Models | None) -> Query:
    """Failed calls by code, model and caller."""
    return Query(
        _query(
            ("error_code", "caller"),
            "filter ispresent(errorCode)",
            "stats count(*) as calls, min(@timestamp) as first, max(@timestamp) as last by error_code, modelId, caller",
            model=model,
        ),
        needs=("modelId", "calls", "error_code"),
    )


# Assumption: failed-calls-logged
def throttles(*, model: Models | None) -> Query:
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


def calls(*, model: Models | None) -> Query:
    """All calls by model: what errors and throttles are a share of."""
    return Query(_query((), "stats count(*) as calls by modelId", model=model), needs=("modelId", "calls"))


def counts(*, model: Models) -> Query:
    """Calls of one profile or model and their tokens, by error code; those that were answered have none."""
    return Query(
        _query((*_TOKENS, "error_code"), f"stats {_SUMS} by error_code", model=model),
        needs=("calls",),
    )


def tokens(*, model: Models | None) -> Query:
    """Tokens of answered calls by model, purpose (`requestMetadata.purpose`) and caller."""
    return Query(
        _query((*_TOKENS, "caller", "purpose"), _ANSWERED, f"stats {_SUMS} by modelId, purpose, caller", model=model),
        needs=("modelId", "calls"),
    )


def tokens_by(by: By, *, model: Models | None) -> Query:
    """Tokens of answered calls by caller, application (`requestMetadata.application`) or day (UTC), and by model."""
    group, columns = _GROUPS[by]
    groups = group if by is By.MODEL else f"{group}, model"
    return Query(
        _query((*_TOKENS, *columns), _ANSWERED, _MODEL, f"stats {_SUMS} by {groups}", model=model),
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
    models = _by_price(rates)
    dollars = " + ".join(_if_model(names, _per_million(each)) for each, names in models.items())
    unpriced = " + ".join(_if_model(names, kinds) for each, names in models.items() if (kinds := _unpriced(each)))
    return Query(
        _query(
            (*_TOKENS, *columns),
            _ANSWERED,
            _MODEL,
            f"filter model in [{_listed(rates)}]",
            f"fields {_or_zero('cache_read')} as from_cache, {_or_zero('cache_write')} as to_cache",
            f"fields ({dollars}) / {MILLION} as usd, {unpriced or '0'} as unpriced",
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
        _query(_TOKENS, _ANSWERED, _MODEL, *stages, f"stats {_SUMS} by model", model=None),
        needs=("model", "calls"),
    )


def longest_prompts(*, model: Models | None) -> Query:
    """The calls with the longest prompts, cached tokens included."""
    columns = (*_TOKENS, "latency_ms", "stop_reason", "caller", "error_code")
    return Query(
        _query(
            columns,
            f"fields input_tokens + {_or_zero('cache_read')} + {_or_zero('cache_write')} as prompt_tokens",
            "filter ispresent(prompt_tokens)",
            "sort prompt_tokens desc, @timestamp desc",
            _show(("prompt_tokens", *columns)),
            f"limit {LONGEST}",
            model=model,
        ),
        needs=("@timestamp", "modelId", "prompt_tokens"),
    )


def traffic(*, model: Models | None) -> Query:
    """Answered calls, latency and tokens by model, those of evaluations (`is_evaluation` 1) apart from all others."""
    return Query(
        _query(
            (*_TOKENS, "latency_ms", "purpose"),
            _ANSWERED,
            _MODEL,
            f'fields if(purpose = "{EVALUATION_PURPOSE}", 1, 0) as is_evaluation',
            f"stats {_SUMS}, {_PERCENTILES} by is_evaluation, model",
            model=model,
        ),
        needs=("is_evaluation", "model", "calls"),
        adds_up=False,
    )


def stop_reasons(*, model: Models | None) -> Query:
    """By model: how many calls were answered, and of how many it is known why the answer ended."""
    return Query(
        _query(
            ("stop_reason",),
            _ANSWERED,
            "stats count(*) as calls, count(stop_reason) as known by modelId",
            model=model,
        ),
        needs=("modelId", "calls"),
    )


def truncated_calls(*, model: Models | None) -> Query:
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


# Assumption: guardrail-metrics-apply-only
def interventions(*, model: Models | None) -> Query:
    """Calls in which a guardrail intervened, by model and caller."""
    return Query(
        _query(
            ("stop_reason", "guardrail_action", "caller"),
            'filter stop_reason = "guardrail_intervened" or guardrail_action = "INTERVENED"',
            "stats count(*) as calls, min(@timestamp) as first, max(@timestamp) as last by modelId, caller",
            "sort calls desc",
            model=model,
        ),
        needs=("modelId", "calls"),
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
        "output speed": output_speed(model=None),
        "errors": errors(model=None),
        "throttles": throttles(model=None),
        **{f"tokens by {by}": tokens_by(by, model=None) for by in By},
        **priced,
        "unpriced tokens": unpriced_tokens(rates=rates),
        "longest prompts": longest_prompts(model=None),
        "truncated answers": truncated_calls(model=None),
        "guardrail interventions": interventions(model=None),
        "evaluation and production": traffic(model=None),
    }
    # A line that begins with # is a comment (CWL_QuerySyntax).
    note = f"# Calls of {LAST_MINUTES} may be missing: records arrive late."
    return {name: f"{note}\n{query.text}" for name, query in found.items()}


def _listed(names: Mapping[str, object]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _or_zero(field: str) -> str:
    """Cached tokens are not in every record."""
    return f"if(ispresent({field}), {field}, 0)"


def _by_price(rates: Mapping[str, Rates]) -> dict[Rates, list[str]]:
    """Models that cost the same, as a model and its profile, stand together: a text is limited to `LONGEST_TEXT`."""
    found: dict[Rates, list[str]] = {}
    for name, each in rates.items():
        found.setdefault(replace(each, verified_until=None), []).append(name)
    return found


def _if_model(names: Sequence[str], value: str) -> str:
    is_one = " or ".join(f'model = "{name}"' for name in names)
    return f"if({is_one}, {value}, 0)"


def _per_million(rates: Rates) -> str:
    """US dollars of a million such rows; a kind without a rate is left out, for its tokens are counted as unpriced."""
    by_kind = {
        "input_tokens": rates.input,
        "output_tokens": rates.output,
        "from_cache": rates.cache_read,
        "to_cache": rates.cache_write,
    }
    return " + ".join(f"{kind} * {_plain(rate)}" for kind, rate in by_kind.items() if rate is not None)


def _unpriced(rates: Rates) -> str:
    by_kind = {"from_cache": rates.cache_read, "to_cache": rates.cache_write}
    return " + ".join(kind for kind, rate in by_kind.items() if rate is None)


def _plain(rate: float) -> str:
    """Without an exponent."""
    return f"{rate:.15f}".rstrip("0").rstrip(".") or "0"


def _query(columns: tuple[str, ...], *stages: str, model: Models | None) -> str:
    wanted = [f'filter @message like /"{SCHEMA_TYPE}"/']
    if model is not None:
        wanted.append(f"filter modelId like {_pattern(model)}")
    sources = [source for column in columns for source in SOURCES[column]]
    parses = [f"parse @message /{PARSED[source]}/" for source in sources if source in PARSED]
    named = [f"{_either(SOURCES[column])} as {column}" for column in columns]
    fields = [f"fields {', '.join(named)}"] if named else []
    return "\n| ".join([*wanted, *parses, *fields, *stages])


def _pattern(model: Models) -> str:
    if isinstance(model, str):
        return f'"{model}"'
    names = "|".join(model).replace(".", r"\.")
    return rf"/(^|\/)({names})$/"


def _show(columns: tuple[str, ...]) -> str:
    return f"display @timestamp, requestId, operation, modelId, {', '.join(columns)}"


def _either(sources: tuple[str, ...]) -> str:
    return sources[0] if len(sources) == 1 else f"coalesce({', '.join(sources)})"
