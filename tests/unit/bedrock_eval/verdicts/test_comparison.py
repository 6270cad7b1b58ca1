import random
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedrock_eval.direction import Better
from bedrock_eval.scores import METRICS
from bedrock_eval.verdicts.comparison import (
    Comparison,
    Method,
    compare,
    compare_categories,
    estimate_difference,
    pair,
)
from bedrock_eval.verdicts.gates import Verdict

RELEVANCE, EXACT, LENGTH = (METRICS[name] for name in ("relevance_score", "exact_match", "response_length"))
ERRORS = replace(RELEVANCE, name="word_error_rate", better=Better.LOWER, high=None)
OPEN = replace(RELEVANCE, name="points", high=None)


def by_case(values: list[float]) -> dict[str, float]:
    return {f"case-{index}": value for index, value in enumerate(values)}


def judged(candidate: list[float], baseline: list[float] | None, **overrides: object) -> Comparison:
    settings: dict[str, object] = {
        "metric": RELEVANCE,
        "max_drop": 0.05,
        "confidence": 0.95,
        "gates": 1,
        "coverage": 1.0,
        "min_coverage": 0.95,
    }
    reference = None if baseline is None else by_case(baseline)
    return compare(by_case(candidate), reference, **{**settings, **overrides})  # type: ignore[arg-type]


def shifted(by: float, *, n: int = 60, noise: float = 0.02) -> tuple[list[float], list[float]]:
    """A baseline, and a candidate that differs by `by` and a noise that cancels out exactly."""
    baseline = [0.3 + 0.4 * (index % 7) / 6 for index in range(n)]
    return [value + by + noise * (1 if index % 2 else -1) for index, value in enumerate(baseline)], baseline


@pytest.mark.parametrize(
    ("by", "verdict"),
    [(0.1, Verdict.BETTER), (0.0, Verdict.NOT_WORSE), (-0.03, Verdict.NOT_WORSE), (-0.1, Verdict.WORSE)],
)
def test_the_interval_decides_in_this_order(by: float, verdict: Verdict) -> None:
    result = judged(*shifted(by))
    assert result.verdict is verdict
    assert result.estimate.method is Method.T
    assert result.estimate.mean == pytest.approx(by)
    assert result.margin == result.estimate.low
    assert result.needed_n is None


def test_a_drop_within_the_margin_is_not_worse_though_it_is_certain() -> None:
    """not_worse comes before worse: h < 0 says that there is a drop, the margin says that it is bearable."""
    result = judged(*shifted(-0.03))
    assert result.estimate.high is not None
    assert result.estimate.high < 0
    assert result.verdict is Verdict.NOT_WORSE


def test_lower_is_better_turns_the_difference_round() -> None:
    candidate, baseline = shifted(0.2)
    assert judged(candidate, baseline, metric=ERRORS).verdict is Verdict.WORSE
    better = judged(baseline, candidate, metric=ERRORS)
    assert better.verdict is Verdict.BETTER
    assert better.estimate.mean == pytest.approx(0.2)
    assert better.estimate.candidate_mean == pytest.approx(sum(baseline) / len(baseline))


def test_an_undecided_difference_says_what_it_would_take() -> None:
    result = judged(*shifted(-0.02, n=20, noise=0.1))
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "more than 0.05" in result.reason
    assert result.needed_n is not None
    # sd 0.1026, 0.03 short of the margin: ((1.96 + 0.84) * 0.1026 / 0.03)² = 92, and a few for Student's t.
    assert 90 <= result.needed_n <= 97
    assert result.minimum_detectable == pytest.approx(2.8 * 0.1026 / 20**0.5, rel=0.08)
    assert judged(*shifted(-0.02, n=result.needed_n, noise=0.1)).verdict is Verdict.NOT_WORSE


def test_more_gates_widen_the_interval() -> None:
    one, ten = judged(*shifted(0.1)), judged(*shifted(0.1), gates=10)
    assert ten.estimate.confidence == pytest.approx(0.995)
    assert one.margin is not None
    assert ten.margin is not None
    assert ten.margin < one.margin


