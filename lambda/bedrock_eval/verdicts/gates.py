"""What a gate says of a run: better, not worse, inconclusive or worse, by the interval and never by the mean alone."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from bedrock_eval.evaluation.definition import Gate
from bedrock_eval.scores.measures import Measure
from bedrock_eval.statistics import (
    Interval,
    implied_deviation,
    mean_interval,
    needed_n,
    rule_of_three,
    wilson_interval,
)
from bedrock_eval.wording import count

MIN_SAMPLE = 10


class Verdict(StrEnum):
    """In the order of the metric `gate_verdict`: 0 better, 1 not_worse, 2 inconclusive, 3 worse."""

    BETTER = "better"
    NOT_WORSE = "not_worse"
    INCONCLUSIVE = "inconclusive"
    WORSE = "worse"

    @property
    def number(self) -> int:
        return list(Verdict).index(self)


_OF_BOUNDS = {
    Verdict.BETTER: "passed",
    Verdict.NOT_WORSE: "passed",
    Verdict.INCONCLUSIVE: "undecided",
    Verdict.WORSE: "failed",
}
_OF_DROPS = {
    Verdict.BETTER: "better",
    Verdict.NOT_WORSE: "not worse",
    Verdict.INCONCLUSIVE: "undecided",
    Verdict.WORSE: "worse",
}
WORDS = ("better", "passed or not worse", "undecided", "failed or worse")
"""What the numbers of the metric `gate_verdict` stand for, whatever the gate is on."""


@dataclass(frozen=True)
class GateResult:
    """One verdict on one candidate: on the bounds of a mean, or with `max_drop` on its difference from the baseline.

    Attributes:
        n: scored cases; with `max_drop` the pairs.
        mean: with `max_drop` of the differences, candidate less baseline in the metric's good direction.
        low, high: the mean's interval at `confidence`, which the number of gates of the run has widened.
        margin: distance of the interval's worse end to the bound, above 0 it passes; with `max_drop` the interval's
            low end. None when unknown.
        needed_n: cases with which four of five runs would decide, for an inconclusive verdict whose spread is known.
        unpaired: cases that only one side scored; with `max_drop` only.
        p_value, holm_p_value: two-sided, of no difference; they stand beside and decide nothing.
    """

    metric: str
    verdict: Verdict
    reason: str
    confidence: float
    n: int
    mean: float | None
    low: float | None
    high: float | None
    min: float | None
    max: float | None
    margin: float | None
    needed_n: int | None = None
    max_drop: float | None = None
    unpaired: int | None = None
    minimum_detectable: float | None = None
    p_value: float | None = None
    holm_p_value: float | None = None


def verdict_word(result: GateResult) -> str:
    """A verdict as people read it: a bound is passed or failed, against the baseline a candidate is better or worse."""
    return (_OF_BOUNDS if result.max_drop is None else _OF_DROPS)[result.verdict]


def verdict_tally(results: Iterable[GateResult]) -> dict[str, int]:
    """How many gates came out how, by the words of their verdicts, the best first."""
    counts = Counter(map(verdict_word, results))
    words = dict.fromkeys(each[verdict] for verdict in Verdict for each in (_OF_DROPS, _OF_BOUNDS))
    return {word: counts[word] for word in words if counts[word]}


def tally_text(results: Iterable[GateResult]) -> str:
    """`1 passed, 2 failed`; empty without a gate."""
    return ", ".join(f"{number:,} {word}" for word, number in verdict_tally(results).items())


def worst(results: Iterable[GateResult]) -> GateResult:
    """The result that stands for a metric with several: the worst verdict.

    Raises:
        ValueError: there is none.
    """
    return max(results, key=lambda each: each.verdict.number)


def bound_text(result: Gate | GateResult) -> str:
    """What a gate asks for, in words."""
    parts = [f"at least {result.min:g}"] if result.min is not None else []
    parts += [f"at most {result.max:g}"] if result.max is not None else []
    parts += [f"at most {result.max_drop:g} below the baseline"] if result.max_drop is not None else []
    return " and ".join(parts)


def sample_interval(values: list[float], *, metric: Measure, confidence: float) -> Interval:
    """The interval of a metric's mean: Wilson for a binary one, else Student's t, within the metric's range.

    A sample without variance says nothing by its standard error; on a closed range the rule of three bounds it (a
    share of 3 / n more cases could lie at the far end), on an open one nothing does.
    """
    if metric.binary and all(value in (0.0, 1.0) for value in values):
        return wilson_interval(int(sum(values)), len(values), confidence)
    estimate = mean_interval(values, confidence=confidence)
    if estimate.mean is None or estimate.low is None or estimate.high is None:
        return Interval(None, None)
    if estimate.standard_error == 0:
        return _without_variance(estimate.mean, rule_of_three(len(values), confidence), metric=metric)
    low = estimate.low if metric.low is None else max(estimate.low, metric.low)
    high = estimate.high if metric.high is None else min(estimate.high, metric.high)
    return Interval(low, high)


def _without_variance(mean: float, reach: float, *, metric: Measure) -> Interval:
    if metric.low is None or metric.high is None:
        return Interval(None, None)
    return Interval(mean - reach * (mean - metric.low), mean + reach * (metric.high - mean))


def judge(  # noqa: PLR0913 - one call site, all by keyword
    gate: Gate,
    values: list[float],
    *,
    metric: Measure,
    confidence: float,
    gates: int,
    coverage: float | None,
    min_coverage: float,
) -> GateResult:
    """Judge the scored values of one candidate against a min / max gate.

    Args:
        confidence: of the run; the interval is taken at 1 - (1 - confidence) / gates (Bonferroni).
        gates: how many verdicts this run gives.
        coverage: answered of asked; below `min_coverage` nothing can be concluded.
    """
    level = 1 - (1 - confidence) / gates
    interval = sample_interval(values, metric=metric, confidence=level)
    mean = sum(values) / len(values) if values else None
    thin = thin_coverage(coverage, min_coverage)
    verdict, reason = (Verdict.INCONCLUSIVE, thin) if thin else _decide(gate, interval, n=len(values))
    return GateResult(
        metric=gate.metric,
        verdict=verdict,
        reason=reason,
        confidence=level,
        n=len(values),
        mean=mean,
        low=interval.low,
        high=interval.high,
        min=gate.min,
        max=gate.max,
        margin=_margin(gate, interval),
        needed_n=_needed(gate, interval, n=len(values), mean=mean, confidence=level)
        if verdict is Verdict.INCONCLUSIVE and not thin
        else None,
    )


def thin_coverage(coverage: float | None, min_coverage: float) -> str | None:
    """Why so few of the asked cases were answered that nothing can be concluded; None when there are enough."""
    if coverage is not None and coverage >= min_coverage:
        return None
    shown = "unknown" if coverage is None else f"{coverage:.1%}"
    return f"coverage {shown} is below {min_coverage:.1%}"


def _decide(gate: Gate, interval: Interval, *, n: int) -> tuple[Verdict, str]:
    if n < MIN_SAMPLE:
        return Verdict.INCONCLUSIVE, f"{count(n, 'scored case')}; at least {MIN_SAMPLE} are needed"
    if interval.low is None or interval.high is None:
        return Verdict.INCONCLUSIVE, "all scores are equal and the range of the metric is open"
    below = gate.min is not None and interval.high < gate.min
    above = gate.max is not None and interval.low > gate.max
    if below or above:
        return (
            Verdict.WORSE,
            f"the whole interval is {'below' if below else 'above'} {gate.min if below else gate.max:g}",
        )
    keeps = (gate.min is None or interval.low >= gate.min) and (gate.max is None or interval.high <= gate.max)
    if keeps:
        return Verdict.NOT_WORSE, "the whole interval is within the bound"
    return Verdict.INCONCLUSIVE, "the interval includes the bound"


def _margin(gate: Gate, interval: Interval) -> float | None:
    if interval.low is None or interval.high is None:
        return None
    margins = []
    if gate.min is not None:
        margins.append(interval.low - gate.min)
    if gate.max is not None:
        margins.append(gate.max - interval.high)
    return min(margins)


def _needed(gate: Gate, interval: Interval, *, n: int, mean: float | None, confidence: float) -> int | None:
    if n < MIN_SAMPLE:
        return MIN_SAMPLE
    spread = implied_deviation(interval, n=n, confidence=confidence)
    if mean is None or spread is None:
        return None
    bound = min((bound for bound in (gate.min, gate.max) if bound is not None), key=lambda bound: abs(mean - bound))
    needed = needed_n(effect=mean - bound, standard_deviation=spread, confidence=confidence)
    return None if needed is None else max(n + 1, needed)
