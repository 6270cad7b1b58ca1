"""Figures of Logs Insights queries on the live log."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from bedrock_eval.invocation_log import queries
from bedrock_eval.invocation_log.queries import By, Models, Query
from bedrock_eval.invocation_log.records import InvocationRecord, model_name, parse_time
from bedrock_eval.wording import UNKNOWN
from ops.errors import OpsError
from ops.invocation_log.figures import Group, Latency, Tokens, Traffic, caller, merged
from ops.invocation_log.insights import Row

_MILLISECONDS = re.compile(r"[0-9]+(\.[0-9]+)?([eE]\+?[0-9]+)?")


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
        return merged(_group((row["error_code"], model_name(row["modelId"]), _caller(row)), row) for row in rows)

    def throttles(self) -> Sequence[Group]:
        rows = self._ask(queries.throttles(model=self._model), "throttles")
        return merged(_group((model_name(row["modelId"]), _caller(row), row["bin(5m)"]), row) for row in rows)

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
