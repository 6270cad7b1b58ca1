"""`python -m ops jobs`: the evaluation jobs of an account, and the output of any of them as summary and report."""

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from bedrock_eval.gathering import Gathering
from bedrock_eval.jobs.collection import read_lines, result_keys
from bedrock_eval.jobs.foreign import ForeignJobs, read_foreign
from bedrock_eval.jobs.records import JobRecord, Unread
from bedrock_eval.names import run_id
from bedrock_eval.report import render
from bedrock_eval.summarising import summarise
from bedrock_eval.summary import Summary
from ops.clients import add_endpoint, client
from ops.errors import OpsError
from ops.results import show
from ops.screen import Table, say, tell

STATUSES = ("InProgress", "Completed", "Failed", "Stopping", "Stopped", "Deleting")
_SHOWN_STRAYS = 5


def add_command(commands: Any) -> None:
    """The sub-command's own options."""
    jobs = commands.add_parser("jobs", help="evaluation jobs of Bedrock", description=__doc__)
    actions = jobs.add_subparsers(dest="action", required=True)
    listing = actions.add_parser("list", help="every job, newest first")
    listing.add_argument("--status", choices=STATUSES, help="only these")
    listing.add_argument("--containing", metavar="TEXT", help="only jobs whose name holds this")
    showing = actions.add_parser("show", help="one job")
    stopping = actions.add_parser("stop", help="ask one job to stop")
    for action in (showing, stopping):
        action.add_argument("arn", metavar="ARN", help="of the job; its name does not do")
    for action in (listing, showing, stopping):
        _add_place(action)
    collecting = actions.add_parser("collect", help="read the output of finished jobs, whoever started them")
    collecting.add_argument(
        "--from", dest="source", required=True, metavar="DIR_OR_S3", help="a folder, a file, or s3://bucket/prefix"
    )
    collecting.add_argument(
        "--out", type=Path, default=Path("build/jobs"), metavar="DIR", help="for report.html, summary.json (build/jobs)"
    )
    _add_place(collecting)


def _add_place(action: Any) -> None:
    action.add_argument("--region", metavar="R", help="Region (that of the AWS configuration)")
    add_endpoint(action)


def run(arguments: argparse.Namespace, *, now: datetime | None = None) -> int:
    """Carry out one action; gives the exit code 0.

    Raises:
        OpsError: AWS refuses, or there is no output of jobs in the place.
    """
    try:
        if arguments.action == "collect":
            return _collect(arguments, now or datetime.now(UTC))
        return _ACTIONS[arguments.action](_client(arguments, "bedrock"), arguments)
    except (ClientError, BotoCoreError) as error:
        raise OpsError(str(error)) from None


def _client(arguments: argparse.Namespace, service: str) -> Any:
    return client(service, region=arguments.region, endpoint_url=arguments.endpoint_url)


def _list(client: Any, arguments: argparse.Namespace) -> int:
    wanted = {"statusEquals": arguments.status, "nameContains": arguments.containing}
    pages = client.get_paginator("list_evaluation_jobs").paginate(
        sortBy="CreationTime", sortOrder="Descending", **{key: value for key, value in wanted.items() if value}
    )
    jobs = [job for page in pages for job in page["jobSummaries"]]
    rows = [
        (job["creationTime"], job["status"], job["jobType"], job["jobName"], ", ".join(job.get("modelIdentifiers", ())))
        for job in jobs
    ]
    title = f"Evaluation jobs: {len(jobs):,}"
    say(Table(title, ("created", "status", "type", "name", "models"), rows).text())
    return 0


def _show(client: Any, arguments: argparse.Namespace) -> int:
    job = client.get_evaluation_job(jobIdentifier=arguments.arn)
    facts: dict[str, Any] = {
        "name": job["jobName"],
        "status": job["status"],
        "type": job["jobType"],
        "created": f"{job['creationTime']:%Y-%m-%d %H:%M:%S}",
        "output": job["outputDataConfig"]["s3Uri"],
        "failure": "; ".join(job.get("failureMessages", ())) or None,
    }
    rows = [(name, str(value)) for name, value in facts.items() if value is not None]
    say(Table(arguments.arn, ("", ""), rows).text())
    return 0


