"""One candidate against another, or a run against its baseline: case by case, and what that says.

`max_drop` gates are `compare` against the pinned baseline. All differences are taken in the metric's good
direction: above 0 the candidate is better.
"""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from bedrock_eval.direction import Better
from bedrock_eval.scores.measures import Measure
from bedrock_eval.statistics import (
    Difference,
    Interval,
    holm,
    implied_deviation,
    minimum_detectable_effect,
    needed_n,
    paired_difference,
    paired_proportion_difference,
    rule_of_three,
    rule_of_three_p_value,
)
from bedrock_eval.verdicts.gates import MIN_SAMPLE, Verdict, thin_coverage
from bedrock_eval.wording import count

_ROUNDING = 1e-12


class Method(StrEnum):
    """How the interval of a paired difference was made."""

    SCORE = "Tango's score interval"
    T = "paired t interval"
    RULE_OF_THREE = "rule of three"


@dataclass(frozen=True)
class Pairs:
    """The values of one metric for the cases that both sides scored, in one order; the others are counted."""

    ids: tuple[str, ...]
    candidate: tuple[float, ...]
    baseline: tuple[float, ...]
    candidate_only: int
    baseline_only: int


@dataclass(frozen=True)
class PairedEstimate:
    """The mean difference of pairs in the good direction, with its interval at `confidence`.

    Attributes:
        p_value: two-sided, of no difference; 1 - p is the highest confidence whose interval leaves out 0, so that the
            two never disagree. None when there is no interval.
        method: None when there is no interval.
    """

    n: int
    candidate_mean: float | None
    baseline_mean: float | None
    mean: float | None
    low: float | None
    high: float | None
    p_value: float | None
    confidence: float
    method: Method | None


@dataclass(frozen=True)
class Comparison:
    """A `max_drop` gate on one candidate.

    Attributes:
        estimate: at the run's confidence, widened by its number of gates.
        margin: the interval's low end; at least -max_drop passes. None when unknown.
        candidate_only, baseline_only: cases without a partner; they are in no mean.
        minimum_detectable: the smallest true difference that so many pairs would find with 80 % power.
        needed_n: pairs with which four of five runs would decide, for an inconclusive verdict whose spread is known.
    """

    metric: str
    verdict: Verdict
    reason: str
    max_drop: float
    estimate: PairedEstimate
    candidate_only: int
    baseline_only: int
    minimum_detectable: float | None
    needed_n: int | None

    @property
    def margin(self) -> float | None:
        return self.estimate.low


@dataclass(frozen=True)
class CategoryComparison:
    """One category of cases, None for those without one; p-values adjusted over the categories by Holm."""

    category: str | None
    estimate: PairedEstimate
    candidate_only: int
    baseline_only: int
    holm_p_value: float | None


def pair(candidate: Mapping[str, float], baseline: Mapping[str, float]) -> Pairs:
    """Pair two sets of values by case id."""
    ids = tuple(case for case in candidate if case in baseline)
    return Pairs(
        ids=ids,
        candidate=tuple(candidate[case] for case in ids),
        baseline=tuple(baseline[case] for case in ids),
        candidate_only=len(candidate) - len(ids),
        baseline_only=len(baseline) - len(ids),
    )


def estimate_difference(
    pairs: Pairs,
    *,
    metric: Measure,
    confidence: float,
    clusters: Mapping[str, Hashable] | None = None,
) -> PairedEstimate:
    """The mean difference with its interval: a paired score interval for a binary metric, else Student's t.

    Below 10 pairs, and without variance, a standard error says nothing: the interval then reaches as far as a share
    of 3 / n unseen cases at the far end of the metric's range could pull the mean (the rule of three). On an open
    range there is none.

    Args:
        clusters: labels of the cases that depend on one another; a case without one stands alone.
    """
    a, b = pairs.candidate, pairs.baseline
    if metric.better is Better.LOWER:
        a, b = b, a
    labels = None if clusters is None else [clusters.get(case, ("alone", case)) for case in pairs.ids]
    binary = metric.binary and all(value in (0, 1) for value in (*a, *b))
    difference = (paired_proportion_difference if binary else paired_difference)(a, b, labels, confidence)
    if len(a) < MIN_SAMPLE or difference.standard_error == 0 or not _varies(a, b):
        units = len(a) if labels is None else len(set(labels))
        interval = _rule_of_three_interval(a, b, reach=rule_of_three(units, confidence), metric=metric)
        method, p_value = Method.RULE_OF_THREE, _rule_of_three_p_value(a, b, units=units, metric=metric)
    else:
        interval, p_value = _within_range(difference, metric), difference.p_value
        method = Method.SCORE if binary else Method.T
    return PairedEstimate(
        n=len(a),
        candidate_mean=_mean(pairs.candidate),
        baseline_mean=_mean(pairs.baseline),
        mean=difference.mean,
        low=interval.low,
        high=interval.high,
        p_value=p_value,
        confidence=confidence,
        method=None if interval.low is None else method,
    )


