"""A finished run as text: per candidate the means, verdicts and what they rest on, then the comparisons."""

from bedrock_eval.report.words.reading import baseline_notes, reading
from bedrock_eval.report.words.remarks import remarks
from bedrock_eval.results.summary import BASELINE, CandidateSummary, RunComparison, Summary
from bedrock_eval.verdicts.gates import bound_text, verdict_word
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


def table(summary: Summary) -> str:
    """One block a candidate, then what of the baseline has changed, comparisons, and people's agreement."""
    width = 2 + max((len(name) for name in summary.measures), default=0)
    blocks = [_candidate(candidate, summary, width=width) for candidate in summary.candidates]
    notes = baseline_notes(summary)
    if notes:
        blocks.append("\n".join(notes))
    if summary.comparisons:
        blocks.append(_comparisons(summary, width=width))
    if summary.agreement:
        blocks.append(_agreement(summary, width=width))
    return "\n\n".join(blocks)


def _candidate(candidate: CandidateSummary, summary: Summary, *, width: int) -> str:
    noted = remarks(candidate)
    failures = ", ".join(f"{times:,} {reason}" for reason, times in candidate.failures.items())
    lines = [
        f"{candidate.name}  ({candidate.model_id})",
        f"  {count(candidate.cases, 'case')}, {candidate.failed:,} failed{f' ({failures})' if failures else ''}; "
        f"{_spending(candidate)}",
        *([f"  {'; '.join(noted)}"] if noted else []),
        f"  {'metric':<{width}}{'n':>7}{'mean':>12}   {level(summary.confidence)} interval",
    ]
    for name, metric in candidate.metrics.items():
        told = chosen(metric.labels) if metric.labels else interval(metric.low, metric.high)
        lines.append(f"  {name:<{width}}{metric.n:>7,}{number(metric.mean):>12}   {told}")
    for gate in candidate.gates:
        needed = f"; about {count(gate.needed_n, 'case')} would decide" if gate.needed_n else ""
        lines.append(f"  gate {gate.metric} {bound_text(gate)}: {verdict_word(gate)} ({gate.reason}{needed})")
    return "\n".join(lines)


def _spending(candidate: CandidateSummary) -> str:
    usage = candidate.usage
    if usage is None:
        known = candidate.cost is not None and candidate.cost.unknown_calls
        return f"tokens {UNKNOWN}; estimated {candidate.cost}" if known else f"tokens and cost {UNKNOWN}"
    return f"{usage.input_tokens:,} input and {usage.output_tokens:,} output tokens; estimated {candidate.cost}"


def _comparisons(summary: Summary, *, width: int) -> str:
    lines = [
        "Differences case by case, in the metric's good direction",
        f"  {'metric':<{width}}{'pairs':>7}{'mean':>12}   {level(summary.confidence)} interval, p-value by Holm",
    ]
    lines += [f"  {_comparison(each, summary, width=width)}" for each in summary.comparisons]
    return "\n".join(lines)


def _agreement(summary: Summary, *, width: int) -> str:
    lines = [
        f"  {each.metric:<{width}}{percent(each.share):>7} of {count(each.pairs, 'pair')}" for each in summary.agreement
    ]
    return "\n".join(["How often two people who rated the same answer agree", *lines])


def _comparison(compared: RunComparison, summary: Summary, *, width: int) -> str:
    estimate = compared.estimate
    other = "its baseline" if compared.against == BASELINE else compared.reference
    _, word = reading(compared, summary)
    unpaired = compared.candidate_only + compared.reference_only
    left_out = f", {count(unpaired, 'case')} unpaired" if unpaired else ""
    return (
        f"{compared.metric:<{width}}{estimate.n:>7,}{signed(estimate.mean):>12}   "
        f"{signed_interval(estimate.low, estimate.high)}, p {p_value(compared.holm_p_value)}: "
        f"{compared.candidate} and {other}: {word}{left_out}"
    )
