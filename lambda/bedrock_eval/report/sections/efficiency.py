"""What quality takes: cost and latency of each candidate beside its leading metric."""

from collections.abc import Sequence
from dataclasses import dataclass

from bedrock_eval.direction import Better
from bedrock_eval.pricing.costs import dollars
from bedrock_eval.report.html.markup import Child, Markup, tag
from bedrock_eval.report.html.scale import Scale, scale_of
from bedrock_eval.report.html.subjects import chip, colour, leading_metric, measure
from bedrock_eval.report.html.tables import Body, Column, Kind, table
from bedrock_eval.results.evidence import Evidence
from bedrock_eval.results.summary import CandidateSummary, MetricSummary, Summary
from bedrock_eval.wording import UNKNOWN, count, interval, number, seconds

_WIDTH, _HEIGHT = 440, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 16, 26, 42
_PER = 1_000
"""Cases that a cost is given for."""


@dataclass(frozen=True)
class Point:
    """One candidate in a scatter plot: `x` to `reach` across, its metric up."""

    candidate: CandidateSummary
    x: float
    reach: float | None = None


def efficiency(summary: Summary, evidence: Evidence) -> Markup:
    """The section of cost and latency."""
    metric = leading_metric(summary)
    latencies = {name: sorted(values) for name, values in evidence.latency_ms.items() if values}
    plots = [] if metric is None else _plots(summary, metric, latencies)
    drawn = tag("div", [tag("div", plot, class_="card") for plot in plots], class_="pair") if plots else None
    return tag("div", drawn, tag("div", _table(summary, metric, latencies), class_="card"), class_="apart")


