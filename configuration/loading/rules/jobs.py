"""What must hold of an evaluation by jobs of Bedrock: the rules of jobs, told by the file's own keys."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta

from bedrock_eval.evaluation.definition import Definition, JobDefinition, job_definition
from bedrock_eval.evaluation.schedules import shortest_gap
from bedrock_eval.jobs.rules import MOST_JOBS_OF_ACCOUNT, QUOTAS, Problem, answers_problems, dataset_problems, problems
from bedrock_eval.wording import suggestion
from configuration.document.reading import Mistake
from configuration.loading.rules.dataset_reader import DatasetReader
from configuration.loading.rules.parts import Parts
from configuration.resolve.definitions import Places, definition
from configuration.schema.datasets import DatasetConfig
from configuration.schema.environment import Environment
from configuration.schema.evaluations.kinds import (
    CustomEvaluationConfig,
    HumanComparisonConfig,
    HumanEvaluationConfig,
    JobEvaluationConfig,
)
from configuration.schema.evaluations.scoring import JudgeScoring
from configuration.schema.models import ModelConfig

# What a message about a key needs besides that key: while one of these is broken, nobody can say whether it holds.
_NEEDS: Mapping[str, tuple[str, ...]] = {
    "dataset": ("task", "metrics", "criteria", "candidates", "answers_from"),
    "metrics": ("criteria",),
    "gates": ("criteria",),
    "ratings": ("candidates",),
    "candidates": ("answers_from",),
    "schedule": ("deadline_hours",),
    "task_hours": ("deadline_hours",),
}
# What stands for a part of the file that is broken or missing, and is told of elsewhere.
_MODEL = ModelConfig(id="amazon.unknown-v1:0")
_DATASET = DatasetConfig(source="unknown.jsonl")
_PLACES = Places(profiles={}, datasets_bucket="datasets", account="000000000000", partition="aws")
_PROFILE = "arn:aws:bedrock:us-east-1:000000000000:application-inference-profile/"


def mistakes(parts: Parts, datasets: DatasetReader) -> Iterator[Mistake]:
    """Every rule of jobs that evaluations break, none for one that is custom or too broken to tell."""
    yield from _kept_jobs(parts)
    for name, evaluation in parts.evaluations.items():
        if evaluation.jobs is not None:
            for mistake in _mistakes(name, evaluation.jobs, parts, datasets):
                key = str(mistake.path[0])
                if evaluation.broken.isdisjoint((key, *_NEEDS.get(key, ()))):
                    yield Mistake(("evaluations", name, *mistake.path), mistake.message)


def _mistakes(name: str, config: JobEvaluationConfig, parts: Parts, datasets: DatasetReader) -> Iterator[Mistake]:
    found = job_definition(_definition(name, config, parts))
    for problem in (*problems(found), *_of_dataset(config, found, parts, datasets), *_of_answers(config, found, parts)):
        if not _is_environments_tag(problem, config):
            yield Mistake(problem.path, f"{problem.message} ({problem.source})")
    yield from (*_judge(config, parts), *_times(config), *_people(config, parts), *_texts(config))


def _kept_jobs(parts: Parts) -> Iterator[Mistake]:
    """Bedrock keeps so many jobs of an account and Region, and refuses to start another."""
    kept = 0
    for name, evaluation in parts.evaluations.items():
        own = 0 if evaluation.jobs is None else evaluation.jobs.keep_jobs
        kept += own if own < MOST_JOBS_OF_ACCOUNT else 0
        if kept > MOST_JOBS_OF_ACCOUNT:
            allowed = f"{MOST_JOBS_OF_ACCOUNT:,} in an account and Region ({QUOTAS})"
            yield Mistake(
                ("evaluations", name, "keep_jobs"), f"{kept:,} jobs are kept up to this evaluation; allowed: {allowed}"
            )
            return


def notes(parts: Parts) -> Iterator[Mistake]:
    """What may be meant: the same answers rated again and again."""
    for name, evaluation in parts.evaluations.items():
        if evaluation.jobs is not None and not evaluation.broken:
            for mistake in _same_answers(evaluation.jobs, parts):
                yield Mistake(("evaluations", name, *mistake.path), mistake.message)


def _same_answers(config: JobEvaluationConfig, parts: Parts) -> Iterator[Mistake]:
    """Every rating is paid for."""
    name = config.answers_from if isinstance(config, JudgeScoring) and config.schedule is not None else None
    source = parts.evaluations.get(name or "")
    if source is not None and source.config is not None and source.config.schedule is None:
        yield Mistake(
            ("answers_from",),
            f"{name} has no schedule and this evaluation has one; until somebody starts {name}, every run rates "
            "the same answers again",
        )


def _definition(name: str, config: CustomEvaluationConfig | JobEvaluationConfig, parts: Parts) -> Definition:
    environment = Environment.model_construct(
        name=parts.name,
        application=parts.top.get("application", "unknown"),
        region=parts.top.get("region", "us-east-1"),
        stand_in=parts.flag("stand_in"),
        own_profile=parts.top.get("own_profile") is not False,
        owner=parts.top.get("owner", "unknown"),
        tags=parts.top.get("tags", {}),
        models={key: _model(parts, key) for key in (*parts.models, *_named(config))},
        datasets={config.dataset: parts.datasets.get(config.dataset) or _DATASET},
        evaluations={name: config},
    )
    # Two keys on one model are called through two profiles, where they have profiles.
    own = environment.has_own_profiles
    profiles = {key: _PROFILE + key for key, model in environment.models.items() if own or model.profile}
    return definition(environment, name, places=replace(_PLACES, profiles=profiles))


def _named(config: CustomEvaluationConfig | JobEvaluationConfig) -> tuple[str, ...]:
    """Every key of `models` that it names, whether it is called or not."""
    judge = (config.judge,) if isinstance(config, JudgeScoring) else ()
    return (*(candidate.model for candidate in config.candidates), *judge)


def _model(parts: Parts, name: str) -> ModelConfig:
    model = parts.models.get(name)
    return _MODEL if model is None or parts.resolve(name) is None else model


def _is_environments_tag(problem: Problem, config: JobEvaluationConfig) -> bool:
    """Jobs carry the environment's tags too, which are held to the same rule where they stand."""
    return problem.path[0] == "tags" and len(problem.path) > 1 and problem.path[1] not in config.tags


