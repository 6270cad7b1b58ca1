"""Two runs side by side: each candidate with the one of its name, case by case."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from bedrock_eval.catalogue import Better
from bedrock_eval.comparison import PairedEstimate, Pairs, estimate_difference, pair
from bedrock_eval.measures import Measure
from bedrock_eval.outcomes import Outcome
from bedrock_eval.statistics import holm
from bedrock_eval.summarising import baseline_values
from bedrock_eval.wording import p_value, signed, signed_interval
from ops.errors import OpsError
from ops.screen import Table
from ops.stored_runs import StoredRun


@dataclass(frozen=True)
class Compared:
    """One candidate by one metric: the later run less the earlier, in the good direction if the metric has one."""

    candidate: str
    measure: Measure
    estimate: PairedEstimate
    later_only: int
    earlier_only: int
    holm_p_value: float | None = None

    @property
    def word(self) -> str:
        low, high = self.estimate.low, self.estimate.high
        if low is None or high is None:
            return "unknown"
        if low <= 0 <= high:
            return "no difference shown"
        if self.measure.better is Better.NEUTRAL:
            return "higher" if low > 0 else "lower"
        return "better" if low > 0 else "worse"


def compare_runs(later: StoredRun, earlier: StoredRun) -> list[Compared]:
    """Every candidate and metric that both runs have; p-values are adjusted for all of them by Holm.

    Raises:
        OpsError: the runs have no candidate or no metric in common.
    """
    definition, before = later.definition(), earlier.definition()
    known = {candidate.name for candidate in before.candidates}
    common = [candidate.name for candidate in definition.candidates if candidate.name in known]
    metrics = [name for name in definition.metrics if name in before.metrics]
    if not common or not metrics:
        what = "metric" if common else "candidate"
        raise OpsError(f"{later.shown} and {earlier.shown} have no {what} of the same name")
    ours, clusters = _read(later)
    theirs, _ = _read(earlier)
    found = []
    for candidate in common:
        for name in metrics:
            pairs = pair(ours.get(candidate, {}).get(name, {}), theirs.get(candidate, {}).get(name, {}))
            measure = definition.measures[name]
            estimate = estimate_difference(
                pairs, metric=measure, confidence=definition.confidence, clusters=clusters or None
            )
            found.append(_compared(candidate, measure, estimate, pairs))
    adjusted = holm([each.estimate.p_value for each in found])
    return [replace(each, holm_p_value=value) for each, value in zip(found, adjusted, strict=True)]


def _compared(candidate: str, measure: Measure, estimate: PairedEstimate, pairs: Pairs) -> Compared:
    return Compared(candidate, measure, estimate, pairs.candidate_only, pairs.baseline_only)


def _read(run: StoredRun) -> tuple[dict[str, dict[str, dict[str, float]]], dict[str, str]]:
    """Scores by candidate, metric and case; the clusters of the cases that have one."""
    clusters: dict[str, str] = {}

    def watched() -> Iterator[Outcome]:
        for outcome in run.outcomes():
            if outcome.cluster is not None:
                clusters[outcome.case_id] = outcome.cluster
            yield outcome

    return baseline_values(watched()), clusters


def comparison_table(found: list[Compared], *, later: StoredRun, earlier: StoredRun) -> Table:
    """One row a candidate and metric."""
    rows = [
        (
            each.candidate,
            each.measure.name,
            each.estimate.n,
            signed(each.estimate.mean),
            signed_interval(each.estimate.low, each.estimate.high),
            p_value(each.holm_p_value),
            each.later_only + each.earlier_only,
            each.word,
        )
        for each in found
    ]
    return Table(
        f"{later.shown} less {earlier.shown}, case by case, in the metric's good direction",
        ("candidate", "metric", "pairs", "mean", "interval", "p (Holm)", "unpaired", "verdict"),
        rows,
    )


def differing_candidates(later: StoredRun, earlier: StoredRun) -> Iterator[str]:
    """What a reader must know before they believe a comparison: what else has changed between the runs."""
    before = {candidate.name: candidate for candidate in earlier.definition().candidates}
    ours = {candidate.name: candidate for candidate in later.definition().candidates}
    for name, candidate in ours.items():
        if name not in before:
            yield f"{name} is in {later.shown} only"
        elif candidate.model_id != before[name].model_id:
            yield f"{name} was {before[name].model_id} and is {candidate.model_id}"
    yield from (f"{name} is in {earlier.shown} only" for name in before if name not in ours)
    states = [run.state() for run in (later, earlier)]
    etags = {state.dataset_etag for state in states if state is not None}
    if len(etags) > 1:
        yield "the dataset has changed between the runs; cases are paired by id"