def percentile(ordered: Sequence[float], share: float) -> float:
    """Of sorted values, the nearest rank: the smallest value that at least `share` of them do not exceed."""
    return ordered[max(0, -int(-share * len(ordered) // 1) - 1)]


def cost_per(candidate: CandidateSummary) -> float | None:
    """Dollars per 1,000 cases asked, a lower bound where tokens are unpriced; None: no rate, no case, or not known."""
    if not candidate.cases or candidate.cost is None or not candidate.cost.known:
        return None
    return candidate.cost.usd * _PER / candidate.cases


def _plots(summary: Summary, metric: str, latencies: dict[str, list[float]]) -> list[Markup]:
    priced = [(candidate, cost_per(candidate)) for candidate in summary.candidates]
    costs = [Point(candidate, value) for candidate, value in priced if value is not None]
    waits = [
        Point(candidate, percentile(found, 0.5) / 1000, percentile(found, 0.9) / 1000)
        for candidate in summary.candidates
        if (found := latencies.get(candidate.name))
    ]
    drawn = [
        (costs, f"Dollars per {_PER:,} cases"),
        (waits, "Seconds to the answer: median, line to the 90th percentile"),
    ]
    return [_scatter(summary, metric, points, across) for points, across in drawn if points]


@dataclass(frozen=True)
class _Plane:
    """The two axes of a scatter plot; `flip` puts low values of the metric on top."""

    up: Scale
    over: Scale
    flip: bool

    def x(self, value: float) -> float:
        return round(_LEFT + (_WIDTH - _LEFT - _RIGHT) * self.over.place(value) / 100, 1)

    def y(self, value: float) -> float:
        share = self.up.place(value) / 100
        return round(_TOP + (_HEIGHT - _TOP - _BOTTOM) * (share if self.flip else 1 - share), 1)


def _scatter(summary: Summary, metric: str, points: list[Point], across: str) -> Markup:
    definition = measure(summary, metric)
    found = [point.candidate.metrics[metric] for point in points]
    widest = max(max(point.x, point.reach or 0.0) for point in points)
    plane = _Plane(
        up=scale_of(value for each in found for value in (each.low, each.mean, each.high)),
        over=Scale(0.0, 1.15 * widest or 1.0),
        flip=definition.better is Better.LOWER,
    )
    told = "; ".join(
        f"{point.candidate.name}: {number(each.mean)} at {number(point.x)}"
        for point, each in zip(points, found, strict=True)
    )
    better = "lower is better and drawn higher" if plane.flip else "higher is better"
    return tag(
        "svg",
        tag("title", f"{definition.title} against {across.lower()}"),
        tag("desc", told),
        tag("text", f"{definition.title}, {better}", x="0", y="12"),
        _frame(plane),
        [_point(summary, point, each, plane) for point, each in zip(points, found, strict=True)],
        tag("text", across, x=_WIDTH - _RIGHT, y=_HEIGHT - 6, text_anchor="end"),
        class_="scatter",
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        role="img",
    )


def _frame(plane: _Plane) -> Markup:
    low, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
    parts: list[Child] = []
    for value, shown in plane.up.ticks().items():
        y = plane.y(value)
        parts.append(tag("line", class_="tick", x1=_LEFT, x2=right, y1=y, y2=y))
        parts.append(tag("text", shown, x=_LEFT - 6, y=y + 4, text_anchor="end"))
    for value, shown in plane.over.ticks().items():
        x = plane.x(value)
        parts.append(tag("line", class_="frame", x1=x, x2=x, y1=low, y2=low + 4))
        parts.append(tag("text", shown, x=x, y=low + 16, text_anchor="middle"))
    parts.append(tag("line", class_="frame", x1=_LEFT, x2=right, y1=low, y2=low))
    return tag("g", parts, aria_hidden="true")


def _point(summary: Summary, point: Point, metric: MetricSummary, plane: _Plane) -> Markup | None:
    if metric.mean is None:
        return None
    name, x, y = point.candidate.name, plane.x(point.x), plane.y(metric.mean)
    spans: list[Child] = []
    if metric.low is not None and metric.high is not None:
        spans.append(tag("line", class_="span", x1=x, x2=x, y1=plane.y(metric.low), y2=plane.y(metric.high)))
    if point.reach is not None:
        spans.append(tag("line", class_="span thin", x1=x, x2=plane.x(point.reach), y1=y, y2=y))
    left = x > 0.6 * _WIDTH
    label = tag(
        "text", name, class_="name", x=x - 9 if left else x + 9, y=y - 8, text_anchor="end" if left else "start"
    )
    return tag("g", spans, tag("circle", class_="mean", cx=x, cy=y, r=5), label, class_=colour(summary, name))


def _table(summary: Summary, metric: str | None, latencies: dict[str, list[float]]) -> Markup:
    columns = (
        Column("Candidate", Kind.TEXT),
        Column("No metric" if metric is None else measure(summary, metric).title, label="quality"),
        Column("Latency, median", label="median latency"),
        Column("90th percentile", label="90th percentile"),
        Column(f"Cost of {_PER:,} cases", label=f"cost of {_PER:,} cases"),
        Column("Cost of the run", label="cost of the run"),
        Column("Input tokens", label="input tokens"),
        Column("Output tokens", label="output tokens"),
    )
    rows = [_row(summary, candidate, metric, latencies.get(candidate.name, [])) for candidate in summary.candidates]
    return table(columns, [Body(rows)], caption="Cost and latency of each candidate")


def _row(
    summary: Summary, candidate: CandidateSummary, metric: str | None, latencies: list[float]
) -> tuple[Child, ...]:
    found = None if metric is None else candidate.metrics[metric]
    quality = UNKNOWN if found is None else (number(found.mean), tag("small", interval(found.low, found.high)))
    waits = [seconds(percentile(latencies, share) / 1000) if latencies else UNKNOWN for share in (0.5, 0.9)]
    answers = tag("small", count(len(latencies), "answer")) if latencies else None
    return (
        chip(summary, candidate.name),
        quality,
        (waits[0], answers),
        waits[1],
        *_spending(candidate),
    )


def _spending(candidate: CandidateSummary) -> tuple[Child, ...]:
    usage, cost = candidate.usage, candidate.cost
    if usage is None or cost is None:
        return (UNKNOWN, UNKNOWN if cost is None else str(cost), UNKNOWN, UNKNOWN)
    each = cost_per(candidate)
    bound = "at least " if cost.unpriced_tokens or cost.unknown_calls else ""
    per = "unpriced" if each is None else f"{bound}{dollars(each)}"
    return per, str(cost), usage.input_tokens, usage.output_tokens
