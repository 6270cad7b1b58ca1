import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedrock_eval.statistics import (
    mean_interval,
    standard_deviation,
    student_t_quantile,
    wilson_interval,
)

FINITE = st.floats(-1e6, 1e6)


def test_mean_interval_of_a_hand_computed_sample() -> None:
    estimate = mean_interval([1.0, 2.0, 3.0, 4.0])
    assert estimate.mean == 2.5
    assert estimate.standard_error == pytest.approx(math.sqrt(5 / 3) / 2)
    # t(0.975, 3) = 3.182446305284263
    assert estimate.high == pytest.approx(2.5 + 3.182446305284263 * math.sqrt(5 / 3) / 2, rel=1e-12)


def test_unknown_is_none_and_never_zero() -> None:
    assert mean_interval([]).mean is None
    single = mean_interval([0.4])
    assert (single.mean, single.standard_error, single.low, single.high) == (0.4, None, None, None)
    assert standard_deviation([1.0]) is None
    assert wilson_interval(0, 0).low is None


def test_one_cluster_gives_no_interval() -> None:
    estimate = mean_interval([0.1, 0.5, 0.9], clusters=["a", "a", "a"])
    assert estimate.mean == pytest.approx(0.5)
    assert estimate.standard_error is None


def test_clusters_of_one_equal_no_clusters() -> None:
    values = [0.1, 0.7, 0.3, 0.9, 0.4]
    plain, clustered = mean_interval(values), mean_interval(values, clusters=range(5))
    assert clustered.low == pytest.approx(plain.low, rel=1e-12)


def test_dependent_cases_widen_the_interval() -> None:
    values = [0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0]
    clusters = [1, 1, 1, 2, 2, 2, 3, 3, 4, 4]
    plain, clustered = mean_interval(values), mean_interval(values, clusters=clusters)
    assert plain.high is not None
    assert clustered.high is not None
    assert clustered.high > plain.high


def test_cluster_labels_must_fit() -> None:
    with pytest.raises(ValueError, match="2 cluster labels for 3 values"):
        mean_interval([1, 2, 3], clusters=["a", "b"])


@given(st.integers(0, 500), st.integers(0, 500))
def test_wilson_holds_the_proportion(successes: int, failures: int) -> None:
    n = successes + failures
    interval = wilson_interval(successes, n)
    if n == 0:
        return
    assert interval.low is not None
    assert interval.high is not None
    assert 0 <= interval.low <= successes / n <= interval.high <= 1


def test_wilson_refuses_more_successes_than_trials() -> None:
    with pytest.raises(ValueError, match="4 successes of 3"):
        wilson_interval(4, 3)


@given(st.floats(0.001, 0.999), st.integers(1, 2000))
def test_t_quantile_is_antisymmetric(probability: float, degrees: int) -> None:
    assert student_t_quantile(1 - probability, degrees) == pytest.approx(
        -student_t_quantile(probability, degrees), rel=1e-9, abs=1e-9
    )


@pytest.mark.parametrize(("probability", "degrees"), [(0, 3), (1, 3), (0.5, 0)])
def test_t_quantile_refuses(probability: float, degrees: int) -> None:
    with pytest.raises(ValueError, match="no t quantile"):
        student_t_quantile(probability, degrees)


@given(st.lists(FINITE, min_size=2, max_size=40))
def test_the_mean_lies_in_its_interval(values: list[float]) -> None:
    estimate = mean_interval(values)
    assert estimate.mean is not None
    assert estimate.low is not None
    assert estimate.high is not None
    assert estimate.low <= estimate.mean <= estimate.high
