"""From the files that jobs have left to results, summary and report, the same as of every run."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from bedrock_eval.cases import Case
from bedrock_eval.definition import Candidate, Definition
from bedrock_eval.jobs.collection import Collected, collect, read_lines, result_keys
from bedrock_eval.jobs.progress import Job, Jobs
from bedrock_eval.jobs.records import JobRecord, Unread
from bedrock_eval.jobs.request import settings
from bedrock_eval.layout import RunLayout
from bedrock_eval.runs import RunFailureReason, RunState
from custom_evaluator.datasets import dataset_cases, dataset_version
from custom_evaluator.errors import RunFailed
from custom_evaluator.finishing import write_results
from custom_evaluator.parts import PartWriter
from custom_evaluator.store import Store
from evaluation_jobs.services import JobServices

_MOST_NAMED = 20


def collect_run(services: JobServices, layout: RunLayout, definition: Definition, state: RunState, jobs: Jobs) -> Jobs:
    """Write parts, report and summary of a run whose jobs have completed; jobs.json with what was not taken.

    Raises:
        RunFailed: a completed job has left no results, or the dataset cannot be read.
    """
    runs, store = services.runs, services.runs.store
    asked = None if definition.dataset.built_in else _asked(services, definition)
    for job in jobs.jobs:
        found = _collected(store, layout, definition, job, asked=asked)
        _write(services, layout, found, job)
        jobs = replace(
            jobs,
            strays=(*jobs.strays, *found.strays)[:_MOST_NAMED],
            unread=(*jobs.unread, *(f"{each.where}: {each.reason}" for each in found.unread))[:_MOST_NAMED],
            unexpected=tuple(sorted({*jobs.unexpected, *found.unexpected})),
            agreement={**jobs.agreement, **{each.metric: (each.equal, each.pairs) for each in found.agreement}},
        )
    write_results(store, layout, definition, started=state.started, finished=runs.now())
    return jobs


def _asked(services: JobServices, definition: Definition) -> list[Case]:
    s3 = services.runs.s3
    version = dataset_version(s3, definition.dataset, expected_etag=None)
    return list(dataset_cases(s3, definition.dataset, version))


def _collected(
    store: Store, layout: RunLayout, definition: Definition, job: Job, *, asked: Sequence[Case] | None
) -> Collected:
    prefix = f"{layout.job_output}{job.name}/{job.identifier}/"
    results, strays = result_keys(store.keys(prefix))
    if not results:
        raise RunFailed(
            RunFailureReason.JOB_OUTPUT_MISSING, f"{job.name} has completed and left no results in {prefix}"
        )
    candidates = [candidate for candidate in definition.candidates if candidate.name in job.candidates]
    return collect(
        _records(store, results),
        candidates={name: candidate.name for candidate in candidates for name in _names_of(candidate)},
        metrics=tuple(settings(definition).measure(name).name for name in definition.metrics),
        asked=asked,
        strays=strays,
    )


def _records(store: Store, keys: Sequence[str]) -> Iterator[JobRecord | Unread]:
    for key in keys:
        stored = store.read(key)
        if stored is not None:
            yield from read_lines(stored.body.decode("utf-8", "replace").splitlines(), source=key)


def _names_of(candidate: Candidate) -> tuple[str, ...]:
    """What the output may call the candidate's model."""
    if candidate.answers_of is not None:
        return (candidate.answers_of,)
    return (candidate.invoke_id, candidate.invoke_id.rpartition("/")[2], candidate.model_id)


def _write(services: JobServices, layout: RunLayout, found: Collected, job: Job) -> None:
    """As parts of results; what an earlier attempt has written is not written again."""
    runs = services.runs
    writers = {name: PartWriter(runs.store, layout, name, runs.clock) for name in job.candidates}
    for writer in writers.values():
        writer.resume()
    for outcome in found.outcomes:
        writer = writers[outcome.candidate]
        if outcome.case_id not in writer.done:
            writer.add(outcome)
    for writer in writers.values():
        writer.flush()
