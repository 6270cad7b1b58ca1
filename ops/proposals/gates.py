"""Gates proposed from the finished runs of an evaluation."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from bedrock_eval.direction import Better
from bedrock_eval.results.scoring import by_present_version
from bedrock_eval.results.summary import BASELINE, CandidateSummary, Summary
from bedrock_eval.scores.measures import Measure
from bedrock_eval.verdicts.gates import thin_coverage
from bedrock_eval.wording import count
from configuration.document.edit import Scalar
from configuration.document.reading import Path as DocumentPath
from configuration.schema.evaluations.gates import AnyGateConfig
from configuration.schema.evaluations.kinds import EvaluationConfig
from ops.aws.account import Account
from ops.errors import OpsError
from ops.proposals.bounds import (
    MAX,
    MAX_DROP,
    MIN,
    PROBABILITY,
    Proposal,
    RunValue,
    deciding,
    for_all,
    gate_bound,
    largest_drop,
)
from ops.proposals.proposal_cells import digits, figure_cell, present_cell, proposal_cell
from ops.results.stored_runs import StoredRun, newest_runs
from ops.terminal.cells import Cell
from ops.terminal.output import print_note
from ops.terminal.tables import Column, Table, TableKind

Changes = dict[DocumentPath, Scalar]

GATES = TableKind(
    "gates",
    "a proposal for each bound of each candidate",
    (
        Column("evaluation", "the evaluation", ""),
        Column("metric", "the metric"),
        Column("candidate", "the candidate"),
        Column("bound", "min, max or max_drop"),
        Column("runs", "runs that the proposal rests on"),
        Column("cases", "scored cases of these runs: the n of the mean"),
        Column("mean", "mean of the runs' means", "mean of runs"),
        Column("basis", "what the proposal was computed from, before headroom and rounding"),
        Column("now", "the bound in the file, null where there is none"),
        Column("proposed", "the proposed bound, null where there is none"),
        Column("reason", "why nothing is proposed", ""),
    ),
)


@dataclass(frozen=True)
class GateProposals:
    """Proposals for one evaluation: the table, what changes in the file, and gates that the file does not have."""

    table: Table
    changes: Changes
    snippet: str | None


@dataclass(frozen=True)
class _Wanted:
    """One key of one gate; `index` is the gate's place in the file, None for one that does not stand there."""

    measure: Measure
    key: str
    index: int | None
    present: float | None

    @property
    def metric(self) -> str:
        return self.measure.name


def propose_gates(account: Account, name: str, *, runs: int) -> GateProposals:
    """Propose bounds of an evaluation's gates from its newest finished runs."""
    config = account.environment.evaluations[name]
    summaries = _finished(account, name, runs)
    wanted = list(_wanted(config))
    verdicts = len(wanted) * len(config.candidates) or 1
    rows: list[tuple[Cell, ...]] = []
    changes: Changes = {}
    added: dict[str, dict[str, float]] = {}
    for each in wanted:
        values = {candidate.name: _values(summaries, candidate.name, each.metric) for candidate in config.candidates}
        proposals = {who: _proposal(of, each, verdicts) for who, of in values.items()}
        rows += [_row(name, each, who, values[who], proposal) for who, proposal in proposals.items()]
        value = for_all(list(proposals.values()), key=each.key).value
        if value is None:
            continue
        if each.index is None:
            added.setdefault(each.metric, {})[each.key] = value
        else:
            changes[("evaluations", name, "gates", each.index, each.key)] = value
    title = (
        f"Gates of {name}, from {count(len(summaries), 'finished run')}; each holds with probability {PROBABILITY:g}"
    )
    return GateProposals(GATES.table(title, rows), changes, _snippet(name, added) if added else None)


def _wanted(config: EvaluationConfig) -> Iterator[_Wanted]:
    """The keys that stand in a gate, the good direction's bound where there is none, max_drop with a baseline."""
    gates = {gate.metric: (index, gate) for index, gate in enumerate(config.gates)}
    for name, measure in config.measures.items():
        index, gate = gates.get(name, (None, None))
        for key in _keys(measure, gate, pinned=config.baseline is not None):
            yield _Wanted(measure, key, index, getattr(gate, key, None))


