"""The results of `make run` as summary.json has them, and notifications as the screen shows them."""

from typing import Any

from bedrock_eval.results.summary import CandidateSummary
from bedrock_eval.verdicts.gates import GateResult, worst
from local.evaluation import Notification, RunFound, Surroundings


def without_links(message: Notification) -> str:
    """A notification without its links, which lead to AWS's console."""
    lines = [line for line in message.text.splitlines() if line and "https://" not in line]
    return "\n".join(f"  | {line}" for line in (message.subject, *lines))


def view_run(found: RunFound) -> dict[str, Any]:
    """A run by model id, with each mean as CloudWatch returns it."""
    summary = found.summary
    return {
        "application": summary.application,
        "evaluation": summary.evaluation,
        "run_id": summary.run_id,
        "dataset": summary.dataset,
        "confidence": summary.confidence,
        "duration_seconds": summary.duration_seconds,
        "models": {candidate.model_id: _model(candidate, found) for candidate in summary.candidates},
    }


def view_surroundings(found: Surroundings) -> dict[str, Any]:
    """The alarms, notifications and dashboard of all runs."""
    return {
        "alarms": dict(found.alarms),
        "notifications": [
            {"alarm": message.alarm, "state": message.state, "subject": message.subject, "text": message.text}
            for message in found.notifications
        ],
        "dashboard": {"name": found.dashboard, "widgets": found.widgets, "metrics": found.plotted},
    }


def _model(candidate: CandidateSummary, found: RunFound) -> dict[str, Any]:
    return {
        "candidate": candidate.name,
        "cases": candidate.cases,
        "failed": candidate.failed,
        "failures": dict(candidate.failures),
        **_spending(candidate),
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


def _spending(candidate: CandidateSummary) -> dict[str, float | None]:
    """Tokens and cost, None where unknown: Bedrock does not report the tokens of evaluation jobs."""
    usage, cost = candidate.usage, candidate.cost
    return {
        "input_tokens": None if usage is None else usage.input_tokens,
        "output_tokens": None if usage is None else usage.output_tokens,
        "cost_usd": cost.usd if cost is not None and cost.known else None,
        "unpriced_tokens": None if cost is None else cost.unpriced_tokens,
    }


def _of(candidate: CandidateSummary, metric: str) -> list[GateResult]:
    return [gate for gate in candidate.gates if gate.metric == metric]
