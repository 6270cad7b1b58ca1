import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedrock_eval.statistics import (
    mcnemar_exact,
    mean_interval,
    paired_difference,
    paired_proportion_difference,
    wilcoxon_signed_rank,
)

BITS = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), min_size=1, max_size=60)


def table(*, both: int = 0, only_a: int = 0, only_b: int = 0, neither: int = 0) -> tuple[list[float], list[float]]:
    a = [1.0] * (both + only_a) + [0.0] * (only_b + neither)
    b = [1.0] * both + [0.0] * only_a + [1.0] * only_b + [0.0] * neither
    return a, b


def test_a_paired_difference_by_hand() -> None:
    result = paired_difference([5, 7, 9, 11], [4, 5, 6, 7])
    # Differences 1 2 3 4: mean 2.5, error sqrt(5/3)/2, t(0.975, 3) = 3.182446305284263.
    assert (result.mean, result.n) == (2.5, 4)
    assert result.standard_error == pytest.approx(math.sqrt(5 / 3) / 2)
    assert result.low == pytest.approx(2.5 - 3.182446305284263 * math.sqrt(5 / 3) / 2, rel=1e-12)
    assert result.p_value == pytest.approx(0.030466291662170977, abs=1e-12)


def test_what_makes_a_case_hard_cancels_out() -> None:
    baseline = [0.1, 0.9, 0.3, 0.7, 0.5, 0.2, 0.8, 0.4]
    candidate = [value + 0.05 + 0.01 * (index % 2) for index, value in enumerate(baseline)]
    paired = paired_difference(candidate, baseline)
    assert paired.low is not None
    assert paired.low > 0.04
    alone = mean_interval(candidate)
    assert alone.high is not None
    assert alone.low is not None
    assert alone.high - alone.low > 0.4


def test_swapping_the_sides_mirrors_everything() -> None:
    a, b = [0.2, 0.9, 0.5, 0.4], [0.1, 0.4, 0.7, 0.3]
    one, other = paired_difference(a, b), paired_difference(b, a)
    assert (one.low, one.high) == pytest.approx((-(other.high or 0), -(other.low or 0)))
    assert one.p_value == pytest.approx(other.p_value)


@pytest.mark.parametrize("function", [paired_difference, paired_proportion_difference])
def test_one_cluster_gives_a_mean_and_nothing_else(function: type) -> None:
    result = function([1, 0, 1], [0, 0, 1], ["a", "a", "a"])
    assert result.mean == pytest.approx(1 / 3)
    assert (result.standard_error, result.low, result.high, result.p_value) == (None, None, None, None)


def test_differences_without_variance_have_no_p_value() -> None:
    assert paired_difference([0.5, 0.5, 0.5], [0.5, 0.5, 0.5]).p_value is None
    assert paired_difference([2, 3, 4], [1, 2, 3]).p_value is None
    assert paired_difference([], []).mean is None


def test_pairs_must_be_pairs() -> None:
    with pytest.raises(ValueError, match="2 values against 3"):
        paired_difference([1, 2], [1, 2, 3])
    with pytest.raises(ValueError, match=r"0\.5 in a proportion"):
        paired_proportion_difference([0.5], [1])


def test_cases_that_move_together_widen_both_intervals() -> None:
    a = [1.0] * 6 + [0.0] * 6 + [1.0] * 4
    b = [0.0] * 6 + [1.0] * 2 + [0.0] * 4 + [1.0] * 4
    clusters = [index // 3 for index in range(16)]
    for function in (paired_difference, paired_proportion_difference):
        plain, clustered = function(a, b), function(a, b, clusters)
        assert None not in (plain.low, plain.high, clustered.low, clustered.high)
        assert clustered.high - clustered.low > plain.high - plain.low  # type: ignore[operator]
        assert clustered.p_value is not None
        assert plain.p_value is not None
        assert clustered.p_value > plain.p_value


def test_clusters_of_one_change_no_proportion() -> None:
    a, b = table(both=5, only_a=4, only_b=1, neither=6)
    plain, clustered = paired_proportion_difference(a, b), paired_proportion_difference(a, b, range(16))
    assert clustered.low == pytest.approx(plain.low, rel=1e-12)
    assert clustered.p_value == pytest.approx(plain.p_value, rel=1e-12)


def test_equal_answers_are_no_certainty() -> None:
    """With no discordant pair the score interval is ±z² / (n + z²), and shrinks only with n."""
    result = paired_proportion_difference(*table(both=30, neither=10))
    z2 = 1.959963984540054**2
    assert (result.mean, result.p_value) == (0.0, 1.0)
    assert result.high == pytest.approx(z2 / (40 + z2), abs=1e-12)
    assert result.low == pytest.approx(-z2 / (40 + z2), abs=1e-12)


def test_all_differing_one_way_reaches_the_end_of_the_range() -> None:
    result = paired_proportion_difference(*table(only_a=12))
    assert result.high == 1.0
    assert result.low is not None
    assert 0.5 < result.low < 1


@given(BITS, st.floats(0.5, 0.999))
def test_interval_and_p_value_of_a_proportion_agree(pairs: list[tuple[int, int]], confidence: float) -> None:
    a, b = [x for x, _ in pairs], [y for _, y in pairs]
    result = paired_proportion_difference(a, b, confidence=confidence)
    assert result.low is not None
    assert result.high is not None
    assert result.mean is not None
    assert result.p_value is not None
    assert -1 <= result.low <= result.mean <= result.high <= 1
    if abs(result.p_value - (1 - confidence)) > 1e-9:
        assert (result.low > 0 or result.high < 0) == (result.p_value < 1 - confidence)


@given(st.lists(st.tuples(st.floats(-100, 100), st.floats(-100, 100)), min_size=2, max_size=40))
def test_interval_and_p_value_of_a_mean_agree(pairs: list[tuple[float, float]]) -> None:
    result = paired_difference([x for x, _ in pairs], [y for _, y in pairs])
    if result.p_value is None or abs(result.p_value - 0.05) < 1e-6:
        return
    assert result.low is not None
    assert result.high is not None
    assert (result.low > 0 or result.high < 0) == (result.p_value < 0.05)


def test_mcnemar_by_hand() -> None:
    assert mcnemar_exact(0, 0) == 1
    assert mcnemar_exact(3, 3) == 1
    assert mcnemar_exact(0, 5) == pytest.approx(2 / 32)
    assert mcnemar_exact(1, 7) == pytest.approx(2 * (1 + 8) / 256)
    assert mcnemar_exact(7, 1) == mcnemar_exact(1, 7)
    with pytest.raises(ValueError, match="-1 and 2 discordant"):
        mcnemar_exact(-1, 2)


def test_wilcoxon_by_hand() -> None:
    # Ranks 1 to 5, the smallest one negative: sums 1 and 14; patterns with sum <= 1: 2 of 32, twice.
    result = wilcoxon_signed_rank([1, 4, 6, 8, 10], [2, 2, 3, 4, 5])
    assert (result.statistic, result.n) == (1, 5)
    assert result.p_value == pytest.approx(4 / 32)


def test_wilcoxon_without_a_difference() -> None:
    result = wilcoxon_signed_rank([1, 2, 3], [1, 2, 3])
    assert (result.statistic, result.p_value, result.n) == (0, 1, 0)


def test_continuity_makes_wilcoxon_more_careful() -> None:
    a = [float(index % 7) + 0.1 * index for index in range(80)]
    b = [float(index % 5) for index in range(80)]
    assert wilcoxon_signed_rank(a, b, continuity=True).p_value > wilcoxon_signed_rank(a, b).p_value
