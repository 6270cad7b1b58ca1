"""`python -m ops jobs`: Bedrock's evaluation jobs: start, list, show, stop them, and read their output."""

import argparse
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from ops.aws.account import Account, account_of
from ops.aws.clients import add_endpoint, client
from ops.commands import run as run_command
from ops.errors import OpsError
from ops.jobs import output as job_output
from ops.jobs import runs as job_runs
from ops.terminal.screen import Table, say

STATUSES = ("InProgress", "Completed", "Failed", "Stopping", "Stopped", "Deleting")
_ARN = "arn:"


def add_command(commands: Any) -> None:
    """The sub-command's own options."""
    jobs = commands.add_parser("jobs", help="evaluation jobs of Bedrock", description=__doc__)
    actions = jobs.add_subparsers(dest="action", required=True)
    starting = actions.add_parser("start", help="start an evaluation by jobs and follow it, as `run` does")
    run_command.add_start(starting)
    listing = actions.add_parser("list", help="the jobs of an environment with their runs, or of the whole account")
    listing.add_argument("--status", choices=STATUSES, help="only these")
    listing.add_argument("--containing", metavar="TEXT", help="only jobs whose name holds this")
    showing = actions.add_parser("show", help="the jobs of an evaluation's newest run, or one job")
    stopping = actions.add_parser("stop", help="stop what is under way of an evaluation's newest run, or one job")
    for action in (showing, stopping):
        action.add_argument("target", metavar="NAME|ARN", help="an evaluation (with --env), or a job's ARN")
    collecting = actions.add_parser("collect", help="table, report.html and summary.json out of finished jobs")
    collecting.add_argument("target", nargs="?", metavar="NAME", help="an evaluation (with --env)")
    collecting.add_argument("--run", metavar="RUN", help="this run of it (the newest whose jobs have completed)")
    collecting.add_argument(
        "--from",
        dest="source",
        metavar="DIR_OR_S3",
        help="whoever started the jobs: a folder, a file, or s3://bucket/prefix",
    )
    collecting.add_argument("--out", type=Path, metavar="DIR", help=f"for the two files ({job_output.PLACE}/...)")
    for action in (listing, showing, stopping, collecting):
        action.add_argument("--env", metavar="E", help="environment, as dev")
        action.add_argument(
            "--region", metavar="R", help="without --env (AWS_REGION, or that of the AWS configuration)"
        )
        add_endpoint(action)


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
        raise OpsError("--containing is of a list without --env; needed: one of the two")
    account = _account(arguments, now)
    say(job_runs.listed(account, account.store(), status=arguments.status).text())
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
    title = f"Evaluation jobs: {len(rows):,}"
    say(Table(title, ("created", "status", "type", "name", "models", "arn"), rows).text())
    return 0


def _show(arguments: argparse.Namespace, now: datetime) -> int:
    if not arguments.target.startswith(_ARN):
        account = _account(arguments, now)
        job_runs.show(account, account.store(), arguments.target)
        return 0
    job = _bedrock(arguments).get_evaluation_job(jobIdentifier=arguments.target)
    facts: dict[str, Any] = {
        "name": job["jobName"],
        "status": job["status"],
        "type": job["jobType"],
        "created": f"{job['creationTime']:%Y-%m-%d %H:%M:%S}",
        "output": job["outputDataConfig"]["s3Uri"],
        "failure": "; ".join(job.get("failureMessages", ())) or None,
    }
    rows = [(name, str(value)) for name, value in facts.items() if value is not None]
    say(Table(arguments.target, ("", ""), rows).text())
    return 0


def _stop(arguments: argparse.Namespace, now: datetime) -> int:
    if not arguments.target.startswith(_ARN):
        account = _account(arguments, now)
        job_runs.stop(account, account.store(), arguments.target)
        return 0
    _bedrock(arguments).stop_evaluation_job(jobIdentifier=arguments.target)
    say(f"asked to stop: {arguments.target}")
    return 0


def _collect(arguments: argparse.Namespace, now: datetime) -> int:
    if (arguments.source is None) == (arguments.target is None):
        raise OpsError("needed: NAME with --env, or --from with a folder or s3://bucket/prefix, and not both")
    if arguments.source is None:
        account = _account(arguments, now)
        job_output.collect_run(account, account.store(), arguments.target, run=arguments.run, out=arguments.out)
        return 0
    for option, value in (("--run", arguments.run), ("--env", arguments.env)):
        if value is not None:
            raise OpsError(f"{option} is of an evaluation by its NAME; what --from names is read whole")
    job_output.collect_from(
        arguments.source, s3=lambda: _client(arguments, "s3"), out=arguments.out or job_output.PLACE, now=now
    )
    return 0


def _account(arguments: argparse.Namespace, now: datetime) -> Account:
    if arguments.env is None:
        raise OpsError(f"{arguments.target!r} is no ARN; needed: --env, in which an evaluation has this name")
    if arguments.region is not None:
        raise OpsError("--region is of jobs without --env: an environment has its own")
    return account_of(arguments, now)


def _bedrock(arguments: argparse.Namespace) -> Any:
    return _client(arguments, "bedrock")


def _client(arguments: argparse.Namespace, service: str) -> Any:
    return client(service, region=arguments.region, endpoint_url=arguments.endpoint_url)


_ACTIONS: Mapping[str, Callable[[argparse.Namespace, datetime], int]] = MappingProxyType(
    {"start": _start, "list": _list, "show": _show, "stop": _stop, "collect": _collect}
)