def _stop(client: Any, arguments: argparse.Namespace) -> int:
    client.stop_evaluation_job(jobIdentifier=arguments.arn)
    say(f"asked to stop: {arguments.arn}")
    return 0


_ACTIONS: Mapping[str, Callable[[Any, argparse.Namespace], int]] = MappingProxyType(
    {"list": _list, "show": _show, "stop": _stop}
)


@dataclass(frozen=True)
class _Output:
    """The files below a place: their names, and the text of one."""

    keys: Sequence[str]
    read: Callable[[str], str]


def _collect(arguments: argparse.Namespace, now: datetime) -> int:
    source: str = arguments.source
    output = _in_bucket(arguments) if source.startswith("s3://") else _on_disk(Path(source))
    results, strays = result_keys(output.keys)
    if not results:
        raise OpsError(f"--from {source}: holds no file that ends with _output.jsonl")
    try:
        found = read_foreign(_records(output, results), source=source, strays=strays)
    except ValueError as error:
        raise OpsError(str(error)) from None
    _tell_what_was_not_taken(found)
    _write(found, arguments.out, now)
    return 0


def _records(output: _Output, keys: Sequence[str]) -> Iterator[JobRecord | Unread]:
    for key in keys:
        yield from read_lines(output.read(key).splitlines(), source=key)


def _on_disk(path: Path) -> _Output:
    if not path.exists():
        raise OpsError(f"--from {path}: no such file or folder")
    files = [path] if path.is_file() else sorted(each for each in path.rglob("*") if each.is_file())
    return _Output([str(file) for file in files], lambda key: Path(key).read_text(encoding="utf-8", errors="replace"))


def _in_bucket(arguments: argparse.Namespace) -> _Output:
    bucket, _, prefix = arguments.source.removeprefix("s3://").partition("/")
    client = _client(arguments, "s3")
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    keys = [entry["Key"] for page in pages for entry in page.get("Contents", ())]

    def read(key: str) -> str:
        body: bytes = client.get_object(Bucket=bucket, Key=key)["Body"].read()
        return body.decode("utf-8", "replace")

    return _Output(keys, read)


def _tell_what_was_not_taken(found: ForeignJobs) -> None:
    collected = found.collected
    for unread in collected.unread[:_SHOWN_STRAYS]:
        tell(f"{unread.where}: {unread.reason}; not counted")
    hidden = len(collected.unread) - _SHOWN_STRAYS
    if hidden > 0:
        tell(f"... and {hidden:,} more lines that are no record")
    for stray in collected.strays[:_SHOWN_STRAYS]:
        tell(f"{stray}: holds no results")
    for each in collected.agreement:
        tell(f"{each.metric}: people agree in {each.equal:,} of {each.pairs:,} pairs of ratings")
    tell("How many prompts were asked is not in the output: coverage is of the prompts that came back for any model.")


def _write(found: ForeignJobs, out: Path, now: datetime) -> None:
    definition, outcomes = found.definition, found.collected.outcomes
    gathering = Gathering(definition, None)
    summary: Summary = summarise(
        definition, run_id=run_id(now), started=now, finished=now, outcomes=gathering.watch(outcomes)
    )
    evidence = gathering.evidence(summary.comparisons, run=outcomes, baseline=())
    show(summary)
    report, numbers = out / "report.html", out / "summary.json"
    try:
        out.mkdir(parents=True, exist_ok=True)
        report.write_text(render(summary, evidence), encoding="utf-8")
        numbers.write_text(summary.to_json(), encoding="utf-8")
    except OSError as error:
        raise OpsError(f"--out {out}: cannot be written: {error.strerror}") from None
    say(f"\nWritten: {report}, {numbers}")
