"""How many cases a run's gates need, by the last run."""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bedrock_eval import codec
from bedrock_eval.evaluation.definition import Candidate, CustomDefinition, Dataset, Definition, Gate
from bedrock_eval.results.baseline import Baseline
from bedrock_eval.results.outcomes import Outcome
from bedrock_eval.results.summarising import summarise
from bedrock_eval.results.summary import Summary
from bedrock_eval.runs.planning import GatePlan, plan
from bedrock_eval.statistics import needed_n
from bedrock_eval.verdicts.gates import MIN_SAMPLE

PINNED = "20261109T060000Z"
NOW = datetime(2026, 11, 23, tzinfo=UTC)
DEFINITION = CustomDefinition(
    application="shop",
    environment="dev",
    evaluation="quality",
    candidates=(Candidate("small", "a.small", "a.small"),),
    dataset=Dataset("faq", "bucket", "faq.jsonl"),
    metrics=("f1_score", "exact_match"),
    gates=(Gate("f1_score", min=0.5),),
)
DROP = replace(DEFINITION, gates=(Gate("f1_score", max_drop=0.05),), baseline=PINNED)


def last(
    value: Callable[[int], float],
    *,
    n: int = 200,
    definition: Definition = DEFINITION,
    baseline: Baseline | None = None,
) -> Summary:
    outcomes = [
        Outcome(str(case), "small", "p", scores={"f1_score": value(case), "exact_match": float(case % 2)})
        for case in range(n)
    ]
    return summarise(
        definition, run_id="20261116T060000Z", started=NOW, finished=NOW, outcomes=outcomes, baseline=baseline
    )


def spread_around(mean: float) -> Callable[[int], float]:
    """Values with a standard deviation of 0.2, but for the last case of an odd number."""
    return lambda case: mean + (0.2 if case % 2 else -0.2)


def only(found: tuple[GatePlan, ...]) -> GatePlan:
    (found_one,) = found
    return found_one


def test_a_bound_takes_what_the_last_mean_and_spread_say() -> None:
    found = only(plan(DEFINITION, last(spread_around(0.54)), cases=42))
    assert found.needed_n == needed_n(effect=0.04, standard_deviation=0.2 * (200 / 199) ** 0.5)
    assert found.enough is False
    assert str(found) == f"f1_score at least 0.5 of small: about {found.needed_n} cases would decide, the run has 42"


def test_the_more_gates_a_run_has_the_more_it_takes() -> None:
    more = replace(DEFINITION, gates=(*DEFINITION.gates, Gate("exact_match", min=0.2, max_drop=0.1)))
    alone = plan(DEFINITION, last(spread_around(0.54)), cases=42)[0]
    found = plan(more, last(spread_around(0.54)), cases=42)
    assert [(each.metric, each.bound) for each in found] == [
        ("f1_score", "at least 0.5"),
        ("exact_match", "at least 0.2"),
        ("exact_match", "at most 0.1 below the baseline"),
    ]
    assert alone.needed_n is not None
    assert found[0].needed_n is not None
    assert found[0].needed_n > alone.needed_n
    assert found[2].unknown == "no baseline"


def test_so_many_cases_do_decide() -> None:
    """Of runs with the planned number of cases, at the planned mean, about four of five decide."""
    draws = random.Random(11)
    needed = only(plan(DEFINITION, last(lambda _: draws.gauss(0.55, 0.2), n=2000), cases=42)).needed_n
    assert needed is not None
    runs = [last(lambda _: draws.gauss(0.55, 0.2), n=needed) for _ in range(150)]
    decided = sum(run.candidates[0].gates[0].verdict.value != "inconclusive" for run in runs)
    assert 0.68 <= decided / len(runs) <= 0.92


def test_a_plain_case_still_takes_the_smallest_sample_that_can_decide() -> None:
    assert only(plan(DEFINITION, last(lambda case: 0.9 + case % 2 / 100), cases=42)).needed_n == MIN_SAMPLE


@pytest.mark.parametrize(
    ("definition", "earlier", "why"),
    [
        (DEFINITION, None, "no earlier run"),
        (DROP, None, "no earlier run"),
        (replace(DROP, baseline=None), last(spread_around(0.54)), "no baseline"),
        (DEFINITION, last(spread_around(0.54), n=1), "run 20261116T060000Z has no spread of it"),
        (DEFINITION, last(spread_around(0.5)), "no number would, at the last run's mean"),
        (
            replace(DEFINITION, candidates=(Candidate("other", "a.b", "a.b"),)),
            last(spread_around(0.54)),
            "run 20261116T060000Z has no spread of it",
        ),
    ],
)
def test_what_is_not_known_is_said(definition: Definition, earlier: Summary | None, why: str) -> None:
    found = only(plan(definition, earlier, cases=42))
    assert (found.needed_n, found.enough, found.unknown) == (None, None, why)
    assert str(found).endswith(f"how many cases would decide is unknown ({why}); the run has 42")


def test_a_run_of_another_version_tells_nothing() -> None:
    earlier = last(spread_around(0.54))
    old = replace(earlier.measures["f1_score"], version="0")
    found = only(plan(DEFINITION, replace(earlier, measures={**earlier.measures, "f1_score": old}), cases=42))
    assert found.unknown == "run 20261116T060000Z was scored by another version of it"


class TestAgainstABaseline:
    def test_without_an_earlier_comparison_it_is_at_most_so_many(self) -> None:
        found = only(plan(DROP, last(spread_around(0.54)), cases=42))
        assert found.at_most
        assert found.needed_n == needed_n(effect=0.05, standard_deviation=0.2 * (2 * 200 / 199) ** 0.5)
        assert "at most 0.05 below the baseline of small: at most " in str(found)

    def test_the_differences_of_the_last_run_are_the_better_ground(self) -> None:
        earlier = self.compared(-0.02)
        found = only(plan(DROP, earlier, cases=42))
        assert not found.at_most
        estimate = next(each.estimate for each in earlier.comparisons if each.metric == "f1_score")
        assert estimate.mean == pytest.approx(-0.02)
        # The deviation of the differences is 0.1; -0.02 is 0.03 above the bound, and 0.02 below 0.
        assert found.needed_n == needed_n(effect=0.03, standard_deviation=0.1 * (200 / 199) ** 0.5)

    def test_another_baseline_tells_the_spread_and_not_the_mean(self) -> None:
        found = only(plan(replace(DROP, baseline="20261110T060000Z"), self.compared(-0.02), cases=42))
        assert found.needed_n == needed_n(effect=0.05, standard_deviation=0.1 * (200 / 199) ** 0.5)

    def test_differences_without_variance_tell_no_spread(self) -> None:
        same = {str(case): spread_around(0.54)(case) for case in range(200)}
        earlier = last(spread_around(0.54), definition=DROP, baseline=Baseline(PINNED, {"small": {"f1_score": same}}))
        assert only(plan(DROP, earlier, cases=42)).at_most

    @staticmethod
    def compared(by: float) -> Summary:
        """A last run whose scores differ from the baseline's by this and a noise of 0.1 that cancels out."""
        before = {str(case): spread_around(0.54)(case) for case in range(200)}
        return last(
            lambda case: before[str(case)] + by + (0.1 if case % 4 < 2 else -0.1),
            definition=DROP,
            baseline=Baseline(PINNED, {"small": {"f1_score": before}}),
        )


def test_it_reads_back_as_it_was_written() -> None:
    found = only(plan(DROP, last(spread_around(0.54)), cases=42))
    assert codec.decode(GatePlan, codec.encode(found)) == found