def test_binary_metrics_take_the_score_interval() -> None:
    candidate, baseline = [1.0] * 12 + [0.0] * 1 + [1.0] * 27, [0.0] * 12 + [1.0] * 1 + [1.0] * 27
    result = judged(candidate, baseline, metric=EXACT)
    assert result.verdict is Verdict.BETTER
    assert result.estimate.method is Method.SCORE
    assert result.estimate.mean == pytest.approx(11 / 40)
    assert result.estimate.p_value == pytest.approx(0.002282, abs=1e-5)


def test_equal_answers_are_judged_by_the_rule_of_three() -> None:
    """3 / 59 is past a margin of 0.05, 3 / 60 is not."""
    for metric in (RELEVANCE, EXACT):
        short, enough = (judged([1.0] * n, [1.0] * n, metric=metric) for n in (59, 61))
        assert (short.verdict, enough.verdict) == (Verdict.INCONCLUSIVE, Verdict.NOT_WORSE)
        assert enough.estimate.method is Method.RULE_OF_THREE
        assert enough.margin == pytest.approx(-3 / 61)
        assert short.estimate.p_value == 1.0
        assert short.minimum_detectable is None
        assert short.needed_n == 60


def test_rounding_is_no_variance() -> None:
    baseline = [0.1 * (index % 8) for index in range(40)]
    result = judged([value + 0.1 for value in baseline], baseline)
    assert result.estimate.method is Method.RULE_OF_THREE
    # The rule of three reaches 0.1 / 1.1 at 1 - 0.05 ** (40 / 3 * 0.1 / 1.1).
    assert result.estimate.p_value == pytest.approx(0.05 ** (40 / 33))


def test_no_margin_is_ever_kept_by_equal_answers() -> None:
    result = judged([1.0] * 1000, [1.0] * 1000, max_drop=0)
    assert (result.verdict, result.needed_n) == (Verdict.INCONCLUSIVE, None)


def test_every_answer_lost_is_worse_though_nothing_varies() -> None:
    assert judged([0.0] * 40, [1.0] * 40, metric=EXACT).verdict is Verdict.WORSE
    assert judged([1.0] * 40, [0.0] * 40, metric=EXACT).verdict is Verdict.BETTER


def test_an_open_range_bounds_nothing() -> None:
    result = judged([5.0] * 100, [5.0] * 100, metric=OPEN)
    assert (result.verdict, result.margin, result.needed_n) == (Verdict.INCONCLUSIVE, None, None)
    assert "no variance on an open range" in result.reason


def test_under_ten_pairs_only_the_rule_of_three_concludes() -> None:
    candidate, baseline = shifted(-0.25, n=9)
    few = judged(candidate, baseline)
    assert (few.verdict, few.needed_n) == (Verdict.INCONCLUSIVE, 10)
    assert few.reason == "9 pairs, at least 10 are needed"
    lost, won = (judged([x] * 9, [1 - x] * 9, metric=EXACT) for x in (0.0, 1.0))
    assert lost.estimate.high is not None
    assert lost.estimate.high < 0
    assert lost.verdict is Verdict.INCONCLUSIVE
    assert won.verdict is Verdict.NOT_WORSE
    assert judged([0.5] * 9, [0.5] * 9, max_drop=0.4).verdict is Verdict.NOT_WORSE
    assert judged([], []).estimate.mean is None


def test_without_baseline_or_with_thin_coverage_nothing_is_concluded() -> None:
    candidate, baseline = shifted(0.2)
    none = judged(candidate, None)
    assert (none.verdict, none.reason) == (Verdict.INCONCLUSIVE, "no baseline")
    assert none.candidate_only == 60
    thin = judged(candidate, baseline, coverage=0.9)
    assert thin.verdict is Verdict.INCONCLUSIVE
    assert thin.reason == "coverage 90.0% is below 95.0%"
    assert judged(candidate, baseline, coverage=None).verdict is Verdict.INCONCLUSIVE


def test_unpaired_cases_are_counted_and_in_no_mean() -> None:
    pairs = pair({"a": 1.0, "b": 0.5, "new": 9.0}, {"b": 0.25, "a": 0.75, "gone": 7.0, "lost": 7.0})
    assert pairs.ids == ("a", "b")
    assert pairs.baseline == (0.75, 0.25)
    assert (pairs.candidate_only, pairs.baseline_only) == (1, 2)
    result = judged([*shifted(0.1)[0], 99.0], shifted(0.1)[1])
    assert (result.estimate.n, result.candidate_only) == (60, 1)
    assert result.estimate.mean == pytest.approx(0.1)