def _of_dataset(
    config: JobEvaluationConfig, found: JobDefinition, parts: Parts, datasets: DatasetReader
) -> tuple[Problem, ...]:
    dataset = parts.datasets.get(config.dataset)
    if dataset is None or dataset.is_s3:
        return ()
    read = datasets.read(dataset)
    return () if read.mistakes else dataset_problems(read.cases, definition=found)


def _of_answers(config: JobEvaluationConfig, found: JobDefinition, parts: Parts) -> tuple[Problem, ...]:
    if not isinstance(config, JudgeScoring) or config.answers_from is None:
        return ()
    source = parts.evaluations.get(config.answers_from)
    if source is None:
        near = suggestion(config.answers_from, parts.evaluations)
        return tuple(replace(each, message=f"{each.message}{near}") for each in answers_problems(found, None))
    theirs = source.config or source.jobs
    return () if theirs is None else answers_problems(found, _definition(found.evaluation, theirs, parts))


def _judge(config: JobEvaluationConfig, parts: Parts) -> Iterator[Mistake]:
    if isinstance(config, JudgeScoring) and parts.models and config.judge not in parts.models:
        near = suggestion(config.judge, parts.models)
        yield Mistake(("judge",), f"{config.judge!r} is not a key of models{near}; allowed: {', '.join(parts.models)}")


def _times(config: JobEvaluationConfig) -> Iterator[Mistake]:
    if config.schedule is None:
        return
    gap = shortest_gap(config.schedule.expression)
    hours = None if gap is None else gap / timedelta(hours=1)
    if hours is not None and hours < config.deadline_hours:
        yield Mistake(
            ("schedule", "expression"),
            f"{config.schedule.expression!r} starts again after {hours:.3g} hours, and a run may take deadline_hours, "
            f"{config.deadline_hours:g}, so the next run would be skipped; allowed: deadline_hours up to {hours:.3g}, "
            "or runs further apart",
        )
    if config.grace_hours < config.longest_hours:
        yield Mistake(
            ("schedule", "grace_hours"),
            f"{config.grace_hours:g}; with deadline_hours {config.deadline_hours:g} a run may take "
            f"{config.longest_hours:g}; needed: at least that, or leave it out",
        )


def _people(config: JobEvaluationConfig, parts: Parts) -> Iterator[Mistake]:
    if not isinstance(config, HumanEvaluationConfig | HumanComparisonConfig):
        return
    if config.task_lifetime_hours > config.deadline_hours:
        wrong = f"{config.task_lifetime_hours:g}; the job would stop before its tasks end"
        yield Mistake(("task_hours",), f"{wrong}; allowed: up to deadline_hours, {config.deadline_hours:g}")
    region, account = config.work_team.split(":")[3:5]
    wanted = parts.top.get("region") or region
    if wanted != region:
        yield Mistake(("work_team",), f"is in {region}; needed: a work team in {wanted}")
    owner = parts.top.get("account") or account
    if owner != account:
        yield Mistake(("work_team",), f"is of account {account}; needed: a work team of {owner}")


def _texts(config: JobEvaluationConfig) -> Iterator[Mistake]:
    if not isinstance(config, JudgeScoring):
        return
    named = {criterion.name for criterion in config.criteria if any(step.text is not None for step in criterion.scale)}
    for index, gate in enumerate(config.gates):
        if gate.metric in named:
            yield Mistake(
                ("gates", index, "metric"),
                f"{gate.metric!r} has a scale of texts, so it has no mean; needed: a scale of numbers",
            )
