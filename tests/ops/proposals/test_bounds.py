import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bedrock_eval.scores import METRICS
from ops.proposals.bounds import (
    MAX,
    MIN,
    Proposal,
    RunValue,
    for_all,
    gate_bound,
    guarded_rates,
    largest_drop,
    latency_threshold,
    rate_threshold,
)

RELEVANCE, LENGTH = METRICS["relevance_score"].measure, METRICS["response_length"].measure
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def runs(*means: float, width: float = 0.1, n: int = 40) -> list[RunValue]:
    return [RunValue(n, mean, mean - width, mean + width, 0.95) for mean in means]


def points(values: list[float], *, minutes: int = 60) -> dict[datetime, float]:
    return {NOON + timedelta(minutes=minutes * index): value for index, value in enumerate(values)}


def test_a_bound_is_the_prediction_bound_of_the_worse_ends() -> None:
    # Ends 0.6, 0.7, 0.8: mean 0.7, s 0.1; t(0.95, 2) = 2.919986.
    low = gate_bound(runs(0.7, 0.8, 0.9), key=MIN, measure=RELEVANCE, verdicts=1)
    assert low.basis == pytest.approx(0.7 - 2.919986 * 0.1 * math.sqrt(4 / 3), abs=1e-6)
    assert (low.value, low.n) == (0.362, 3)
    high = gate_bound(runs(70, 80, 90, width=10), key=MAX, measure=LENGTH, verdicts=1)
    assert high.basis == pytest.approx(90 + 2.919986 * 10 * math.sqrt(4 / 3), abs=1e-4)
    assert high.value == 124


def test_every_run_that_the_bound_stands_on_keeps_it() -> None:
    history = runs(0.7, 0.72, 0.71, 0.69)
    bound = gate_bound(history, key=MIN, measure=RELEVANCE, verdicts=1).value
    assert bound is not None
    assert all(run.low >= bound for run in history)


def test_more_verdicts_widen_the_intervals() -> None:
    one, six = (gate_bound(runs(0.7, 0.8, 0.8), key=MIN, measure=RELEVANCE, verdicts=n).basis for n in (1, 6))
    assert one is not None
    assert six is not None
    # t(1 - 0.025 / 6, 39) / t(0.975, 39) = 2.7789 / 2.0227
    assert one - six == pytest.approx(0.1 * (2.7789 / 2.0227 - 1), abs=1e-4)


def test_too_few_or_too_different_runs_propose_nothing() -> None:
    few = gate_bound([*runs(0.7, 0.8), *runs(0.9, n=9)], key=MIN, measure=RELEVANCE, verdicts=1)
    assert (few.value, few.n) == (None, 2)
    assert "2 comparable runs" in few.reason
    wild = gate_bound(runs(0.2, 0.9, 0.5), key=MIN, measure=RELEVANCE, verdicts=1)
    assert wild.value is None
    assert "forbid nothing" in wild.reason
    assert largest_drop(runs(0.7, 0.8), measure=RELEVANCE, verdicts=1).value is None


def test_a_drop_is_the_spread_of_two_runs_and_the_interval() -> None:
    history = runs(0.79, 0.8, 0.81)
    alone = largest_drop(history, measure=RELEVANCE, verdicts=1)
    assert alone.basis == pytest.approx(math.sqrt(2) * (2.919986 * 0.01 + 0.1), abs=1e-6)
    paired = largest_drop([replace(run, paired_width=0.02) for run in history], measure=RELEVANCE, verdicts=1)
    assert paired.basis == pytest.approx(math.sqrt(2) * 2.919986 * 0.01 + 0.02, abs=1e-6)
    assert paired.value == 0.0613


def test_a_slow_decline_does_not_widen_the_drop_by_where_it_stands() -> None:
    first, later = (
        largest_drop(runs(*means), measure=RELEVANCE, verdicts=1) for means in ((0.9, 0.89, 0.88), (0.5, 0.49, 0.48))
    )
    assert first.value == later.value


def test_runs_without_spread_or_with_too_much_propose_no_drop() -> None:
    assert "no spread" in largest_drop(runs(0.8, 0.8, 0.8), measure=RELEVANCE, verdicts=1).reason
    assert "forbid nothing" in largest_drop(runs(0.1, 0.9, 0.5), measure=RELEVANCE, verdicts=1).reason


def test_a_gate_holds_for_every_candidate() -> None:
    one, two, none = Proposal(0.4, 3), Proposal(0.6, 3), Proposal(None, 1, None, "too few")
    assert for_all([two, one], key=MIN) is one
    assert for_all([two, one], key=MAX) is two
    assert for_all([two, none], key=MIN) is none


def test_latency_is_the_percentile_with_headroom() -> None:
    found = latency_threshold(points([float(n) for n in range(1, 201)]))
    assert (found.basis, found.value, found.n) == (198, 250, 200)


def test_hours_count_and_not_datapoints() -> None:
    """Three hours of 5 minutes are no history, however many datapoints."""
    short = latency_threshold(points([100.0] * 47 * 12, minutes=5))
    assert (short.value, short.n) == (None, 564)
    assert "47 hours with datapoints; needed: 48" in short.reason
    assert latency_threshold(points([100.0] * 48)).value == 130


def test_a_rate_is_never_below_one_request_of_the_floor() -> None:
    assert rate_threshold(points([0.0] * 60), floor=20).value == 5
    assert rate_threshold(points([0.0] * 50 + [8.0] * 10), floor=20).value == 10
    assert "incident" in rate_threshold(points([80.0] * 60), floor=20).reason
    assert rate_threshold({}, floor=20).value is None


def test_rates_are_those_of_the_alarms() -> None:
    """Failed requests are added to Invocations, which may be missing; thin periods are left out."""
    part, whole = {NOON: 10.0, NOON + timedelta(minutes=5): 30.0}, {NOON: 30.0, NOON + timedelta(minutes=10): 19.0}
    assert guarded_rates(part, whole, floor=20) == {NOON: 25.0, NOON + timedelta(minutes=5): 100.0}
