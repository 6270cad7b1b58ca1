"""`bedrock-eval jobs`: starts, lists, shows and stops evaluation jobs of Bedrock, and reads their output."""

import argparse
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from ops.aws.account import Account, account_of
from ops.aws.clients import client
from ops.command_line.declared.jobs import PLACE
from ops.commands import run as run_command
from ops.errors import OpsError
from ops.jobs import output as job_output
from ops.jobs import runs as job_runs
from ops.terminal.document import DocumentKind
from ops.terminal.output import print_result, printable
from ops.terminal.tables import Column, TableKind

_ARN = "arn:"

ACCOUNT_JOBS = TableKind(
    "account_jobs",
    "the evaluation jobs of the account, newest first (without --env)",
    (
        Column("created", "when Bedrock created the job"),
        Column("status", "Bedrock's status"),
        Column("type", "Automated or Human"),
        Column("name", "the job's name"),
        Column("models", "the models that the job evaluates"),
        Column("arn", "the job's ARN"),
    ),
)
LIST = DocumentKind((job_runs.JOBS, ACCOUNT_JOBS))
JOB = DocumentKind(
    (),
    {
        "name": "the job's name",
        "arn": "the job's ARN",
        "status": "Bedrock's status",
        "type": "Automated or Human",
        "created": "when Bedrock created the job",
        "output": "where Bedrock writes the output",
        "failure": "Bedrock's failure messages, null where there are none",
    },
)
"""With an ARN."""


def run(arguments: argparse.Namespace, *, now: datetime | None = None) -> int:
    """Carry out one action; gives the exit code: of `start` as of `run`, else 0.

    Raises:
        OpsError: AWS refuses, there is no such evaluation, run or job, or no output of jobs in the place.
    """
    now = now or datetime.now(UTC)
    try:
        return _ACTIONS[arguments.action](arguments, now)
    except (ClientError, BotoCoreError) as error:
        raise OpsError(str(error)) from None


def _start(arguments: argparse.Namespace, now: datetime) -> int:
    account = account_of(arguments, now)
    store = account.store()
    definition = job_runs.definition_of(account, store, arguments.evaluation)
    return run_command.start_and_follow(account, store, definition, arguments, now=now)


def _list(arguments: argparse.Namespace, now: datetime) -> int:
    if arguments.env is None:
        return _list_all(arguments)
    if arguments.containing is not None:
        raise OpsError("--containing: not together with --env")
    account = _account(arguments, now)
    table = job_runs.listed(account, account.store(), status=arguments.status)
    LIST.document([table]).show(as_json=arguments.json)
    return 0


def _list_all(arguments: argparse.Namespace) -> int:
    wanted = {"statusEquals": arguments.status, "nameContains": arguments.containing}
    pages = (
        _bedrock(arguments)
        .get_paginator("list_evaluation_jobs")
        .paginate(
            sortBy="CreationTime", sortOrder="Descending", **{key: value for key, value in wanted.items() if value}
        )
    )
    rows = [
        (
            job["creationTime"],
            job["status"],
            job["jobType"],
            job["jobName"],
            ", ".join(job.get("modelIdentifiers", ())),
            job["jobArn"],
        )
        for page in pages
        for job in page["jobSummaries"]
    ]
    table = ACCOUNT_JOBS.table(f"Evaluation jobs: {len(rows):,}", rows)
    LIST.document([table]).show(as_json=arguments.json)
    return 0


def _show(arguments: argparse.Namespace, now: datetime) -> int:
    if not arguments.target.startswith(_ARN):
        account = _account(arguments, now)
        job_runs.show(account, account.store(), arguments.target).show(as_json=arguments.json)
        return 0
    job = _bedrock(arguments).get_evaluation_job(jobIdentifier=arguments.target)
    created = job["creationTime"].astimezone(UTC)
    facts: dict[str, str | None] = {
        "name": job["jobName"],
        "status": job["status"],
        "type": job["jobType"],
        "created": f"{created:%Y-%m-%d %H:%M:%S} UTC",
        "output": job["outputDataConfig"]["s3Uri"],
        "failure": "; ".join(job.get("failureMessages", ())) or None,
    }
    lines = [f"  {name:<8}  {printable(value)}" for name, value in facts.items() if value is not None]
    document = JOB.document(
        ["\n".join([arguments.target, *lines])],
        arn=arguments.target,
        **{**facts, "created": created.isoformat().replace("+00:00", "Z")},
    )
    document.show(as_json=arguments.json)
    return 0


def _stop(arguments: argparse.Namespace, now: datetime) -> int:
    if not arguments.target.startswith(_ARN):
        account = _account(arguments, now)
        job_runs.stop(account, account.store(), arguments.target)
        return 0
    _bedrock(arguments).stop_evaluation_job(jobIdentifier=arguments.target)
    print_result(f"stop requested: {arguments.target}")
    return 0


def _collect(arguments: argparse.Namespace, now: datetime) -> int:
    if (arguments.source is None) == (arguments.target is None):
        raise OpsError("needed: either NAME with --env, or --from with a folder or s3://bucket/prefix")
    if arguments.source is None:
        account = _account(arguments, now)
        found = job_output.collect_run(
            account,
            account.store(),
            arguments.target,
            run=arguments.run,
            out=lambda run_id: arguments.out or PLACE / arguments.target / run_id,
        )
        found.show(as_json=arguments.json)
        return 0
    for option, value in (("--run", arguments.run), ("--env", arguments.env)):
        if value is not None:
            raise OpsError(f"{option}: not together with --from, which reads all jobs in the folder")
    found = job_output.collect_from(
        arguments.source, s3=lambda: _client(arguments, "s3"), out=arguments.out or PLACE, now=now
    )
    found.show(as_json=arguments.json)
    return 0


def _account(arguments: argparse.Namespace, now: datetime) -> Account:
    if arguments.env is None:
        raise OpsError(
            f"{arguments.target!r} is not an ARN; needed: --env, with the environment that has this evaluation"
        )
    if arguments.region is not None:
        raise OpsError("--region: not together with --env; the environment has its own Region")
    return account_of(arguments, now)


def _bedrock(arguments: argparse.Namespace) -> Any:
    return _client(arguments, "bedrock")


def _client(arguments: argparse.Namespace, service: str) -> Any:
    return client(service, region=arguments.region, endpoint_url=arguments.endpoint_url)


_ACTIONS: Mapping[str, Callable[[argparse.Namespace, datetime], int]] = MappingProxyType(
    {"start": _start, "list": _list, "show": _show, "stop": _stop, "collect": _collect}
)
