"""The evaluation jobs of an environment, by evaluation and run."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from botocore.exceptions import ClientError

from bedrock_eval.evaluation.definition import CustomDefinition, JobDefinition
from bedrock_eval.jobs.progress import Job, Jobs, JobStatus, known_status
from bedrock_eval.jobs.request import evaluation_mark, groups, job_name
from bedrock_eval.layout import evaluation_prefix
from bedrock_eval.names import is_run_id
from bedrock_eval.runs.state import RunState, RunStatus
from bedrock_eval.wording import instant
from bedrock_eval_runs.store import Store, error_code
from configuration.schema.environment import Environment
from ops.aws.account import Account
from ops.environment import suggested_commands as advice
from ops.errors import OpsError
from ops.results.stored_runs import StoredRun, deployed_definition, deployed_definitions, newest_runs
from ops.terminal.cells import Cell, Shown
from ops.terminal.document import Document, DocumentKind
from ops.terminal.output import print_note, print_result, printable
from ops.terminal.progress import job_tally
from ops.terminal.tables import Column, Table, TableKind

JOBS = TableKind(
    "jobs",
    "the evaluation jobs of the environment, newest first",
    (
        Column("created", "when Bedrock created the job"),
        Column("status", "Bedrock's status"),
        Column("evaluation", "the evaluation"),
        Column("run", "the run's id; null where the run has expired"),
        Column("candidates", "the candidates that the job scores"),
        Column("name", "the job's name"),
    ),
)
RUN_JOBS = TableKind(
    "jobs",
    "the jobs of the newest run",
    (
        Column("candidates", "the candidates that the job scores"),
        Column("status", "Bedrock's status"),
        Column("started", "when the run started the job; null until then"),
        Column("ended", "when the job ended; null until then"),
        Column("name", "the job's name"),
        Column("message", "why the job failed, waits or was not stopped; null where nothing is to say", ""),
    ),
)
SHOW = DocumentKind((RUN_JOBS,), {"run": "<evaluation>/<run id>", "status": "of the run", "updated": "of its state"})


def definition_of(account: Account, store: Store, evaluation: str) -> JobDefinition:
    """Read an evaluation by jobs as deployed.

    Raises:
        OpsError: there is none of that name, it is not deployed, or this project's own functions score it.
    """
    environment = account.environment
    account.config(evaluation)
    found = deployed_definition(store, evaluation, environment=environment)
    if isinstance(found, CustomDefinition):
        use = advice.run(environment, evaluation)
        raise OpsError(f"evaluation {evaluation} is of kind custom, which needs no evaluation job; use: {use}")
    return found


def listed(account: Account, store: Store, *, status: str | None) -> Table:
    """List the jobs that Bedrock has of this environment's evaluations, newest first, each with its run."""
    bedrock = account.client("bedrock")
    found = [
        (job, definition.evaluation, *owner)
        for definition in deployed_definitions(store)
        if isinstance(definition, JobDefinition)
        for job, owner in _owned(bedrock, store, definition, status=status)
    ]
    rows: list[tuple[Cell, ...]] = [
        (job["creationTime"], job["status"], evaluation, run, candidates, job["jobName"])
        for job, evaluation, run, candidates in sorted(found, key=lambda each: each[0]["creationTime"], reverse=True)
    ]
    title = f"Evaluation jobs of {account.environment.name}: {len(rows):,}"
    return JOBS.table(title, rows)


def _owned(
    bedrock: Any, store: Store, definition: JobDefinition, *, status: str | None
) -> Iterator[tuple[dict[str, Any], tuple[str | None, str | None]]]:
    """The jobs of an evaluation, each with run and candidates: unknown where the run has expired."""
    wanted = {"nameContains": evaluation_mark(definition), **({} if status is None else {"statusEquals": status})}
    owners: Mapping[str, tuple[str, str]] | None = None
    for page in bedrock.get_paginator("list_evaluation_jobs").paginate(**wanted):
        for job in page["jobSummaries"]:
            owners = _names(store, definition) if owners is None else owners
            yield job, owners.get(job["jobName"], (None, None))


def _names(store: Store, definition: JobDefinition) -> Mapping[str, tuple[str, str]]:
    """Map the names of jobs to their run and candidates: names follow from run ids, without a call."""
    runs = [run for run in store.folders(evaluation_prefix(definition.evaluation)) if is_run_id(run)]
    return {
        job_name(definition, run_id=run, candidate=alone): (run, ", ".join(each.name for each in group))
        for run in runs
        for group in groups(definition)
        for alone in {group[0].name, None}
    }


