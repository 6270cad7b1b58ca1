"""The questions that are asked of the invocation log, and their tables.

Each question has a `Source` of its figures: the records themselves, or the rows of Logs Insights queries. Both end in
the same table, so that an export and the live log can be compared column by column.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from bedrock_eval import log_queries as queries
from bedrock_eval.costs import Cost, Rates, cost
from bedrock_eval.invocation_records import InvocationRecord, model_name, parse_time
from bedrock_eval.log_queries import EVALUATION_PURPOSE, LONGEST, By, Models, Query
from bedrock_eval.outcomes import Usage
from bedrock_eval.wording import count
from ops.errors import OpsError
from ops.invocation_log.insights import Row
from ops.terminal.screen import UNKNOWN, Cell, Dollars, Table

BURST = timedelta(minutes=5)

_MILLISECONDS = re.compile(r"[0-9]+(\.[0-9]+)?([eE]\+?[0-9]+)?")


@dataclass(frozen=True)
class Latency:
    """Answered calls of a model; percentiles are of the `known` ones, in milliseconds."""

    calls: int
    known: int
    p50: float | None
    p90: float | None
    p99: float | None
    longest: float | None


@dataclass(frozen=True)
class Group:
    """Calls that have something in common.

    Attributes:
        key: what they have in common; None is unknown.
        first, last: of them, in UTC.
    """

    key: tuple[str | None, ...]
    calls: int
    first: datetime
    last: datetime


@dataclass(frozen=True)
class Tokens:
    """Tokens of answered calls; `counted` of the `calls` say how many they used."""

    calls: int = 0
    counted: int = 0
    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0

    def __add__(self, other: "Tokens") -> "Tokens":
        return Tokens(
            self.calls + other.calls,
            self.counted + other.counted,
            self.input + other.input,
            self.output + other.output,
            self.cache_read + other.cache_read,
            self.cache_write + other.cache_write,
        )


@dataclass(frozen=True)
class Traffic:
    """Answered calls of one model, of evaluations or of all others."""

    latency: Latency
    tokens: Tokens


class Source(Protocol):
    """Where the figures come from. Models are without ARN, callers without session."""

    def calls(self) -> Mapping[str, int]: ...
    def latencies(self) -> Mapping[str, Latency]: ...
    def slow(self, threshold_ms: float) -> Sequence[InvocationRecord]: ...
    def errors(self) -> Sequence[Group]: ...
    def throttles(self) -> Sequence[Group]: ...
    def tokens(self) -> Mapping[tuple[str, str | None, str | None], Tokens]: ...
    def tokens_by(self, by: By) -> Mapping[tuple[str | None, str], Tokens]: ...
    def longest(self) -> Sequence[InvocationRecord]: ...
    def traffic(self) -> Mapping[tuple[bool, str], Traffic]: ...
    def stop_reasons(self) -> Mapping[str, tuple[int, int]]: ...
    def truncated(self) -> Sequence[InvocationRecord]: ...


class Records:
    """Figures of records that were read from files."""

    def __init__(self, records: Sequence[InvocationRecord]) -> None:
        self._records = records
        self._answered = [record for record in records if record.answered]

    def calls(self) -> Mapping[str, int]:
        return Counter(record.model for record in self._records)

    def latencies(self) -> Mapping[str, Latency]:
        found: dict[str, list[float | None]] = defaultdict(list)
        for record in self._answered:
            found[record.model].append(record.latency_ms)
        return {model: _latency(values) for model, values in found.items()}

    def slow(self, threshold_ms: float) -> Sequence[InvocationRecord]:
        return [each for each in self._records if each.latency_ms is not None and each.latency_ms > threshold_ms]

    def errors(self) -> Sequence[Group]:
        failed = [record for record in self._records if not record.answered]
        return _grouped(failed, lambda each: (each.error_code, each.model, caller(each.identity)))

    def throttles(self) -> Sequence[Group]:
        throttled = [record for record in self._records if record.throttled]
        return _grouped(throttled, lambda each: (each.model, caller(each.identity), _burst(each.time).isoformat()))

    def tokens(self) -> Mapping[tuple[str, str | None, str | None], Tokens]:
        found: dict[tuple[str, str | None, str | None], Tokens] = defaultdict(Tokens)
        for record in self._answered:
            found[record.model, record.request_metadata.get("purpose"), caller(record.identity)] += _tokens(record)
        return found

    def tokens_by(self, by: By) -> Mapping[tuple[str | None, str], Tokens]:
        groups: dict[By, Callable[[InvocationRecord], str | None]] = {
            By.MODEL: lambda record: record.model,
            By.IDENTITY: lambda record: caller(record.identity),
            By.APPLICATION: lambda record: record.request_metadata.get("application"),
            By.DAY: lambda record: f"{record.time:%Y-%m-%d}",
        }
        found: dict[tuple[str | None, str], Tokens] = defaultdict(Tokens)
        for record in self._answered:
            found[groups[by](record), record.model] += _tokens(record)
        return found

    def longest(self) -> Sequence[InvocationRecord]:
        counted = [record for record in self._records if record.prompt_tokens is not None]
        return sorted(counted, key=lambda each: (each.prompt_tokens or 0, each.time), reverse=True)[:LONGEST]

    def traffic(self) -> Mapping[tuple[bool, str], Traffic]:
        groups: dict[tuple[bool, str], list[InvocationRecord]] = defaultdict(list)
        for record in self._answered:
            groups[record.request_metadata.get("purpose") == EVALUATION_PURPOSE, record.model].append(record)
        return {
            key: Traffic(_latency([each.latency_ms for each in group]), sum(map(_tokens, group), Tokens()))
            for key, group in groups.items()
        }

    def stop_reasons(self) -> Mapping[str, tuple[int, int]]:
        calls = Counter(record.model for record in self._answered)
        known = Counter(record.model for record in self._answered if record.stop_reason is not None)
        return {model: (n, known[model]) for model, n in calls.items()}

    def truncated(self) -> Sequence[InvocationRecord]:
        return [record for record in self._answered if record.truncated]


class Live:
    """Figures of Logs Insights queries.

    Args:
        ask: runs a query over the time that was asked for, under a name for the progress line.
        model: which calls are asked about; all when None.
    """

    def __init__(self, ask: Callable[[Query, str], Sequence[Row]], *, model: Models | None) -> None:
        self._ask, self._model = ask, model

    def calls(self) -> Mapping[str, int]:
        found: Counter[str] = Counter()
        for row in self._ask(queries.calls(model=self._model), "calls by model"):
            found[model_name(row["modelId"])] += _count(row, "calls")
        return found

    def latencies(self) -> Mapping[str, Latency]:
        rows = self._ask(queries.latencies(model=self._model), "latency by model")
        return {row["model"]: _latency_of(row) for row in rows}

    def slow(self, threshold_ms: float) -> Sequence[InvocationRecord]:
        query = queries.slow_calls(threshold_ms=threshold_ms, model=self._model)
        return [_record(row) for row in self._ask(query, "slow calls")]

    def errors(self) -> Sequence[Group]:
        rows = self._ask(queries.errors(model=self._model), "errors")
        return _merged(_group((row["error_code"], model_name(row["modelId"]), _caller(row)), row) for row in rows)

    def throttles(self) -> Sequence[Group]:
        rows = self._ask(queries.throttles(model=self._model), "throttles")
        return _merged(_group((model_name(row["modelId"]), _caller(row), row["bin(5m)"]), row) for row in rows)

    def tokens(self) -> Mapping[tuple[str, str | None, str | None], Tokens]:
        found: dict[tuple[str, str | None, str | None], Tokens] = defaultdict(Tokens)
        for row in self._ask(queries.tokens(model=self._model), "tokens"):
            found[model_name(row["modelId"]), row.get("purpose") or None, _caller(row)] += _tokens_of(row)
        return found

    def tokens_by(self, by: By) -> Mapping[tuple[str | None, str], Tokens]:
        groups: dict[By, Callable[[Row], str | None]] = {
            By.MODEL: lambda row: row["model"],
            By.IDENTITY: _caller,
            By.APPLICATION: lambda row: row.get("application") or None,
            By.DAY: lambda row: row["bin(1d)"][:10],
        }
        found: dict[tuple[str | None, str], Tokens] = defaultdict(Tokens)
        for row in self._ask(queries.tokens_by(by, model=self._model), f"tokens by {by}"):
            found[groups[by](row), row["model"]] += _tokens_of(row)
        return found

    def longest(self) -> Sequence[InvocationRecord]:
        return [_record(row) for row in self._ask(queries.longest_prompts(model=self._model), "longest prompts")]

    def traffic(self) -> Mapping[tuple[bool, str], Traffic]:
        rows = self._ask(queries.traffic(model=self._model), "evaluation and production")
        return {
            (bool(_count(row, "is_evaluation")), row["model"]): Traffic(_latency_of(row), _tokens_of(row))
            for row in rows
        }

    def stop_reasons(self) -> Mapping[str, tuple[int, int]]:
        found: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
        for row in self._ask(queries.stop_reasons(model=self._model), "stop reasons by model"):
            calls, known = found[model_name(row["modelId"])]
            found[model_name(row["modelId"])] = (
                calls + _count(row, "calls"),
                known + _count(row, "known"),
            )
        return found

    def truncated(self) -> Sequence[InvocationRecord]:
        return [_record(row) for row in self._ask(queries.truncated_calls(model=self._model), "truncated answers")]


def slow(source: Source, *, threshold_ms: float) -> tuple[Table, ...]:
    """The calls over the threshold, slowest first, and each model's percentiles."""
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
    return (
        Table(
            f"{count(len(rows), 'call')} slower than {threshold_ms:,.0f} ms, of {answered:,} answered; "
            f"the latency of {unknown:,} is unknown",
            (*("time", "latency_ms", "first_token_ms", "input", "output"), "model", "operation", "caller", "request"),
            rows,
        ),
        Table(
            "Latency in ms by model; percentiles are of the known ones (n)",
            ("model", "answered", "known (n)", "unknown", "slower", "p50", "p90", "p99", "longest"),
            models,
        ),
    )


