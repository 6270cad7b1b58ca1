"""Two answers to each case: differences are taken case by case, so that what makes a case hard cancels out."""

import math
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

from bedrock_eval.statistics.distributions import incomplete_beta, student_t_p_value, two_sided_normal
from bedrock_eval.statistics.intervals import Estimate, mean_interval

# As scipy: the exact distribution up to here without ties, and where ties or zeros are many beside the cases.
_EXACT_WITHOUT_TIES = 50
_EXACT_WITH_TIES = 13


@dataclass(frozen=True)
class Difference(Estimate):
    """The mean of a - b with its interval and the two-sided p-value of no difference, None when unknown."""

    p_value: float | None


@dataclass(frozen=True)
class SignedRank:
    """Wilcoxon's test: the smaller rank sum, its two-sided p-value, and the pairs that differ."""

    statistic: float
    p_value: float
    n: int


def paired_difference(
    a: Sequence[float],
    b: Sequence[float],
    clusters: Sequence[Hashable] | None = None,
    confidence: float = 0.95,
) -> Difference:
    """The mean of a - b with Student's t, in the unit of the values; `clusters` gives the clustered standard error.

    One pair, or one cluster, gives a mean and nothing else. Differences without variance give no p-value.

    Raises:
        ValueError: a, b or clusters of different lengths.
    """
    _check_lengths(a, b)
    estimate = mean_interval([x - y for x, y in zip(a, b, strict=True)], clusters, confidence)
    p_value = None
    if estimate.mean is not None and estimate.standard_error:
        groups = estimate.n if clusters is None else len(set(clusters))
        p_value = student_t_p_value(estimate.mean / estimate.standard_error, groups - 1)
    return _difference(estimate, low=estimate.low, high=estimate.high, p_value=p_value)


def paired_proportion_difference(
    a: Sequence[float],
    b: Sequence[float],
    clusters: Sequence[Hashable] | None = None,
    confidence: float = 0.95,
) -> Difference:
    """The difference of two paired proportions with Tango's score interval (1998); a and b hold 0 and 1.

    Tango's rather than Newcombe's: it is the score test turned round, so that it leaves out 0 exactly when McNemar's
    statistic is significant, and interval and `p_value` cannot disagree. It holds where nothing differs.

    With `clusters` the counts are divided by the design effect (the clustered variance over the plain one, never below
    1; the mean cluster size where it cannot be told). One cluster gives no interval.

    Raises:
        ValueError: lengths differ, or a value is neither 0 nor 1.
    """
    _check_lengths(a, b)
    for value in (*a, *b):
        if value not in (0, 1):
            raise ValueError(f"{value!r} in a proportion; allowed: 0 and 1")
    estimate = mean_interval([x - y for x, y in zip(a, b, strict=True)], clusters, confidence)
    if estimate.n == 0 or (clusters is not None and len(set(clusters)) < 2):
        return _difference(estimate, low=None, high=None, p_value=None)
    effect = 1.0 if clusters is None else _design_effect(a, b, clusters)
    only_a = sum(x > y for x, y in zip(a, b, strict=True)) / effect
    only_b = sum(x < y for x, y in zip(a, b, strict=True)) / effect
    low, high = tango_interval(only_a, only_b, estimate.n / effect, confidence)
    p_value = two_sided_normal((only_a - only_b) / math.sqrt(only_a + only_b)) if only_a + only_b else 1.0
    return _difference(estimate, low=low, high=high, p_value=p_value)


@lru_cache(maxsize=4096)
def tango_interval(b: float, c: float, n: float, confidence: float) -> tuple[float, float]:
    """Tango's score interval of (b - c) / n, b and c the pairs in which only the first, only the second succeeds.

    Tango, Statistics in Medicine 17 (1998) 891-908: all differences that the score test does not reject.
    """
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    middle = (b - c) / n
    low = -1.0 if c == n else _falling_root(lambda delta: _score(delta, b, c, n) - z, -1.0, middle)
    high = 1.0 if b == n else _falling_root(lambda delta: _score(delta, b, c, n) + z, middle, 1.0)
    return low, high


