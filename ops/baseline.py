"""`python -m ops baseline`: gates from finished runs and alarm thresholds from the last days, as a patch."""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from bedrock_eval.arrival import shown
from bedrock_eval.direction import Better
from bedrock_eval.numerals import whole
from bedrock_eval.proposals import (
    HEADROOM,
    MAX,
    MAX_DROP,
    MIN,
    PERCENTILE,
    PROBABILITY,
    Proposal,
    RunValue,
    deciding,
    for_all,
    gate_bound,
    largest_drop,
    latency_threshold,
    rate_threshold,
)
from bedrock_eval.results.scoring import by_present_version
from bedrock_eval.results.summary import BASELINE, CandidateSummary, Summary
from bedrock_eval.scores.measures import Measure
from bedrock_eval.verdicts.gates import thin_coverage
from bedrock_eval.wording import count
from configuration.document.edit import Scalar
from configuration.document.reading import Path as DocumentPath
from configuration.schema.evaluations.gates import AnyGateConfig
from configuration.schema.evaluations.kinds import EvaluationConfig
from ops.account import Account, account_of, add_environment
from ops.alarm_history import PERIOD_SECONDS, RATES, ModelHistory, arrived, histories
from ops.clients import calling
from ops.environment import file_of
from ops.errors import OpsError
from ops.patch import offer, patch_of
from ops.screen import Cell, Table, say, tell
from ops.stored_runs import StoredRun, newest_runs

DEFAULT_RUNS = 10
DEFAULT_DAYS = 14
# CloudWatch keeps periods of 5 minutes for 63 days.
_MOST_DAYS = 63

_Changes = dict[DocumentPath, Scalar]


def add_command(commands: Any) -> None:
    """The sub-command's own options."""
    baseline = commands.add_parser("baseline", help="propose gates and alarm thresholds", description=__doc__)
    add_environment(baseline)
    baseline.add_argument("--evaluation", metavar="NAME", help="gates of this evaluation only")
    baseline.add_argument(
        "--runs", type=_number(1000), default=DEFAULT_RUNS, metavar="N", help=f"newest finished runs ({DEFAULT_RUNS})"
    )
    baseline.add_argument(
        "--days", type=_number(_MOST_DAYS), default=DEFAULT_DAYS, metavar="N", help=f"of traffic ({DEFAULT_DAYS})"
    )
    baseline.add_argument("--write", action="store_true", help="write the patch, not only show it")


def run(arguments: argparse.Namespace, *, now: datetime | None = None) -> int:
    """Show what the proposals stand on, then the patch of the file; gives the exit code 0.

    Raises:
        OpsError: there is no such evaluation, or AWS cannot be asked.
    """
    now = now or datetime.now(UTC)
    account = account_of(arguments, now)
    configs = account.environment.evaluations
    if arguments.evaluation:
        account.config(arguments.evaluation)
    changes: _Changes = {}
    with calling(f"environment {arguments.env}"):
        for name in [arguments.evaluation] if arguments.evaluation else configs:
            changes |= _gates(account, name, runs=arguments.runs)
        changes |= _thresholds(account, days=arguments.days, now=now)
    if not changes:
        say("\nnothing is proposed for the file")
        return 0
    offer(patch_of(file_of(account.environment), changes), write=arguments.write)
    return 0


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


def _gates(account: Account, name: str, *, runs: int) -> _Changes:
    config = account.environment.evaluations[name]
    summaries = _finished(account, name, runs)
    wanted = list(_wanted(config))
    verdicts = len(wanted) * len(config.candidates) or 1
    rows: list[tuple[Cell, ...]] = []
    changes: _Changes = {}
    added: dict[str, dict[str, float]] = {}
    for each in wanted:
        values = {candidate.name: _values(summaries, candidate.name, each.metric) for candidate in config.candidates}
        proposals = {who: _proposal(of, each, verdicts) for who, of in values.items()}
        rows += [_gate_row(each, who, values[who], proposal) for who, proposal in proposals.items()]
        value = for_all(list(proposals.values()), key=each.key).value
        if value is None:
            continue
        if each.index is None:
            added.setdefault(each.metric, {})[each.key] = value
        else:
            changes[("evaluations", name, "gates", each.index, each.key)] = value
    columns = ("metric", "candidate", "key", "runs", "cases", "mean of runs", "basis", "now", "proposed")
    title = f"Gates of {name}, from {count(len(summaries), 'finished run')}, kept with probability {PROBABILITY:g} each"
    say(Table(title, columns, rows).text())
    if added:
        say(f"\nGates of {name} that the file does not have; add those that matter below its `gates`:")
        say(_snippet(added))
    say("")
    return changes


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
        tell(f"{evaluation}: {count(len(finished) - len(alike), 'run')} on another dataset than the newest left out")
    return alike


