"""What `make run` shows and writes: the table on the screen, build/run/summary.json."""

from typing import Any

from bedrock_eval.gates import GateResult, bound_text, worst
from bedrock_eval.summary import CandidateSummary, Summary
from bedrock_eval.wording import interval, number
from local.evaluation import ReadBack

_WIDTH = 18


def table(summary: Summary) -> str:
    """One block a candidate: cases, tokens, and each metric with n, mean and interval."""
    return "\n\n".join(_block(candidate, summary) for candidate in summary.candidates)


def _block(candidate: CandidateSummary, summary: Summary) -> str:
    failures = ", ".join(f"{count} {reason}" for reason, count in candidate.failures.items())
    lines = [
        f"{candidate.name}  ({candidate.model_id})",
        f"  {candidate.cases:,} cases, {candidate.failed:,} failed{f' ({failures})' if failures else ''}; "
        f"{candidate.usage.input_tokens:,} input and {candidate.usage.output_tokens:,} output tokens; "
        f"estimated {candidate.cost}",
        f"  {'metric':<{_WIDTH}}{'n':>7}{'mean':>12}   {summary.confidence:.0%} interval",
    ]
    for name, metric in candidate.metrics.items():
        lines.append(f"  {name:<{_WIDTH}}{metric.n:>7,}{number(metric.mean):>12}   {interval(metric.low, metric.high)}")
    for gate in candidate.gates:
        lines.append(f"  gate {gate.metric} {bound_text(gate)}: {gate.verdict.value} ({gate.reason})")
    return "\n".join(lines)


def view(found: ReadBack) -> dict[str, Any]:
    """build/run/summary.json: the run by model id, with each mean as CloudWatch gives it back."""
    summary = found.summary
    return {
        "application": summary.application,
        "evaluation": summary.evaluation,
        "run_id": summary.run_id,
        "dataset": summary.dataset,
        "confidence": summary.confidence,
        "duration_seconds": summary.duration_seconds,
        "models": {candidate.model_id: _model(candidate, found) for candidate in summary.candidates},
        "alarms": dict(found.alarms),
        "notifications": [
            {"alarm": message.alarm, "state": message.state, "reason": message.reason}
            for message in found.notifications
        ],
        "dashboard": {"name": found.dashboard, "widgets": found.widgets, "metrics": found.plotted},
    }


def _model(candidate: CandidateSummary, found: ReadBack) -> dict[str, Any]:
    return {
        "candidate": candidate.name,
        "cases": candidate.cases,
        "failed": candidate.failed,
        "failures": dict(candidate.failures),
        "input_tokens": candidate.usage.input_tokens,
        "output_tokens": candidate.usage.output_tokens,
        "cost_usd": candidate.cost.usd if candidate.cost.known else None,
        "unpriced_tokens": candidate.cost.unpriced_tokens,
        "metrics": {
            name: {
                "n": metric.n,
                "mean": metric.mean,
                "ci_low": metric.low,
                "ci_high": metric.high,
                "cloudwatch_mean": found.cloudwatch_means[candidate.name, name],
            }
            for name, metric in candidate.metrics.items()
        },
        "verdicts": {gate.metric: worst(_of(candidate, gate.metric)).verdict.value for gate in candidate.gates},
    }


def _of(candidate: CandidateSummary, metric: str) -> list[GateResult]:
    return [gate for gate in candidate.gates if gate.metric == metric]
