"""Many p-values, the number of cases, the rule of three, and the bootstrap."""

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedrock_eval.statistics import (
    Interval,
    benjamini_hochberg,
    bootstrap_interval,
    holm,
    implied_deviation,
    mean_interval,
    minimum_detectable_effect,
    needed_n,
    rule_of_three,
    student_t_p_value,
    student_t_quantile,
)

P_VALUES = st.lists(st.floats(0, 1), max_size=30)


def test_holm_in_the_given_order() -> None:
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])
    assert holm([0.9, 0.6]) == pytest.approx([1.0, 1.0])
    assert holm([]) == []


def test_benjamini_hochberg_in_the_given_order() -> None:
    assert benjamini_hochberg([0.04, 0.01, 0.03, 0.5]) == pytest.approx([0.16 / 3, 0.04, 0.16 / 3, 0.5])


def test_an_unknown_p_value_counts_and_stays_unknown() -> None:
    assert holm([0.01, None, 0.04]) == [pytest.approx(0.03), None, pytest.approx(0.08)]
    assert benjamini_hochberg([None, 0.01]) == [None, pytest.approx(0.02)]


@given(P_VALUES)
def test_adjusting_keeps_the_order_and_never_helps(values: list[float]) -> None:
    strict, lenient = holm(values), benjamini_hochberg(values)
    for raw, low, high in zip(values, lenient, strict, strict=True):
        assert low is not None
        assert high is not None
        assert raw * (1 - 1e-12) <= low <= high * (1 + 1e-12)
        assert high <= 1
    ranked = sorted(zip(values, strict, strict=True), key=lambda both: both[0])
    adjusted = [value for _, value in ranked if value is not None]
    assert adjusted == sorted(adjusted)


@pytest.mark.parametrize("function", [holm, benjamini_hochberg])
@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_what_is_no_p_value_is_named(function: type, value: float) -> None:
    with pytest.raises(ValueError, match="p-value 1 is"):
        function([0.5, value])


def test_rule_of_three() -> None:
    assert rule_of_three(100) == pytest.approx(0.03, rel=1e-12)
    assert rule_of_three(2) == 1
    assert rule_of_three(0) == 1
    # The exact bound of zero events in n: 1 - (1 - confidence)^(1/n), which the rule never undercuts.
    for confidence in (0.9, 0.95, 0.999):
        exact = 1 - (1 - confidence) ** (1 / 200)
        assert exact < rule_of_three(200, confidence) < exact * 1.03
    with pytest.raises(ValueError, match="no rule of three"):
        rule_of_three(-1)


def test_millers_example_of_power() -> None:
    """Adding Error Bars to Evals, section 5: variance 1/9, an effect of 0.03, 80 % power: 969 questions."""
    needed = needed_n(effect=0.03, standard_deviation=1 / 3)
    assert needed is not None
    # Two more than by the normal quantiles.
    assert 969 <= needed <= 972


@given(st.floats(0.01, 5), st.floats(0.01, 1), st.floats(0.8, 0.999), st.floats(0.5, 0.95))
def test_needed_n_is_the_smallest_that_detects(effect: float, spread: float, confidence: float, power: float) -> None:
    needed = needed_n(effect=-effect, standard_deviation=spread, confidence=confidence, power=power)
    assert needed is not None
    at = minimum_detectable_effect(n=needed, standard_deviation=spread, confidence=confidence, power=power)
    assert at is not None
    assert at <= effect
    if needed > 2:
        before = minimum_detectable_effect(n=needed - 1, standard_deviation=spread, confidence=confidence, power=power)
        assert before is not None
        assert before > effect


def test_power_has_no_answer_where_there_is_none() -> None:
    assert needed_n(effect=0, standard_deviation=0.2) is None
    assert needed_n(effect=1e-17, standard_deviation=0.2) is None
    assert needed_n(effect=0.1, standard_deviation=0) == 2
    assert minimum_detectable_effect(n=1, standard_deviation=0.2) is None
    with pytest.raises(ValueError, match="power 1"):
        needed_n(effect=0.1, standard_deviation=0.2, power=1)
    with pytest.raises(ValueError, match="standard deviation -1"):
        minimum_detectable_effect(n=10, standard_deviation=-1)


def test_the_deviation_is_read_back_from_an_interval() -> None:
    values = [0.1, 0.5, 0.4, 0.9, 0.2]
    estimate = mean_interval(values, confidence=0.9)
    implied = implied_deviation(Interval(estimate.low, estimate.high), n=5, confidence=0.9)
    assert implied == pytest.approx(statistics.stdev(values))
    assert implied_deviation(Interval(None, None), n=5, confidence=0.9) is None


def test_quantile_and_p_value_of_t_belong_together_at_any_size() -> None:
    for degrees in (1, 2, 30, 99_999, 100_001, 10**9):
        assert student_t_p_value(student_t_quantile(0.975, degrees), degrees) == pytest.approx(0.05, abs=1e-9)
    assert student_t_p_value(0, 7) == 1
    assert student_t_p_value(1e6, 10**6) == 0
    with pytest.raises(ValueError, match="0 degrees"):
        student_t_p_value(1, 0)


def test_equal_values_have_no_variance_however_they_round() -> None:
    for n in range(2, 60):
        assert mean_interval([0.1] * n).standard_error == 0


VALUES = [0.12, 0.4, 0.35, 0.9, 0.77, 0.2, 0.61, 0.05, 0.5, 0.45, 0.33, 0.84]


def test_the_bootstrap_repeats_itself_and_follows_its_seed() -> None:
    first = bootstrap_interval(VALUES, resamples=500, seed=7)
    assert first == bootstrap_interval(VALUES, resamples=500, seed=7)
    assert first != bootstrap_interval(VALUES, resamples=500, seed=8)
    # Pinned: the same on every machine and Python version.
    assert first.low == pytest.approx(0.3225, rel=1e-12)


def test_the_bootstrap_of_a_mean_is_near_the_t_interval() -> None:
    ours, t = bootstrap_interval(VALUES, resamples=4000), mean_interval(VALUES)
    assert ours.low == pytest.approx(t.low, abs=0.04)
    assert ours.high == pytest.approx(t.high, abs=0.04)


def test_the_bootstrap_takes_any_statistic() -> None:
    interval = bootstrap_interval(VALUES, statistics.median, resamples=500)
    assert interval.low is not None
    assert interval.high is not None
    assert min(VALUES) <= interval.low <= statistics.median(VALUES) <= interval.high <= max(VALUES)


def test_the_bootstrap_claims_no_certainty() -> None:
    assert bootstrap_interval([0.5] * 20, resamples=100) == Interval(None, None)
    assert bootstrap_interval([0.5], resamples=100) == Interval(None, None)
    with pytest.raises(ValueError, match="at least 100"):
        bootstrap_interval(VALUES, resamples=10)
