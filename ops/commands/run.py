"""`bedrock-eval run`: starts a deployed evaluation, follows it, and ends with its verdict."""

import argparse
import json
import secrets
import time
from datetime import UTC, datetime

from bedrock_eval.evaluation.definition import CustomDefinition, Definition, JobDefinition
from bedrock_eval.layout import BaselineLayout, RunLayout, evaluation_prefix
from bedrock_eval.names import RunIdError, parse_scheduled_time, retry_id, run_id, run_time
from bedrock_eval.runs.state import RunState, RunStatus
from bedrock_eval.wording import suggestion
from bedrock_eval_runs.store import Store
from ops.aws.account import Account, account_of
from ops.aws.clients import calling
from ops.environment import suggested_commands as advice
from ops.errors import OpsError
from ops.results.finished_run import exit_code, failed_run, run_document
from ops.results.stored_runs import StoredRun, deployed_definition, find
from ops.terminal.document import DocumentKind
from ops.terminal.output import print_note
from ops.terminal.progress import JobProgress, ProgressBar, RunProgress

POLL_SECONDS = 2.0

_STOPPED = 130
_ENDED = frozenset({"SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"})


STARTED = DocumentKind((), {"evaluation": "the evaluation", "run_id": "the id of the run that has started"})
"""With --no-wait."""


def run(arguments: argparse.Namespace, *, now: datetime | None = None) -> int:
    """Start and follow, whoever scores: this project's functions or Bedrock.

    Exit codes: 0 every gate passed, 10 one failed, 11 one is undecided or too few cases were answered, 130 no longer
    followed after Ctrl-C.

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
        source = None if arguments.retry_failed is None else _retried(account, store, definition, arguments)
        if source is not None and not any(candidate.failed for candidate in source.finished().candidates):
            print_note(f"run {source.shown}: no case failed, so there is nothing to retry")
            return _show(source, arguments)
        layout, execution = _begun(account, definition, arguments, now, retry_of=source)
        if arguments.no_wait:
            started = STARTED.document([layout.run_id], evaluation=layout.evaluation, run_id=layout.run_id)
            started.show(as_json=arguments.json)
            return 0
        stored = StoredRun(store, layout)
        again = advice.follow(account.environment, layout.evaluation, layout.run_id)
        try:
            _follow(account, stored, execution, _progress(definition, stored))
        except KeyboardInterrupt:
            print_note(f"\nThe run continues. Follow it again with:\n  {again}")
            return _STOPPED
        return _show(stored, arguments)


def _show(stored: StoredRun, arguments: argparse.Namespace) -> int:
    """Show a finished run; gives its exit code."""
    summary, report = stored.finished(), f"s3://{stored.store.bucket}/{stored.layout.report}"
    run_document(summary, stored.state(), report=report).show(as_json=arguments.json)
    print_note(f"\nreport: {report}")
    return exit_code(summary)


def _retried(account: Account, store: Store, definition: Definition, arguments: argparse.Namespace) -> StoredRun:
    """Find the finished run whose failed cases are retried."""
    option = f"--retry-failed {arguments.retry_failed}"
    if arguments.follow is not None:
        raise OpsError(f"{option}: not together with --follow")
    if isinstance(definition, JobDefinition):
        raise OpsError(f"{option}: evaluation jobs of Bedrock cannot retry single cases of {definition.evaluation}")
    environment = account.environment
    found = find(store, arguments.retry_failed, environment=environment, evaluation=definition.evaluation)
    found.finished()
    if found.layout.evaluation != definition.evaluation:
        raise OpsError(f"{option}: it is a run of {found.layout.evaluation}, not of {definition.evaluation}")
    if isinstance(found.layout, BaselineLayout):
        raise OpsError(f"{option}: the run has expired, only the accepted copy exists; needed: a new run")
    return found


def _begun(
    account: Account,
    definition: Definition,
    arguments: argparse.Namespace,
    now: datetime,
    *,
    retry_of: StoredRun | None,
) -> tuple[RunLayout, str | None]:
    """The run, and the execution that this command has started."""
    if arguments.follow is not None:
        try:
            run_time(arguments.follow)
        except RunIdError as error:
            raise OpsError(f"--follow: {error}") from None
        return RunLayout(definition.evaluation, arguments.follow), None
    mark = secrets.token_hex(2)
    if retry_of is not None:
        identifier = retry_id(retry_of.layout.run_id, mark=mark)
        event = {"retryOf": retry_of.layout.run_id, "retry": mark}
    else:
        scheduled = now.replace(microsecond=0).isoformat()
        identifier = run_id(parse_scheduled_time(scheduled), manual=mark)
        event = {"scheduledTime": scheduled, "manual": mark}
    layout = RunLayout(definition.evaluation, identifier)
    started = account.client("stepfunctions").start_execution(
        stateMachineArn=account.machine(jobs=isinstance(definition, JobDefinition)),
        name=f"{layout.evaluation}-{layout.run_id}",
        input=json.dumps({"evaluation": layout.evaluation, **event}),
    )
    print_note(f"{layout.evaluation}: run {layout.run_id} started")
    return layout, started["executionArn"]


def _progress(definition: Definition, stored: StoredRun) -> RunProgress:
    return ProgressBar() if isinstance(definition, CustomDefinition) else JobProgress(definition.job.kind, stored.jobs)


def _follow(account: Account, stored: StoredRun, execution: str | None, progress: RunProgress) -> None:
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
                raise OpsError(
                    f"there is no run {stored.shown}{_near(stored)}; see: {advice.list_runs(account.environment)}"
                )
            time.sleep(POLL_SECONDS)
    finally:
        progress.close()


def _near(stored: StoredRun) -> str:
    return suggestion(stored.layout.run_id, stored.store.folders(evaluation_prefix(stored.layout.evaluation)))


def _execution_of(stored: StoredRun) -> str | None:
    state = stored.state()
    return None if state is None else state.execution


def _check(state: RunState, stored: StoredRun) -> None:
    if state.status in (RunStatus.FAILED, RunStatus.SKIPPED):
        raise failed_run(stored.shown, state)
