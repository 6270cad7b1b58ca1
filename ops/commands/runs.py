"""`bedrock-eval runs`: the runs of an environment, listed, shown, compared, and accepted as baselines."""

import argparse
import webbrowser
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from bedrock_eval.pricing.costs import total
from bedrock_eval.report.words.shortfalls import thin_candidates
from bedrock_eval.results.summary import Summary
from bedrock_eval.runs.state import RunState
from bedrock_eval.verdicts.gates import tally_text
from bedrock_eval.wording import count, instant
from bedrock_eval_runs.store import Store
from ops.aws.account import Account, account_of
from ops.aws.clients import calling
from ops.errors import OpsError
from ops.results.acceptance import accept
from ops.results.comparison import compare_runs, comparison_table, differing_candidates
from ops.results.finished_run import exit_code, progress_document, run_document
from ops.results.run_tables import DIFFERENCES
from ops.results.stored_runs import StoredRun, evaluations, find, known_evaluation, newest_runs
from ops.terminal.cells import Cell, Json, Shown
from ops.terminal.document import DocumentKind
from ops.terminal.output import print_note, print_result
from ops.terminal.tables import Column, TableKind

RUNS = TableKind(
    "runs",
    "runs, newest first",
    (
        Column("evaluation", "the evaluation"),
        Column("run", "the run's id"),
        Column("state", "finished, in progress, failed, skipped or damaged, with the reason"),
        Column("cases", "cases of all candidates"),
        Column("scored", "cases with a score"),
        Column("failed", "cases without a usable answer"),
        Column("verdicts", "how many gates came out how"),
        Column("cost", "estimated cost: usd, unpriced_tokens and calls_of_unknown_usage"),
        Column("updated", "when the run's state was last written"),
        Column("baseline", "whether the environment file pins the run as baseline"),
    ),
)
LIST = DocumentKind((RUNS,), {"environment": "the environment"})
COMPARE = DocumentKind(
    (DIFFERENCES,),
    {
        "later": "the run",
        "earlier": "the run that it is compared with",
        "notes": "what to know before the comparison is believed",
    },
)


class _Action(Protocol):
    def __call__(
        self, account: Account, store: Store, arguments: argparse.Namespace, *, now: datetime
    ) -> int | None: ...


def run(arguments: argparse.Namespace, *, now: datetime | None = None) -> int:
    """Carry out one action.

    Exit codes: 0, whatever the verdicts of a run are; with `show` 11 when too few cases were answered for a verdict,
    and 1 when none was.

    Raises:
        OpsError: there is no such run, or it cannot be shown or accepted.
    """
    now = now or datetime.now(UTC)
    account = account_of(arguments, now)
    with calling(f"environment {arguments.env}"):
        return _ACTIONS[arguments.action](account, account.store(), arguments, now=now) or 0


def _list(account: Account, store: Store, arguments: argparse.Namespace, *, now: datetime) -> None:  # noqa: ARG001
    environment, wanted = account.environment, arguments.evaluation
    names = [known_evaluation(store, wanted, environment=environment)] if wanted else evaluations(store)
    rows = [_row(run_, account) for name in names for run_ in islice(newest_runs(store, name), arguments.limit)]
    table = RUNS.table(f"Runs of {environment.name}, newest first", rows)
    LIST.document([table], environment=environment.name).show(as_json=arguments.json)


def _row(run_: StoredRun, account: Account) -> tuple[Cell, ...]:
    layout = run_.layout
    try:
        state, summary = run_.state(), run_.summary()
    except OpsError as error:
        print_note(str(error))
        return (layout.evaluation, layout.run_id, "damaged", None, None, None, None, None, None, _pinned(run_, account))
    figures: tuple[Cell, ...] = (None,) * 5 if summary is None else _figures(summary)
    updated = None if state is None else _moment(state.updated)
    return (layout.evaluation, layout.run_id, _status(state, summary), *figures, updated, _pinned(run_, account))


