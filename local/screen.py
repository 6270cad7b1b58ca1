"""What `make run` writes as summary.json."""

from typing import Any

from bedrock_eval.results.summary import CandidateSummary
from bedrock_eval.verdicts.gates import GateResult, worst
from local.evaluation import Notification, RunFound, Surroundings


def heard(message: Notification) -> str:
    """An alarm's message without the links, which lead to AWS's console."""
    lines = [line for line in message.text.splitlines() if line and "https://" not in line]
    return "\n".join(f"  | {line}" for line in (message.subject, *lines))


def view_run(found: RunFound) -> dict[str, Any]:
    """A run by model id, with each mean as CloudWatch gives it back."""
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
    """Alarms, messages and dashboard, which the runs share."""
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
    """None where it is unknown: Bedrock does not tell the tokens of evaluation jobs."""
    usage, cost = candidate.usage, candidate.cost
    return {
        "input_tokens": None if usage is None else usage.input_tokens,
        "output_tokens": None if usage is None else usage.output_tokens,
        "cost_usd": cost.usd if cost is not None and cost.known else None,
        "unpriced_tokens": None if cost is None else cost.unpriced_tokens,
    }


def _of(candidate: CandidateSummary, metric: str) -> list[GateResult]:
    return [gate for gate in candidate.gates if gate.metric == metric]
