"""From the files that jobs have left to results, summary and report, the same as of every run."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from bedrock_eval.evaluation.cases import Case
from bedrock_eval.evaluation.definition import Candidate, JobDefinition, judged_run
from bedrock_eval.jobs.collection import RESULT_ENDING, Collected, collect, read_output, result_keys
from bedrock_eval.jobs.progress import Job, Jobs, JobStatus
from bedrock_eval.jobs.records import JobRecord, Unread
from bedrock_eval.layout import RunLayout
from bedrock_eval.models import base_id
from bedrock_eval.results.failed_cases import nothing_answered
from bedrock_eval.results.outcomes import Outcome
from bedrock_eval.results.summary import Agreement
from bedrock_eval.runs.state import RunFailureReason, RunState
from bedrock_eval.scores.job_measures import BUILT_IN_DATASET_PROMPTS
from bedrock_eval_runs.errors import RunFailed
from bedrock_eval_runs.finishing import write_results
from bedrock_eval_runs.jobs.datasets import own_cases, stored_answers
from bedrock_eval_runs.jobs.services import JobServices
from bedrock_eval_runs.parts import PartWriter
from bedrock_eval_runs.store import Store

_MOST_NAMED = 20
_MOST_SHOWN = 5


@dataclass(frozen=True)
class _Asked:
    """The cases of one job, of a dataset of Bedrock's own their number; and what was known before it began."""

    cases: Sequence[Case] | int
    known: Sequence[Outcome] = ()


def collect_run(
    services: JobServices, layout: RunLayout, definition: JobDefinition, state: RunState, jobs: Jobs
) -> Jobs:
    """Write parts, report and summary of a run whose jobs have completed; jobs.json with what was not taken.

    Raises:
        RunFailed: a completed job has left no results or no answer, or the dataset cannot be read.
    """
    runs, store = services.runs, services.runs.store
    asked = _asked(services, definition, jobs)
    agreement: tuple[Agreement, ...] = ()
    writers: list[PartWriter] = []
    for job in jobs.jobs:
        found = _collected(store, layout, definition=definition, jobs=jobs, job=job, asked=asked[job.name])
        writers += _write(services, layout, found, job)
        jobs = replace(
            jobs,
            strays=(*jobs.strays, *found.strays)[:_MOST_NAMED],
            unread=(*jobs.unread, *(f"{each.where}: {each.reason}" for each in found.unread))[:_MOST_NAMED],
            unexpected=tuple(sorted({*jobs.unexpected, *found.unexpected})),
            unasked=(*jobs.unasked, *found.unasked)[:_MOST_NAMED],
        )
        agreement += found.agreement
    if not any(writer.answered for writer in writers):
        failed = [outcome for writer in writers for outcome in writer.failed.values()]
        raise RunFailed(RunFailureReason.NOTHING_ANSWERED, nothing_answered(failed))
    write_results(store, layout, definition, started=state.started, finished=runs.now(), agreement=agreement)
    return jobs


def _asked(services: JobServices, definition: JobDefinition, jobs: Jobs) -> dict[str, _Asked]:
    """By job."""
    source = judged_run(definition)
    if source is not None:
        by_job = {job.name: stored_answers(services.runs.store, source, job.candidates[0]) for job in jobs.jobs}
        return {name: _Asked(answers.asked, answers.unanswered()) for name, answers in by_job.items()}
    cases = BUILT_IN_DATASET_PROMPTS if definition.dataset.built_in else own_cases(services, definition)
    return {job.name: _Asked(cases) for job in jobs.jobs}


def without_output(store: Store, layout: RunLayout, jobs: Jobs) -> tuple[Job, ...]:
    """The completed jobs whose results are not in S3."""
    completed = (job for job in jobs.jobs if job.status is JobStatus.COMPLETED)
    return tuple(job for job in completed if _output(store, layout, jobs, job) is None)


def _held(store: Store, layout: RunLayout) -> str:
    """What a run's folder of output holds, in a few words."""
    keys = _keys(store, layout)
    shown = ", ".join(key.removeprefix(layout.job_output) for key in keys[:_MOST_SHOWN])
    more = f" and {len(keys) - _MOST_SHOWN:,} more" if len(keys) > _MOST_SHOWN else ""
    return f"{shown}{more}" if keys else "nothing"


