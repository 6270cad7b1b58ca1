"""Rules about metrics and gates."""

from collections.abc import Iterator

from bedrock_eval.direction import Better
from bedrock_eval.scores.measures import Measure
from bedrock_eval.wording import suggestion
from configuration.document.reading import Mistake, Path
from configuration.loading.rules.parts import EvaluationParts, Parts, of_evaluation
from configuration.schema.evaluations.gates import AnyGateConfig


def notes(parts: Parts) -> Iterator[Mistake]:
    """Gates that ring when a metric gets better: a warning, as somebody may want that (answers that are refused)."""
    for name, evaluation in parts.evaluations.items():
        for index, gate in enumerate(evaluation.gates):
            measure = None if gate is None else (evaluation.measures or {}).get(gate.metric)
            if gate is None or measure is None or (gate.min is None) == (gate.max is None):
                continue
            given, other = ("min", "max") if gate.max is None else ("max", "min")
            if measure.better is (Better.LOWER if given == "min" else Better.HIGHER):
                yield Mistake(
                    ("evaluations", name, "gates", index, given),
                    f"{gate.metric} is better when {measure.better}, so this gate fails when the score improves; "
                    f"use {other}, unless you mean that",
                )


def mistakes(parts: Parts) -> Iterator[Mistake]:
    """Every rule that metrics and gates break."""
    for name, evaluation in parts.evaluations.items():
        yield from of_evaluation(name, _metrics(evaluation))
        yield from of_evaluation(name, _gates(evaluation))


def _metrics(evaluation: EvaluationParts) -> Iterator[Mistake]:
    first: dict[str, int] = {}
    for index, metric in enumerate(evaluation.metrics if evaluation.custom else ()):
        if metric in first:
            yield Mistake(("metrics", index), f"{metric!r} is already in metrics[{first[metric]}]")
        first.setdefault(metric, index)


def _gates(evaluation: EvaluationParts) -> Iterator[Mistake]:
    first: dict[str, int] = {}
    for index, gate in enumerate(evaluation.gates):
        if gate is None or not evaluation.measures:
            continue
        at: Path = ("gates", index)
        # A name that is no metric is told by itself, and may be what the gate means.
        unsure = evaluation.custom and any(metric not in evaluation.measures for metric in evaluation.metrics)
        if gate.metric not in evaluation.metrics and not unsure:
            among = ", ".join(evaluation.metrics)
            near = suggestion(gate.metric, evaluation.metrics)
            yield Mistake((*at, "metric"), f"{gate.metric!r} is not measured here{near}; allowed: {among}")
        if gate.metric in first:
            other = first[gate.metric]
            wrong = f"{gate.metric!r} already has a gate in gates[{other}]; put min, max and max_drop there"
            yield Mistake((*at, "metric"), wrong)
        first.setdefault(gate.metric, index)
        measure = evaluation.measures.get(gate.metric)
        for mistake in () if measure is None else _bounds(gate, measure):
            yield Mistake((*at, *mistake.path), mistake.message)


def _bounds(gate: AnyGateConfig, metric: Measure) -> Iterator[Mistake]:
    if gate.max_drop is not None and metric.better is Better.NEUTRAL:
        yield Mistake(
            ("max_drop",), f"{gate.metric} has no better direction, so max_drop has no meaning; allowed: min and max"
        )
    if gate.max_drop is not None and metric.low is not None and metric.high is not None:
        most = metric.high - metric.low
        if gate.max_drop >= most:
            yield Mistake(("max_drop",), f"{gate.max_drop:g} can never be exceeded; allowed: less than {most:g}")
    for key, bound in (("min", gate.min), ("max", gate.max)):
        wrong = None if bound is None else metric.outside(bound)
        if wrong is not None:
            yield Mistake((key,), wrong)