def errors(source: Source) -> tuple[Table, ...]:
    """Failed calls by code, model and caller, most first."""
    calls = source.calls()
    groups = sorted(source.errors(), key=lambda group: -group.calls)
    rows: list[tuple[Cell, ...]] = []
    for each in groups:
        of = calls.get(str(each.key[1]))
        rows.append((*each.key, each.calls, of, _share(each.calls, of), each.first, each.last))
    failed = sum(group.calls for group in groups)
    title = f"{count(failed, 'failed call')} of {sum(calls.values()):,} logged; share of the model's calls"
    return (Table(title, ("error", "model", "caller", "n", "model's calls", "share %", "first", "last"), rows),)


def throttles(source: Source) -> tuple[Table, ...]:
    """Throttled calls by model and caller, with the worst five minutes."""
    calls = source.calls()
    bursts: dict[tuple[str | None, ...], list[Group]] = defaultdict(list)
    for group in source.throttles():
        bursts[group.key[:2]].append(group)
    rows: list[tuple[Cell, ...]] = []
    for (model, who), groups in sorted(bursts.items(), key=lambda pair: -sum(each.calls for each in pair[1])):
        n, worst = sum(each.calls for each in groups), max(groups, key=lambda each: each.calls)
        of = calls.get(str(model))
        first, last = min(each.first for each in groups), max(each.last for each in groups)
        rows.append((model, who, n, of, _share(n, of), _burst(worst.first), worst.calls, first, last))
    total = sum(each.calls for groups in bursts.values() for each in groups)
    title = f"{count(total, 'throttled call')} of {sum(calls.values()):,} logged; share of the model's calls"
    columns = ("model", "caller", "n", "model's calls", "share %", "worst 5 min", "n in them", "first", "last")
    return (Table(title, columns, rows),)


