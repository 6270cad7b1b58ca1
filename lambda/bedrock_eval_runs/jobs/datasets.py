"""What jobs are given: the evaluation's dataset, checked, or one of stored answers for each candidate."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from bedrock_eval.evaluation.cases import Case
from bedrock_eval.evaluation.definition import CustomDefinition, Dataset, Definition, JobDefinition, judged_run
from bedrock_eval.jobs.answers import StoredAnswers, judging
from bedrock_eval.jobs.rules import answers_problems, dataset_problems
from bedrock_eval.layout import RunLayout, evaluation_prefix
from bedrock_eval.runs.state import RunFailureReason
from bedrock_eval.wording import count
from bedrock_eval_runs.datasets import dataset_cases, dataset_version
from bedrock_eval_runs.definitions import begun_definition
from bedrock_eval_runs.errors import RunFailed
from bedrock_eval_runs.jobs.services import JobServices
from bedrock_eval_runs.parts import read_outcomes
from bedrock_eval_runs.store import JSON_LINES, Store


def with_answers_run(store: Store) -> Callable[[Definition], Definition]:
    """Settles which run's answers are judged: the newest published one when a run begins."""

    def settle(definition: Definition) -> Definition:
        if isinstance(definition, CustomDefinition) or definition.job.answers_from is None:
            return definition
        return judging(definition, run_id=_newest_published(store, definition.job.answers_from))

    return settle


def _newest_published(store: Store, evaluation: str) -> str:
    for run in sorted(store.folders(evaluation_prefix(evaluation)), reverse=True):
        if store.exists(RunLayout(evaluation, run).published):
            return run
    raise RunFailed(
        RunFailureReason.ANSWERS_MISSING, f"no run of {evaluation} is published; needed: one, whose answers are judged"
    )


def prepare_datasets(services: JobServices, layout: RunLayout, definition: JobDefinition) -> None:
    """Refuse what Bedrock would refuse, and write the stored answers that are not written yet.

    Raises:
        RunFailed: the dataset cannot be read or breaks a rule, or stored answers do not fit it.
    """
    if definition.dataset.built_in:
        return
    cases = own_cases(services, definition)
    for problem in dataset_problems(cases, definition=definition):
        raise RunFailed(RunFailureReason.DATASET_INVALID, f"{definition.dataset.uri}: {problem.message}")
    source = judged_run(definition)
    if source is not None:
        _write_answers(services.runs.store, layout, definition, source=source, cases=cases)


def own_cases(services: JobServices, definition: JobDefinition) -> list[Case]:
    """The cases of a dataset of one's own.

    Raises:
        RunFailed: it cannot be read.
    """
    s3 = services.runs.s3
    return list(dataset_cases(s3, definition.dataset, dataset_version(s3, definition.dataset, expected_etag=None)))


def _write_answers(
    store: Store, layout: RunLayout, definition: JobDefinition, *, source: RunLayout, cases: Sequence[Case]
) -> None:
    """All are checked before the first is written; what is written stays, so that every look finds the same."""
    missing = [each.name for each in definition.candidates if not store.exists(layout.answers(each.name))]
    if not missing:
        return
    _refuse_misfit(store, definition, source)
    made = {name: stored_answers(store, source, name) for name in missing}
    for answers in made.values():
        changed = answers.differences(cases)
        if changed:
            raise RunFailed(
                RunFailureReason.DATASET_CHANGED,
                f"{definition.dataset.uri}: {source} asked {count(len(changed), 'case')} otherwise, first "
                f"{changed[0]}; needed: a run of {source.evaluation} on the dataset as it is now",
            )
    for name, answers in made.items():
        store.create(layout.answers(name), answers.dataset(), content_type=JSON_LINES)


def _refuse_misfit(store: Store, definition: JobDefinition, source: RunLayout) -> None:
    begun = begun_definition(store, source)
    if begun is None:
        raise RunFailed(RunFailureReason.ANSWERS_MISSING, f"{source} has expired")
    for problem in answers_problems(definition, begun):
        sentence = f"{source} does not fit: {problem.key}: {problem.message}"
        raise RunFailed(RunFailureReason.ANSWERS_MISSING, sentence)


def stored_answers(store: Store, source: RunLayout, candidate: str) -> StoredAnswers:
    """What a candidate has answered in the run whose answers are judged.

    Raises:
        RunFailed: nothing, or its results have expired.
    """
    found = StoredAnswers(source, candidate, list(read_outcomes(store, source, [candidate])))
    if not found.asked:
        why = "every case failed" if found.outcomes else "it has no results of it, or they have expired"
        raise RunFailed(RunFailureReason.ANSWERS_MISSING, f"{source} has no answer of {candidate}: {why}")
    return found


def given(store: Store, layout: RunLayout, definition: JobDefinition, *, candidate: str) -> JobDefinition:
    """The definition with the dataset that the job of a candidate is given."""
    if judged_run(definition) is None:
        return definition
    return replace(definition, dataset=Dataset(definition.dataset.name, store.bucket, layout.answers(candidate)))
