"""A finished run as tables: scores with their intervals, gates with their verdicts, and comparisons."""

from collections.abc import Iterator

from bedrock_eval.report.words.reading import baseline_notes, reading
from bedrock_eval.report.words.remarks import remarks
from bedrock_eval.results.summary import BASELINE, CandidateSummary, RunComparison, Summary
from bedrock_eval.verdicts.gates import GateResult, Verdict, bound_text, verdict_word
from bedrock_eval.wording import (
    UNKNOWN,
    chosen,
    count,
    interval,
    level,
    number,
    p_value,
    percent,
    signed,
    signed_interval,
)
from ops.terminal.cells import Cell, Json, Shown
from ops.terminal.tables import Column, Table, TableKind, rendered

_STYLES = {Verdict.BETTER: "green", Verdict.NOT_WORSE: "green", Verdict.INCONCLUSIVE: "yellow", Verdict.WORSE: "red"}
_INTERVAL = "the interval of the mean: low and high, null where unknown"

SCORES = TableKind(
    "scores",
    "the mean score of each candidate by each metric",
    (
        Column("candidate", "the candidate"),
        Column("metric", "the metric"),
        Column("n", "scored cases"),
        Column("mean", "mean of their scores"),
        Column("interval", _INTERVAL),
        Column("labels", "how often each text of a scale was chosen; null for metrics without texts"),
    ),
)
GATES = TableKind(
    "gates",
    "every gate with its verdict",
    (
        Column("candidate", "the candidate"),
        Column("metric", "the metric"),
        Column("bound", "min, max and max_drop of the gate, null where it has none"),
        Column("n", "scored cases, with max_drop the pairs"),
        Column("mean", "mean of the scores, with max_drop of the differences"),
        Column("interval", _INTERVAL),
        Column("verdict", "of a bound passed, failed or undecided; of max_drop better, not worse, worse or undecided"),
        Column("reason", "why"),
        Column("needed_cases", "how many cases would decide an undecided gate", "cases that would decide"),
    ),
)
DIFFERENCES = TableKind(
    "differences",
    "differences case by case, in the metric's better direction",
    (
        Column("candidate", "the candidate"),
        Column("compared_with", "another candidate, the baseline, or an earlier run", "compared with"),
        Column("metric", "the metric"),
        Column("pairs", "cases that both sides scored: the n of the mean"),
        Column("mean", "mean of the differences, candidate minus the other"),
        Column("interval", _INTERVAL),
        Column("p_value", "two-sided, adjusted by Holm for all comparisons", "p (Holm)"),
        Column("unpaired", "cases that only one side scored"),
        Column("verdict", "what the difference shows"),
    ),
)
AGREEMENT = TableKind(
    "agreement",
    "how often two people who rated the same answer agree",
    (
        Column("metric", "the metric"),
        Column("pairs", "pairs of ratings: the n of the share"),
        Column("share", "part of the pairs that agree"),
    ),
)
TABLES = (SCORES, GATES, DIFFERENCES, AGREEMENT)


def run_parts(summary: Summary) -> list[str | Table]:
    """Make texts and tables of a run: candidates, scores, gates, notes on the baseline, comparisons and agreement."""
    parts: list[str | Table] = [_candidate(each) for each in summary.candidates]
    has_labels = any(metric.labels for each in summary.candidates for metric in each.metrics.values())
    scores = SCORES if has_labels else SCORES.hiding("labels")
    parts.append(scores.table(f"Scores, with {level(summary.confidence)} intervals", list(_scores(summary))))
    if any(candidate.gates for candidate in summary.candidates):
        parts.append(GATES.table(f"Gates, at {level(summary.confidence)} together", list(_gates(summary))))
    parts += ["\n".join(notes)] if (notes := baseline_notes(summary)) else []
    if summary.comparisons:
        title = f"Differences case by case, in the metric's better direction ({level(summary.confidence)} intervals)"
        parts.append(DIFFERENCES.table(title, [_difference(each, summary) for each in summary.comparisons]))
    if summary.agreement:
        agreed = [(each.metric, each.pairs, _share(each.share)) for each in summary.agreement]
        parts.append(AGREEMENT.table("How often two people who rated the same answer agree", agreed))
    return parts


def run_text(summary: Summary) -> str:
    """The texts and tables of a run, as the screen shows them."""
    return "\n\n".join(each if isinstance(each, str) else rendered(each) for each in run_parts(summary))


