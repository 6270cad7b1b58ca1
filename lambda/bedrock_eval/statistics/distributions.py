"""Student's t and what it is made of."""

import math
from functools import lru_cache
from statistics import NormalDist

_TINY = 1e-300
_CONVERGED = 1e-16
_CLOSE = 1e-15
# From here on the expansion about the normal distribution is more precise than the gamma functions' differences.
_MANY_DEGREES = 100_000


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
    z = NormalDist().inv_cdf(probability)
    if degrees > _MANY_DEGREES:
        return z + (z**3 + z) / (4 * degrees) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * degrees**2)
    # Newton's method from the normal quantile, which lies below: the tail is convex, so every step stays on that side.
    t = z
    for _ in range(200):
        step = (student_t_p_value(t, degrees) / 2 - (1 - probability)) / _t_density(t, degrees)
        t += step
        if step <= _CLOSE * t:
            break
    return t


def student_t_p_value(t: float, degrees: int) -> float:
    """The two-sided p-value of a t statistic.

    Raises:
        ValueError: degrees below 1.
    """
    if degrees < 1:
        raise ValueError(f"no t distribution with {degrees} degrees of freedom")
    if degrees > _MANY_DEGREES:
        z = t - (t**3 + t) / (4 * degrees) + (13 * t**5 + 8 * t**3 + 3 * t) / (96 * degrees**2)
        # The expansion holds where |t| is small beside the degrees; beyond, p is 0 in a double anyway.
        return two_sided_normal(z if abs(t) < 40 else 40.0)
    square = t * t
    if square < 1:
        # Near 0 the complement keeps the digits that degrees / (degrees + t²) would round away.
        return 1 - incomplete_beta(0.5, degrees / 2, square / (degrees + square))
    return incomplete_beta(degrees / 2, 0.5, degrees / (degrees + square))


def two_sided_normal(z: float) -> float:
    """The two-sided p-value of a standard normal statistic, precise in the tails."""
    return math.erfc(abs(z) / math.sqrt(2))


def _t_density(t: float, degrees: int) -> float:
    scale = math.lgamma((degrees + 1) / 2) - math.lgamma(degrees / 2) - math.log(degrees * math.pi) / 2
    return math.exp(scale - (degrees + 1) / 2 * math.log1p(t * t / degrees))


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
