"""How many cases a run's gates need, said before its first call from what the run before has shown.

Every gate is taken to meet the mean and the spread of the last run again; with so many cases four of five runs would
then decide. The spread is the one that the last run's interval stands for, whatever its method.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from bedrock_eval.evaluation.definition import Definition, Gate
from bedrock_eval.results.scoring import by_present_version
from bedrock_eval.results.summary import BASELINE, MetricSummary, Summary
from bedrock_eval.statistics import Interval, implied_deviation, needed_n
from bedrock_eval.verdicts.comparison import Method, PairedEstimate
from bedrock_eval.verdicts.gates import MIN_SAMPLE, bound_text
from bedrock_eval.wording import count


@dataclass(frozen=True)
class GatePlan:
    """What one gate would take on one candidate: of its bounds, or of its fall behind the baseline.

    Attributes:
        bound: in words, as `bound_text` says it.
        cases: what the run has.
        needed_n: None: unknown, and `unknown` says why.
        at_most: the spread of differences from the baseline is not known yet; it was taken as if the answers of two
            runs to one prompt had nothing in common, and as if nothing had changed.
    """

    candidate: str
    metric: str
    bound: str
    cases: int
    needed_n: int | None = None
    at_most: bool = False
    unknown: str | None = None

    @property
    def enough(self) -> bool | None:
        """Whether the run has them; None when unknown."""
        return None if self.needed_n is None else self.needed_n <= self.cases

    def __str__(self) -> str:
        """For people: `f1_score at least 0.5 of haiku: about 120 cases would decide, the run has 42`."""
        what = f"{self.metric} {self.bound} of {self.candidate}"
        if self.needed_n is None:
            return f"{what}: how many cases would decide is unknown ({self.unknown}); the run has {self.cases:,}"
        about = "at most" if self.at_most else "about"
        return f"{what}: {about} {count(self.needed_n, 'case')} would decide, the run has {self.cases:,}"


def plan(definition: Definition, last: Summary | None, *, cases: int) -> tuple[GatePlan, ...]:
    """What each verdict of a run would take, candidate by candidate.

    Args:
        last: the newest finished run of the evaluation, None when there is none.
        cases: of the dataset.
    """
    return tuple(
        _planned(definition, last, candidate.name, part, cases=cases)
        for candidate in definition.candidates
        for gate in definition.gates
        for part in _parts(gate)
    )


def _parts(gate: Gate) -> Iterator[Gate]:
    """One gate a verdict."""
    if gate.bounded:
        yield Gate(gate.metric, min=gate.min, max=gate.max)
    if gate.max_drop is not None:
        yield Gate(gate.metric, max_drop=gate.max_drop)


def _planned(definition: Definition, last: Summary | None, candidate: str, gate: Gate, *, cases: int) -> GatePlan:
    known = GatePlan(candidate, gate.metric, bound_text(gate), cases)
    if gate.max_drop is not None and definition.baseline is None:
        return replace(known, unknown="no baseline")
    if last is None:
        return replace(known, unknown="no earlier run")
    measured = last.measures.get(gate.metric)
    if measured is not None and not by_present_version(measured):
        return replace(known, unknown=f"run {last.run_id} was scored by another version of it")
    ground = _ground(definition, last, candidate, gate)
    if ground is None:
        return replace(known, unknown=f"run {last.run_id} has no spread of it")
    level = 1 - (1 - definition.confidence) / definition.verdicts
    needed = needed_n(effect=ground.effect, standard_deviation=ground.spread, confidence=level)
    if needed is None:
        return replace(known, unknown="no number would, at the last run's mean")
    return replace(known, needed_n=max(MIN_SAMPLE, needed), at_most=ground.at_most)


@dataclass(frozen=True)
class _Ground:
    """What a number of cases is reckoned from: the distance to the nearer decision, and the spread."""

    effect: float
    spread: float
    at_most: bool = False


def _ground(definition: Definition, last: Summary, candidate: str, gate: Gate) -> _Ground | None:
    scores = _scores(last, candidate, gate.metric)
    spread = None if scores is None else _spread(scores, scores.n, last.confidence)
    if scores is None or scores.mean is None or spread is None:
        return None
    if gate.max_drop is None:
        mean = scores.mean
        return _Ground(min(abs(mean - bound) for bound in (gate.min, gate.max) if bound is not None), spread)
    earlier = _difference(last, candidate, gate.metric)
    known = None if earlier is None else _spread(earlier, earlier.n, earlier.confidence)
    if earlier is None or earlier.mean is None or known is None:
        return _Ground(gate.max_drop, spread * math.sqrt(2), at_most=True)
    same = last.baseline is not None and last.baseline.run_id == definition.baseline
    mean = earlier.mean if same else 0.0
    return _Ground(max(mean + gate.max_drop, -mean), known)


def _scores(last: Summary, candidate: str, metric: str) -> MetricSummary | None:
    return next((each.metrics.get(metric) for each in last.candidates if each.name == candidate), None)


def _difference(last: Summary, candidate: str, metric: str) -> PairedEstimate | None:
    """From the baseline; the rule of three tells no spread."""
    found = (
        each.estimate
        for each in last.comparisons
        if (each.candidate, each.metric, each.against) == (candidate, metric, BASELINE)
    )
    return next((each for each in found if each.method is not Method.RULE_OF_THREE), None)


def _spread(of: MetricSummary | PairedEstimate, n: int, confidence: float) -> float | None:
    return implied_deviation(Interval(of.low, of.high), n=n, confidence=confidence)
