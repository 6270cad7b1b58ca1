"""The evaluation jobs of an environment, by evaluation and run."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from botocore.exceptions import ClientError

from bedrock_eval.definition import Definition
from bedrock_eval.jobs.progress import Job, Jobs, JobStatus, known_status
from bedrock_eval.jobs.request import evaluation_mark, groups, job_name
from bedrock_eval.layout import evaluation_prefix
from bedrock_eval.names import is_run_id
from bedrock_eval.runs import RunStatus
from bedrock_eval.wording import instant
from custom_evaluator.store import Store, error_code
from environments.schema import Environment
from ops.aws.account import Account
from ops.environment import suggested_commands as advice
from ops.errors import OpsError
from ops.results.stored_runs import StoredRun, deployed_definition, deployed_definitions, newest_runs
from ops.terminal.progress import job_tally
from ops.terminal.screen import Cell, Table, printable, say, tell


def definition_of(account: Account, store: Store, evaluation: str) -> Definition:
    """An evaluation by jobs as deployed.

    Raises:
        OpsError: there is none of that name, it is not deployed, or this project's own functions score it.
    """
    environment = account.environment
    account.config(evaluation)
    found = deployed_definition(store, evaluation, environment=environment)
    if found.job is None:
        use = f"python -m ops run --env {environment.name} {evaluation}"
        raise OpsError(f"evaluation {evaluation} is of kind custom: no job of Bedrock belongs to it; use: {use}")
    return found


def listed(account: Account, store: Store, *, status: str | None) -> Table:
    """The jobs that Bedrock knows of this environment's evaluations, newest first, each with its run."""
    bedrock = account.client("bedrock")
    found = [
        (job, definition.evaluation, *owner)
        for definition in deployed_definitions(store)
        if definition.job is not None
        for job, owner in _owned(bedrock, store, definition, status=status)
    ]
    rows: list[tuple[Cell, ...]] = [
        (job["creationTime"], job["status"], evaluation, run, candidates, job["jobName"])
        for job, evaluation, run, candidates in sorted(found, key=lambda each: each[0]["creationTime"], reverse=True)
    ]
    title = f"Evaluation jobs of {account.environment.name}: {len(rows):,}"
    return Table(title, ("created", "status", "evaluation", "run", "candidates", "name"), rows)


def _owned(
    bedrock: Any, store: Store, definition: Definition, *, status: str | None
) -> Iterator[tuple[dict[str, Any], tuple[str | None, str | None]]]:
    """The jobs of an evaluation, each with run and candidates: unknown where the run has expired."""
    wanted = {"nameContains": evaluation_mark(definition), **({} if status is None else {"statusEquals": status})}
    owners: Mapping[str, tuple[str, str]] | None = None
    for page in bedrock.get_paginator("list_evaluation_jobs").paginate(**wanted):
        for job in page["jobSummaries"]:
            owners = _names(store, definition) if owners is None else owners
            yield job, owners.get(job["jobName"], (None, None))


def _names(store: Store, definition: Definition) -> Mapping[str, tuple[str, str]]:
    """Run and candidates by the name that a job of theirs has: names come from run ids, no job need be asked."""
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
        told = "not begun" if state is None else state.status.value
        why = f": {state.reason}: {state.message}" if state is not None and state.reason else ""
        raise OpsError(f"run {stored.shown} has no jobs; it is {told}{why}")
    return jobs


def show(account: Account, store: Store, evaluation: str) -> None:
    """The newest run's jobs as Bedrock has them now, each with why it failed."""
    definition_of(account, store, evaluation)
    stored = newest(store, evaluation, environment=account.environment)
    bedrock = account.client("bedrock")
    jobs = jobs_of(stored)
    jobs = replace(jobs, jobs=tuple(_now(bedrock, job) for job in jobs.jobs))
    state = stored.state()
    told = "unknown" if state is None else f"{state.status.value}, {instant(state.updated)}"
    say(Table(f"{stored.shown}: {told}; {job_tally(jobs)}", _COLUMNS, [_row(job) for job in jobs.jobs]).text())
    for job in jobs.jobs:
        if job.message is not None:
            say(f"\n{job.name}:\n  {printable(job.message)}")
        if job.not_stopped is not None:
            say(f"\n{job.name} was refused to be stopped:\n  {printable(job.not_stopped)}")
    for why in jobs.not_deleted:
        say(f"\nan old job was not deleted:\n  {printable(why)}")
    if state is not None and state.reason:
        say(f"\nthe run: {state.reason}: {printable(state.message or '')}")


_COLUMNS = ("candidates", "status", "started", "ended", "name")


def _row(job: Job) -> tuple[Cell, ...]:
    started = None if job.started is None else instant(job.started)
    ended = None if job.ended is None else instant(job.ended)
    return (", ".join(job.candidates), job.status.value, started or "-", ended or "-", job.name)


def _now(bedrock: Any, job: Job) -> Job:
    """As Bedrock has it; as the run has last seen it where Bedrock no longer knows it."""
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
    """Ask what is under way of the newest run to stop; the run ends as failed at its next look.

    Raises:
        OpsError: nothing is under way.
    """
    definition_of(account, store, evaluation)
    stored = newest(store, evaluation, environment=account.environment)
    bedrock = account.client("bedrock")
    jobs = jobs_of(stored)
    under_way = [job for job in jobs.jobs if job.arn is not None and job.status is JobStatus.IN_PROGRESS]
    stopped = [job for job in under_way if _stopped(bedrock, job)]
    if not stopped:
        state = stored.state()
        told = f"run {stored.shown} has no job under way: {job_tally(jobs)} when it was last looked at"
        if state is not None and state.status is RunStatus.RUNNING and not jobs.ended:
            told += (
                f"; to keep it from starting more: aws stepfunctions stop-execution --execution-arn {state.execution}"
            )
        raise OpsError(told)
    for job in stopped:
        say(f"asked to stop: {job.name} ({', '.join(job.candidates)})")
    tell(f"run {stored.shown} ends as failed at its next look, and starts no further job")


def _stopped(bedrock: Any, job: Job) -> bool:
    """Whether it was under way."""
    try:
        bedrock.stop_evaluation_job(jobIdentifier=job.arn)
    except ClientError as error:
        if error_code(error) not in ("ConflictException", "ResourceNotFoundException"):
            raise
        return False
    return True
