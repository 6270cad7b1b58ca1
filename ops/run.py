"""`python -m ops run`: starts a deployed evaluation, follows it, and ends with its verdict."""

import argparse
import json
import secrets
import time
from datetime import UTC, datetime
from typing import Any

from bedrock_eval.layout import RunLayout
from bedrock_eval.names import RunIdError, parse_scheduled_time, run_id, run_time
from bedrock_eval.runs import RunState, RunStatus
from ops.account import Account, account_of, add_environment
from ops.clients import calling
from ops.errors import OpsError
from ops.progress import ProgressBar
from ops.results import exit_code, show
from ops.screen import say, tell
from ops.stored_runs import StoredRun

POLL_SECONDS = 2.0

_STOPPED = 130
_ENDED = frozenset({"SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"})


def add_command(commands: Any) -> None:
    """The sub-command's own options."""
    run_ = commands.add_parser("run", help="start a deployed evaluation and follow it", description=__doc__)
    run_.add_argument("evaluation", metavar="NAME", help="a key of the environment's evaluations")
    add_environment(run_)
    how = run_.add_mutually_exclusive_group()
    how.add_argument("--no-wait", action="store_true", help="start it and say its run id, no more")
    how.add_argument("--follow", metavar="RUN", help="start nothing, follow this run")


def run(arguments: argparse.Namespace, *, now: datetime | None = None) -> int:
    """Start and follow.

    Exit codes: 0 every gate is kept, 10 one is broken, 11 one is undecided, 130 no longer followed after Ctrl-C.

    Raises:
        OpsError: it cannot be started, or the run failed or was skipped.
    """
    now = now or datetime.now(UTC)
    account = account_of(arguments, now)
    if arguments.evaluation not in account.environment.evaluations:
        known = ", ".join(account.environment.evaluations) or "none"
        raise OpsError(f"environment {arguments.env} has no evaluation {arguments.evaluation!r}; there are: {known}")
    with calling(f"environment {arguments.env}"):
        layout, execution = _begun(account, arguments, now)
        if arguments.no_wait:
            say(layout.run_id)
            return 0
        stored = StoredRun(account.store(), layout)
        again = f"python -m ops run --env {arguments.env} {layout.evaluation} --follow {layout.run_id}"
        try:
            _follow(account, stored, execution)
        except KeyboardInterrupt:
            tell(f"\nnot followed any more; the run goes on. Follow it again with:\n  {again}")
            return _STOPPED
        summary = stored.finished()
    show(summary)
    return exit_code(summary)


def _begun(account: Account, arguments: argparse.Namespace, now: datetime) -> tuple[RunLayout, str | None]:
    """The run, and the execution that this command has started."""
    if arguments.follow is not None:
        try:
            run_time(arguments.follow)
        except RunIdError as error:
            raise OpsError(f"--follow: {error}") from None
        return RunLayout(arguments.evaluation, arguments.follow), None
    scheduled, mark = now.replace(microsecond=0).isoformat(), secrets.token_hex(2)
    layout = RunLayout(arguments.evaluation, run_id(parse_scheduled_time(scheduled), manual=mark))
    started = account.client("stepfunctions").start_execution(
        stateMachineArn=account.machine,
        name=f"{layout.evaluation}-{layout.run_id}",
        input=json.dumps({"evaluation": layout.evaluation, "scheduledTime": scheduled, "manual": mark}),
    )
    tell(f"{layout.evaluation}: run {layout.run_id} started")
    return layout, started["executionArn"]


def _follow(account: Account, stored: StoredRun, execution: str | None) -> None:
    """Wait until the run is finished and published.

    Raises:
        OpsError: it failed, was skipped, or its execution ended without a summary.
    """
    machine = account.client("stepfunctions")
    bar = ProgressBar()
    try:
        while True:
            # The execution first: what it wrote before it ended is then there to be read.
            execution = execution or _execution_of(stored)
            ended = execution is not None and machine.describe_execution(executionArn=execution)["status"] in _ENDED
            state = stored.state()
            if state is not None:
                bar.show(state)
                _check(state, stored)
            if ended:
                if not stored.store.exists(stored.layout.summary):
                    raise OpsError(f"run {stored.shown}: its execution {execution} ended without a result")
                return
            if execution is None and state is None:
                raise OpsError(f"there is no run {stored.shown}; see: runs list")
            time.sleep(POLL_SECONDS)
    finally:
        bar.close()


def _execution_of(stored: StoredRun) -> str | None:
    state = stored.state()
    return None if state is None else state.execution


def _check(state: RunState, stored: StoredRun) -> None:
    if state.status in (RunStatus.FAILED, RunStatus.SKIPPED):
        raise OpsError(f"run {stored.shown} {state.status.value}: {state.reason}: {state.message}")