def tokens(source: Source) -> tuple[Table, ...]:
    """Tokens by model, purpose and caller, most first."""
    found = sorted(source.tokens().items(), key=lambda pair: -(pair[1].input + pair[1].output))
    total = sum((each for _, each in found), Tokens())
    rows: list[tuple[Cell, ...]] = [
        (model, purpose or "", who, *_token_cells(each)) for (model, purpose, who), each in found
    ]
    return (Table(_tokens_title(total), ("model", "purpose", "caller", *_TOKEN_COLUMNS), rows),)


def tokens_by(source: Source, by: By) -> tuple[Table, ...]:
    """Tokens by one thing that calls have in common, all models together, most first."""
    found: dict[str | None, Tokens] = defaultdict(Tokens)
    for (group, _), each in source.tokens_by(by).items():
        found[group] += each
    rows: list[tuple[Cell, ...]] = [
        (_group_name(group), *_token_cells(each)) for group, each in sorted(found.items(), key=_most_tokens)
    ]
    return (Table(_tokens_title(sum(found.values(), Tokens())), (by, *_TOKEN_COLUMNS), rows),)


def costs(source: Source, by: By, *, rates: Mapping[str, Rates]) -> tuple[Table, ...]:
    """What the tokens cost by the rates, dearest first; without a rate they are unpriced tokens, never free.

    Args:
        rates: by model or profile id, without ARN.
    """
    tokens: dict[str | None, Tokens] = defaultdict(Tokens)
    prices: dict[str | None, Cost] = defaultdict(Cost)
    for (group, model), each in source.tokens_by(by).items():
        usage = Usage(each.input, each.output, each.cache_read, each.cache_write)
        tokens[group] += each
        prices[group] += cost(usage, rates.get(model))
    rows: list[tuple[Cell, ...]] = [
        (
            _group_name(group),
            *_token_cells(tokens[group]),
            Dollars(price.usd) if price.known and tokens[group].counted else None,
            price.unpriced_tokens,
        )
        for group, price in sorted(prices.items(), key=lambda pair: -pair[1].usd)
    ]
    total = sum(tokens.values(), Tokens())
    amount = _amount(sum(prices.values(), Cost()), total)
    title = (
        f"{amount} for {count(total.calls, 'answered call')}, by the environment's rates; "
        f"the tokens of {total.calls - total.counted:,} are unknown; an estimate, not the bill"
    )
    return (Table(title, (by, *_TOKEN_COLUMNS, "usd", "unpriced tokens"), rows),)


