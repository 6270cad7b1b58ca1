"""Tables of single calls, each with a table of the models beside them."""

from collections import Counter

from bedrock_eval.invocation_log.queries import LONGEST
from bedrock_eval.wording import count
from ops.invocation_log.figures import Source, caller, share
from ops.terminal.cells import Cell
from ops.terminal.tables import Column, Table, TableKind

_TIME = Column("time", "when Bedrock logged the call")
_MODEL = Column("model", "the id that the call named, without ARN")
_INPUT = Column("input_tokens", "tokens of the prompt, without cached ones", "input")
_OUTPUT = Column("output_tokens", "tokens of the answer", "output")
_LATENCY = Column("latency_ms", "milliseconds until the answer was whole")
_CALL = (
    _MODEL,
    Column("operation", "Converse, InvokeModel, or one of their streaming forms"),
    Column("caller", "role or user, without session"),
    Column("request_id", "Bedrock's id of the call", "request"),
)
_ANSWERED = Column("answered", "answered calls")

SLOW_CALLS = TableKind(
    "slow_calls",
    "calls over the threshold, slowest first",
    (_TIME, _LATENCY, Column("first_token_ms", "milliseconds until the first token"), _INPUT, _OUTPUT, *_CALL),
)
LATENCIES = TableKind(
    "latencies",
    "the latency of each model; percentiles rest on `known` calls",
    (
        *(_MODEL, _ANSWERED),
        Column("known", "answered calls whose latency is known: the n of the percentiles", "known (n)"),
        Column("unknown", "answered calls whose latency is unknown"),
        Column("slower", "calls over the threshold"),
        *(Column(f"p{n}_ms", f"{n} percent of the known calls took no longer", f"p{n}") for n in (50, 90, 99)),
        Column("longest_ms", "the slowest known call", "longest"),
    ),
)
LONGEST_PROMPTS = TableKind(
    "longest_prompts",
    f"the calls with the most tokens in the prompt, at most {LONGEST}",
    (
        _TIME,
        Column("prompt_tokens", "tokens of the prompt, cached ones included", "prompt tokens"),
        Column("cache_read_tokens", "of them read from a cache", "of them cache read"),
        Column("cache_write_tokens", "of them written to a cache", "cache write"),
        *(_OUTPUT, _LATENCY, *_CALL),
    ),
)
TRUNCATED_ANSWERS = TableKind(
    "truncated_answers",
    "answers that a token limit cut off, newest first",
    (_TIME, Column("stop_reason", "why the answer ended", "stop reason"), _INPUT, _OUTPUT, _LATENCY, *_CALL),
)
TRUNCATIONS = TableKind(
    "truncations",
    "how often each model's answers were cut off",
    (
        *(_MODEL, _ANSWERED),
        Column("known", "answered calls whose stop reason is known: the n of the share", "known (n)"),
        Column("unknown", "answered calls whose stop reason is unknown"),
        Column("truncated", "answers that a token limit cut off"),
        Column("share_percent", "truncated of the known", "share %"),
    ),
)


def slow(source: Source, *, threshold_ms: float) -> tuple[Table, ...]:
    """List the calls over the threshold, slowest first, and each model's percentiles."""
    calls = sorted(source.slow(threshold_ms), key=lambda each: -(each.latency_ms or 0))
    slower = Counter(record.model for record in calls)
    latencies = source.latencies()
    unknown = sum(each.calls - each.known for each in latencies.values())
    rows: list[tuple[Cell, ...]] = [
        (
            *(each.time, each.latency_ms, each.time_to_first_token_ms, each.input_tokens, each.output_tokens),
            *(each.model, each.operation, caller(each.identity), each.request_id),
        )
        for each in calls
    ]
    models: list[tuple[Cell, ...]] = [
        (
            *(model, each.calls, each.known, each.calls - each.known, slower[model]),
            *(each.p50, each.p90, each.p99, each.longest),
        )
        for model, each in sorted(latencies.items(), key=lambda pair: -pair[1].calls)
    ]
    answered = sum(each.calls for each in latencies.values())
    title = (
        f"{count(len(rows), 'call')} slower than {threshold_ms:,.0f} ms, of {answered:,} answered; "
        f"the latency of {unknown:,} is unknown"
    )
    return (
        SLOW_CALLS.table(title, rows),
        LATENCIES.table("Latency in ms by model; percentiles are of the known calls (n)", models),
    )


def longest(source: Source) -> tuple[Table, ...]:
    """List the calls with the longest prompts, cached tokens included."""
    rows: list[tuple[Cell, ...]] = [
        (
            *(each.time, each.prompt_tokens, each.cache_read_tokens, each.cache_write_tokens, each.output_tokens),
            *(each.latency_ms, each.model, each.operation, caller(each.identity), each.request_id),
        )
        for each in source.longest()
    ]
    title = f"The {count(len(rows), 'longest prompt')}, in tokens; at most {LONGEST} are shown"
    return (LONGEST_PROMPTS.table(title, rows),)


def truncated(source: Source) -> tuple[Table, ...]:
    """List the answers that a limit of tokens cut off, newest first, and each model's share."""
    calls = sorted(source.truncated(), key=lambda each: each.time, reverse=True)
    cut = Counter(record.model for record in calls)
    reasons = source.stop_reasons()
    rows: list[tuple[Cell, ...]] = [
        (
            *(each.time, each.stop_reason, each.input_tokens, each.output_tokens, each.latency_ms),
            *(each.model, each.operation, caller(each.identity), each.request_id),
        )
        for each in calls
    ]
    models: list[tuple[Cell, ...]] = [
        (model, answered, known, answered - known, cut[model], share(cut[model], known))
        for model, (answered, known) in sorted(reasons.items(), key=lambda pair: -pair[1][0])
    ]
    answered, known = (sum(each[i] for each in reasons.values()) for i in (0, 1))
    title = (
        f"{count(len(rows), 'truncated answer')} of {answered:,}; the stop reason of {answered - known:,} is unknown"
    )
    return (
        TRUNCATED_ANSWERS.table(title, rows),
        TRUNCATIONS.table("Truncated answers by model; the share is of answers with a known stop reason (n)", models),
    )
