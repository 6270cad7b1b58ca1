"""Figures of the invocation log, and where they come from.

Each question has a `Source` of its figures: the records themselves, or the rows of Logs Insights queries. Both end in
the same table, so that an export and the live log can be compared column by column.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from bedrock_eval.invocation_log.queries import By
from bedrock_eval.invocation_log.records import InvocationRecord

BURST = timedelta(minutes=5)


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


def caller(identity: str | None) -> str | None:
    """Shorten a caller's ARN to `assumed-role/Role` or `user/Name`: sessions would split one role into thousands."""
    if identity is None:
        return None
    resource = identity.split(":", 5)[-1]
    return "/".join(resource.split("/")[:2]) if resource.startswith("assumed-role/") else resource


def burst(moment: datetime) -> datetime:
    """The beginning of the five minutes that a moment is in."""
    return datetime.fromtimestamp(moment.timestamp() // BURST.seconds * BURST.seconds, UTC)


def merged(groups: Iterable[Group]) -> Sequence[Group]:
    """Join groups with the same key."""
    found: dict[tuple[str | None, ...], Group] = {}
    for each in groups:
        other = found.get(each.key, each)
        n = each.calls if other is each else other.calls + each.calls
        found[each.key] = Group(each.key, n, min(each.first, other.first), max(each.last, other.last))
    return list(found.values())


def share(part: int, whole: int | None) -> float | None:
    """A part of a whole in percent."""
    return 100 * part / whole if whole else None