def _read(run_: StoredRun) -> Summary | None:
    """None: not finished, or so damaged that the other runs have to do."""
    try:
        return run_.summary()
    except OpsError as error:
        tell(str(error))
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


def _gate_row(wanted: _Wanted, candidate: str, values: Sequence[RunValue], proposal: Proposal) -> tuple[Cell, ...]:
    used = deciding(values)
    mean = sum(each.mean for each in used) / len(used) if used else None
    return (
        wanted.metric,
        candidate,
        wanted.key,
        proposal.n,
        sum(each.n for each in used),
        _shown(mean),
        _shown(proposal.basis),
        _present(wanted.present),
        _told(proposal),
    )


def _snippet(added: dict[str, dict[str, float]]) -> str:
    lines = []
    for metric, bounds in added.items():
        lines.append(f"      - metric: {metric}")
        lines += [f"        {key}: {_shown(value)}" for key, value in bounds.items()]
    return "\n".join(lines)


def _thresholds(account: Account, *, days: int, now: datetime) -> _Changes:
    shared = account.environment.thresholds()
    changes: _Changes = {}
    rows: list[tuple[Cell, ...]] = []
    models = list(histories(account, days=days, now=now))
    for model in models:
        proposal = latency_threshold(model.latency)
        present = account.environment.thresholds(model.name).latency_p90_ms
        rows.append(_alarm_row("latency_p90_ms", model.name, proposal, present=present))
        if proposal.value is not None and proposal.value != present:
            changes[("models", model.name, "alarms", "latency_p90_ms")] = proposal.value
    for key in RATES:
        proposals = {model.name: _rate(model, key) for model in models}
        rows += [_alarm_row(key, name, each, present=getattr(shared, key)) for name, each in proposals.items()]
        known = [each for each in proposals.values() if each.value is not None]
        refused = any(each.basis is not None and each.value is None for each in proposals.values())
        value = for_all(known, key=MAX).value if known and not refused else None
        if value is not None and value != getattr(shared, key):
            changes[("alarms", key)] = value
    minutes = PERIOD_SECONDS // 60
    title = (
        f"Thresholds, from {count(days, 'day')} until {shown(arrived(now))} in periods of {minutes} minutes: "
        f"{HEADROOM:g} times the "
        f"{PERCENTILE}th percentile; a rate is one for all models, the highest"
    )
    say(Table(title, ("key", "model", "datapoints", f"p{PERCENTILE}", "now", "proposed"), rows).text())
    return changes


def _rate(model: ModelHistory, key: str) -> Proposal:
    return rate_threshold(model.rates[key], floor=model.floor)


def _alarm_row(key: str, model: str, proposal: Proposal, *, present: float) -> tuple[Cell, ...]:
    return (key, model, proposal.n, _shown(proposal.basis), _present(present), _told(proposal))


def _told(proposal: Proposal) -> str:
    return f"nothing: {proposal.reason}" if proposal.value is None else _shown(proposal.value) or ""


def _shown(value: float | None) -> str | None:
    """Four digits, and no exponent."""
    return None if value is None else f"{float(f'{value:.4g}'):.9f}".rstrip("0").rstrip(".")


def _present(value: float | None) -> str:
    return "-" if value is None else f"{value:g}"


def _number(most: int) -> Any:
    def read(text: str) -> int:
        number = whole(text)
        if number is None or not 1 <= number <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is not allowed; allowed: 1 to {most}")
        return number

    return read
