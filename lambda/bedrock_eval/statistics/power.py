"""How many cases: what a sample can show, and how large it must be.

Two-sided test at `confidence`, found with probability `power`. With the spread s of the values (of the differences,
for pairs) the two are tied by effect = (t(1 - α/2) + t(power)) s / √n at n - 1 degrees: the power formula of Miller,
"Adding Error Bars to Evals" (arXiv 2411.00640), with Student's quantiles, so that small samples are not flattered.
"""

import math
from statistics import NormalDist

from bedrock_eval.statistics.distributions import student_t_quantile
from bedrock_eval.statistics.intervals import Interval

MOST_CASES = 1_000_000_000


def minimum_detectable_effect(
    *, n: int, standard_deviation: float, confidence: float = 0.95, power: float = 0.8
) -> float | None:
    """The smallest true mean (difference) that n cases find with this power, in the unit of the values.

    None below two cases.

    Raises:
        ValueError: a negative deviation, or a power below 0.5 or of 1.
    """
    _check(standard_deviation, power)
    if n < 2:
        return None
    quantiles = student_t_quantile(0.5 + confidence / 2, n - 1) + student_t_quantile(power, n - 1)
    return quantiles * standard_deviation / math.sqrt(n)


def needed_n(*, effect: float, standard_deviation: float, confidence: float = 0.95, power: float = 0.8) -> int | None:
    """The smallest n whose minimum detectable effect is no larger than `effect` (of either sign).

    None for an effect of 0, and where more than a billion cases would be needed.

    Raises:
        ValueError: a negative deviation, or a power below 0.5 or of 1.
    """
    _check(standard_deviation, power)
    target = abs(effect)
    quantiles = NormalDist().inv_cdf(0.5 + confidence / 2) + NormalDist().inv_cdf(power)
    if target == 0 or quantiles * standard_deviation > target * math.sqrt(MOST_CASES):
        return None
    # The normal quantiles are the smaller ones: their n is never too large, and a few cases short at most.
    n = max(2, math.ceil((quantiles * standard_deviation / target) ** 2))
    while (
        minimum_detectable_effect(n=n, standard_deviation=standard_deviation, confidence=confidence, power=power) or 0
    ) > target:
        n += 1
    return n


def implied_deviation(interval: Interval, *, n: int, confidence: float) -> float | None:
    """The standard deviation that gives n values a t interval as wide as this one, whatever its method."""
    if interval.low is None or interval.high is None or n < 2:
        return None
    return (interval.high - interval.low) / 2 * math.sqrt(n) / student_t_quantile(0.5 + confidence / 2, n - 1)


def _check(standard_deviation: float, power: float) -> None:
    if not standard_deviation >= 0 or not 0.5 <= power < 1:
        raise ValueError(
            f"standard deviation {standard_deviation}, power {power}; allowed: at least 0, and 0.5 to below 1"
        )