def candidate_facts(candidate: CandidateSummary) -> dict[str, Json]:
    """A candidate for a program."""
    usage, cost = candidate.usage, candidate.cost
    return {
        "name": candidate.name,
        "model_id": candidate.model_id,
        "cases": candidate.cases,
        "scored": candidate.scored,
        "failed": candidate.failed,
        "failures": dict(candidate.failures),
        "coverage": candidate.coverage,
        "input_tokens": None if usage is None else usage.input_tokens,
        "output_tokens": None if usage is None else usage.output_tokens,
        "usd": None if cost is None or not cost.known else cost.usd,
        "unpriced_tokens": None if cost is None else cost.unpriced_tokens,
        "calls_of_unknown_usage": None if cost is None else cost.unknown_calls,
        "calls": candidate.calls,
        "truncated": candidate.truncated,
        "withheld": candidate.withheld,
    }


def mean_cell(mean: float | None, *, difference: bool = False) -> Shown:
    """A mean with the digits that a person reads."""
    return Shown(signed(mean) if difference else number(mean), mean)


def interval_cell(low: float | None, high: float | None, *, difference: bool = False) -> Shown:
    """An interval in one cell."""
    known = low is not None and high is not None
    text = (signed_interval if difference else interval)(low, high) if known else UNKNOWN
    return Shown(text, {"low": low, "high": high})


def verdict_cell(verdict: Verdict, word: str) -> Shown:
    """A verdict's word in its colour."""
    return Shown(word, word, _STYLES[verdict])


def p_value_cell(value: float | None) -> Shown:
    """A p-value to three decimals."""
    return Shown(p_value(value), value)


def _candidate(candidate: CandidateSummary) -> str:
    failures = ", ".join(f"{times:,} {reason}" for reason, times in candidate.failures.items())
    noted = remarks(candidate)
    return "\n".join(
        [
            f"{candidate.name}  ({candidate.model_id})",
            f"  {count(candidate.cases, 'case')}, {candidate.failed:,} failed{f' ({failures})' if failures else ''}; "
            f"{_spending(candidate)}",
            *([f"  {'; '.join(noted)}"] if noted else []),
        ]
    )


def _spending(candidate: CandidateSummary) -> str:
    usage = candidate.usage
    if usage is None:
        known = candidate.cost is not None and candidate.cost.unknown_calls
        return f"tokens {UNKNOWN}; estimated cost {candidate.cost}" if known else f"tokens and cost {UNKNOWN}"
    return f"{usage.input_tokens:,} input and {usage.output_tokens:,} output tokens; estimated cost {candidate.cost}"


def _scores(summary: Summary) -> Iterator[tuple[Cell, ...]]:
    for candidate in summary.candidates:
        for name, metric in candidate.metrics.items():
            labels = Shown(chosen(metric.labels), dict(metric.labels)) if metric.labels else ""
            mean, bounds = mean_cell(metric.mean), interval_cell(metric.low, metric.high)
            yield (candidate.name, name, metric.n, mean, bounds, labels)


def _gates(summary: Summary) -> Iterator[tuple[Cell, ...]]:
    for candidate in summary.candidates:
        for gate in candidate.gates:
            yield (candidate.name, gate.metric, *_gate_cells(gate))


def _gate_cells(gate: GateResult) -> tuple[Cell, ...]:
    difference = gate.max_drop is not None
    return (
        Shown(bound_text(gate), {"min": gate.min, "max": gate.max, "max_drop": gate.max_drop}),
        gate.n,
        mean_cell(gate.mean, difference=difference),
        interval_cell(gate.low, gate.high, difference=difference),
        verdict_cell(gate.verdict, verdict_word(gate)),
        gate.reason,
        gate.needed_n if gate.needed_n else "",
    )


def _difference(compared: RunComparison, summary: Summary) -> tuple[Cell, ...]:
    estimate = compared.estimate
    verdict, word = reading(compared, summary)
    return (
        compared.candidate,
        "its baseline" if compared.against == BASELINE else compared.reference,
        compared.metric,
        estimate.n,
        mean_cell(estimate.mean, difference=True),
        interval_cell(estimate.low, estimate.high, difference=True),
        p_value_cell(compared.holm_p_value),
        compared.candidate_only + compared.reference_only,
        verdict_cell(verdict, word),
    )


def _share(share: float | None) -> Shown:
    return Shown(percent(share), share)