def longest(source: Source) -> tuple[Table, ...]:
    """The calls with the longest prompts, cached tokens included."""
    rows: list[tuple[Cell, ...]] = [
        (
            *(each.time, each.prompt_tokens, each.cache_read_tokens, each.cache_write_tokens, each.output_tokens),
            *(each.latency_ms, each.model, each.operation, caller(each.identity), each.request_id),
        )
        for each in source.longest()
    ]
    columns = ("time", "prompt tokens", "of them cache read", "cache write", "output", "latency_ms")
    title = f"The {count(len(rows), 'longest prompt')}, in tokens; at most {LONGEST} are shown"
    return (Table(title, (*columns, "model", "operation", "caller", "request"), rows),)


def evaluation(source: Source) -> tuple[Table, ...]:
    """Calls of evaluations beside all others, by model."""
    found = sorted(source.traffic().items(), key=lambda pair: (not pair[0][0], -pair[1].latency.calls))
    rows: list[tuple[Cell, ...]] = [
        (
            *("evaluation" if is_evaluation else "other", model, *_token_cells(each.tokens), each.latency.known),
            *(each.latency.p50, each.latency.p90, each.latency.p99),
        )
        for (is_evaluation, model), each in found
    ]
    mine = [each.tokens for (is_evaluation, _), each in found if is_evaluation]
    part, total = sum(mine, Tokens()), sum((each.tokens for _, each in found), Tokens())
    title = (
        f"{part.calls:,} of {total.calls:,} answered calls are of evaluations (requestMetadata.purpose is "
        f"{EVALUATION_PURPOSE}), and {part.input + part.output:,} of {total.input + total.output:,} tokens; "
        f"those of {count(total.calls - total.counted, 'call')} are unknown"
    )
    columns = ("traffic", "model", *_TOKEN_COLUMNS, "latency known (n)", "p50", "p90", "p99")
    return (Table(title, columns, rows),)


def truncated(source: Source) -> tuple[Table, ...]:
    """The answers that a limit of tokens cut off, newest first, and each model's share."""
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
        (model, answered, known, answered - known, cut[model], _share(cut[model], known))
        for model, (answered, known) in sorted(reasons.items(), key=lambda pair: -pair[1][0])
    ]
    answered, known = (sum(each[i] for each in reasons.values()) for i in (0, 1))
    return (
        Table(
            f"{count(len(rows), 'truncated answer')} of {answered:,}; why {answered - known:,} ended is unknown",
            (*("time", "stop reason", "input", "output", "latency_ms"), "model", "operation", "caller", "request"),
            rows,
        ),
        Table(
            "Truncated answers by model; share of those whose end is known (n)",
            ("model", "answered", "known (n)", "unknown", "truncated", "share %"),
            models,
        ),
    )


def _amount(price: Cost, used: Tokens) -> str:
    """Calls of which nobody counted the tokens are not free."""
    if used.calls and not used.counted:
        return "unknown cost"
    return (
        f"at least {price}" if used.calls > used.counted and price.known and not price.unpriced_tokens else str(price)
    )


_TOKEN_COLUMNS = ("answered (n)", "uncounted", "input", "output", "cache read", "cache write")


def _token_cells(each: Tokens) -> tuple[Cell, ...]:
    figures = (each.input, each.output, each.cache_read, each.cache_write) if each.counted else (None,) * 4
    return (each.calls, each.calls - each.counted, *figures)


def _tokens_title(total: Tokens) -> str:
    return (
        f"{total.input:,} input and {total.output:,} output tokens in {count(total.calls, 'answered call')}; "
        f"those of {total.calls - total.counted:,} are unknown; cached tokens are not in the input"
    )


def _group_name(group: str | None) -> str:
    """Calls that say nothing are a group of their own."""
    return "" if group is None else group