def _score(delta: float, b: float, c: float, n: float) -> float:
    """Tango's statistic of the difference `delta`: its variance takes the likeliest proportions that have it."""
    linear = (2 * n - b + c) * delta - b - c
    constant = -c * delta * (1 - delta)
    share = (math.sqrt(max(0.0, linear * linear - 8 * n * constant)) - linear) / (4 * n)
    variance = n * (2 * share + delta * (1 - delta))
    distance = b - c - n * delta
    if variance > 0:
        return distance / math.sqrt(variance)
    return math.copysign(math.inf, distance) if distance else 0.0


def _falling_root(function: Callable[[float], float], low: float, high: float) -> float:
    for _ in range(200):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        if function(middle) > 0:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _design_effect(a: Sequence[float], b: Sequence[float], clusters: Sequence[Hashable]) -> float:
    plain = paired_difference(a, b).standard_error
    clustered = paired_difference(a, b, clusters).standard_error
    if not plain or clustered is None:
        return len(a) / len(set(clusters))
    return max(1.0, (clustered / plain) ** 2)


def mcnemar_exact(b: int, c: int) -> float:
    """McNemar's exact two-sided p-value: b pairs in which only the first succeeds, c in which only the second does.

    Raises:
        ValueError: a negative count.
    """
    if b < 0 or c < 0:
        raise ValueError(f"{b} and {c} discordant pairs; allowed: 0 or more")
    fewer, more = sorted((b, c))
    # The binomial's lower tail at one half, as an incomplete beta function (DLMF 8.17.5).
    return 1.0 if fewer == more else min(1.0, 2 * incomplete_beta(more, fewer + 1, 0.5))


def wilcoxon_signed_rank(a: Sequence[float], b: Sequence[float], *, continuity: bool = False) -> SignedRank:
    """Wilcoxon's signed-rank test of a - b, two-sided; zeros are dropped, ties share their mean rank.

    Exact up to 50 pairs without ties and zeros, and up to 13 with them; else the normal approximation with the
    correction for ties (and for continuity if asked): the choices of scipy.stats.wilcoxon. Nothing differs: p = 1.

    Raises:
        ValueError: a and b of different lengths.
    """
    _check_lengths(a, b)
    differences = [x - y for x, y in zip(a, b, strict=True)]
    moved = [value for value in differences if value]
    if not moved:
        return SignedRank(0.0, 1.0, 0)
    ties = Counter(abs(value) for value in moved)
    ranks = _mean_ranks(ties)
    positive = math.fsum(ranks[value] for value in moved if value > 0)
    total = len(moved) * (len(moved) + 1) / 2
    smaller = min(positive, total - positive)
    clean = len(moved) == len(differences) == len(ties)
    if len(differences) <= (_EXACT_WITHOUT_TIES if clean else _EXACT_WITH_TIES):
        p_value = _exact_rank_p([round(2 * ranks[abs(value)]) for value in moved], round(2 * smaller))
    else:
        p_value = _normal_rank_p(smaller, ties, continuity=continuity)
    return SignedRank(smaller, p_value, len(moved))


def _mean_ranks(ties: Counter[float]) -> dict[float, float]:
    ranks, before = {}, 0
    for value in sorted(ties):
        ranks[value] = before + (ties[value] + 1) / 2
        before += ties[value]
    return ranks


def _exact_rank_p(doubled_ranks: Sequence[int], doubled_statistic: int) -> float:
    """Counts, for every sum, the sign patterns that reach it: all are equally likely without a difference."""
    ways = [1] + [0] * sum(doubled_ranks)
    reached = 0
    for rank in doubled_ranks:
        reached += rank
        for total in range(reached, rank - 1, -1):
            ways[total] += ways[total - rank]
    return min(1.0, 2 * sum(ways[: doubled_statistic + 1]) / (1 << len(doubled_ranks)))


def _normal_rank_p(statistic: float, ties: Counter[float], *, continuity: bool) -> float:
    n = ties.total()
    tied = sum(count**3 - count for count in ties.values())
    error = math.sqrt((n * (n + 1) * (2 * n + 1) - tied / 2) / 24)
    distance = n * (n + 1) / 4 - statistic
    if continuity and distance:
        distance -= 0.5
    return two_sided_normal(distance / error)


def _difference(estimate: Estimate, *, low: float | None, high: float | None, p_value: float | None) -> Difference:
    return Difference(estimate.mean, estimate.n, estimate.standard_error, low, high, p_value)


def _check_lengths(a: Sequence[float], b: Sequence[float]) -> None:
    if len(a) != len(b):
        raise ValueError(f"{len(a)} values against {len(b)}: pairs are needed")
