"""One sample: a mean or a proportion with its interval.

Sources: Wilson (1927) for proportions; Student's t for means; Miller, "Adding Error Bars to Evals"
(arXiv 2411.00640) for clustered standard errors.
"""

import math
from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

from bedrock_eval.statistics.distributions import student_t_quantile


@dataclass(frozen=True)
class Interval:
    """A confidence interval; both ends are None when the data allow none."""

    low: float | None
    high: float | None


@dataclass(frozen=True)
class Estimate:
    """A mean with its interval, in the unit of the values."""

    mean: float | None
    n: int
    standard_error: float | None
    low: float | None
    high: float | None


def wilson_interval(successes: int, n: int, confidence: float = 0.95) -> Interval:
    """The score interval of a proportion; holds for 0 and for n successes too.

    Raises:
        ValueError: successes not between 0 and n.
    """
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} successes of {n}")
    if n == 0:
        return Interval(None, None)
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    share, z2 = successes / n, z * z
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = z / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    # The ends are exact where nothing, or everything, succeeded; rounding must not hide that.
    return Interval(0.0 if successes == 0 else centre - half, 1.0 if successes == n else centre + half)


def mean_interval(
    values: Sequence[float], clusters: Sequence[Hashable] | None = None, confidence: float = 0.95
) -> Estimate:
    """The mean with Student's t interval; with `clusters` (one label a value) the clustered standard error.

    One value, or one cluster, gives a mean without an interval.
    """
    n = len(values)
    if n == 0:
        return Estimate(None, 0, None, None, None)
    mean = mean_of(values)
    error, groups = _plain_error(values, mean) if clusters is None else _clustered_error(values, mean, clusters)
    if error is None:
        return Estimate(mean, n, None, None, None)
    half = student_t_quantile(0.5 + confidence / 2, groups - 1) * error
    return Estimate(mean, n, error, mean - half, mean + half)


def standard_deviation(values: Sequence[float]) -> float | None:
    """The sample's standard deviation (n - 1), None below two values."""
    n = len(values)
    if n < 2:
        return None
    mean = mean_of(values)
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1))


def rule_of_three(n: int, confidence: float = 0.95) -> float:
    """The highest rate that n cases without a single event leave plausible: 3 / n at 95 %, at most 1.

    Hanley and Lippman-Hand (1983). Another confidence scales it as the exact bound does, with -log(1 - confidence).

    Raises:
        ValueError: n below 0, or a confidence not within (0, 1).
    """
    if n < 0 or not 0 < confidence < 1:
        raise ValueError(f"no rule of three for {n} cases at confidence {confidence}")
    if n == 0:
        return 1.0
    return min(1.0, 3 / n * math.log(1 - confidence) / math.log(1 - 0.95))


def rule_of_three_p_value(n: int, rate: float) -> float:
    """How likely n cases without a single event are where events have this rate: `rule_of_three` turned round."""
    return float((1 - 0.95) ** (rate * n / 3))


def mean_of(values: Sequence[float]) -> float:
    """The mean, exactly the common value where all values are equal: rounding must not pass for variance."""
    low, high = min(values), max(values)
    return low if low == high else min(max(math.fsum(values) / len(values), low), high)


def _plain_error(values: Sequence[float], mean: float) -> tuple[float | None, int]:
    n = len(values)
    if n < 2:
        return None, n
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1) / n), n


def _clustered_error(values: Sequence[float], mean: float, clusters: Sequence[Hashable]) -> tuple[float | None, int]:
    if len(clusters) != len(values):
        raise ValueError(f"{len(clusters)} cluster labels for {len(values)} values")
    residuals: defaultdict[Hashable, list[float]] = defaultdict(list)
    for value, cluster in zip(values, clusters, strict=True):
        residuals[cluster].append(value - mean)
    count = len(residuals)
    if count < 2:
        return None, count
    squares = math.fsum(math.fsum(group) ** 2 for group in residuals.values())
    return math.sqrt(squares * count / (count - 1)) / len(values), count
