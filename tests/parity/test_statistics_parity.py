"""Our closed forms against scipy, which is installed for tests only."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from bedrock_eval.statistics import incomplete_beta, mean_interval, student_t_quantile, wilson_interval

CONFIDENCE = st.floats(0.5, 0.9999)


@given(st.floats(0.0005, 0.9995), st.integers(1, 100_000))
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
