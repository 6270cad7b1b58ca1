"""Reads ministack's metric store as CloudWatch reads its own: exact dimension sets, aligned periods, SEARCH."""

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ministack.services import cloudwatch

from local.emulator.cloudwatch.metric_math.evaluator import Scope
from local.emulator.cloudwatch.metric_math.values import ExpressionError, Series

BASIC_STATISTICS = frozenset({"SampleCount", "Average", "Sum", "Minimum", "Maximum"})
TRAINING_SECONDS = 14 * 86_400

_PERCENTILE = re.compile(r"p(\d{1,2}(\.\d{1,10})?|100)", re.IGNORECASE)


class MinuteIndex(list[dict[str, Any]]):
    """The points of one metric in order of arrival, also filed by minute so that a window reads only its own."""

    def __init__(self) -> None:
        super().__init__()
        self.minutes: dict[int, list[dict[str, Any]]] = {}

    def append(self, point: dict[str, Any]) -> None:
        """Keep a point; its ``Timestamp`` is epoch seconds."""
        super().append(point)
        self.minutes.setdefault(int(point["Timestamp"] // 60), []).append(point)

    def between(self, start: float, end: float) -> Iterator[dict[str, Any]]:
        """Points with start <= time < end, in no particular order."""
        first, last = int(start // 60), int(end // 60)
        wide = last - first > len(self.minutes)
        chosen = [m for m in list(self.minutes) if first <= m <= last] if wide else range(first, last + 1)
        for minute in chosen:
            for point in list(self.minutes.get(minute, ())):
                if start <= point["Timestamp"] < end:
                    yield point

    def drop_before(self, cutoff: float) -> None:
        """Forget whole minutes older than ``cutoff`` (epoch seconds)."""
        stale = [m for m in list(self.minutes) if (m + 1) * 60 <= cutoff]
        for minute in stale:
            del self.minutes[minute]
        if stale:
            self[:] = [point for points in self.minutes.values() for point in points]


def is_statistic(name: str) -> bool:
    """Say whether the emulator can compute a statistic of this name."""
    return name in BASIC_STATISTICS or _PERCENTILE.fullmatch(name) is not None


def points_of(metric: Mapping[str, Any]) -> MinuteIndex:
    """The points of exactly this namespace, name and set of dimensions."""
    dimensions = {d["Name"]: d["Value"] for d in metric.get("Dimensions") or []}
    key = (metric.get("Namespace"), metric.get("MetricName"), cloudwatch._dims_key(dimensions))
    found = cloudwatch._metrics.get(key)
    return found if isinstance(found, MinuteIndex) else MinuteIndex()


def statistics_of(points: Sequence[Mapping[str, Any]], name: str) -> float | None:
    """One statistic over points; None where CloudWatch has no value. Raises ExpressionError for an unknown name."""
    if not is_statistic(name):
        raise ExpressionError(f"The statistic '{name}' is not available in the local emulator")
    stats = cloudwatch._calc_stats(points)
    value = cloudwatch._stat_value(stats, name, points) if stats else None
    return None if value is None else float(value)


@dataclass(frozen=True)
class Window:
    """A span of whole periods: from ``start`` (epoch seconds) up to but without ``end``."""

    start: int
    end: int

    def grid(self, period: int) -> list[int]:
        """The start of every period in the window."""
        return list(range(self.start, self.end, period))

    def series(self, metric: Mapping[str, Any], *, statistic: str, period: int, unit: str | None = None) -> Series:
        """The metric's values by period; periods without points are absent."""
        buckets: dict[int, list[Mapping[str, Any]]] = {}
        for point in points_of(metric).between(self.start, self.end):
            if unit and point.get("Unit") != unit:
                continue
            offset = int((point["Timestamp"] - self.start) // period) * period
            buckets.setdefault(self.start + offset, []).append(point)
        values = {t: statistics_of(points, statistic) for t, points in sorted(buckets.items())}
        return Series({t: v for t, v in values.items() if v is not None}, period, str(metric.get("MetricName", "")))

    def scope(self, queries: Sequence[Mapping[str, Any]], *, training: bool = True) -> Scope:
        """The evaluation scope of metric data queries over this window."""
        period = min((int(q["MetricStat"]["Period"]) for q in queries if q.get("MetricStat")), default=60)
        past = Window(self.start - TRAINING_SECONDS // period * period, self.start)
        return Scope(
            queries={str(q["Id"]): q for q in queries},
            read=self._read,
            search=self._search,
            grid=self.grid,
            training=(lambda: past.scope(queries, training=False)) if training else None,
        )

    def _read(self, stat: Mapping[str, Any]) -> Series:
        return self.series(
            stat["Metric"], statistic=str(stat["Stat"]), period=int(stat["Period"]), unit=stat.get("Unit")
        )

    def _search(self, query: str, statistic: str, period: int) -> list[Series]:
        found = search(query)
        names = {metric["MetricName"] for metric in found}
        results = []
        for metric in found:
            series = self.series(metric, statistic=statistic, period=period)
            values = [d["Value"] for d in metric["Dimensions"]]
            label = " ".join([*values, metric["MetricName"]] if len(names) > 1 or not values else values)
            if series.points:
                results.append(Series(series.points, period, label, _properties(metric)))
        return results


def _properties(metric: Mapping[str, Any]) -> dict[str, str]:
    dimensions = {f"Dim.{found['Name']}": found["Value"] for found in metric["Dimensions"]}
    return {"Namespace": metric["Namespace"], "MetricName": metric["MetricName"], **dimensions}


def aligned(start: float, end: float, period: int) -> Window:
    """The window of whole periods that a request for [start, end) reads: its start is rounded down."""
    first = int(start // period) * period
    return Window(first, max(int(end), first))


def newest_arrival(metrics: Sequence[Mapping[str, Any]]) -> tuple[tuple[int, float], ...]:
    """A mark for each metric that changes whenever a value arrives, also when it only raises the last point's count."""
    found = [points_of(metric) for metric in metrics]
    return tuple((len(points), points[-1].get("Count", 1.0) if points else 0.0) for points in found)


def forget_old_points() -> None:
    """Drop points older than CloudWatch accepts (two weeks), with a minute's grace."""
    cutoff = time.time() - cloudwatch.TWO_WEEKS_SECONDS - 60
    for points in list(cloudwatch._metrics.all_values()):
        points.drop_before(cutoff)


Matcher = Callable[[Mapping[str, Any]], bool]
_SEARCH_TOKEN = re.compile(r'\s*("[^"]*"|[()=]|[^\s()="]+)')
_SCHEMA = re.compile(r"\s*\{([^}]*)\}")
_SCHEMA_ITEM = re.compile(r'\s*("[^"]*"|[^,"]+)\s*(?:,|$)')


def search(query: str) -> list[dict[str, Any]]:
    """Metrics that a SEARCH query selects, in name order. Raises ExpressionError when it cannot be read.

    A quoted term matches exactly; a bare one matches anywhere in the name or value, which is wider than CloudWatch's
    own tokens.
    """
    matches = _SearchParser(query).parse()
    metrics = [_described(key) for key in sorted(cloudwatch._metrics.keys())]
    return [metric for metric in metrics if matches(metric)]


def _described(key: tuple[str, str, str]) -> dict[str, Any]:
    points = cloudwatch._metrics.get(key) or []
    dimensions = points[0].get("Dimensions", {}) if points else {}
    return {
        "Namespace": key[0],
        "MetricName": key[1],
        "Dimensions": [{"Name": n, "Value": v} for n, v in dimensions.items()],
    }


def _texts(metric: Mapping[str, Any], field_name: str | None) -> list[str]:
    dimensions = {d["Name"]: d["Value"] for d in metric["Dimensions"]}
    if field_name is None:
        return [metric["Namespace"], metric["MetricName"], *dimensions, *dimensions.values()]
    if field_name in {"MetricName", "Namespace"}:
        return [metric[field_name]]
    return [dimensions[field_name]] if field_name in dimensions else []


def _term(word: str, field_name: str | None) -> Matcher:
    if word.startswith('"'):
        exact = word[1:-1]
        return lambda metric: exact in _texts(metric, field_name)
    part = word.lower()
    return lambda metric: any(part in text.lower() for text in _texts(metric, field_name))


class _SearchParser:
    def __init__(self, query: str) -> None:
        self._schema: tuple[str, frozenset[str]] | None = None
        schema = _SCHEMA.match(query)
        if schema:
            namespace, *names = [item.strip('" ') for item in _SCHEMA_ITEM.findall(schema.group(1))]
            self._schema = (namespace, frozenset(names))
        self._query = query
        self._words: list[str] = _SEARCH_TOKEN.findall(query[schema.end() :] if schema else query)
        self._at = 0

    def parse(self) -> Matcher:
        matches = self._or(None) if self._words else (lambda _: True)
        if self._at != len(self._words):
            raise ExpressionError(f"Error in SEARCH: unexpected '{self._words[self._at]}' in {self._query}")
        schema = self._schema
        if schema is None:
            return matches
        return lambda m: (
            m["Namespace"] == schema[0] and {d["Name"] for d in m["Dimensions"]} == schema[1] and matches(m)
        )

    def _peek(self) -> str:
        return self._words[self._at] if self._at < len(self._words) else ""

    def _next(self) -> str:
        word = self._peek()
        if not word:
            raise ExpressionError(f"Error in SEARCH: {self._query} ends too early")
        self._at += 1
        return word

    def _or(self, field_name: str | None) -> Matcher:
        parts = [self._and(field_name)]
        while self._peek() == "OR":
            self._at += 1
            parts.append(self._and(field_name))
        return lambda metric: any(part(metric) for part in parts)

    def _and(self, field_name: str | None) -> Matcher:
        parts = [self._not(field_name)]
        while self._peek() not in {"", ")", "OR"}:
            if self._peek() == "AND":
                self._at += 1
            parts.append(self._not(field_name))
        return lambda metric: all(part(metric) for part in parts)

    def _not(self, field_name: str | None) -> Matcher:
        if self._peek() == "NOT":
            self._at += 1
            inner = self._not(field_name)
            return lambda metric: not inner(metric)
        return self._primary(field_name)

    def _primary(self, field_name: str | None) -> Matcher:
        word = self._next()
        if word == "(":
            inner = self._or(field_name)
            if self._next() != ")":
                raise ExpressionError(f"Error in SEARCH: a ')' is missing in {self._query}")
            return inner
        if word in {")", "="}:
            raise ExpressionError(f"Error in SEARCH: unexpected '{word}' in {self._query}")
        if self._peek() == "=":
            self._at += 1
            return self._primary(word.strip('"'))
        return _term(word, field_name)
