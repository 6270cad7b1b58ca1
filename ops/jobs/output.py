"""The output of finished jobs as tables, report and summary: of a run by its name, or of any jobs by their folder."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bedrock_eval.evaluation.definition import job_definition
from bedrock_eval.jobs.collection import Collected, read_output, result_keys
from bedrock_eval.jobs.existing_output import read_foreign, without_coverage
from bedrock_eval.jobs.progress import Jobs, JobStatus
from bedrock_eval.jobs.records import JobRecord, Unread
from bedrock_eval.jobs.request import JobPlace
from bedrock_eval.names import run_id
from bedrock_eval.report import render
from bedrock_eval.results.gathering import Gathering
from bedrock_eval.results.summarising import summarise
from bedrock_eval.results.summary import Summary
from bedrock_eval.runs.state import RunState
from bedrock_eval.wording import count
from bedrock_eval_runs.errors import RunFailed
from bedrock_eval_runs.jobs.collecting import collect_run as collect_jobs
from bedrock_eval_runs.jobs.services import JobServices
from bedrock_eval_runs.services import Services
from bedrock_eval_runs.store import Store
from configuration.schema.environment import Environment
from ops.aws.account import Account
from ops.aws.clients import calling
from ops.environment import suggested_commands as advice
from ops.errors import OpsError
from ops.jobs.runs import definition_of, jobs_of
from ops.offline.overlay import Overlay
from ops.results.finished_run import run_document
from ops.results.stored_runs import StoredRun, find, newest_runs
from ops.terminal.document import Document
from ops.terminal.output import print_note, printable
from ops.terminal.progress import job_tally

_SHOWN = 5


def collect_run(
    account: Account, store: Store, evaluation: str, *, run: str | None, out: Callable[[str], Path]
) -> Document:
    """Read a run's jobs as its function does, and write what comes of it here; nothing in the bucket changes.

    Args:
        out: the folder of the files, by run id.

    Raises:
        OpsError: there is no such evaluation or run, or none of its jobs has completed and left its output.
    """
    definition_of(account, store, evaluation)
    environment = account.environment
    if run is None:
        stored = _completed(store, evaluation, environment=environment)
    else:
        stored = find(store, run, environment=environment, evaluation=evaluation)
    jobs, state, definition = jobs_of(stored), stored.state(), job_definition(stored.definition())
    done = tuple(job for job in jobs.jobs if job.status is JobStatus.COMPLETED)
    if state is None or not done:
        raise OpsError(f"run {stored.shown}: {job_tally(jobs)}; needed: a run with jobs that have completed")
    if len(done) < len(jobs.jobs):
        print_note(f"{job_tally(jobs)}: only completed jobs are read")
        names = {name for job in done for name in job.candidates}
        definition = replace(definition, candidates=tuple(each for each in definition.candidates if each.name in names))
    with TemporaryDirectory() as folder:
        overlay = Overlay(store.client, bucket=store.bucket, prefix=stored.layout.prefix, folder=Path(folder))
        here = Store(overlay, store.bucket)
        # What the run left out is found again.
        jobs = replace(jobs, jobs=done, strays=(), unread=(), unexpected=(), unasked=())
        try:
            jobs = collect_jobs(_services(here, state), stored.layout, definition, state, jobs)
        except RunFailed as error:
            raise OpsError(f"run {stored.shown}: {error.sentence}") from None
        collected = StoredRun(here, stored.layout)
        _print_left_out(_LeftOut.of_run(jobs))
        page = here.read(stored.layout.report)
        place = out(stored.layout.run_id)
        return _finish(collected.finished(), b"" if page is None else page.body, place)


def _services(store: Store, state: RunState) -> JobServices:
    """Make the services of the collecting function without CloudWatch and Bedrock: it publishes nothing here."""
    runs = Services(
        application="",
        store=store,
        cloudwatch=None,
        models=lambda _: None,
        now=lambda: datetime.fromisoformat(state.updated),
        clock=time.monotonic,
    )
    return JobServices(runs, bedrock=None, place=JobPlace("", ""))


def _completed(store: Store, evaluation: str, *, environment: Environment) -> StoredRun:
    """The newest run whose jobs have all completed."""
    for stored in newest_runs(store, evaluation):
        jobs = stored.jobs()
        # Assumption: job-output-late
        if jobs is not None and all(job.status is JobStatus.COMPLETED for job in jobs.jobs):
            return stored
    shown = advice.jobs(environment, "show", evaluation)
    raise OpsError(f"no run of {evaluation} has jobs that have all completed; see: {shown}")


@dataclass(frozen=True)
class _Output:
    """The files below a place: their names, and the content of one."""

    keys: Sequence[str]
    read: Callable[[str], bytes]


def collect_from(source: str, *, s3: Callable[[], Any], out: Path, now: datetime) -> Document:
    """Read the output of any jobs below a folder or a prefix, or one file of it.

    Args:
        s3: makes the client, where the place is in a bucket.

    Raises:
        OpsError: there is no score in it.
    """
    output = _in_bucket(source, s3) if source.startswith("s3://") else _on_disk(Path(source))
    # A file that is named itself is read whatever it is called.
    named = tuple(key for key in output.keys if f"/{source}".endswith(f"/{key}"))
    results, strays = (named, ()) if named else result_keys(output.keys)
    if not results:
        raise OpsError(f"--from {source}: contains no file that ends with _output.jsonl")
    try:
        found = read_foreign(_records(output, results), source=source, strays=strays)
    except ValueError as error:
        raise OpsError(str(error)) from None
    _print_left_out(_LeftOut.of_foreign(found.collected))
    print_note("Coverage is unknown: the output does not contain the prompts that Bedrock could not answer.")
    if found.collected.repeated:
        print_note(
            f"{count(found.collected.repeated, 'prompt')} came back again of the same model, each as its own case. "
            "If several jobs sent one model the same prompts, collect them one by one."
        )
    definition, outcomes = found.definition, found.collected.outcomes
    gathering = Gathering(definition, None)
    summary = without_coverage(
        summarise(
            definition,
            run_id=run_id(now),
            started=now,
            finished=now,
            outcomes=gathering.watch(outcomes),
            agreement=found.collected.agreement,
        )
    )
    evidence = gathering.evidence(summary.comparisons, run=outcomes, baseline=())
    return _finish(summary, render(summary, evidence).encode(), out)


def _records(output: _Output, keys: Sequence[str]) -> Iterator[JobRecord | Unread]:
    for key in keys:
        yield from read_output(output.read(key), source=key)


def _on_disk(path: Path) -> _Output:
    if not path.exists():
        raise OpsError(f"--from {path}: no such file or folder")
    files = [path] if path.is_file() else sorted(each for each in path.rglob("*") if each.is_file())

    def read(key: str) -> bytes:
        try:
            return Path(key).read_bytes()
        except OSError as error:
            raise OpsError(f"--from {key}: cannot be read: {error.strerror}") from None

    return _Output([str(file) for file in files], read)


def _in_bucket(source: str, make_client: Callable[[], Any]) -> _Output:
    bucket, _, prefix = source.removeprefix("s3://").partition("/")
    if not bucket:
        raise OpsError(f"--from {source}: names no bucket; needed: s3://bucket/prefix")
    s3 = make_client()
    with calling(f"--from {source}"):
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        keys = [entry["Key"] for page in pages for entry in page.get("Contents", ())]

    def read(key: str) -> bytes:
        with calling(f"--from s3://{bucket}/{key}"):
            body: bytes = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        return body

    return _Output(keys, read)


@dataclass(frozen=True)
class _LeftOut:
    """Output that holds no score."""

    unread: Sequence[str]
    strays: Sequence[str]
    unexpected: Sequence[str] = ()
    unasked: Sequence[str] = ()

    @staticmethod
    def of_run(jobs: Jobs) -> "_LeftOut":
        return _LeftOut(jobs.unread, jobs.strays, jobs.unexpected, jobs.unasked)

    @staticmethod
    def of_foreign(collected: Collected) -> "_LeftOut":
        return _LeftOut([f"{each.where}: {each.reason}" for each in collected.unread], collected.strays)


def _print_left_out(found: _LeftOut) -> None:
    _print_some(found.unread, "{}; not counted")
    _print_some(found.strays, "{}: contains no results")
    _print_some(found.unexpected, "metric {}: not in the definition; not counted")
    _print_some(found.unasked, "{}: contains a prompt that is not in the dataset; it counts as a case of its own")


def _print_some(found: Sequence[str], sentence: str) -> None:
    for each in found[:_SHOWN]:
        print_note(printable(sentence.format(each)))
    if len(found) > _SHOWN:
        print_note("... and more of these")


def _finish(summary: Summary, page: bytes, out: Path) -> Document:
    """Write both files, and make the document of the run."""
    report, numbers = out / "report.html", out / "summary.json"
    try:
        out.mkdir(parents=True, exist_ok=True)
        report.write_bytes(page)
        numbers.write_text(summary.to_json(), encoding="utf-8")
    except OSError as error:
        raise OpsError(f"--out {out}: cannot be written: {error.strerror}") from None
    return run_document(summary, report=str(report), after=[f"Written: {report}, {numbers}"])
