"""Each category of cases: where a candidate is weak, and where two differ."""

from collections.abc import Sequence

from bedrock_eval.report.html.markup import Child, Markup, tag
from bedrock_eval.report.html.subjects import chip, measure, metric_names
from bedrock_eval.report.html.tables import Body, Column, Kind, table
from bedrock_eval.results.summary import BASELINE, CategoryMetric, MetricSummary, RunComparison, Summary
from bedrock_eval.verdicts.comparison import CategoryComparison
from bedrock_eval.verdicts.gates import MIN_SAMPLE
from bedrock_eval.wording import count, direction, interval, number, p_value, signed, signed_interval

MAX_CATEGORIES = 30
MAX_CELLS = 1_200
_PAIRS = 3
"""Comparisons that get a column."""


def categories(summary: Summary) -> Markup:
    """The section of categories: the leading metrics at once, the others folded, at most MAX_CELLS cells."""
    names = _largest(summary)
    if not names:
        return tag("p", "The cases have no category.", class_="note")
    metrics = metric_names(summary)
    cells = len(names) * (len(summary.candidates) + _PAIRS)
    shown = metrics[: max(1, MAX_CELLS // cells)]
    first, *rest = [_metric(summary, metric, names) for metric in shown]
    more = tag("details", tag("summary", count(len(rest), "more metric")), rest, class_="more") if rest else None
    return tag("div", tag("p", _note(summary, names, len(metrics) - len(shown)), class_="note"), first, more)


def _largest(summary: Summary) -> list[str]:
    """The categories with the most cases, by name."""
    sizes: dict[str, int] = {}
    for candidate in summary.candidates:
        for name, found in candidate.categories.items():
            sizes[name] = max(sizes.get(name, 0), found.cases)
    return sorted(sorted(sizes, key=lambda name: (-sizes[name], name))[:MAX_CATEGORIES])


def _note(summary: Summary, names: Sequence[str], unshown: int) -> str:
    known = {name for candidate in summary.candidates for name in candidate.categories}
    parts = [
        "Categories show where to search; they have no verdicts, because each has fewer cases than the run. p is "
        f"adjusted over the categories of one comparison (Holm). Bold: the interval excludes 0. Under {MIN_SAMPLE} "
        "cases are marked as few."
    ]
    if len(known) > len(names):
        parts.append(f"Shown are the {len(names)} largest of {len(known):,} categories.")
    if unshown:
        parts.append(f"{count(unshown, 'further metric')} in summary.json.")
    without = max(
        candidate.cases - sum(found.cases for found in candidate.categories.values())
        for candidate in summary.candidates
    )
    if without:
        parts.append(f"{count(without, 'case')} without a category, in no row but the first.")
    return " ".join(parts)


def _metric(summary: Summary, metric: str, names: Sequence[str]) -> Markup:
    definition = measure(summary, metric)
    pairs = [each for each in summary.comparisons if each.metric == metric and each.categories][:_PAIRS]
    columns = (
        Column("Category", Kind.TEXT),
        *(Column(chip(summary, candidate.name)) for candidate in summary.candidates),
        *(Column(_versus(each)) for each in pairs),
    )
    whole: list[Child] = [_cell(candidate.metrics[metric]) for candidate in summary.candidates]
    whole += [_difference(each) for each in pairs]
    rows = [("All cases", *whole), *(_row(summary, metric, name, pairs) for name in names)]
    about = tag("small", f" {definition.unit}, {direction(definition.better)}")
    caption = f"{definition.title} by category"
    made = tag("div", table(columns, [Body(rows)], caption=caption, stacked=False), class_="card")
    return tag("div", tag("h3", definition.title, about, class_="pairing"), made)


def _versus(comparison: RunComparison) -> str:
    other = "baseline" if comparison.against == BASELINE else comparison.reference
    return f"{comparison.candidate} minus {other}"


def _row(summary: Summary, metric: str, name: str, pairs: Sequence[RunComparison]) -> tuple[Child, ...]:
    found = [candidate.categories.get(name) for candidate in summary.candidates]
    failed = sum(each.failed for each in found if each is not None)
    lost = tag("small", f"{failed:,} failed") if failed else None
    slices = [next((each for each in pair.categories if each.category == name), None) for pair in pairs]
    cells = [_cell(None if each is None else each.metrics.get(metric)) for each in found]
    return ((name, lost), *cells, *(_difference(each) for each in slices))


def _cell(metric: CategoryMetric | MetricSummary | None) -> Child:
    if metric is None or not metric.n:
        return tag("small", "no case")
    span = tag("small", f"{interval(metric.low, metric.high)}, ", _size(metric.n))
    return number(metric.mean), span


def _size(n: int) -> Markup:
    return tag("span", f"n {n:,}{', few' if n < MIN_SAMPLE else ''}", class_="few" if n < MIN_SAMPLE else None)


def _difference(comparison: CategoryComparison | RunComparison | None) -> Child:
    """In the good direction; bold where the interval misses 0."""
    if comparison is None or not comparison.estimate.n:
        return tag("small", "no pair")
    estimate = comparison.estimate
    clear = estimate.low is not None and estimate.high is not None and not estimate.low <= 0 <= estimate.high
    enough = estimate.n >= MIN_SAMPLE
    p = f", p {p_value(comparison.holm_p_value)}" if isinstance(comparison, CategoryComparison) and enough else ""
    shown = signed(estimate.mean)
    span = tag("small", f"{signed_interval(estimate.low, estimate.high)}{p}")
    return (tag("strong", shown) if clear and enough else shown), span