def _keys(measure: Measure, gate: AnyGateConfig | None, *, pinned: bool) -> list[str]:
    better = measure.better
    good = {Better.HIGHER: [MIN], Better.LOWER: [MAX], Better.NEUTRAL: []}[better]
    keys = good if gate is None else [key for key in (MIN, MAX, MAX_DROP) if getattr(gate, key) is not None]
    return [*keys, MAX_DROP] if pinned and MAX_DROP not in keys and better is not Better.NEUTRAL else keys


def _finished(account: Account, evaluation: str, runs: int) -> list[Summary]:
    found = ((run_, _read(run_)) for run_ in newest_runs(account.store(), evaluation))
    finished = list(islice(((run_, summary) for run_, summary in found if summary is not None), runs))
    asked = [_dataset(run_, summary) for run_, summary in finished]
    alike = [summary for (_, summary), dataset in zip(finished, asked, strict=True) if dataset == asked[0]]
    if len(alike) < len(finished):
        print_note(
            f"{evaluation}: {count(len(finished) - len(alike), 'run')} with another dataset than the newest left out"
        )
    return alike


def _read(run_: StoredRun) -> Summary | None:
    """None: not finished, or so damaged that the other runs have to do."""
    try:
        return run_.summary()
    except OpsError as error:
        print_note(str(error))
        return None


def _dataset(run_: StoredRun, summary: Summary) -> tuple[str, str | None]:
    """Where the cases lie and what they were: a file may change under its name."""
    state = run_.state()
    return summary.dataset, None if state is None else state.dataset_etag


def _values(summaries: Sequence[Summary], candidate: str, metric: str) -> list[RunValue]:
    """One of each run in which the candidate had its newest model, answered enough and was scored as runs are now."""
    found = [(summary, each) for summary in summaries for each in summary.candidates if each.name == candidate]
    values = [
        _value(summary, each, metric)
        for summary, each in found
        if each.model_id == found[0][1].model_id and thin_coverage(each.coverage, summary.min_coverage) is None
    ]
    return [value for value in values if value is not None]


def _value(summary: Summary, candidate: CandidateSummary, metric: str) -> RunValue | None:
    measured = candidate.metrics.get(metric)
    if measured is None or not by_present_version(summary.measures[metric]):
        return None
    if measured.mean is None or measured.low is None or measured.high is None:
        return None
    return RunValue(
        measured.n,
        measured.mean,
        measured.low,
        measured.high,
        summary.confidence,
        _paired_width(summary, candidate.name, metric),
    )


def _paired_width(summary: Summary, candidate: str, metric: str) -> float | None:
    for each in summary.comparisons:
        if (each.against, each.candidate, each.metric) == (BASELINE, candidate, metric):
            mean, low = each.estimate.mean, each.estimate.low
            return None if mean is None or low is None else mean - low
    return None


def _proposal(values: Sequence[RunValue], wanted: _Wanted, verdicts: int) -> Proposal:
    if wanted.key == MAX_DROP:
        return largest_drop(values, measure=wanted.measure, verdicts=verdicts)
    return gate_bound(values, key=wanted.key, measure=wanted.measure, verdicts=verdicts)


def _row(
    name: str, wanted: _Wanted, candidate: str, values: Sequence[RunValue], proposal: Proposal
) -> tuple[Cell, ...]:
    used = deciding(values)
    mean = sum(each.mean for each in used) / len(used) if used else None
    return (
        *(name, wanted.metric, candidate, wanted.key, proposal.n, sum(each.n for each in used)),
        *(figure_cell(mean), figure_cell(proposal.basis), present_cell(wanted.present), *proposal_cell(proposal)),
    )


def _snippet(name: str, added: dict[str, dict[str, float]]) -> str:
    lines = [f"The file does not have these gates of {name}; add the ones that you want below its `gates`:"]
    for metric, bounds in added.items():
        lines.append(f"      - metric: {metric}")
        lines += [f"        {key}: {digits(value)}" for key, value in bounds.items()]
    return "\n".join(lines)
