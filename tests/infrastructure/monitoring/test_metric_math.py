"""Alarms and graphs say the right thing under every reading of metric math, whichever of their metrics are there.

What is right is said here in plain arithmetic, where a missing count is 0. Each metric was never published, or is there
in some of the periods: late in the newest one, or only there.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain, product
from typing import Any

import pytest

from bedrock_eval.alarms import kinds
from local.emulator.cloudwatch.alarm_state import ALARM, OK, decide, extra_periods
from local.emulator.cloudwatch.metric_math.readings import Readings
from tests.support.metric_math import EVERY_READING, digits, evaluated
from tests.support.synthesis import templates
from tests.support.synthesis.monitoring import flat, owner, tenant, watchful

Values = Mapping[str, float | None]

# Of each metric in a period: nothing is wrong, everything is, and there are few calls. What is not named is a count.
_SUMS = {
    "Invocations": (1_000, 1_000, 2),
    "InvocationLatency p50": (2_500, 2_500, 2_500),
    "InvocationLatency p90": (100, 60_000, 60_000),
    "InvocationLatency SampleCount": (1_000, 1_000, 2),
    "TimeToFirstToken p50": (500, 500, 500),
    "TimeToFirstToken SampleCount": (1_000, 1_000, 2),
    "OutputTokenCount p50": (5_000, 1, 1),
    "gate_verdict Maximum": (1, 2, 3),
    "gate_baseline Maximum": (0.5, 0, -1),
    "run_finished Maximum": (1, 0, 1),
    "ApproximateNumberOfMessagesVisible": (0, 1, 3),
    "dead_letters": (0, 2, 1),
}
_COUNT = (1, 1_000_000_000, 2)
_NO_FAILURE = (0, 600, 1)
_FAILURES = re.compile(r".*(Errors|Throttles|Intervened|Failure|Failed|Aborted|TimedOut)( Sum)?")
LEVELS = range(3)


@dataclass(frozen=True, order=True)
class Part:
    """A metric behind an id; `source` tells two of one name apart."""

    name: str
    statistic: str
    source: int

    @property
    def published(self) -> tuple[str, int]:
        """What comes, or does not come, as one: all statistics of a metric."""
        return self.name, self.source

    def value(self, level: int) -> float:
        named = _SUMS.get(f"{self.name} {self.statistic}") or _SUMS.get(self.name)
        return (named or (_NO_FAILURE if _FAILURES.fullmatch(self.name) else _COUNT))[level]


@dataclass(frozen=True)
class Math:
    """An expression with what is behind its ids."""

    expression: str
    parts: tuple[tuple[str, Part], ...]

    def number(self, pattern: str) -> float:
        (found,) = set(re.findall(pattern, self.expression))
        return float(found)

    @property
    def floor(self) -> float:
        return self.number(r">= ([\d.]+)")

    def cases(self, patterns: Sequence[frozenset[int]]) -> Iterator[dict[str, dict[int, float]]]:
        """The points of each id, for every level and every pattern of periods in which each metric is there."""
        metrics = sorted({part.published for _, part in self.parts})
        for level, chosen in product(LEVELS, product(patterns, repeat=len(metrics))):
            there = dict(zip(metrics, chosen, strict=True))
            yield {name: dict.fromkeys(there[part.published], part.value(level)) for name, part in self.parts}


@dataclass(frozen=True)
class Watched:
    """What an alarm on metric math holds against its threshold, and when it rings."""

    kind: str
    math: Math
    threshold: float | None
    period: int
    datapoints: int
    periods: int
    missing: str


def math_of(expression: str, behind: Mapping[str, tuple[str, str, Any]]) -> Math:
    """With the sources numbered, so that two subjects of equal thresholds are one case."""
    used = {name: found for name, found in behind.items() if re.search(rf"\b{name}\b", expression)}
    sources = list(dict.fromkeys(json.dumps(source) for _, _, source in used.values()))
    parts = (
        (name, Part(metric, statistic, sources.index(json.dumps(source))))
        for name, (metric, statistic, source) in used.items()
    )
    return Math(expression, tuple(parts))


def every_alarm() -> Iterator[Mapping[str, Any]]:
    yield from chain.from_iterable(made().alarms.values() for made in (owner, tenant, watchful))
    for deployed in templates.frozen().values():
        yield from deployed["monitoring"].resources("AWS::CloudWatch::Alarm").values()


@cache
def watched() -> tuple[Watched, ...]:
    """Every different alarm on metric math."""
    return tuple(dict.fromkeys(_watched(alarm) for alarm in every_alarm() if _expression(alarm)))


def _expression(alarm: Mapping[str, Any]) -> str | None:
    found = [each for each in alarm.get("Metrics", ()) if "Expression" in each]
    shown = [each["Expression"] for each in found if each["Id"] != alarm.get("ThresholdMetricId")]
    return str(shown[0]) if shown else None


def _watched(alarm: Mapping[str, Any]) -> Watched:
    behind = {
        each["Id"]: (
            each["MetricStat"]["Metric"]["MetricName"],
            each["MetricStat"]["Stat"],
            each["MetricStat"]["Metric"].get("Dimensions"),
        )
        for each in alarm["Metrics"]
        if "MetricStat" in each
    }
    (period,) = {each["MetricStat"]["Period"] for each in alarm["Metrics"] if "MetricStat" in each}
    return Watched(
        kind=str(alarm["AlarmDescription"]).rpartition("#")[2],
        math=math_of(str(_expression(alarm)), behind),
        threshold=alarm.get("Threshold"),
        period=int(period),
        datapoints=int(alarm["DatapointsToAlarm"]),
        periods=int(alarm["EvaluationPeriods"]),
        missing=str(alarm["TreatMissingData"]),
    )


# --- what is right ------------------------------------------------------------------------------------------------


def count(value: float | None) -> float:
    return value or 0


def total(math: Math, values: Values) -> float | None:
    """With the weight of each; nothing where nothing is counted."""
    weights = {name: float(weight) for name, weight in re.findall(r"FILL\((\w+),0\)\*([\d.]+)", math.expression)}
    if all(value is None for value in values.values()):
        return None
    found = sum(count(value) * weights.get(name, 1) for name, value in values.items())
    share = re.fullmatch(r"(100\*)?.+?(?:/(\d+))?", math.expression)
    assert share
    return found * (100 if share[1] else 1) / int(share[2] or 1)


def rate(math: Math, values: Values) -> float | None:
    """Of failures in all calls, from the floor on."""
    (part,) = set(values) - {"i"}
    everything = count(values["i"]) + count(values[part])
    return 100 * count(values[part]) / everything if everything >= math.floor else None


def interventions(math: Math, values: Values) -> float | None:
    calls = count(values["i"])
    return 100 * count(values["v"]) / calls if calls >= math.floor else None


def logged_interventions(math: Math, values: Values) -> float | None:
    """Logged under the model's id and its ARN; the larger of them and the calls is the whole."""
    logged = count(values["g"]) + count(values["h"])
    whole = max(count(values["i"]), logged)
    return 100 * logged / whole if whole >= math.floor else None


