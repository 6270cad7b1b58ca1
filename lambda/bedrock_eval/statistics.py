"""Estimates with their uncertainty. Standard library only.

Sources: Wilson (1927) for proportions; Student's t for means; Miller, "Adding Error Bars to Evals"
(arXiv 2411.00640) for clustered standard errors. Unknown is None, never 0.
"""

import math
from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

_TINY = 1e-300
_CONVERGED = 1e-16


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
    mean = math.fsum(values) / n
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
    mean = math.fsum(values) / n
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1))


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


def needed_n(*, n: int, half_width: float, distance: float) -> int | None:
    """How many cases would make an interval as wide as its distance to a bound, if the spread stays.

    The half width shrinks with the square root of n. None when the mean stands on the bound.
    """
    if distance == 0:
        return None
    return max(n + 1, math.ceil(n * (half_width / abs(distance)) ** 2))


@lru_cache(maxsize=256)
def student_t_quantile(probability: float, degrees: int) -> float:
    """The quantile of Student's t, to about 1e-12 relative.

    Raises:
        ValueError: probability not within (0, 1), or degrees below 1.
    """
    if not 0 < probability < 1 or degrees < 1:
        raise ValueError(f"no t quantile for probability {probability}, {degrees} degrees of freedom")
    if probability < 0.5:
        return -student_t_quantile(1 - probability, degrees)
    if probability == 0.5:
        return 0.0
    upper_tail = 1 - probability
    low, high = 0.0, 1.0
    while _t_upper_tail(high, degrees) > upper_tail:
        low, high = high, high * 2
    # The tail is monotone: bisection cannot miss, and 200 halvings exhaust a double.
    for _ in range(200):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        if _t_upper_tail(middle, degrees) > upper_tail:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _t_upper_tail(t: float, degrees: int) -> float:
    return 0.5 * incomplete_beta(degrees / 2, 0.5, degrees / (degrees + t * t))


def incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function I_x(a, b), by Lentz's continued fraction (DLMF 8.17.22)."""
    if x <= 0:
        return 0.0
    if x >= 1:
        return 1.0
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    if x < (a + 1) / (a + b + 2):
        return front * _beta_fraction(a, b, x) / a
    return 1 - front * _beta_fraction(b, a, 1 - x) / b


def _beta_fraction(a: float, b: float, x: float) -> float:
    c, d = 1.0, 1 / _away_from_zero(1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, 10_000):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d = 1 / _away_from_zero(1 + even * d)
        c = _away_from_zero(1 + even / c)
        value *= d * c
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        d = 1 / _away_from_zero(1 + odd * d)
        c = _away_from_zero(1 + odd / c)
        value *= d * c
        if abs(d * c - 1) < _CONVERGED:
            break
    return value


def _away_from_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
