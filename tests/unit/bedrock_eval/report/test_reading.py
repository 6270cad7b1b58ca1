"""One difference has one verdict: gates, lines of differences and p-values say the same of any sample."""

import random
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedrock_eval.evaluation.definition import Candidate, CustomDefinition, Dataset, Gate
from bedrock_eval.report.words.reading import reading
from bedrock_eval.results.baseline import baseline_of
from bedrock_eval.results.outcomes import Outcome
from bedrock_eval.results.summarising import summarise
from bedrock_eval.results.summary import BASELINE, Summary
from bedrock_eval.scores import METRICS
from bedrock_eval.verdicts.comparison import estimate_difference, pair
from bedrock_eval.verdicts.gates import Verdict, verdict_word
from ops.results.run_tables import run_text

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def held(
    now: list[float], before: list[float], *, metric: str, max_drop: float | None, clusters: int | None = None
) -> Summary:
    """A run against its baseline by several metrics, of which one has a gate, or none."""
    metrics = (metric, *(name for name in ("f1_score", "exact_match", "word_error_rate") if name != metric))
    definition = CustomDefinition(
        application="shop",
        environment="dev",
        evaluation="quality",
        candidates=(Candidate("small", "a.small", "a.small"),),
        dataset=Dataset("faq", "bucket", "faq.jsonl"),
        metrics=metrics,
        gates=() if max_drop is None else (Gate(metric, max_drop=max_drop), Gate("f1_score", min=0.1)),
        baseline="20261116T060000Z",
    )
    noise = random.Random(f"{now}{before}")

    def outcomes(values: list[float]) -> list[Outcome]:
        return [
            Outcome(
                f"case-{index}",
                "small",
                f"prompt {index}",
                cluster=None if clusters is None else str(index % clusters),
                scores={**{name: noise.random() for name in metrics}, metric: value},
            )
            for index, value in enumerate(values)
        ]

    return summarise(
        definition,
        run_id="20261123T120000Z",
        started=NOON,
        finished=NOON,
        outcomes=outcomes(now),
        baseline=baseline_of("20261116T060000Z", outcomes(before)),
    )


def told(summary: Summary, metric: str) -> tuple[Verdict, str]:
    compared = next(each for each in summary.comparisons if (each.against, each.metric) == (BASELINE, metric))
    return reading(compared, summary)


SHARE = st.floats(0, 1, allow_subnormal=False)
YES_OR_NO = st.sampled_from([0.0, 1.0])
PAIRS = st.one_of(
    st.tuples(st.just(metric), st.lists(st.tuples(value, value), min_size=1, max_size=80))
    for metric, value in (("exact_match", YES_OR_NO), ("f1_score", SHARE), ("word_error_rate", SHARE))
)
FALLS = st.tuples(
    st.sampled_from(["exact_match", "f1_score"]),
    st.integers(1, 80).flatmap(
        lambda n: st.integers(0, n).map(lambda fallen: [(0.0, 1.0)] * fallen + [(1.0, 1.0)] * (n - fallen))
    ),
)
SAMPLES = PAIRS | FALLS


@given(SAMPLES, st.floats(0, 0.3), st.none() | st.integers(2, 12))
def test_the_line_of_a_gated_difference_says_what_its_gate_says(
    sample: tuple[str, list[tuple[float, float]]], max_drop: float, clusters: int | None
) -> None:
    metric, rows = sample
    found = held([x for x, _ in rows], [y for _, y in rows], metric=metric, max_drop=max_drop, clusters=clusters)
    gate = next(each for each in found.candidates[0].gates if each.max_drop is not None)
    assert told(found, metric) == (gate.verdict, verdict_word(gate))


@given(SAMPLES, st.sampled_from([0.8, 0.95, 0.99]), st.none() | st.integers(2, 12))
def test_a_p_value_is_small_exactly_where_the_interval_leaves_out_nothing(
    sample: tuple[str, list[tuple[float, float]]], confidence: float, clusters: int | None
) -> None:
    metric, rows = sample
    labels = None if clusters is None else {str(index): index % clusters for index in range(len(rows))}
    pairs = pair(
        {str(index): x for index, (x, _) in enumerate(rows)}, {str(index): y for index, (_, y) in enumerate(rows)}
    )
    estimate = estimate_difference(pairs, metric=METRICS[metric], confidence=confidence, clusters=labels)
    assert (estimate.p_value is None) == (estimate.low is None)
    if estimate.low is None or estimate.high is None or estimate.p_value is None:
        return
    excluded = estimate.low > 0 or estimate.high < 0
    edge = min(abs(estimate.low), abs(estimate.high)) < 1e-9 or abs(estimate.p_value - (1 - confidence)) < 1e-9
    assert edge or excluded == (estimate.p_value < 1 - confidence)


@given(SAMPLES)
def test_without_a_gate_a_side_is_named_only_where_the_interval_leaves_out_nothing(
    sample: tuple[str, list[tuple[float, float]]],
) -> None:
    metric, rows = sample
    found = held([x for x, _ in rows], [y for _, y in rows], metric=metric, max_drop=None)
    compared = next(each for each in found.comparisons if each.metric == metric)
    verdict, word = reading(compared, found)
    if verdict is Verdict.WORSE:
        assert compared.estimate.high is not None
        assert compared.estimate.high < 0
    if verdict is Verdict.BETTER:
        assert compared.estimate.low is not None
        assert compared.estimate.low > 0
    assert (verdict is Verdict.INCONCLUSIVE) == (word not in ("better", "worse"))


@pytest.mark.parametrize("metric", ["exact_match", "f1_score"])
@pytest.mark.parametrize("max_drop", [0.02, None])
@pytest.mark.parametrize("count", [12, 60])
def test_where_every_case_fell_nothing_is_unknown(metric: str, max_drop: float | None, count: int) -> None:
    found = held([0.0] * count, [1.0] * count, metric=metric, max_drop=max_drop)
    assert told(found, metric) == (Verdict.WORSE, "worse")
    line = next(each for each in run_text(found).splitlines() if metric in each and "its baseline" in each)
    assert line.endswith(" worse")
    assert "unknown" not in line
