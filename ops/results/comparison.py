"""Two runs side by side: each candidate with the one of its name, case by case."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from bedrock_eval.evaluation.definition import Definition
from bedrock_eval.report.words.reading import gate_on, shown
from bedrock_eval.results.baseline import incomparable, rescored_sentence
from bedrock_eval.results.outcomes import Outcome
from bedrock_eval.results.same_cases import DatasetChange, only_same
from bedrock_eval.results.scoring import RunScores, Scorer, run_scores
from bedrock_eval.scores.measures import Measure
from bedrock_eval.statistics import holm
from bedrock_eval.verdicts.comparison import PairedEstimate, estimate_difference, pair
from bedrock_eval.verdicts.gates import GateResult, Verdict, verdict_word
from ops.errors import OpsError
from ops.results.run_tables import DIFFERENCES, interval_cell, mean_cell, p_value_cell, verdict_cell
from ops.results.stored_runs import StoredRun
from ops.terminal.cells import Cell
from ops.terminal.tables import Table


@dataclass(frozen=True)
class Compared:
    """One candidate by one metric: the later run minus the earlier, in the better direction if the metric has one.

    Attributes:
        gate: of the later run on this difference, where the earlier run is its baseline.
    """

    candidate: str
    measure: Measure
    estimate: PairedEstimate
    later_only: int
    earlier_only: int
    gate: GateResult | None = None
    holm_p_value: float | None = None

    @property
    def verdict(self) -> tuple[Verdict, str]:
        if self.gate is not None:
            return self.gate.verdict, verdict_word(self.gate)
        return shown(self.estimate, self.holm_p_value, self.measure.better)


@dataclass(frozen=True)
class Comparison:
    """Two runs beside each other.

    Attributes:
        notes: what must be known before it is believed: how the cases differ, what was scored again or is not compared.
    """

    rows: Sequence[Compared]
    notes: Sequence[str] = ()


def compare_runs(later: StoredRun, earlier: StoredRun) -> Comparison:
    """Every candidate and metric that both runs have; p-values are adjusted for all of them by Holm.

    Scores are by the metrics as they are now, with the later run's parameters.

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
    ours, clusters = _read(later, definition)
    theirs, _ = _read(earlier, definition)
    refused = incomparable(definition, before, run=earlier.shown) | _lost(ours, later) | _lost(theirs, earlier)
    summary = later.finished()
    is_baseline = summary.baseline is not None and summary.baseline.run_id == earlier.layout.run_id
    found = []
    for candidate in common:
        for name in (each for each in metrics if each not in refused):
            values = theirs.values.get(candidate, {}).get(name, {})
            pairs = pair(
                ours.values.get(candidate, {}).get(name, {}), only_same(values, now=ours.cases, before=theirs.cases)
            )
            measure = definition.measures[name]
            estimate = estimate_difference(
                pairs, metric=measure, confidence=definition.confidence, clusters=clusters or None
            )
            gate = gate_on(summary, candidate, name) if is_baseline else None
            found.append(Compared(candidate, measure, estimate, pairs.candidate_only, pairs.baseline_only, gate))
    adjusted = holm([each.estimate.p_value for each in found])
    rows = [replace(each, holm_p_value=value) for each, value in zip(found, adjusted, strict=True)]
    left_out = [f"not compared: {reason}" for reason in refused.values()]
    return Comparison(rows, [*_notes((later, ours), (earlier, theirs)), *left_out])


def _read(run: StoredRun, definition: Definition) -> tuple[RunScores, dict[str, str]]:
    """A run's scores by the metrics of the definition, and the clusters of the cases that have one."""
    clusters: dict[str, str] = {}

    def watched() -> Iterator[Outcome]:
        for outcome in run.outcomes():
            if outcome.cluster is not None:
                clusters[outcome.case_id] = outcome.cluster
            yield outcome

    return run_scores(watched(), Scorer(definition)), clusters


def _lost(scores: RunScores, run: StoredRun) -> dict[str, str]:
    return {
        name: f"{name}: {run.shown} was scored by its version {version}, and those answers cannot be scored again"
        for name, version in scores.lost.items()
    }


def _notes(later: tuple[StoredRun, RunScores], earlier: tuple[StoredRun, RunScores]) -> list[str]:
    change = DatasetChange.between(later[1].cases, earlier[1].cases).sentence(earlier[0].shown)
    again = [rescored_sentence(scores.again, run=run.shown) for run, scores in (later, earlier)]
    return [note for note in (change, *again) if note is not None]


def comparison_table(found: Sequence[Compared], *, later: StoredRun, earlier: StoredRun) -> Table:
    """Make a table with one row a candidate and metric."""
    rows: list[tuple[Cell, ...]] = [
        (
            each.candidate,
            earlier.shown,
            each.measure.name,
            each.estimate.n,
            mean_cell(each.estimate.mean, difference=True),
            interval_cell(each.estimate.low, each.estimate.high, difference=True),
            p_value_cell(each.holm_p_value),
            each.later_only + each.earlier_only,
            verdict_cell(*each.verdict),
        )
        for each in found
    ]
    title = f"{later.shown} minus {earlier.shown}, case by case, in the metric's better direction"
    return DIFFERENCES.hiding("compared_with").table(title, rows)


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
