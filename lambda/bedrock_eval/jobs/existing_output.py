"""The output of a job that nobody here started: what it was asked is read off what came back."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from bedrock_eval.direction import Better
from bedrock_eval.evaluation.definition import Candidate, Dataset, JobDefinition
from bedrock_eval.evaluation.job_settings import Criterion, JobKind, JobSettings, Rating
from bedrock_eval.jobs.answers import source_candidate
from bedrock_eval.jobs.collection import Collected, collect
from bedrock_eval.jobs.records import JobRecord, Unread
from bedrock_eval.models import ModelError, candidate_name, plain_name
from bedrock_eval.results.summary import Summary
from bedrock_eval.scores.job_measures import BUILT_INS, RatingMethod, Task

_LONE = "answers"


@dataclass(frozen=True)
class ForeignJobs:
    """What was found: the definition that it amounts to, and the outcomes."""

    definition: JobDefinition
    collected: Collected


def read_foreign(
    records: Iterable[JobRecord | Unread], *, source: str, confidence: float = 0.95, strays: Sequence[str] = ()
) -> ForeignJobs:
    """Read the output of one or several jobs, those of a comparison together.

    How many prompts were asked is not in the output, so coverage is unknown (`without_coverage`). The direction of a
    criterion of the author's own is not in it either: it is compared with nothing.

    Raises:
        ValueError: there is no score in it.
    """
    found = list(records)
    read = [record for record in found if isinstance(record, JobRecord)]
    names = _names(read)
    ratings, criteria, built_in = _metrics(read)
    metrics = (*built_in, *(each.name for each in criteria), *(each.name for each in ratings))
    if not metrics:
        unread = next((f"; {each.where}: {each.reason}" for each in found if isinstance(each, Unread)), "")
        raise ValueError(f"{source}: holds no score of an evaluation job{unread}")
    models: dict[str, str] = {}
    for model, name in names.items():
        models.setdefault(name, model)
    definition = JobDefinition(
        application="unknown",
        environment="unknown",
        evaluation="collected",
        candidates=tuple(Candidate(name, model, model) for name, model in models.items()),
        dataset=Dataset(source),
        metrics=metrics,
        confidence=confidence,
        job=JobSettings(_kind(read), Task.GENERAL, criteria=criteria, ratings=ratings),
    )
    return ForeignJobs(definition, collect(found, candidates=names, metrics=metrics, asked=None, strays=strays))


def without_coverage(summary: Summary) -> Summary:
    """The summary of such jobs: what Bedrock could not answer is missing, so what came back is not all of it."""
    return replace(summary, candidates=tuple(replace(each, coverage=None) for each in summary.candidates))


def _names(records: Iterable[JobRecord]) -> Mapping[str, str]:
    """A candidate's name for each model that answered or was scored."""
    models = dict.fromkeys(
        model
        for record in records
        for model in (*(each.model for each in record.answers), *(each.model for each in record.scores))
        if model is not None
    )
    names: dict[str, str] = {}
    known: dict[str, str] = {}
    for model in models:
        # One record may name a model by its ARN here and by its identifier there.
        identifier = model.rpartition("/")[2]
        known.setdefault(identifier, _name(model, taken=tuple(known.values())))
        names[model] = known[identifier]
    return names or {_LONE: _LONE}


def _name(model: str, *, taken: Sequence[str]) -> str:
    own = source_candidate(model)
    if own is not None:
        return plain_name(own, taken=taken)
    identifier = model.rpartition("/")[2]
    try:
        return candidate_name(identifier, taken=taken)
    except ModelError:
        return plain_name(identifier, taken=taken)


def _metrics(records: Iterable[JobRecord]) -> tuple[tuple[Rating, ...], tuple[Criterion, ...], tuple[str, ...]]:
    """Ratings by people, criteria of the author's own, and built-in metrics, in the order in which they came."""
    methods: dict[str, RatingMethod | None] = {}
    for record in records:
        for score in record.scores:
            methods.setdefault(score.metric, score.method)
    ratings = tuple(Rating(name, method) for name, method in methods.items() if method is not None)
    own = [name for name, method in methods.items() if method is None and name not in BUILT_INS]
    criteria = tuple(Criterion(name, "", better=Better.NEUTRAL) for name in own)
    return ratings, criteria, tuple(name for name, method in methods.items() if method is None and name in BUILT_INS)


def _kind(records: Iterable[JobRecord]) -> JobKind:
    scores = [score for record in records for score in record.scores]
    if any(score.method is not None for score in scores):
        return JobKind.HUMAN
    return JobKind.JUDGE if any(score.explanation is not None for score in scores) else JobKind.AUTOMATIC
