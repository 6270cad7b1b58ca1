"""How often the verdict on a max_drop gate is wrong, and how often it finds what is there.

Binary metrics are enumerated: every possible table with its exact probability. Continuous ones are drawn, seeded.
"""

import math
import random
from collections import Counter
from collections.abc import Callable
from functools import cache

import pytest
from scipy import stats

from bedrock_eval.scores import METRICS, MetricDefinition
from bedrock_eval.statistics import needed_n
from bedrock_eval.verdicts.comparison import compare
from bedrock_eval.verdicts.gates import Verdict

CONTINUOUS, BINARY = METRICS["f1_score"], METRICS["exact_match"]
DECIDED = (Verdict.BETTER, Verdict.WORSE)
MARGIN = 0.0


def verdict(
    candidate: list[float], baseline: list[float], *, metric: MetricDefinition, max_drop: float = MARGIN, gates: int = 1
) -> Verdict:
    return compare(
        {str(case): value for case, value in enumerate(candidate)},
        {str(case): value for case, value in enumerate(baseline)},
        metric=metric,
        max_drop=max_drop,
        confidence=0.95,
        gates=gates,
        coverage=1.0,
        min_coverage=0.95,
    ).verdict


@cache
def table_verdict(only_candidate: int, only_baseline: int, n: int, max_drop: float) -> Verdict:
    same = n - only_candidate - only_baseline
    candidate = [1.0] * only_candidate + [0.0] * only_baseline + [1.0] * same
    baseline = [0.0] * only_candidate + [1.0] * only_baseline + [1.0] * same
    return verdict(candidate, baseline, metric=BINARY, max_drop=max_drop)


def probabilities(n: int, *, gain: float, loss: float, max_drop: float = MARGIN) -> dict[Verdict, float]:
    """The chance of each verdict when a case is gained and lost with these probabilities: the sum over all tables."""
    chances: dict[Verdict, float] = dict.fromkeys(Verdict, 0.0)
    discordant = gain + loss
    for moved in range(n + 1):
        share = stats.binom.pmf(moved, n, discordant)
        if share < 1e-9:
            continue
        for up, chance in enumerate(stats.binom.pmf(range(moved + 1), moved, gain / discordant)):
            if chance * share > 1e-12:
                chances[table_verdict(up, moved - up, n, max_drop)] += chance * share
    return chances


@pytest.mark.parametrize("n", [5, 20, 100])
@pytest.mark.parametrize("discordant", [0.02, 0.1, 0.3, 0.6])
def test_binary_without_a_difference(n: int, discordant: float) -> None:
    """Exact, so without noise. The score test itself passes 5 % by less than one point at its worst."""
    chances = probabilities(n, gain=discordant / 2, loss=discordant / 2)
    assert chances[Verdict.BETTER] + chances[Verdict.WORSE] <= 0.057
    assert chances[Verdict.BETTER] == pytest.approx(chances[Verdict.WORSE], abs=1e-6)
    if n < 10:
        assert chances[Verdict.BETTER] + chances[Verdict.WORSE] == 0


def equal_means(rng: random.Random, n: int) -> tuple[list[float], list[float]]:
    """Two answers of one quality to cases of different difficulty."""
    hard = [rng.random() for _ in range(n)]
    return [_clip(rng.gauss(level, 0.2)) for level in hard], [_clip(rng.gauss(level, 0.2)) for level in hard]


def mostly_equal(rng: random.Random, n: int) -> tuple[list[float], list[float]]:
    """Four of five answers score the same; the others are redrawn."""
    baseline = [round(rng.random(), 1) for _ in range(n)]
    return [value if rng.random() < 0.8 else round(1 - value, 1) for value in baseline], baseline


def binary(rng: random.Random, n: int) -> tuple[list[float], list[float]]:
    return [float(rng.random() < 0.95) for _ in range(n)], [float(rng.random() < 0.95) for _ in range(n)]


def _clip(value: float) -> float:
    return min(max(value, 0.0), 1.0)


Draw = Callable[[random.Random, int], tuple[list[float], list[float]]]


