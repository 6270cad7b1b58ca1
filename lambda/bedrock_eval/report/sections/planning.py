"""How many cases it takes: what this run could see, and what a larger one would."""

from bedrock_eval.report.html.markup import Child, Markup, tag
from bedrock_eval.report.html.subjects import measure, pairings
from bedrock_eval.report.html.tables import Body, Column, Kind, table
from bedrock_eval.results.summary import RunComparison, Summary
from bedrock_eval.statistics import Interval, implied_deviation, minimum_detectable_effect, needed_n
from bedrock_eval.verdicts.comparison import Method
from bedrock_eval.wording import UNKNOWN, level, number, percent

MAX_ROWS = 150
_SHARES = (0.01, 0.02, 0.05)


def planning(summary: Summary) -> Markup | None:
    """The section on needed cases; without a comparison the verdicts say it."""
    bodies: list[Body] = []
    left = MAX_ROWS
    for pairing in pairings(summary):
        rows = [_row(summary, comparison) for comparison in pairing.comparisons[:left]]
        left -= len(rows)
        if rows:
            bodies.append(Body(rows, title=f"{pairing.candidate} against {pairing.told}"))
    if not bodies:
        return None
    columns = (
        Column("Metric", Kind.TEXT),
        Column("Pairs", label="pairs"),
        Column("Smallest difference found", label="smallest difference found"),
        *(Column(f"Pairs to find {percent(share)}", label=f"pairs to find {percent(share)}") for share in _SHARES),
    )
    note = (
        "The smallest true difference that four of five runs like this one would find "
        f"({level(summary.confidence)}, power 80%); such a run would probably miss a smaller one. The other columns "
        "say how many pairs find a difference of 1%, 2% or 5% of the metric's range (of 1 if the range is open)."
    )
    made = tag("div", table(columns, bodies, caption="How many cases would decide"), class_="card")
    return tag("div", tag("p", note, class_="note"), made)


def _row(summary: Summary, comparison: RunComparison) -> tuple[Child, ...]:
    definition, n = measure(summary, comparison.metric), comparison.estimate.n
    spread, confidence = spread_of(comparison), comparison.estimate.confidence
    if spread is None:
        return definition.title, n, UNKNOWN, *(UNKNOWN for _ in _SHARES)
    found = minimum_detectable_effect(n=n, standard_deviation=spread, confidence=confidence)
    whole = 1.0 if definition.low is None or definition.high is None else definition.high - definition.low
    needed = [needed_n(effect=share * whole, standard_deviation=spread, confidence=confidence) for share in _SHARES]
    shown = (UNKNOWN if each is None else each for each in needed)
    return definition.title, n, (number(found), tag("small", definition.unit)), *shown


def spread_of(comparison: RunComparison) -> float | None:
    """The deviation of the differences that the interval stands for; unknown where the rule of three made it."""
    estimate = comparison.estimate
    if estimate.method in (None, Method.RULE_OF_THREE):
        return None
    return implied_deviation(Interval(estimate.low, estimate.high), n=estimate.n, confidence=estimate.confidence)
