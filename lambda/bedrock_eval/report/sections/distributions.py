"""How the values of each metric lie: one histogram a candidate, all on the metric's one scale."""

from collections.abc import Sequence

from bedrock_eval.report.html.markup import Markup, tag
from bedrock_eval.report.html.scale import Scale, axis, upright, whole_scale
from bedrock_eval.report.html.subjects import chip, colour, measure, metric_names
from bedrock_eval.results.summary import Bin, MetricSummary, Summary
from bedrock_eval.wording import count, direction, number, percent

_BARS = 32
_OPEN = 6
"""Metrics shown at once; the others unfold."""


def distributions(summary: Summary) -> Markup:
    """The section of distributions."""
    cards = [_card(summary, name) for name in metric_names(summary)]
    rest = cards[_OPEN:]
    more = tag(
        "details",
        tag("summary", count(len(rest), "more metric")),
        tag("div", rest, class_="small"),
        class_="more",
    )
    return tag("div", tag("div", cards[:_OPEN], class_="small"), more if rest else None)


def heights(bins: Sequence[Bin], scale: Scale, *, bars: int = _BARS) -> tuple[float, ...]:
    """The share of the values in each of `bars` equal parts of the scale; their sum is 1 where there is a value."""
    counts = [0] * bars
    for item in bins:
        share = (item.value - scale.low) / (scale.high - scale.low)
        counts[min(max(int(share * bars), 0), bars - 1)] += item.count
    whole = sum(counts)
    return tuple(each / whole for each in counts) if whole else tuple(0.0 for _ in counts)


def _card(summary: Summary, name: str) -> Markup:
    definition = measure(summary, name)
    found = [(candidate, candidate.metrics[name]) for candidate in summary.candidates]
    scale = whole_scale([item.value for _, metric in found for item in metric.bins], definition)
    tallest = max((max(heights(metric.bins, scale)) for _, metric in found), default=0.0)
    strips = []
    for candidate, metric in found:
        kind = colour(summary, candidate.name)
        if not metric.n:
            told, drawn = "no value", None
        elif definition.binary:
            told, drawn = f"{percent(metric.mean, digits=1)} of {metric.n:,}", _share(metric, kind=kind)
        else:
            told = f"median {number(metric.median)}"
            drawn = _histogram(metric, scale, tallest=tallest, kind=kind)
        head = tag("div", chip(summary, candidate.name), tag("small", told), class_="ends")
        strips.append(tag("div", head, drawn, class_="strip"))
    below = None if definition.binary else axis(scale)
    about = tag("small", f"{definition.unit}, {direction(definition.better)}")
    return tag("div", tag("h3", definition.title), about, strips, below, class_="card")


def _share(metric: MetricSummary, *, kind: str) -> Markup:
    told = f"{percent(metric.mean, digits=1)} of {count(metric.n, 'case')} are 1, the others 0"
    filled = f"{100 * (metric.mean or 0.0):.2f}%"
    return tag(
        "svg",
        tag("title", told),
        tag("rect", class_="rest", width="100%", height="100%"),
        tag("rect", class_="share", width=filled, height="100%"),
        class_=f"bar {kind}",
        role="img",
    )


def _histogram(metric: MetricSummary, scale: Scale, *, tallest: float, kind: str) -> Markup:
    told = (
        f"{count(metric.n, 'value')} from {number(metric.minimum)} to {number(metric.maximum)}, "
        f"median {number(metric.median)}"
    )
    start, stop = scale.place(scale.low), scale.place(scale.high)
    bars = tag(
        "svg",
        tag("path", d=_outline(heights(metric.bins, scale), tallest=tallest)),
        x=f"{start}%",
        width=f"{stop - start:.2f}%",
        height="100%",
        viewBox=f"0 0 {_BARS} 100",
        preserveAspectRatio="none",
    )
    base = tag("line", class_="base", x1="0", x2="100%", y1="100%", y2="100%")
    median = None if metric.median is None else upright(scale, metric.median, "median", y1="12%")
    return tag("svg", tag("title", told), base, bars, median, class_=f"histogram {kind}", role="img")


def _outline(shares: Sequence[float], *, tallest: float) -> str:
    """Bars with a hair between them; empty ones are left out."""
    high = [100 * share / tallest if tallest else 0.0 for share in shares]
    return "".join(f"M{at + 0.06:g} 100V{100 - each:.1f}h.88V100z" for at, each in enumerate(high) if each)