def test_clusters_widen_the_interval_and_lone_cases_stand_alone() -> None:
    rng = random.Random(3)
    steps = [rng.gauss(0, 0.1) for _ in range(12)]
    baseline = [0.5] * 48
    candidate = [0.55 + steps[index // 4] + rng.gauss(0, 0.01) for index in range(48)]
    clusters = {f"case-{index}": index // 4 for index in range(48)}
    plain, clustered = judged(candidate, baseline), judged(candidate, baseline, clusters=clusters)
    assert plain.margin is not None
    assert clustered.margin is not None
    assert clustered.margin < plain.margin - 0.01
    assert judged(candidate, baseline, clusters={}).margin == pytest.approx(plain.margin)
    one = judged(candidate, baseline, clusters=dict.fromkeys(clusters, "all"))
    assert (one.verdict, one.margin) == (Verdict.INCONCLUSIVE, None)
    assert "one cluster" in one.reason


def test_a_neutral_metric_or_a_negative_margin_is_refused() -> None:
    with pytest.raises(ValueError, match="response_length: the metric has no better direction"):
        judged([1.0], [1.0], metric=LENGTH)
    with pytest.raises(ValueError, match=r"max_drop of relevance_score is -0\.1; allowed: 0 or more"):
        judged([1.0], [1.0], max_drop=-0.1)


def test_categories_show_where_it_changed() -> None:
    candidate, baseline = shifted(0.0)
    categories: Mapping[str, str] = {f"case-{index}": "billing" if index < 30 else "refunds" for index in range(58)}
    candidate = [value - 0.2 if index < 30 else value for index, value in enumerate(candidate)]
    slices = compare_categories(
        by_case(candidate), by_case(baseline[:-1]), categories=categories, metric=RELEVANCE, confidence=0.95
    )
    assert [(each.category, each.estimate.n, each.candidate_only) for each in slices] == [
        ("billing", 30, 0),
        ("refunds", 28, 0),
        (None, 1, 1),
    ]
    billing, refunds, _ = slices
    assert billing.estimate.high is not None
    assert billing.estimate.high < -0.15
    assert refunds.estimate.mean == pytest.approx(0)
    assert billing.holm_p_value is not None
    assert billing.holm_p_value < 1e-6


def test_a_neutral_metric_can_be_shown_by_difference() -> None:
    pairs = pair(by_case([120.0 + index for index in range(20)]), by_case([100.0 + index % 3 for index in range(20)]))
    estimate = estimate_difference(pairs, metric=LENGTH, confidence=0.95)
    assert estimate.mean == pytest.approx(28.55)
    assert estimate.method is Method.T


SHARES = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), max_size=40)


@given(SHARES, st.floats(0, 1), st.integers(1, 40), st.sampled_from([RELEVANCE, ERRORS, OPEN]))
def test_verdict_and_interval_never_disagree(
    rows: list[tuple[float, float]], max_drop: float, gates: int, metric: object
) -> None:
    result = judged([x for x, _ in rows], [y for _, y in rows], max_drop=max_drop, gates=gates, metric=metric)
    low, high = result.estimate.low, result.estimate.high
    if low is None or high is None:
        assert result.verdict is Verdict.INCONCLUSIVE
        return
    assert result.estimate.mean is not None
    assert low - 1e-9 <= result.estimate.mean <= high + 1e-9
    expected = {
        Verdict.BETTER: low > 0,
        Verdict.NOT_WORSE: low >= -max_drop,
        Verdict.WORSE: high < 0 and low < -max_drop,
        Verdict.INCONCLUSIVE: low < -max_drop and (high >= 0 or len(rows) < 10),
    }
    assert expected[result.verdict]
    if result.verdict is Verdict.INCONCLUSIVE and result.needed_n is not None:
        assert result.needed_n > len(rows)


@given(SHARES)
def test_a_candidate_is_never_better_than_itself(rows: list[tuple[float, float]]) -> None:
    values = [x for x, _ in rows]
    assert judged(values, values).verdict in {Verdict.NOT_WORSE, Verdict.INCONCLUSIVE}