def larger(_: Math, values: Values) -> float | None:
    return max((value for value in values.values() if value is not None), default=None)


def latency(math: Math, values: Values) -> float | None:
    return values["l"] if count(values["n"]) >= math.floor else None


def speed(math: Math, values: Values) -> float | None:
    """Unknown unless all three are there; from the floor on, where there is one."""
    whole, tokens, first = (values[name] for name in ("m1", "m2", "m3"))
    if whole is None or not tokens or first is None or whole <= first:
        return None
    judged = "n" not in values or count(values["n"]) >= math.floor
    return tokens / (whole - first) * 1000 if judged else None


def undecided(_: Math, values: Values) -> float | None:
    return None if values["v"] is None else float(values["v"] == 2)


Right = Callable[[Math, Values], float | None]

ALARMED: Mapping[str, Right] = {
    **dict.fromkeys(("server-errors", "client-errors", "throttles"), rate),
    **dict.fromkeys(("latency-p90", "latency-anomaly"), latency),
    "output-speed": speed,
    "guardrail-interventions": interventions,
    "model-interventions": logged_interventions,
    "dead-letters": larger,
    "inconclusive": undecided,
    **dict.fromkeys(
        (
            *("quota-tokens", "quota-requests", "tokens-per-hour", "tokens-per-day", "cost-per-hour", "cost-per-day"),
            *("unpriced-tokens", "log-delivery", "executions-failed", "formatter-errors"),
        ),
        total,
    ),
}


def at(points: Mapping[str, Mapping[int, float]], time: int) -> Values:
    return {name: found.get(time) for name, found in points.items()}