def verdicts(draw: Draw, n: int, runs: int, *, metric: MetricDefinition, **settings: float) -> Counter[Verdict]:
    rng = random.Random(20_261_123 + n)
    return Counter(
        verdict(*draw(rng, n), metric=metric, **settings)  # type: ignore[arg-type]
        for _ in range(runs)
    )


DRAWS: dict[str, tuple[Draw, MetricDefinition]] = {
    "equal means": (equal_means, CONTINUOUS),
    "mostly equal": (mostly_equal, CONTINUOUS),
    "binary": (binary, BINARY),
}


@pytest.mark.parametrize("name", DRAWS)
@pytest.mark.parametrize(("n", "runs"), [(5, 200), (20, 2000), (100, 800), (1000, 1000)])
def test_without_a_difference_better_and_worse_stay_within_five_percent(name: str, n: int, runs: int) -> None:
    draw, metric = DRAWS[name]
    found = verdicts(draw, n, runs, metric=metric)
    wrong = sum(found[each] for each in DECIDED) / runs
    assert wrong <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / runs)
    if n < 10:
        assert wrong == 0


def test_five_gates_share_the_error() -> None:
    """A run of five gates without any difference has one false verdict in at most 5 % of cases."""
    rng = random.Random(5)
    runs = 400
    wrong = sum(
        any(verdict(*equal_means(rng, 40), metric=CONTINUOUS, gates=5) in DECIDED for _ in range(5))
        for _ in range(runs)
    )
    assert wrong / runs <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / runs)


def test_a_drop_as_large_as_the_margin_is_rarely_called_not_worse() -> None:
    """Non-inferiority errs on one side only: 2.5 %."""
    runs, n, margin = 1000, 60, 0.1

    def dropped(rng: random.Random, count: int) -> tuple[list[float], list[float]]:
        baseline = [rng.uniform(0.4, 0.8) for _ in range(count)]
        return [value - margin + rng.uniform(-0.2, 0.2) for value in baseline], baseline

    found = verdicts(dropped, n, runs, metric=CONTINUOUS, max_drop=margin)
    passed = found[Verdict.BETTER] + found[Verdict.NOT_WORSE]
    assert passed / runs <= 0.025 + 3 * math.sqrt(0.025 * 0.975 / runs)


def test_the_power_for_a_continuous_metric_is_the_noncentral_ts() -> None:
    """A true drop of 0.05 with differences of deviation 0.2, at the n that promises 80 %."""
    drop, deviation, runs = 0.05, 0.2, 600
    n = needed_n(effect=drop, standard_deviation=deviation)
    assert n is not None

    def dropped(rng: random.Random, count: int) -> tuple[list[float], list[float]]:
        return [0.5 - drop + rng.gauss(0, deviation) for _ in range(count)], [0.5] * count

    found = verdicts(dropped, n, runs, metric=CONTINUOUS)[Verdict.WORSE] / runs
    expected = stats.nct.cdf(-stats.t.ppf(0.975, n - 1), n - 1, -drop * math.sqrt(n) / deviation)
    assert expected == pytest.approx(0.8, abs=0.01)
    assert found == pytest.approx(expected, abs=4 * math.sqrt(0.16 / runs))


def test_the_power_for_a_binary_metric() -> None:
    """20 % of 100 cases lost and 5 % gained is found nine times in ten; 6 % lost and 4 % gained hardly ever."""
    assert probabilities(100, gain=0.05, loss=0.20)[Verdict.WORSE] > 0.85
    slight = probabilities(100, gain=0.04, loss=0.06)
    assert slight[Verdict.WORSE] < 0.15
    assert slight[Verdict.INCONCLUSIVE] > 0.8


def test_forty_cases_do_not_gate() -> None:
    """With no difference at all and a margin of 0.05, most runs of 40 cases conclude nothing: print the n first."""
    chances = probabilities(40, gain=0.05, loss=0.05, max_drop=0.05)
    assert chances[Verdict.INCONCLUSIVE] > 0.8