def _collected(  # noqa: PLR0913 - all by keyword but the first two
    store: Store, layout: RunLayout, *, definition: JobDefinition, jobs: Jobs, job: Job, asked: _Asked
) -> Collected:
    output = _output(store, layout, jobs, job)
    if output is None:
        raise RunFailed(
            RunFailureReason.JOB_OUTPUT_MISSING,
            f"{job.name} has completed and left no results below {layout.job_output} in bucket {store.bucket}; "
            f"found there: {_held(store, layout)}",
        )
    candidates = [candidate for candidate in definition.candidates if candidate.name in job.candidates]
    found = collect(
        output.records,
        candidates=_names(candidates),
        metrics=tuple(definition.job.measure(name).name for name in definition.metrics),
        asked=asked.cases,
        strays=output.strays,
    )
    return replace(found, outcomes=[*found.outcomes, *asked.known])


@dataclass(frozen=True)
class _Output:
    """What a job has left."""

    records: Iterable[JobRecord | Unread]
    strays: tuple[str, ...]


def _output(store: Store, layout: RunLayout, jobs: Jobs, job: Job) -> _Output | None:
    """The results of a job, None while there are none.

    An empty file of results says that nothing was answered; other files without a record say nothing.
    """
    results, strays = result_keys(_output_keys(store, layout, jobs, job))
    if any(key.endswith(RESULT_ENDING) for key in results):
        return _Output(_records(store, results), strays)
    records = list(_records(store, results))
    return None if all(isinstance(each, Unread) for each in records) else _Output(records, strays)


def _output_keys(store: Store, layout: RunLayout, jobs: Jobs, job: Job) -> list[str]:
    """The files of one job, wherever below the folder of its run they lie.

    AWS documents `<job name>/<id>/`. That Bedrock names the inner folder by the end of the ARN is seen, not documented,
    nor is whether it adds a slash to a prefix that ends with one. What names no job is the job's that has nothing else,
    when each of the others has results of its own.
    """
    # Assumption: job-output-late
    keys = _keys(store, layout)
    found = _own(keys, layout, job)
    others = [each for each in jobs.jobs if each.name != job.name]
    if result_keys(found)[0] or not all(result_keys(_own(keys, layout, each))[0] for each in others):
        return found
    left = [key for key in keys if not any(_names_job(key, layout, each) for each in others)]
    return left if result_keys(left)[0] else found


def _own(keys: Sequence[str], layout: RunLayout, job: Job) -> list[str]:
    """Those that name the job: the first of these that holds results."""
    # No other job has the name, which ends with a hash.
    named = [key for key in keys if job.name in key.removeprefix(layout.job_output)]
    own = [key for key in keys if job.identifier in key.removeprefix(layout.job_output).split("/")]
    both = [key for key in named if key in own]
    return next((each for each in (both, named, own) if result_keys(each)[0]), named)


def _names_job(key: str, layout: RunLayout, job: Job) -> bool:
    place = key.removeprefix(layout.job_output)
    return job.name in place or job.identifier in place.split("/")


def _keys(store: Store, layout: RunLayout) -> list[str]:
    """Of the jobs' output; what they were given lies beside it."""
    return [key for key in store.keys(layout.job_output) if not key.startswith(layout.all_answers)]


def _records(store: Store, keys: Sequence[str]) -> Iterator[JobRecord | Unread]:
    for key in keys:
        stored = store.read(key)
        if stored is not None:
            yield from read_output(stored.body, source=key)


def _names(candidates: Sequence[Candidate]) -> dict[str, str]:
    """Each candidate by what the output may call its model.

    The foundation model's name too, as in the user guide's example, where no other candidate is on that model.
    """
    names = {name: each.name for each in candidates if each.answers_of is None for name in _identifiers(each)}
    bases = [base_id(each.model_id) for each in candidates if each.answers_of is None]
    for each in candidates:
        if each.answers_of is not None:
            names[each.answers_of] = each.name
        elif bases.count(base_id(each.model_id)) == 1:
            names.setdefault(base_id(each.model_id), each.name)
    return names


def _identifiers(candidate: Candidate) -> tuple[str, ...]:
    return (candidate.invoke_id, candidate.invoke_id.rpartition("/")[2], candidate.model_id)


def _write(services: JobServices, layout: RunLayout, found: Collected, job: Job) -> Sequence[PartWriter]:
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
    return tuple(writers.values())
