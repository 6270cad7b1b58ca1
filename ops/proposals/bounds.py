"""Gates and thresholds as a history suggests them: what ordinary runs and ordinary traffic keep.

With too little history there is no proposal, only the reason. Values are rounded outward, so that rounding alone
breaks nothing.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Context

from bedrock_eval.alarms.thresholds import TOTAL_FAILURE_PERCENT
from bedrock_eval.scores.measures import Measure
from bedrock_eval.statistics import standard_deviation, student_t_quantile
from bedrock_eval.verdicts.gates import MIN_SAMPLE
from bedrock_eval.wording import count

MIN_RUNS = 3
MIN_HOURS = 48
PROBABILITY = 0.95
"""With which a next run of the same quality keeps a proposed bound, for one candidate and one verdict."""
PERCENTILE = 99
HEADROOM = 1.25

MIN, MAX, MAX_DROP = "min", "max", "max_drop"


@dataclass(frozen=True)
class RunValue:
    """One metric of one candidate in one run.

    Attributes:
        n: scored cases; with fewer than MIN_SAMPLE the run does not count.
        low, high: the mean's interval at `confidence`.
        paired_width: from the mean difference to the low end of its interval, where the run had a baseline.
    """

    n: int
    mean: float
    low: float
    high: float
    confidence: float
    paired_width: float | None = None


@dataclass(frozen=True)
class Proposal:
    """A value, or why there is none.

    Attributes:
        n: runs or datapoints that it stands on.
        basis: what it was computed from, before headroom and rounding, in the value's unit.
    """

    value: float | None
    n: int
    basis: float | None = None
    reason: str = ""


def deciding(runs: Sequence[RunValue]) -> list[RunValue]:
    """Those with as many cases as a gate needs."""
    return [run for run in runs if run.n >= MIN_SAMPLE]


def gate_bound(runs: Sequence[RunValue], *, key: str, measure: Measure, verdicts: int) -> Proposal:
    """`min` or `max` that the next run of the same quality keeps.

    A gate is kept when the worse end of the mean's interval keeps it, so that the bound is a prediction bound of
    those ends and not of the means: with the ends e of k runs, their mean and standard deviation s,

        min = mean(e) - t(PROBABILITY, k - 1) * s * sqrt(1 + 1 / k), and max the same with +.

    Args:
        verdicts: that a run gives; each end is moved to 1 - (1 - confidence) / verdicts, by the ratio of t quantiles.
    """
    known = deciding(runs)
    if len(known) < MIN_RUNS:
        return _too_few_runs(known)
    sign = 1 if key == MAX else -1
    ends = [_within(run.mean + sign * _reach(run, key, verdicts), measure) for run in known]
    count = len(ends)
    reach = _t(count) * (standard_deviation(ends) or 0) * math.sqrt(1 + 1 / count)
    bound = _within(sum(ends) / count + sign * reach, measure)
    if bound == (measure.high if key == MAX else measure.low):
        return Proposal(None, count, bound, "the runs differ so much that a bound would forbid nothing")
    return Proposal(_rounded(bound, up=key == MAX), count, bound)


def largest_drop(runs: Sequence[RunValue], *, measure: Measure, verdicts: int) -> Proposal:
    """`max_drop` that the next run of the same quality keeps.

    With the standard deviation s of the means of k runs, and w the widest distance from a mean difference to the low
    end of its interval (sqrt(2) times the distance of a mean, which is the most it can be, where no run had a
    baseline):

        max_drop = t(PROBABILITY, k - 1) * s * sqrt(2) + w.

    sqrt(2) because the baseline is a run too. It is about 0 and not about the drops seen: a slow decline must not
    widen it.
    """
    known = deciding(runs)
    if len(known) < MIN_RUNS:
        return _too_few_runs(known)
    count = len(known)
    spread = standard_deviation([run.mean for run in known])
    if not spread:
        return Proposal(None, count, None, "the means of the runs are equal: there is no spread to go by")
    paired = [run.paired_width * _widening(run, verdicts) for run in known if run.paired_width is not None]
    alone = (math.sqrt(2) * max(_reach(run, key, verdicts) for key in (MIN, MAX)) for run in known)
    drop = _t(count) * spread * math.sqrt(2) + (max(paired) if paired else max(alone))
    if measure.low is not None and measure.high is not None and drop >= measure.high - measure.low:
        return Proposal(None, count, drop, "the runs differ so much that a bound would forbid nothing")
    return Proposal(_rounded(drop, up=True), count, drop)


def for_all(proposals: Sequence[Proposal], *, key: str) -> Proposal:
    """What holds for every candidate: the loosest, and none when one of them has none.

    Raises:
        ValueError: there is none at all.
    """
    missing = next((each for each in proposals if each.value is None), None)
    if missing is not None:
        return missing
    choose = min if key == MIN else max
    return choose(proposals, key=lambda each: each.value or 0.0)


def latency_threshold(points: Mapping[datetime, float]) -> Proposal:
    """HEADROOM times the percentile of p90 latencies, in their unit; needs MIN_HOURS hours with a datapoint."""
    if short := _too_few_hours(points):
        return short
    basis = percentile(list(points.values()))
    return Proposal(_rounded(HEADROOM * basis, up=True, digits=2), len(points), basis)


def rate_threshold(rates: Mapping[datetime, float], *, floor: int) -> Proposal:
    """HEADROOM times the percentile of rates in per cent, and no less than one of `floor` requests is.

    Below that, a single failed request in the least traffic that is judged would breach.
    """
    if short := _too_few_hours(rates):
        return short
    basis = percentile(list(rates.values()))
    value = _rounded(max(HEADROOM * basis, 100 / floor), up=True, digits=2)
    if value >= TOTAL_FAILURE_PERCENT:
        return Proposal(None, len(rates), basis, f"{TOTAL_FAILURE_PERCENT} % or more: an incident, not a baseline")
    return Proposal(value, len(rates), basis)


def guarded_rates(
    part: Mapping[datetime, float], whole: Mapping[datetime, float], *, floor: int
) -> dict[datetime, float]:
    """Per cent as the alarms compute it (`alarm_kinds.guarded_rate`); periods below the floor are left out."""
    everything = {moment: whole.get(moment, 0.0) + part.get(moment, 0.0) for moment in {*whole, *part}}
    return {
        moment: 100 * part.get(moment, 0.0) / total for moment, total in sorted(everything.items()) if total >= floor
    }


def percentile(values: Sequence[float]) -> float:
    """The PERCENTILE-th, by nearest rank: a value that was seen.

    Raises:
        IndexError: there are no values.
    """
    return sorted(values)[math.ceil(PERCENTILE * len(values) / 100) - 1]


def _too_few_runs(runs: Sequence[RunValue]) -> Proposal:
    found = count(len(runs), "comparable run")
    return Proposal(None, len(runs), None, f"{found} with at least {MIN_SAMPLE} cases; needed: {MIN_RUNS}")


def _too_few_hours(points: Mapping[datetime, float]) -> Proposal | None:
    hours = len({moment.replace(minute=0, second=0, microsecond=0) for moment in points})
    if hours >= MIN_HOURS:
        return None
    return Proposal(None, len(points), None, f"{hours} hours with datapoints; needed: {MIN_HOURS}")


def _t(count: int) -> float:
    return student_t_quantile(PROBABILITY, count - 1)


def _widening(run: RunValue, verdicts: int) -> float:
    """How much wider an interval is at the confidence of one verdict of several than at the run's."""
    tail = (1 - run.confidence) / 2
    return student_t_quantile(1 - tail / verdicts, run.n - 1) / student_t_quantile(1 - tail, run.n - 1)


def _reach(run: RunValue, key: str, verdicts: int) -> float:
    return (run.high - run.mean if key == MAX else run.mean - run.low) * _widening(run, verdicts)


def _within(value: float, measure: Measure) -> float:
    low = value if measure.low is None else max(value, measure.low)
    return low if measure.high is None else min(low, measure.high)


def _rounded(value: float, *, up: bool, digits: int = 3) -> float:
    return float(Context(prec=digits, rounding=ROUND_CEILING if up else ROUND_FLOOR).create_decimal(repr(value)))
