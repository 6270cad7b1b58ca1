import random

import pytest

from bedrock_eval.evaluation.definition import Gate
from bedrock_eval.scores import METRICS
from bedrock_eval.verdicts.gates import GateResult, Verdict, judge, sample_interval

RELEVANCE, EXACT, LENGTH = (METRICS[name] for name in ("relevance_score", "exact_match", "response_length"))


def verdict(gate: Gate, values: list[float], **overrides: object) -> GateResult:
    settings: dict[str, object] = {
        "metric": METRICS[gate.metric],
        "confidence": 0.95,
        "gates": 1,
        "coverage": 1.0,
        "min_coverage": 0.95,
    }
    return judge(gate, values, **{**settings, **overrides})  # type: ignore[arg-type]


def spread(mean: float, n: int, width: float = 0.2) -> list[float]:
    return [mean + width * (index % 5 - 2) / 2 for index in range(n)]


def test_the_interval_decides_and_not_the_mean() -> None:
    gate = Gate("relevance_score", min=0.5)
    assert verdict(gate, spread(0.9, 40)).verdict is Verdict.NOT_WORSE
    assert verdict(gate, spread(0.2, 40)).verdict is Verdict.WORSE
    close = verdict(gate, spread(0.51, 40))
    assert close.verdict is Verdict.INCONCLUSIVE
    assert close.needed_n is not None
    assert close.needed_n > 40


def test_a_max_gate_looks_at_the_other_end() -> None:
    gate = Gate("response_length", max=100)
    assert verdict(gate, spread(50, 30, width=10)).verdict is Verdict.NOT_WORSE
    high = verdict(gate, spread(200, 30, width=10))
    assert high.verdict is Verdict.WORSE
    assert high.margin is not None
    assert high.margin < -90


def test_margin_is_the_distance_of_the_worse_end() -> None:
    result = verdict(Gate("relevance_score", min=0.5), spread(0.9, 40))
    assert result.low is not None
    assert result.margin == pytest.approx(result.low - 0.5)


def test_more_gates_widen_the_interval() -> None:
    gate, values = Gate("relevance_score", min=0.5), spread(0.9, 20)
    one, ten = verdict(gate, values), verdict(gate, values, gates=10)
    assert ten.confidence == pytest.approx(0.995)
    assert one.low is not None
    assert ten.low is not None
    assert ten.low < one.low


def test_few_cases_or_low_coverage_conclude_nothing() -> None:
    gate = Gate("relevance_score", min=0.5)
    few = verdict(gate, spread(0.9, 9))
    assert (few.verdict, few.needed_n) == (Verdict.INCONCLUSIVE, 10)
    thin = verdict(gate, spread(0.9, 40), coverage=0.9)
    assert thin.verdict is Verdict.INCONCLUSIVE
    assert "90.0%" in thin.reason
    assert verdict(gate, spread(0.9, 40), coverage=None).verdict is Verdict.INCONCLUSIVE


def test_no_variance_is_not_certainty() -> None:
    gate = Gate("relevance_score", min=0.95)
    assert verdict(gate, [1.0] * 20).verdict is Verdict.INCONCLUSIVE
    assert verdict(gate, [1.0] * 100).verdict is Verdict.NOT_WORSE
    open_range = verdict(Gate("response_length", min=10), [20.0] * 100)
    assert open_range.verdict is Verdict.INCONCLUSIVE
    assert open_range.margin is None


def test_binary_metrics_use_a_proportion_interval() -> None:
    interval = sample_interval([1.0] * 20, metric=EXACT, confidence=0.95)
    assert interval.low == pytest.approx(0.8388748, abs=1e-6)
    assert interval.high == 1.0


def test_intervals_stay_within_the_range_of_the_metric() -> None:
    values = [0.0] * 15 + [0.2]
    interval = sample_interval(values, metric=RELEVANCE, confidence=0.95)
    assert interval.low == 0.0
    assert sample_interval([1.0, 900.0], metric=LENGTH, confidence=0.95).low == 0.0


def test_a_true_mean_on_the_bound_rarely_fails() -> None:
    """The share of `worse` with nothing wrong stays at half the error rate: the interval is two-sided."""
    rng = random.Random(11)
    gate = Gate("relevance_score", min=0.5)
    runs = 600
    worse = sum(
        verdict(gate, [min(max(rng.gauss(0.5, 0.15), 0), 1) for _ in range(40)]).verdict is Verdict.WORSE
        for _ in range(runs)
    )
    assert 0.01 < worse / runs < 0.045


def test_numbers_of_the_metric() -> None:
    assert [verdict.number for verdict in Verdict] == [0, 1, 2, 3]
    assert Verdict.WORSE.number == 3