def _pinned(run_: StoredRun, account: Account) -> Shown:
    config = account.environment.evaluations.get(run_.layout.evaluation)
    pinned = config is not None and config.baseline == run_.layout.run_id
    return Shown("pinned" if pinned else "", pinned)


def _status(state: RunState | None, summary: Summary | None) -> str | None:
    status = "finished" if summary is not None else None if state is None else state.status.value
    return f"{status} ({state.reason})" if state is not None and state.reason else status


def _figures(summary: Summary) -> tuple[Cell, ...]:
    candidates = summary.candidates
    return (
        sum(each.cases for each in candidates),
        sum(each.scored for each in candidates),
        sum(each.failed for each in candidates),
        tally_text(gate for candidate in candidates for gate in candidate.gates) or "no gates",
        _cost(summary),
    )


def _moment(text: str) -> datetime | None:
    """A time of a state; one that cannot be read is unknown."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _cost(summary: Summary) -> Shown | None:
    known = [each.cost for each in summary.candidates if each.cost is not None]
    if not known:
        return None
    cost = total(known)
    usd = cost.usd if cost.known else None
    value: Json = {"usd": usd, "unpriced_tokens": cost.unpriced_tokens, "calls_of_unknown_usage": cost.unknown_calls}
    return Shown(str(cost), value)


def _named(account: Account, store: Store, arguments: argparse.Namespace, run: str) -> StoredRun:
    return find(store, run, environment=account.environment, evaluation=arguments.evaluation)


def _show(account: Account, store: Store, arguments: argparse.Namespace, *, now: datetime) -> int:  # noqa: ARG001
    run_ = _named(account, store, arguments, arguments.run)
    state = run_.state()
    if run_.summary() is None and state is not None and not state.reason:
        expected = "an unknown number of answers" if state.total is None else count(state.total, "answer")
        text = f"{run_.shown}: {state.status.value}, {state.completed:,} of {expected}, {instant(state.updated)}"
        progress_document(run_.shown, state, text).show(as_json=arguments.json)
        return 0
    summary = run_.finished()
    report = f"s3://{store.bucket}/{run_.layout.report}"
    run_document(summary, state, report=report).show(as_json=arguments.json)
    return exit_code(summary) if thin_candidates(summary) else 0


def _compare(account: Account, store: Store, arguments: argparse.Namespace, *, now: datetime) -> None:  # noqa: ARG001
    later = _named(account, store, arguments, arguments.run)
    earlier = _named(account, store, arguments, arguments.earlier)
    for run_ in (later, earlier):
        run_.finished()
    compared = compare_runs(later, earlier)
    notes = [*differing_candidates(later, earlier), *compared.notes]
    for note in notes:
        print_note(note)
    table = comparison_table(compared.rows, later=later, earlier=earlier)
    document = COMPARE.document([table], later=later.shown, earlier=earlier.shown, notes=list[Json](notes))
    document.show(as_json=arguments.json)


def _report(account: Account, store: Store, arguments: argparse.Namespace, *, now: datetime) -> None:  # noqa: ARG001
    run_ = _named(account, store, arguments, arguments.run)
    stored = store.read(run_.layout.report)
    if stored is None:
        run_.finished()
        raise OpsError(f"{run_.layout.report} is missing")
    path: Path = arguments.out / f"{run_.layout.evaluation}-{run_.layout.run_id}.html"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(stored.body)
    except OSError as error:
        raise OpsError(f"{path}: cannot be written: {error.strerror}") from None
    print_result(str(path))
    if arguments.open:
        webbrowser.open(path.resolve().as_uri())


def _accept(account: Account, store: Store, arguments: argparse.Namespace, *, now: datetime) -> None:
    accept(account, _named(account, store, arguments, arguments.run), force=arguments.force, now=now)


_ACTIONS: Mapping[str, _Action] = MappingProxyType(
    {"list": _list, "show": _show, "compare": _compare, "report": _report, "accept": _accept}
)
