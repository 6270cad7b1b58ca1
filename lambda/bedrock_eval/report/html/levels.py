"""One scale a metric: its means, intervals and bounds lie at the same place wherever the page draws them."""

from bedrock_eval.report.html.scale import Scale, close_scale
from bedrock_eval.report.html.subjects import measure
from bedrock_eval.results.summary import Summary
from bedrock_eval.verdicts.gates import GateResult


def gates_on(summary: Summary, metric: str) -> list[GateResult]:
    """Of all candidates."""
    return [gate for candidate in summary.candidates for gate in candidate.gates if gate.metric == metric]


def bounds_of(gate: GateResult) -> list[float]:
    """What a gate asks of a mean."""
    return [value for value in (gate.min, gate.max) if value is not None]


def drops_of(gate: GateResult) -> list[float]:
    """The lowest difference from the baseline that a gate allows."""
    return [] if gate.max_drop is None else [-gate.max_drop]


def level_scale(summary: Summary, metric: str) -> Scale:
    """The scale of a metric's levels: of every candidate's mean, and of every gate on it, whose intervals are wider."""
    found = [candidate.metrics[metric] for candidate in summary.candidates if metric in candidate.metrics]
    ends = [value for each in found for value in (each.mean, each.low, each.high)]
    for gate in gates_on(summary, metric):
        ends += [gate.mean, gate.low, gate.high] if gate.max_drop is None else []
        ends += bounds_of(gate)
    return close_scale(ends, measure(summary, metric))
