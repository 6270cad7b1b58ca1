"""Our closed forms against scipy, which is installed for tests only."""

import math
import statistics

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from scipy import optimize, special, stats

from bedrock_eval.statistics import (
    benjamini_hochberg,
    incomplete_beta,
    mcnemar_exact,
    mean_interval,
    needed_n,
    paired_difference,
    paired_proportion_difference,
    student_t_p_value,
    student_t_quantile,
    wilcoxon_signed_rank,
    wilson_interval,
)
from bedrock_eval.statistics.bootstrap import bca_interval, bootstrap_replicates

CONFIDENCE = st.floats(0.5, 0.9999)


@given(st.floats(0.0005, 0.9995), st.integers(1, 100_000))
@example(0.4997547354076013, 17282)
@settings(max_examples=400)
def test_t_quantile(probability: float, degrees: int) -> None:
    assert student_t_quantile(probability, degrees) == pytest.approx(
        stats.t.ppf(probability, degrees), rel=1e-9, abs=1e-9
    )


@given(st.floats(0.1, 2000), st.floats(0.1, 2000), st.floats(0, 1))
@settings(max_examples=400)
def test_incomplete_beta(a: float, b: float, x: float) -> None:
    assert incomplete_beta(a, b, x) == pytest.approx(stats.beta.cdf(x, a, b), rel=1e-8, abs=1e-9)


@given(st.integers(0, 2000), st.integers(0, 2000), CONFIDENCE)
@settings(max_examples=400)
def test_wilson(successes: int, failures: int, confidence: float) -> None:
    n = successes + failures
    if n == 0:
        return
    ours = wilson_interval(successes, n, confidence)
    theirs = stats.binomtest(successes, n).proportion_ci(confidence, method="wilson")
    assert ours.low == pytest.approx(theirs.low, abs=1e-9)
    assert ours.high == pytest.approx(theirs.high, abs=1e-9)


@given(st.lists(st.floats(-1000, 1000), min_size=2, max_size=60), CONFIDENCE)
@settings(max_examples=300)
def test_mean_interval(values: list[float], confidence: float) -> None:
    ours = mean_interval(values, confidence=confidence)
    error = stats.sem(values)
    if not error > 1e-9:
        return
    low, high = stats.t.interval(confidence, len(values) - 1, loc=sum(values) / len(values), scale=error)
    assert ours.low == pytest.approx(low, rel=1e-9, abs=1e-7)
    assert ours.high == pytest.approx(high, rel=1e-9, abs=1e-7)


@given(st.floats(-30, 30), st.integers(1, 10_000_000))
@example(1.1337659645877537e-08, 1)
@example(1e-7, 100_000)
@example(1e-3, 100_001)
@settings(max_examples=400)
def test_t_p_value(t: float, degrees: int) -> None:
    # Not stats.t.sf: near 0 it is off by 2e-9 (one degree, t = 1e-8: 1 - 2 atan(t) / pi is known exactly).
    expected = special.betaincc(0.5, degrees / 2, t * t / (degrees + t * t))
    assert student_t_p_value(t, degrees) == pytest.approx(expected, abs=1e-9)
    assert student_t_p_value(t, 1) == pytest.approx(1 - 2 * math.atan(abs(t)) / math.pi, abs=1e-12)


@given(st.floats(0.0005, 0.9995), st.integers(100_000, 10**10))
def test_t_quantile_of_many_degrees(probability: float, degrees: int) -> None:
    assert student_t_quantile(probability, degrees) == pytest.approx(
        stats.t.ppf(probability, degrees), rel=1e-9, abs=1e-9
    )


PAIRS = st.lists(st.tuples(st.floats(-100, 100), st.floats(-100, 100)), min_size=2, max_size=60)


@given(PAIRS, CONFIDENCE)
@settings(max_examples=300)
def test_paired_difference(pairs: list[tuple[float, float]], confidence: float) -> None:
    a, b = [x for x, _ in pairs], [y for _, y in pairs]
    assume(stats.sem([x - y for x, y in pairs]) > 1e-6)
    ours, theirs = paired_difference(a, b, confidence=confidence), stats.ttest_rel(a, b)
    interval = theirs.confidence_interval(confidence)
    assert ours.low == pytest.approx(interval.low, rel=1e-9, abs=1e-7)
    assert ours.high == pytest.approx(interval.high, rel=1e-9, abs=1e-7)
    assert ours.p_value == pytest.approx(theirs.pvalue, abs=1e-9)


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1), st.integers(0, 6)), min_size=3, max_size=40))
def test_clustered_difference_is_millers_formula(rows: list[tuple[float, float, int]]) -> None:
    """The double sum over pairs of cases of one cluster, as the paper writes it, with the factor C / (C - 1)."""
    clusters = [cluster for _, _, cluster in rows]
    count = len(set(clusters))
    assume(count > 1)
    differences = [x - y for x, y, _ in rows]
    mean = statistics.fmean(differences)
    double_sum = sum(
        (one - mean) * (other - mean)
        for one, c in zip(differences, clusters, strict=True)
        for other, d in zip(differences, clusters, strict=True)
        if c == d
    )
    ours = paired_difference([x for x, _, _ in rows], [y for _, y, _ in rows], clusters)
    expected = math.sqrt(max(0, double_sum) * count / (count - 1)) / len(rows)
    assert ours.standard_error == pytest.approx(expected, abs=1e-7)
    if expected > 1e-5:
        t = mean / expected
        assert ours.p_value == pytest.approx(2 * stats.t.sf(abs(t), count - 1), abs=1e-6)


