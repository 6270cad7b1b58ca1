"""Paired differences as a forest plot: which side is better, by how much, and how sure that is."""

from collections import defaultdict
from collections.abc import Sequence

from bedrock_eval.direction import Better
from bedrock_eval.report.html.drawing import interval_plot, symbol
from bedrock_eval.report.html.markup import Child, Markup, tag
from bedrock_eval.report.html.scale import Scale, axis
from bedrock_eval.report.html.subjects import Pairing, chip, colour, measure, pairings, side
from bedrock_eval.report.html.tables import Body, Column, Kind, table
from bedrock_eval.report.words.conclusion import winner
from bedrock_eval.report.words.reading import baseline_notes, reading
from bedrock_eval.results.summary import BASELINE, RunComparison, Summary
from bedrock_eval.verdicts.gates import Verdict
from bedrock_eval.wording import count, level, p_value, signed, signed_interval

MAX_ROWS = 240
_ROOM = 1.1


def differences(summary: Summary) -> Markup:
    """The section of differences, one table a pair; what is beyond MAX_ROWS is counted."""
    found = pairings(summary)
    if not found:
        return tag("div", _notes(summary), tag("p", f"Nothing to compare: {_alone(summary)}.", class_="note"))
    tables: list[Child] = []
    left = MAX_ROWS
    for pairing in found:
        shown = pairing.comparisons[:left]
        left -= len(shown)
        if shown:
            tables.append(_pairing(summary, pairing, shown))
    total = sum(len(pairing.comparisons) for pairing in found)
    more = f" Shown are {MAX_ROWS:,} of {total:,}; summary.json holds all." if total > MAX_ROWS else ""
    note = (
        "Case by case, in each metric's good direction: right of 0 the first is better, whether the metric counts up "
        f"or down. Each interval at {level(summary.confidence)}. Of many, some miss 0 by chance, so a side is named "
        "better only where Holm's p-value, over all comparisons, agrees; where the interval alone does, it says "
        f"perhaps.{_gated(summary)} Metrics without a better direction are left out.{more}"
    )
    return tag("div", _notes(summary), tag("p", note, class_="note"), tables)


def _notes(summary: Summary) -> list[Markup]:
    return [tag("p", tag("strong", f"{sentence}.")) for sentence in baseline_notes(summary)]


def _gated(summary: Summary) -> str:
    drops = [gate for candidate in summary.candidates for gate in candidate.gates if gate.max_drop is not None]
    said = " A dashed line is the max_drop of a gate. Its verdict, by its own interval, is the reading there."
    return said if drops else ""


def _alone(summary: Summary) -> str:
    if summary.baseline is not None and summary.baseline.missing:
        return f"of baseline {summary.baseline.run_id}: {summary.baseline.missing}"
    return "one candidate, and no baseline is pinned" if len(summary.candidates) == 1 else "no metric has a direction"


def _pairing(summary: Summary, pairing: Pairing, comparisons: Sequence[RunComparison]) -> Markup:
    baseline = pairing.against == BASELINE
    left, right = ("worse", "better") if baseline else (f"{pairing.reference} better", f"{pairing.candidate} better")
    sides = tag("span", f"← {left}"), tag("span", f"{right} →")
    legend = tag("span", sides, class_="ends")
    columns = (
        Column("Metric", Kind.TEXT),
        Column(legend, Kind.PLOT),
        Column("Difference", label="difference"),
        Column("Holm p", label="Holm p"),
        Column("Pairs", label="pairs"),
        Column("Reading", Kind.TEXT),
    )
    units: defaultdict[str, list[RunComparison]] = defaultdict(list)
    for comparison in comparisons:
        units[measure(summary, comparison.metric).unit].append(comparison)
    bodies = [_unit(summary, unit, found) for unit, found in units.items()]
    title = tag("h3", chip(summary, pairing.candidate), " against ", side(summary, pairing), class_="pairing")
    caption = f"Differences of {pairing.candidate} and {pairing.told}"
    return tag("div", title, tag("div", table(columns, bodies, caption=caption), class_="card forest"))


def _unit(summary: Summary, unit: str, comparisons: Sequence[RunComparison]) -> Body:
    """The rows of one unit, on one scale about 0."""
    drops = {comparison.metric: max_drops(summary, comparison) for comparison in comparisons}
    ends = [end for each in comparisons for end in (each.estimate.low, each.estimate.mean, each.estimate.high)]
    reach = max(
        (abs(end) for end in (*ends, *(drop for found in drops.values() for drop in found)) if end), default=1.0
    )
    scale = Scale(-_ROOM * reach, _ROOM * reach)
    rows = [_row(summary, comparison, scale=scale, drops=drops[comparison.metric]) for comparison in comparisons]
    return Body(rows, title=tag("small", f"Difference in {unit}"), axis=axis(scale))


def max_drops(summary: Summary, comparison: RunComparison) -> list[float]:
    """The bounds that gates put on this difference; only one from the baseline has any."""
    gates = [gate for each in summary.candidates if each.name == comparison.candidate for gate in each.gates]
    found = {gate.max_drop for gate in gates if gate.metric == comparison.metric and gate.max_drop is not None}
    return sorted(found) if comparison.against == BASELINE else []


def _row(summary: Summary, comparison: RunComparison, *, scale: Scale, drops: list[float]) -> tuple[Child, ...]:
    definition, estimate = measure(summary, comparison.metric), comparison.estimate
    verdict, word = reading(comparison, summary)
    best = winner(comparison, verdict)
    span = signed_interval(estimate.low, estimate.high)
    told = f"{definition.title}: {signed(estimate.mean)}, {span}, {count(estimate.n, 'pair')}, {word}"
    plot = interval_plot(
        title=told,
        scale=scale,
        mean=estimate.mean,
        low=estimate.low,
        high=estimate.high,
        kind=_kind(summary, comparison, verdict),
        zero=True,
        bounds=[-drop for drop in drops],
    )
    turned = tag("small", "lower is better, sign turned") if definition.better is Better.LOWER else None
    unpaired = comparison.candidate_only + comparison.reference_only
    return (
        (definition.title, turned),
        plot,
        (signed(estimate.mean), tag("small", span)),
        p_value(comparison.holm_p_value),
        (estimate.n, tag("small", f"{unpaired:,} unpaired")),
        _word(verdict if best is None else Verdict.BETTER, word),
    )


def _kind(summary: Summary, comparison: RunComparison, verdict: Verdict) -> str:
    """A drawing's colour: of two candidates the winner's own, as neither fails; beside a baseline the verdict's."""
    best = winner(comparison, verdict)
    if best is not None:
        return colour(summary, best)
    return "" if verdict is Verdict.INCONCLUSIVE else verdict.value


def _word(verdict: Verdict, word: str) -> Markup:
    if verdict is Verdict.INCONCLUSIVE:
        return tag("span", word, class_="word none")
    return tag("span", symbol(verdict), word, class_=f"word {verdict.value}")
