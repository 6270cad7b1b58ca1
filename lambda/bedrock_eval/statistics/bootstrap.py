"""The bootstrap, for statistics that have no closed form.

The draws come from SHAKE-128 over seed and resample number: the same on every machine and Python version, and no
global state. `random` promises neither for its integers.
"""

import math
import struct
from collections.abc import Callable, Sequence
from hashlib import shake_128
from statistics import NormalDist, fmean

from bedrock_eval.statistics.intervals import Interval

Statistic = Callable[[Sequence[float]], float]


def bootstrap_interval(
    values: Sequence[float],
    statistic: Statistic = fmean,
    *,
    confidence: float = 0.95,
    resamples: int = 10_000,
    seed: int = 0,
) -> Interval:
    """The bias-corrected and accelerated (BCa) interval of any statistic (Efron 1987). For pairs, give differences.

    No interval (both ends None) below two values, and where the resamples show no spread or lie all on one side of
    the estimate: that is no certainty, but nothing to correct by.

    Raises:
        ValueError: fewer than 100 resamples.
    """
    if resamples < 100:
        raise ValueError(f"{resamples} resamples; at least 100 are needed")
    if len(values) < 2:
        return Interval(None, None)
    replicates = bootstrap_replicates(values, statistic, resamples=resamples, seed=seed)
    left_out = [statistic([*values[:index], *values[index + 1 :]]) for index in range(len(values))]
    return bca_interval(replicates, estimate=statistic(values), left_out=left_out, confidence=confidence)


def bootstrap_replicates(values: Sequence[float], statistic: Statistic, *, resamples: int, seed: int) -> list[float]:
    """The statistic of each resample, drawn with replacement."""
    n = len(values)
    layout = struct.Struct(f"<{n}I")
    replicates = []
    for number in range(resamples):
        stream = shake_128(f"{seed}/{number}".encode()).digest(layout.size)
        # A 32-bit word times n, shifted back, is an index whose bias is below n / 2^32.
        replicates.append(statistic([values[word * n >> 32] for word in layout.unpack(stream)]))
    return replicates


def bca_interval(
    replicates: Sequence[float], *, estimate: float, left_out: Sequence[float], confidence: float
) -> Interval:
    """The BCa interval from the resamples' statistics and those of the sample with one value left out each."""
    ordered = sorted(replicates)
    if ordered[0] == ordered[-1]:
        return Interval(None, None)
    below = sum(value < estimate for value in ordered)
    share = (below + sum(value <= estimate for value in ordered)) / (2 * len(ordered))
    if not 0 < share < 1:
        return Interval(None, None)
    bias, acceleration = NormalDist().inv_cdf(share), _acceleration(left_out)
    tail = NormalDist().inv_cdf(0.5 - confidence / 2)
    low, high = (_corrected(bias, acceleration, z) for z in (tail, -tail))
    return Interval(_quantile(ordered, low), _quantile(ordered, high))


def _acceleration(left_out: Sequence[float]) -> float:
    mean = math.fsum(left_out) / len(left_out)
    squares = math.fsum((mean - value) ** 2 for value in left_out)
    # A median's may not move at all; then there is no skew to correct.
    return math.fsum((mean - value) ** 3 for value in left_out) / (6 * squares**1.5) if squares else 0.0


def _corrected(bias: float, acceleration: float, z: float) -> float:
    return NormalDist().cdf(bias + (bias + z) / (1 - acceleration * (bias + z)))


def _quantile(ordered: Sequence[float], probability: float) -> float:
    place = probability * (len(ordered) - 1)
    index = min(int(place), len(ordered) - 2)
    return ordered[index] + (place - index) * (ordered[index + 1] - ordered[index])