def compare(  # noqa: PLR0913 - one call site, all by keyword
    candidate: Mapping[str, float],
    baseline: Mapping[str, float] | None,
    *,
    metric: Measure,
    max_drop: float,
    confidence: float,
    gates: int,
    coverage: float | None,
    min_coverage: float,
    clusters: Mapping[str, Hashable] | None = None,
) -> Comparison:
    """Judge a candidate's values by case id against the baseline's.

    With [l, h] the interval of the mean difference and m = `max_drop`, in this order: better where l > 0, not_worse
    where l >= -m, worse where h < 0, else inconclusive. Below 10 pairs nothing but not_worse can be concluded.

    Args:
        baseline: None when none is pinned.
        max_drop: m >= 0, in the metric's unit.
        confidence: of the run; the interval is taken at 1 - (1 - confidence) / gates (Bonferroni).
        gates: how many verdicts this run gives.
        coverage: answered of asked; below `min_coverage` nothing can be concluded.

    Raises:
        ValueError: a neutral metric, which has no good direction, or a negative max_drop.
    """
    if metric.better is Better.NEUTRAL:
        raise ValueError(f"max_drop of {metric.name}: the metric has no better direction; allowed: min and max")
    if not max_drop >= 0:
        raise ValueError(f"max_drop of {metric.name} is {max_drop:g}; allowed: 0 or more, in {metric.unit}")
    pairs = pair(candidate, baseline or {})
    level = 1 - (1 - confidence) / gates
    estimate = estimate_difference(pairs, metric=metric, confidence=level, clusters=clusters)
    thin = thin_coverage(coverage, min_coverage)
    if baseline is None or thin:
        verdict, reason = Verdict.INCONCLUSIVE, thin or "no baseline"
    else:
        verdict, reason = _decide(estimate, max_drop=max_drop)
    spread = _spread(estimate)
    return Comparison(
        metric=metric.name,
        verdict=verdict,
        reason=reason,
        max_drop=max_drop,
        estimate=estimate,
        candidate_only=pairs.candidate_only,
        baseline_only=pairs.baseline_only,
        minimum_detectable=None
        if spread is None
        else minimum_detectable_effect(n=estimate.n, standard_deviation=spread, confidence=level),
        # More cases decide nothing where too many of them have no answer.
        needed_n=_needed(estimate, spread=spread, max_drop=max_drop)
        if verdict is Verdict.INCONCLUSIVE and not thin
        else None,
    )


def compare_categories(  # noqa: PLR0913 - as compare
    candidate: Mapping[str, float],
    baseline: Mapping[str, float],
    *,
    categories: Mapping[str, str],
    metric: Measure,
    confidence: float,
    clusters: Mapping[str, Hashable] | None = None,
) -> tuple[CategoryComparison, ...]:
    """The same difference in each category of cases, in the order of their names, cases without one last.

    They tell where to look and are no verdicts; a category is a slice, never a cluster.
    """
    named = {categories.get(case) for case in (*candidate, *baseline)}
    slices: list[CategoryComparison] = []
    for category in sorted(named, key=lambda name: (name is None, name or "")):
        pairs = pair(_of(candidate, categories, category), _of(baseline, categories, category))
        estimate = estimate_difference(pairs, metric=metric, confidence=confidence, clusters=clusters)
        slices.append(CategoryComparison(category, estimate, pairs.candidate_only, pairs.baseline_only, None))
    adjusted = holm([each.estimate.p_value for each in slices])
    return tuple(replace(each, holm_p_value=value) for each, value in zip(slices, adjusted, strict=True))


def _of(values: Mapping[str, float], categories: Mapping[str, str], category: str | None) -> dict[str, float]:
    return {case: value for case, value in values.items() if categories.get(case) == category}