def newest(store: Store, evaluation: str, *, environment: Environment) -> StoredRun:
    """The newest run of an evaluation, in whatever state.

    Raises:
        OpsError: it has none.
    """
    for run in newest_runs(store, evaluation):
        if is_run_id(run.layout.run_id):
            return run
    start = advice.jobs(environment, "start", evaluation)
    raise OpsError(f"evaluation {evaluation} has no run yet; start one with: {start}")


def jobs_of(stored: StoredRun) -> Jobs:
    """The jobs of a run.

    Raises:
        OpsError: it has none yet.
    """
    jobs = stored.jobs()
    if jobs is None:
        state = stored.state()
        status = "not begun" if state is None else state.status.value
        why = f": {state.reason}: {state.message}" if state is not None and state.reason else ""
        raise OpsError(f"run {stored.shown} has no jobs; its state is {status}{why}")
    return jobs


def show(account: Account, store: Store, evaluation: str) -> Document:
    """Read the newest run's jobs as Bedrock has them now, each with why it failed."""
    definition_of(account, store, evaluation)
    stored = newest(store, evaluation, environment=account.environment)
    bedrock = account.client("bedrock")
    jobs = jobs_of(stored)
    jobs = replace(jobs, jobs=tuple(_now(bedrock, job) for job in jobs.jobs))
    state = stored.state()
    status = None if state is None else state.status.value
    at = "unknown" if state is None else f"{status}, {instant(state.updated)}"
    table = RUN_JOBS.table(f"{stored.shown}: {at}; {job_tally(jobs)}", [_row(job) for job in jobs.jobs])
    updated = None if state is None else state.updated
    parts: list[str | Table] = [table, *_messages(jobs, state)]
    return SHOW.document(parts, run=stored.shown, status=status, updated=updated)


def _messages(jobs: Jobs, state: RunState | None) -> Iterator[str]:
    for job in jobs.jobs:
        if job.message is not None:
            yield f"{job.name}:\n  {printable(job.message)}"
        if job.not_stopped is not None:
            yield f"Bedrock refused to stop {job.name}:\n  {printable(job.not_stopped)}"
    for why in jobs.not_deleted:
        yield f"An old job was not deleted:\n  {printable(why)}"
    if state is not None and state.reason:
        yield f"The run: {state.reason}: {printable(state.message or '')}"


def _row(job: Job) -> tuple[Cell, ...]:
    why = "; ".join(each for each in (job.message, job.not_stopped) if each is not None)
    return (
        ", ".join(job.candidates),
        job.status.value,
        Shown("-", None) if job.started is None else Shown(instant(job.started), job.started),
        Shown("-", None) if job.ended is None else Shown(instant(job.ended), job.ended),
        job.name,
        Shown("", why or None),
    )


def _now(bedrock: Any, job: Job) -> Job:
    """Read the job from Bedrock; where Bedrock no longer has it, keep what the run saw last."""
    if job.arn is None:
        return job
    try:
        found = bedrock.get_evaluation_job(jobIdentifier=job.arn)
    except ClientError as error:
        if error_code(error) != "ResourceNotFoundException":
            raise
        return job
    messages = "; ".join(found.get("failureMessages", ())) or job.message
    return replace(job, status=known_status(found["status"]) or job.status, message=messages)


def stop(account: Account, store: Store, evaluation: str) -> None:
    """Request that the jobs in progress of the newest run stop; the run ends as failed at its next poll.

    Raises:
        OpsError: no job is in progress.
    """
    definition_of(account, store, evaluation)
    stored = newest(store, evaluation, environment=account.environment)
    bedrock = account.client("bedrock")
    jobs = jobs_of(stored)
    in_progress = [job for job in jobs.jobs if job.arn is not None and job.status is JobStatus.IN_PROGRESS]
    stopped = [job for job in in_progress if _stopped(bedrock, job)]
    if not stopped:
        state = stored.state()
        text = f"run {stored.shown} has no job in progress: {job_tally(jobs)} at the last poll"
        if state is not None and state.status is RunStatus.RUNNING and not jobs.ended:
            stop_execution = f"aws stepfunctions stop-execution --execution-arn {state.execution}"
            text += f"; to keep the run from starting more: {stop_execution}"
        raise OpsError(text)
    for job in stopped:
        print_result(f"stop requested: {job.name} ({', '.join(job.candidates)})")
    print_note(f"run {stored.shown} ends as failed at its next poll, and starts no further job")


def _stopped(bedrock: Any, job: Job) -> bool:
    """Request the stop; False when the job had ended before."""
    try:
        bedrock.stop_evaluation_job(jobIdentifier=job.arn)
    except ClientError as error:
        if error_code(error) not in ("ConflictException", "ResourceNotFoundException"):
            raise
        return False
    return True