def breaches(alarm: Watched, value: float | None) -> bool | None:
    """Whether a value rings; of traffic that nobody saw nothing does."""
    if value is None:
        return None if kinds.KINDS[alarm.kind].missing_data is kinds.MissingData.RUN else False
    assert alarm.threshold is not None
    comparison = kinds.KINDS[alarm.kind].comparison
    return {
        kinds.Comparison.ABOVE: value > alarm.threshold,
        kinds.Comparison.AT_LEAST: value >= alarm.threshold,
        kinds.Comparison.BELOW: value < alarm.threshold,
    }[comparison]


def state(alarm: Watched, breaching: Sequence[bool | None], current: str) -> str:
    """What the alarm says of periods from the oldest on."""
    return decide(
        list(reversed(breaching)),
        evaluation_periods=alarm.periods,
        datapoints_to_alarm=alarm.datapoints,
        missing=alarm.missing,
        current=current,
    )


def test_every_kind_of_metric_math_has_its_arithmetic() -> None:
    assert {alarm.kind for alarm in watched()} == set(ALARMED)


@pytest.mark.parametrize("kind", sorted(set(ALARMED) - {"latency-anomaly"}))
def test_an_alarm_is_in_one_state_under_every_reading_and_in_the_right_one(kind: str) -> None:
    seen = set().union(*(states_of(alarm) for alarm in watched() if alarm.kind == kind))
    assert seen == {OK, ALARM}


def states_of(alarm: Watched) -> set[str]:
    """What the alarm may come to from OK, each the right one."""
    grid = [number * alarm.period for number in range(alarm.periods + extra_periods(alarm.period))]
    there = {(), tuple(grid), tuple(grid[:-1]), (grid[-1],), (grid[0],)}
    seen = set()
    for points in alarm.math.cases(sorted(map(frozenset, there), key=sorted)):
        right = [breaches(alarm, ALARMED[alarm.kind](alarm.math, at(points, time))) for time in grid]
        expected = {current: state(alarm, right, current) for current in (OK, ALARM)}
        for readings in EVERY_READING:
            found = evaluated(alarm.math.expression, points, readings, grid=grid, period=alarm.period)
            breaching = [breaches(alarm, found[time]) if time in found else None for time in grid]
            told = {current: state(alarm, breaching, current) for current in (OK, ALARM)}
            assert told == expected, (alarm, points, readings)
        seen.add(expected[OK])
    return seen


def test_the_speed_is_not_0_while_its_tokens_are_late() -> None:
    """A speed of 0 would lie below every threshold."""
    for alarm in (each for each in watched() if each.kind == "output-speed"):
        points = {name: {0: part.value(0)} for name, part in alarm.math.parts}
        points["m2"] = {}
        for readings in EVERY_READING:
            assert evaluated(alarm.math.expression, points, readings).get(0, alarm.threshold) == alarm.threshold


def test_a_latency_below_the_floor_is_no_part_of_what_is_usual() -> None:
    anomalies = [each for each in watched() if each.kind == "latency-anomaly"]
    assert anomalies
    for alarm in anomalies:
        drawn_is_right(alarm.math, latency)


# --- graphs -------------------------------------------------------------------------------------------------------


def cached(_: Math, values: Values) -> float | None:
    """Of all input tokens; unknown until those are there."""
    everything = count(values["i"]) + count(values["r"]) + count(values["w"])
    return None if values["i"] is None else 100 * count(values["r"]) / everything


def drop(math: Math, values: Values) -> float | None:
    (value,) = values.values()
    sign, distance = re.findall(r"^\(b\d+ ([-+]) ([\d.]+)\)", math.expression)[0]
    return None if value is None else value + float(f"{sign}{distance}")


def age(_: Math, values: Values) -> float | None:
    """At the newest of two hours, in days."""
    return 0.0 if values["f"] == 1 else None


DRAWN: Mapping[str, Right] = {
    r"100\*SUM\(\[FILL\(g,0\), FILL\(h,0\), 0\*FILL\(i,0\)\]\)/MAX\(.+\)/\(MAX\(.+\) >= [\d.]+\)": logged_interventions,
    r"100\*SUM\(\[FILL\((\w),0\), 0\*FILL\(i,0\)\]\)/SUM\(.+\)/\(SUM\(.+\) >= [\d.]+\)": rate,
    r"100\*SUM\(\[FILL\(v,0\), 0\*FILL\(i,0\)\]\)/FILL\(i,0\)/\(FILL\(i,0\) >= [\d.]+\)": interventions,
    r"m2/\(m1-m3\)\*1000/\(.+\)": speed,
    r"100\*SUM\(\[FILL\(r,0\), 0\*i\]\)/SUM\(.+\)/\(i == i\)": cached,
    r"\(b\d+ [-+] [\d.]+\)/\(b\d+ == b\d+\)": drop,
    r"\(MAX\(EPOCH\(FILL\(f,0\)\)\)-EPOCH\(FILL\(f,0\)\)\)/86400/\(f == 1\)": age,
    r"\(v == 2\)/\(v == v\)": undecided,
}
TOTAL = re.compile(r"(100\*)?(SUM\(\[FILL\(\w+,0\)(\*[\d.]+)?(, FILL\(\w+,0\)(\*[\d.]+)?)*\]\)|FILL\(\w+,0\))(/\d+)?")
# One metric, or as many as there are: whatever a reading says of missing values, they stay missing.
PLAIN = re.compile(r"(SUM\()?SEARCH\('[^']+', '\w+', \d+\)\)?|ANOMALY_DETECTION_BAND\(\w+, [\d.]+\)")


