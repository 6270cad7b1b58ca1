"""`python -m ops runs`: the runs of an environment, listed, shown, compared, and accepted as baselines."""

import argparse
import webbrowser
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

from bedrock_eval.costs import total
from bedrock_eval.gates import tally_text
from bedrock_eval.numerals import whole
from bedrock_eval.shortfalls import thin_candidates
from bedrock_eval.summary import Summary
from bedrock_eval.wording import UNKNOWN, count, instant
from custom_evaluator.store import Store
from ops.aws.account import Account, account_of, add_environment
from ops.aws.clients import calling
from ops.errors import OpsError
from ops.results.acceptance import accept
from ops.results.comparison import compare_runs, comparison_table, differing_candidates
from ops.results.finished_run import exit_code, show
from ops.results.stored_runs import StoredRun, evaluations, find, newest_runs
from ops.terminal.screen import Cell, Table, say, tell

DEFAULT_LIMIT = 10
REPORTS = Path("build") / "reports"


def add_command(commands: Any) -> None:
    """The sub-command's own options."""
    runs = commands.add_parser("runs", help="list, show, compare and accept runs", description=__doc__)
    actions = runs.add_subparsers(dest="action", required=True)
    listing = actions.add_parser("list", help="newest runs first")
    listing.add_argument("--limit", type=_limit, default=DEFAULT_LIMIT, metavar="N", help="of each evaluation (10)")
    showing = actions.add_parser("show", help="the table of a run, or why there is none")
    comparing = actions.add_parser("compare", help="a run less an earlier one, case by case")
    reporting = actions.add_parser("report", help="fetch a run's report.html")
    reporting.add_argument("--out", type=Path, default=REPORTS, metavar="DIR", help=f"where to ({REPORTS})")
    reporting.add_argument("--open", action="store_true", help="show it in the browser")
    accepting = actions.add_parser("accept", help="make a run the baseline of its evaluation")
    accepting.add_argument("--force", metavar="REASON", help="accept a run with too many failed cases")
    for action in (showing, comparing, reporting, accepting):
        action.add_argument("run", metavar="RUN", help="run id, <evaluation>/<run id>, or latest")
    comparing.add_argument("earlier", metavar="EARLIER", help="the run that it is compared with")
    for action in (listing, showing, comparing, reporting, accepting):
        action.add_argument("--evaluation", metavar="NAME", help="of this evaluation only")
        add_environment(action)


class _Action(Protocol):
    def __call__(
        self, account: Account, store: Store, arguments: argparse.Namespace, *, now: datetime
    ) -> int | None: ...


def run(arguments: argparse.Namespace, *, now: datetime | None = None) -> int:
    """Carry out one action.

    Exit codes: 0, whatever the verdicts of a run are; of `show` 11 when too few cases were answered for a verdict, and
    1 when none was.

    Raises:
        OpsError: there is no such run, or it cannot be shown or accepted.
    """
    now = now or datetime.now(UTC)
    account = account_of(arguments, now)
    with calling(f"environment {arguments.env}"):
        return _ACTIONS[arguments.action](account, account.store(), arguments, now=now) or 0


def _list(account: Account, store: Store, arguments: argparse.Namespace, *, now: datetime) -> None:  # noqa: ARG001
    names = [arguments.evaluation] if arguments.evaluation else evaluations(store)
    rows = [_row(run_, account) for name in names for run_ in islice(newest_runs(store, name), arguments.limit)]
    columns = ("evaluation", "run", "state", "cases", "scored", "failed", "verdicts", "cost", "updated", "baseline")
    say(Table(f"Runs of {account.environment.name}, newest first", columns, rows).text())


def _row(run_: StoredRun, account: Account) -> tuple[Cell, ...]:
    layout = run_.layout
    try:
        state, summary = run_.state(), run_.summary()
    except OpsError as error:
        tell(str(error))
        return (layout.evaluation, layout.run_id, "damaged", None, None, None, None, None, None, "")
    config = account.environment.evaluations.get(layout.evaluation)
    pinned = "pinned" if config is not None and config.baseline == layout.run_id else ""
    status = "finished" if summary is not None else None if state is None else state.status.value
    if state is not None and state.reason:
        status = f"{status} ({state.reason})"
    updated = None if state is None else instant(state.updated)
    if summary is None:
        return (layout.evaluation, layout.run_id, status, None, None, None, None, None, updated, pinned)
    candidates = summary.candidates
    return (
        layout.evaluation,
        layout.run_id,
        status,
        sum(each.cases for each in candidates),
        sum(each.scored for each in candidates),
        sum(each.failed for each in candidates),
        _verdicts(summary),
        _cost(summary),
        updated,
        pinned,
    )


def _cost(summary: Summary) -> str:
    known = [each.cost for each in summary.candidates if each.cost is not None]
    return str(total(known)) if known else UNKNOWN


def _verdicts(summary: Summary) -> str:
    return tally_text(gate for candidate in summary.candidates for gate in candidate.gates) or "no gates"


def _named(account: Account, store: Store, arguments: argparse.Namespace, run: str) -> StoredRun:
    return find(store, run, environment=account.environment, evaluation=arguments.evaluation)


def _show(account: Account, store: Store, arguments: argparse.Namespace, *, now: datetime) -> int:  # noqa: ARG001
    run_ = _named(account, store, arguments, arguments.run)
    state = run_.state()
    if run_.summary() is None and state is not None and not state.reason:
        asked = "an unknown number of answers" if state.total is None else count(state.total, "answer")
        say(f"{run_.shown}: {state.status.value}, {state.completed:,} of {asked}, {instant(state.updated)}")
        return 0
    summary = run_.finished()
    show(summary, state)
    return exit_code(summary) if thin_candidates(summary) else 0


def _compare(account: Account, store: Store, arguments: argparse.Namespace, *, now: datetime) -> None:  # noqa: ARG001
    later = _named(account, store, arguments, arguments.run)
    earlier = _named(account, store, arguments, arguments.earlier)
    for run_ in (later, earlier):
        run_.finished()
    compared = compare_runs(later, earlier)
    for warning in (*differing_candidates(later, earlier), *compared.notes):
        tell(warning)
    say(comparison_table(compared.rows, later=later, earlier=earlier).text())


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
    say(str(path))
    if arguments.open:
        webbrowser.open(path.resolve().as_uri())


def _accept(account: Account, store: Store, arguments: argparse.Namespace, *, now: datetime) -> None:
    accept(account, _named(account, store, arguments, arguments.run), force=arguments.force, now=now)


_ACTIONS: Mapping[str, _Action] = MappingProxyType(
    {"list": _list, "show": _show, "compare": _compare, "report": _report, "accept": _accept}
)


def _limit(text: str) -> int:
    limit = whole(text)
    if limit is None or not 1 <= limit <= 1000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of runs; allowed: 1 to 1000")
    return limit