def _decide(estimate: PairedEstimate, *, max_drop: float) -> tuple[Verdict, str]:
    low, high, enough = estimate.low, estimate.high, estimate.n >= MIN_SAMPLE
    if low is None or high is None:
        return Verdict.INCONCLUSIVE, _why_inconclusive(estimate, max_drop=max_drop)
    if low > 0 and enough:
        return Verdict.BETTER, "the whole interval lies above 0"
    if low >= -max_drop:
        return Verdict.NOT_WORSE, f"a drop of more than {max_drop:g} is excluded"
    if high < 0 and enough:
        return Verdict.WORSE, "the whole interval lies below 0"
    return Verdict.INCONCLUSIVE, _why_inconclusive(estimate, max_drop=max_drop)


def _why_inconclusive(estimate: PairedEstimate, *, max_drop: float) -> str:
    if estimate.n < MIN_SAMPLE:
        return f"{count(estimate.n, 'pair')}, at least {MIN_SAMPLE} are needed"
    if estimate.low is None:
        return "the differences have no interval: one cluster, or no variance on an open range"
    if estimate.method is Method.RULE_OF_THREE:
        return "the differences have no variance, and the rule of three reaches past the bound"
    return f"neither a difference nor a drop of more than {max_drop:g} can be excluded"


def _needed(estimate: PairedEstimate, *, spread: float | None, max_drop: float) -> int | None:
    n, mean = estimate.n, estimate.mean
    if n < MIN_SAMPLE:
        return MIN_SAMPLE
    if mean is None:
        return None
    if spread is None:
        needed = _needed_by_rule_of_three(estimate, mean=mean, max_drop=max_drop)
    else:
        # The nearer decision: that a drop of max_drop is excluded, or that there is a drop.
        needed = needed_n(effect=max(mean + max_drop, -mean), standard_deviation=spread, confidence=estimate.confidence)
    return None if needed is None else max(n + 1, needed)


def _needed_by_rule_of_three(estimate: PairedEstimate, *, mean: float, max_drop: float) -> int | None:
    """Its reach shrinks with 1 / n, not with the square root."""
    if estimate.low is None or estimate.high is None:
        return None
    ways = ((mean - estimate.low, mean + max_drop), (estimate.high - mean, -mean))
    shares = [reach / distance for reach, distance in ways if distance > 0]
    return math.ceil(estimate.n * min(shares)) if shares else None


def _spread(estimate: PairedEstimate) -> float | None:
    """The deviation of the differences that the interval stands for; unknown where the rule of three made it."""
    if estimate.method in (None, Method.RULE_OF_THREE):
        return None
    return implied_deviation(Interval(estimate.low, estimate.high), n=estimate.n, confidence=estimate.confidence)


def _rule_of_three_interval(a: Sequence[float], b: Sequence[float], *, reach: float, metric: Measure) -> Interval:
    """Of the smallest difference seen at least 1 - reach of all cases do not fall short; the rest may be the worst."""
    far = _range(metric)
    if far is None or not a:
        return Interval(None, None)
    differences = [x - y for x, y in zip(a, b, strict=True)]
    low, high = min(differences), max(differences)
    return Interval(low - reach * (low + far), high + reach * (far - high))


def _rule_of_three_p_value(a: Sequence[float], b: Sequence[float], *, units: int, metric: Measure) -> float | None:
    """1 - the confidence at which the interval of the rule of three would just reach 0."""
    far = _range(metric)
    if far is None or not a:
        return None
    differences = [x - y for x, y in zip(a, b, strict=True)]
    nearest = min(abs(min(differences)), abs(max(differences)))
    if min(differences) <= 0 <= max(differences):
        return 1.0
    return rule_of_three_p_value(units, nearest / (nearest + far))


def _within_range(difference: Difference, metric: Measure) -> Interval:
    far = _range(metric)
    if far is None or difference.low is None or difference.high is None:
        return Interval(difference.low, difference.high)
    return Interval(max(difference.low, -far), min(difference.high, far))


def _range(metric: Measure) -> float | None:
    """The largest difference that two values can have."""
    return None if metric.low is None or metric.high is None else metric.high - metric.low


def _varies(a: Sequence[float], b: Sequence[float]) -> bool:
    """Whether the differences differ by more than rounding: 0.3 - 0.2 is not 0.4 - 0.3 in a double."""
    differences = [x - y for x, y in zip(a, b, strict=True)]
    scale = max((abs(value) for value in (*a, *b)), default=0.0)
    return bool(differences) and max(differences) - min(differences) > _ROUNDING * scale


def _mean(values: Sequence[float]) -> float | None:
    return math.fsum(values) / len(values) if values else None