def every_graph() -> Iterator[Mapping[str, Any]]:
    yield from chain.from_iterable(made().graphs() for made in (owner, tenant, watchful))
    for deployed in templates.frozen().values():
        body = json.loads(flat(deployed["monitoring"].only("AWS::CloudWatch::Dashboard")["DashboardBody"]))
        yield from (each["properties"] for each in body["widgets"] if each["type"] == "metric")


@cache
def drawn() -> tuple[Math, ...]:
    """Every different expression of a graph."""
    return tuple(dict.fromkeys(chain.from_iterable(map(_drawn, every_graph()))))


def _drawn(graph: Mapping[str, Any]) -> Iterator[Math]:
    behind: dict[str, tuple[str, str, Any]] = {}
    for entry in graph["metrics"]:
        options = entry[-1] if isinstance(entry[-1], Mapping) else {}
        searched = re.search(r"MetricName=\"(\w+)\"", options.get("expression", ""))
        if "id" in options and not options.get("expression"):
            behind[options["id"]] = (entry[1], options.get("stat", graph.get("stat")), entry[2:-1])
        elif searched and options["expression"].startswith("SUM("):
            behind[options["id"]] = (searched[1], "Sum", [])
    for entry in graph["metrics"]:
        text = entry[-1].get("expression", "") if isinstance(entry[-1], Mapping) else ""
        if text and not PLAIN.fullmatch(text):
            yield math_of(*_without_prefix(text, behind))


def _without_prefix(
    expression: str, behind: Mapping[str, tuple[str, str, Any]]
) -> tuple[str, dict[str, tuple[str, str, Any]]]:
    """The ids of graphs with several models begin with the model's place."""
    prefixes = set(re.findall(r"\bm\d+_", expression))
    prefix = prefixes.pop() if prefixes else ""
    own = {name.removeprefix(prefix): found for name, found in behind.items() if name.startswith(prefix)}
    return expression.replace(prefix, ""), own


def right_of(math: Math) -> Right:
    if TOTAL.fullmatch(math.expression):
        return total
    right = next((right for shape, right in DRAWN.items() if re.fullmatch(shape, math.expression)), None)
    assert right is not None, f"say here what {math.expression} should draw"
    return right


HOUR = 3_600


def drawn_is_right(math: Math, right: Right) -> None:
    """In each of two periods; a count that is 0 may be left out, and nothing else may differ."""
    patterns = [frozenset(each) for each in ((), (0,), (0, HOUR))]
    for points in math.cases(patterns):
        expected = {HOUR: right(math, at(points, HOUR))}
        if right is not age:
            expected[0] = right(math, at(points, 0))
        for readings in EVERY_READING:
            found = evaluated(math.expression, points, readings, grid=(0, HOUR), period=HOUR)
            for time, value in expected.items():
                is_right(value, found.get(time), may_be_zero=right is total, case=(math, points, readings))


def is_right(
    expected: float | None, found: float | None, *, may_be_zero: bool, case: tuple[Math, object, Readings]
) -> None:
    if may_be_zero and not expected:
        assert not found, case
    else:
        assert (expected is None) == (found is None), case
        assert expected is None or digits(found or 0) == digits(expected), case


def test_every_shape_of_a_graph_is_known_and_in_use() -> None:
    used = {right_of(math) for math in drawn()}
    assert used == {*DRAWN.values(), total}


@pytest.mark.parametrize("right", [*dict.fromkeys(DRAWN.values()), total])
def test_a_graph_is_the_same_under_every_reading_and_leaves_out_what_is_unknown(right: Right) -> None:
    for math in drawn():
        if right_of(math) is right:
            drawn_is_right(math, right)
