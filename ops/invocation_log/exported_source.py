"""Figures of records that were read from files."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from bedrock_eval.invocation_log.queries import EVALUATION_PURPOSE, LONGEST, By
from bedrock_eval.invocation_log.records import InvocationRecord
from ops.invocation_log.figures import Group, Latency, Tokens, Traffic, burst, caller, merged


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
        return _grouped(throttled, lambda each: (each.model, caller(each.identity), burst(each.time).isoformat()))

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


def _latency(values: Sequence[float | None]) -> Latency:
    known = [value for value in values if value is not None]
    p50, p90, p99 = (percentile(known, share) for share in (0.5, 0.9, 0.99))
    return Latency(len(values), len(known), p50, p90, p99, max(known, default=None))


def _grouped(
    records: Iterable[InvocationRecord], key: Callable[[InvocationRecord], tuple[str | None, ...]]
) -> Sequence[Group]:
    return merged(Group(key(record), 1, record.time, record.time) for record in records)