@given(st.integers(0, 3000), st.integers(0, 3000))
@settings(max_examples=300)
def test_mcnemar(b: int, c: int) -> None:
    assume(b + c)
    assert mcnemar_exact(b, c) == pytest.approx(stats.binomtest(b, b + c).pvalue, abs=1e-9)


def score_by_likelihood(delta: float, b: int, c: int, n: int) -> float:
    """Tango's statistic from its definition: the nuisance proportion is searched, not solved for."""
    low, high = max(0.0, -delta), (1 - delta) / 2

    def unlikelihood(only_second: float) -> float:
        only_first = only_second + delta
        same = 1 - only_first - only_second
        terms = ((b, only_first), (c, only_second), (n - b - c, same))
        return -sum(count * math.log(max(share, 1e-300)) for count, share in terms if count)

    found = optimize.minimize_scalar(unlikelihood, bounds=(low, high), method="bounded", options={"xatol": 1e-13})
    variance = n * (2 * found.x + delta - delta**2)
    return float((b - c - n * delta) / math.sqrt(variance))


@pytest.mark.parametrize(("b", "c", "n"), [(9, 3, 40), (1, 0, 44), (12, 9, 30), (0, 7, 25), (40, 22, 500), (2, 2, 11)])
@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.999])
def test_tango_is_the_score_test_turned_round(b: int, c: int, n: int, confidence: float) -> None:
    a_values = [1] * b + [0] * c + [1] * (n - b - c)
    b_values = [0] * b + [1] * c + [1] * (n - b - c)
    ours = paired_proportion_difference(a_values, b_values, confidence=confidence)
    z = stats.norm.ppf(0.5 + confidence / 2)
    assert ours.low is not None
    assert ours.high is not None
    assert score_by_likelihood(ours.low, b, c, n) == pytest.approx(z, abs=2e-4)
    assert score_by_likelihood(ours.high, b, c, n) == pytest.approx(-z, abs=2e-4)
    assert ours.p_value == pytest.approx(stats.chi2.sf((b - c) ** 2 / (b + c), 1), abs=1e-12)


GRADES = st.tuples(st.integers(-30, 30), st.integers(-30, 30))


# scipy goes through all 2^n sign patterns of up to 13 tied pairs: short lists keep that quick.
@given(st.one_of(st.lists(GRADES, min_size=1, max_size=8), st.lists(GRADES, min_size=14, max_size=80)))
@settings(max_examples=200, deadline=None)
def test_wilcoxon_with_ties_and_zeros(pairs: list[tuple[int, int]]) -> None:
    a, b = [x for x, _ in pairs], [y for _, y in pairs]
    assume(a != b)
    ours, theirs = wilcoxon_signed_rank(a, b), stats.wilcoxon(a, b)
    assert ours.statistic == pytest.approx(theirs.statistic)
    assert ours.p_value == pytest.approx(theirs.pvalue, abs=1e-9)
    if len(pairs) > 50:
        corrected = stats.wilcoxon(a, b, correction=True)
        assert wilcoxon_signed_rank(a, b, continuity=True).p_value == pytest.approx(corrected.pvalue, abs=1e-9)


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=60, unique_by=abs))
@settings(max_examples=200, deadline=None)
def test_wilcoxon_without_ties(differences: list[float]) -> None:
    ours = wilcoxon_signed_rank(differences, [0.0] * len(differences))
    assume(any(differences))
    theirs = stats.wilcoxon(differences)
    assert ours.statistic == pytest.approx(theirs.statistic)
    assert ours.p_value == pytest.approx(theirs.pvalue, abs=1e-9)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_benjamini_hochberg(p_values: list[float]) -> None:
    assert benjamini_hochberg(p_values) == pytest.approx(stats.false_discovery_control(p_values), abs=1e-12)


@pytest.mark.parametrize("statistic", [statistics.fmean, statistics.median, statistics.variance])
@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_bca_of_the_same_resamples(statistic: type, confidence: float) -> None:
    values = [0.12, 0.4, 0.35, 0.9, 0.77, 0.2, 0.61, 0.05, 0.5, 0.45, 0.33, 0.84, 3.1]
    replicates = bootstrap_replicates(values, statistic, resamples=999, seed=3)
    left_out = [statistic(values[:i] + values[i + 1 :]) for i in range(len(values))]
    ours = bca_interval(replicates, estimate=statistic(values), left_out=left_out, confidence=confidence)

    class Drawn:
        bootstrap_distribution = np.asarray(replicates)

    theirs = stats.bootstrap(
        (values,),
        statistic,
        n_resamples=0,
        bootstrap_result=Drawn(),
        confidence_level=confidence,
        method="BCa",
        vectorized=False,
    ).confidence_interval
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


def test_the_draws_are_uniform() -> None:
    """Of powers of 1,000 the sum tells how often each was drawn."""
    sums = bootstrap_replicates([1000.0**place for place in range(4)], sum, resamples=2000, seed=0)
    counts = [sum(int(drawn) // 1000**place % 1000 for drawn in sums) for place in range(4)]
    assert sum(counts) == 8000
    assert stats.chisquare(counts).pvalue > 0.001


@pytest.mark.parametrize("power", [0.8, 0.9])
@pytest.mark.parametrize("effect", [0.05, 0.2, 0.5, 1.0])
def test_needed_n_has_the_power_of_the_noncentral_t(effect: float, power: float) -> None:
    n = needed_n(effect=effect, standard_deviation=1, power=power)
    assert n is not None
    reached = stats.nct.sf(stats.t.ppf(0.975, n - 1), n - 1, effect * math.sqrt(n))
    assert reached == pytest.approx(power, abs=0.02)
