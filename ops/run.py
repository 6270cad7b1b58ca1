"""`python -m ops run`: starts a deployed evaluation, follows it, and ends with its verdict."""

import argparse
import json
import secrets
import time
from datetime import UTC, datetime
from typing import Any

from bedrock_eval.definition import Definition
from bedrock_eval.layout import RunLayout
from bedrock_eval.names import RunIdError, parse_scheduled_time, run_id, run_time
from bedrock_eval.runs import RunState, RunStatus
from custom_evaluator.store import Store
from ops import advice
from ops.account import Account, account_of, add_environment
from ops.clients import calling
from ops.errors import OpsError
from ops.progress import JobProgress, Progress, ProgressBar
from ops.results import exit_code, show
from ops.screen import say, tell
from ops.stored_runs import StoredRun, deployed_definition

POLL_SECONDS = 2.0

_STOPPED = 130
_ENDED = frozenset({"SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"})


def add_command(commands: Any) -> None:
    """The sub-command's own options."""
    run_ = commands.add_parser("run", help="start a deployed evaluation and follow it", description=__doc__)
    add_start(run_)


def add_start(parser: argparse.ArgumentParser) -> None:
    """The options that `run` reads."""
    parser.add_argument("evaluation", metavar="NAME", help="a key of the environment's evaluations")
    add_environment(parser)
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--no-wait", action="store_true", help="start it and say its run id, no more")
    how.add_argument("--follow", metavar="RUN", help="start nothing, follow this run")


def run(arguments: argparse.Namespace, *, now: datetime | None = None) -> int:
    """Start and follow, whoever scores: this project's functions or Bedrock.

    Exit codes: 0 every gate is kept, 10 one is broken, 11 one is undecided, 130 no longer followed after Ctrl-C.

    Raises:
        OpsError: it cannot be started, or the run failed or was skipped.
    """
    now = now or datetime.now(UTC)
    account = account_of(arguments, now)
    account.config(arguments.evaluation)
    with calling(f"environment {arguments.env}"):
        store = account.store()
        definition = deployed_definition(store, arguments.evaluation, environment=account.environment)
    return start_and_follow(account, store, definition, arguments, now=now)


def start_and_follow(
    account: Account, store: Store, definition: Definition, arguments: argparse.Namespace, *, now: datetime
) -> int:
    """Start a deployed evaluation, or with `--follow` not, and follow it; exit codes as of `run`."""
    with calling(f"environment {arguments.env}"):
        layout, execution = _begun(account, definition, arguments, now)
        if arguments.no_wait:
            say(layout.run_id)
            return 0
        stored = StoredRun(store, layout)
        again = f"python -m ops run --env {arguments.env} {layout.evaluation} --follow {layout.run_id}"
        try:
            _follow(account, stored, execution, _progress(definition, stored))
        except KeyboardInterrupt:
            tell(f"\nnot followed any more; the run goes on. Follow it again with:\n  {again}")
            return _STOPPED
        summary = stored.finished()
    show(summary)
    tell(f"\nreport: s3://{store.bucket}/{layout.report}")
    return exit_code(summary)


def _begun(
    account: Account, definition: Definition, arguments: argparse.Namespace, now: datetime
) -> tuple[RunLayout, str | None]:
    """The run, and the execution that this command has started."""
    if arguments.follow is not None:
        try:
            run_time(arguments.follow)
        except RunIdError as error:
            raise OpsError(f"--follow: {error}") from None
        return RunLayout(definition.evaluation, arguments.follow), None
    scheduled, mark = now.replace(microsecond=0).isoformat(), secrets.token_hex(2)
    layout = RunLayout(definition.evaluation, run_id(parse_scheduled_time(scheduled), manual=mark))
    started = account.client("stepfunctions").start_execution(
        stateMachineArn=account.machine(jobs=definition.job is not None),
        name=f"{layout.evaluation}-{layout.run_id}",
        input=json.dumps({"evaluation": layout.evaluation, "scheduledTime": scheduled, "manual": mark}),
    )
    tell(f"{layout.evaluation}: run {layout.run_id} started")
    return layout, started["executionArn"]


def _progress(definition: Definition, stored: StoredRun) -> Progress:
    return ProgressBar() if definition.job is None else JobProgress(definition.job.kind, stored.jobs)


def _follow(account: Account, stored: StoredRun, execution: str | None, progress: Progress) -> None:
    """Wait until the run is finished and published.

    Raises:
        OpsError: it failed, was skipped, or its execution ended without a summary.
    """
    machine = account.client("stepfunctions")
    try:
        while True:
            # The execution first: what it wrote before it ended is then there to be read.
            execution = execution or _execution_of(stored)
            ended = execution is not None and machine.describe_execution(executionArn=execution)["status"] in _ENDED
            state = stored.state()
            if state is not None:
                progress.show(state)
                _check(state, stored)
            if ended:
                if not stored.store.exists(stored.layout.summary):
                    raise OpsError(f"run {stored.shown}: its execution {execution} ended without a result")
                return
            if execution is None and state is None:
                raise OpsError(f"there is no run {stored.shown}; see: {advice.list_runs(account.environment)}")
            time.sleep(POLL_SECONDS)
    finally:
        progress.close()


def _execution_of(stored: StoredRun) -> str | None:
    state = stored.state()
    return None if state is None else state.execution


def _check(state: RunState, stored: StoredRun) -> None:
    if state.status in (RunStatus.FAILED, RunStatus.SKIPPED):
        raise OpsError(f"run {stored.shown} {state.status.value}: {state.reason}: {state.message}")