def _most_tokens(pair: tuple[str | None, Tokens]) -> int:
    return -(pair[1].input + pair[1].output)


def caller(identity: str | None) -> str | None:
    """`assumed-role/Role` or `user/Name` of a caller's ARN: a session's name would split one role into thousands."""
    if identity is None:
        return None
    resource = identity.split(":", 5)[-1]
    return "/".join(resource.split("/")[:2]) if resource.startswith("assumed-role/") else resource


def percentile(values: Sequence[float], share: float) -> float | None:
    """The smallest value that at least this share of the values do not exceed (nearest rank)."""
    ordered = sorted(values)
    rank = max(1, -(-len(ordered) * round(share * 100) // 100))
    return ordered[rank - 1] if ordered else None


def _tokens(record: InvocationRecord) -> Tokens:
    return Tokens(
        calls=1,
        counted=record.input_tokens is not None,
        input=record.input_tokens or 0,
        output=record.output_tokens or 0,
        cache_read=record.cache_read_tokens or 0,
        cache_write=record.cache_write_tokens or 0,
    )


def _tokens_of(row: Row) -> Tokens:
    return Tokens(*(_count(row, name) for name in ("calls", "counted", "input", "output", "cached", "written")))


def _latency_of(row: Row) -> Latency:
    return Latency(
        calls=_count(row, "calls"),
        known=_count(row, "known"),
        p50=_number(row, "p50"),
        p90=_number(row, "p90"),
        p99=_number(row, "p99"),
        longest=_number(row, "longest"),
    )


def _latency(values: Sequence[float | None]) -> Latency:
    known = [value for value in values if value is not None]
    p50, p90, p99 = (percentile(known, share) for share in (0.5, 0.9, 0.99))
    return Latency(len(values), len(known), p50, p90, p99, max(known, default=None))


def _grouped(
    records: Iterable[InvocationRecord], key: Callable[[InvocationRecord], tuple[str | None, ...]]
) -> Sequence[Group]:
    return _merged(Group(key(record), 1, record.time, record.time) for record in records)


def _merged(groups: Iterable[Group]) -> Sequence[Group]:
    found: dict[tuple[str | None, ...], Group] = {}
    for each in groups:
        other = found.get(each.key, each)
        n = each.calls if other is each else other.calls + each.calls
        found[each.key] = Group(each.key, n, min(each.first, other.first), max(each.last, other.last))
    return list(found.values())


def _group(key: tuple[str | None, ...], row: Row) -> Group:
    return Group(key, _count(row, "calls"), _time(row["first"]), _time(row["last"]))


def _record(row: Row) -> InvocationRecord:
    return InvocationRecord(
        time=_time(row["@timestamp"]),
        request_id=row.get("requestId") or None,
        operation=row.get("operation") or UNKNOWN,
        model_id=row["modelId"],
        identity=row.get("caller") or None,
        request_metadata={},
        error_code=row.get("error_code") or None,
        latency_ms=_number(row, "latency_ms"),
        time_to_first_token_ms=_number(row, "first_token_ms"),
        input_tokens=_whole(row, "input_tokens"),
        output_tokens=_whole(row, "output_tokens"),
        cache_read_tokens=_whole(row, "cache_read"),
        cache_write_tokens=_whole(row, "cache_write"),
        stop_reason=row.get("stop_reason") or None,
    )


def _time(text: str) -> datetime:
    """`@timestamp` comes as text, its minimum in milliseconds since 1970."""
    if _MILLISECONDS.fullmatch(text):
        return datetime.fromtimestamp(float(text) / 1000, UTC)
    moment = parse_time(text)
    if moment is None:
        raise OpsError(f"Logs Insights gave {text!r} for a time")
    return moment


def _number(row: Row, name: str) -> float | None:
    text = row.get(name)
    try:
        return float(text) if text else None
    except ValueError:
        raise OpsError(f"Logs Insights gave {text!r} for {name}") from None


def _count(row: Row, name: str) -> int:
    """A count or a sum, which is 0 where there was nothing to add."""
    return int(_number(row, name) or 0)


def _whole(row: Row, name: str) -> int | None:
    number = _number(row, name)
    return None if number is None else int(number)


def _caller(row: Row) -> str | None:
    return caller(row.get("caller") or None)


def _burst(moment: datetime) -> datetime:
    return datetime.fromtimestamp(moment.timestamp() // BURST.seconds * BURST.seconds, UTC)


def _share(part: int, whole: int | None) -> float | None:
    """Per cent."""
    return 100 * part / whole if whole else None
