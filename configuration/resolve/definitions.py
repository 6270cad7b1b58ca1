"""Builds the definition of an evaluation, with every reference of the environment file resolved."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from bedrock_eval.evaluation.definition import (
    Candidate,
    CustomDefinition,
    Dataset,
    Definition,
    Gate,
    InferenceParameters,
    JobDefinition,
    Schedule,
)
from bedrock_eval.evaluation.job_settings import JobSettings
from bedrock_eval.evaluation.quotas import quota_sentence
from bedrock_eval.layout import dataset_key
from bedrock_eval.scores.job_measures import BUILT_IN, Task
from configuration.schema.environment import Environment
from configuration.schema.evaluations.candidates import AnyCandidateConfig, JobCandidateConfig
from configuration.schema.evaluations.kinds import CustomEvaluationConfig, EvaluationConfig, JobEvaluationConfig
from configuration.schema.evaluations.scoring import HumanScoring, JudgeScoring
from configuration.schema.evaluations.settings import JobPerCandidateSettings


@dataclass(frozen=True)
class Places:
    """The names of the account that a definition is deployed to; CDK tokens are allowed.

    Attributes:
        profiles: ARNs of the inference profiles that are called instead of the declared ids, by key of `models`.
        datasets_bucket: where the files of the repository are copied to.
        flow_definitions: ARNs, by evaluation by people.
    """

    profiles: Mapping[str, str]
    datasets_bucket: str
    account: str
    partition: str
    flow_definitions: Mapping[str, str] = field(default_factory=dict)


def definition(environment: Environment, name: str, *, places: Places) -> Definition:
    """The definition of an evaluation.

    Raises:
        KeyError: the environment has no evaluation, model or dataset of a name.
    """
    config = environment.evaluations[name]
    if isinstance(config, CustomEvaluationConfig):
        return _custom(name, config, environment, places)
    return _by_jobs(name, config, environment, places)


def _gates(config: EvaluationConfig) -> tuple[Gate, ...]:
    return tuple(Gate(**gate.model_dump()) for gate in config.gates)


def _custom(name: str, config: CustomEvaluationConfig, environment: Environment, places: Places) -> CustomDefinition:
    parameters = {metric.name: metric.parameters for metric in config.metrics if metric.parameters}
    return CustomDefinition(
        application=environment.application,
        environment=environment.name,
        evaluation=name,
        candidates=tuple(
            _with_longest_answer(
                replace(_candidate(environment, each, places), system=each.system, template=each.template)
            )
            for each in config.candidates
        ),
        dataset=dataset(environment, config.dataset, places),
        metrics=config.metric_names,
        gates=_gates(config),
        baseline=config.baseline,
        schedule=Schedule(**config.schedule.model_dump()) if config.schedule else None,
        headline=config.headline,
        confidence=config.confidence,
        min_coverage=config.min_coverage,
        metric_parameters={name: json.dumps(value, sort_keys=True) for name, value in parameters.items()},
        concurrency=config.concurrency,
        read_timeout_seconds=config.read_timeout_seconds,
        max_attempts=config.max_attempts,
        patience_minutes=config.patience_minutes,
        failed_case_rounds=config.failed_case_rounds,
        score_thoughts=config.score_thoughts,
        max_cost=config.max_cost,
        allow_unpriced=config.allow_unpriced,
    )


def _with_longest_answer(candidate: Candidate) -> Candidate:
    """Every request has it, so the definition has it too."""
    return replace(candidate, parameters=replace(candidate.parameters, max_tokens=candidate.max_tokens))


def _by_jobs(name: str, config: JobEvaluationConfig, environment: Environment, places: Places) -> JobDefinition:
    schedule = config.schedule
    return JobDefinition(
        application=environment.application,
        environment=environment.name,
        evaluation=name,
        candidates=tuple(_job_candidate(environment, each, places) for each in config.candidates),
        dataset=dataset(environment, config.dataset, places),
        metrics=config.metric_names,
        gates=_gates(config),
        baseline=config.baseline,
        schedule=Schedule(schedule.expression, schedule.timezone, config.grace_hours) if schedule else None,
        headline=config.headline,
        confidence=config.confidence,
        min_coverage=config.min_coverage,
        job=_settings(name, config, environment, places),
    )


def _settings(evaluation: str, config: JobEvaluationConfig, environment: Environment, places: Places) -> JobSettings:
    shared = JobSettings(
        kind=config.job_kind,
        task=Task.GENERAL,
        tags={**environment.resource_tags, **config.tags},
        deadline_hours=config.deadline_hours,
        parallel=config.parallel if isinstance(config, JobPerCandidateSettings) else 1,
        keep_jobs=config.keep_jobs,
    )
    if isinstance(config, JudgeScoring):
        return replace(
            shared,
            # Of profiles the pattern takes those of the system alone.
            judge=_named(environment, config.judge, places),
            criteria=tuple(criterion.resolved for criterion in config.criteria),
            answers_from=config.answers_from,
        )
    if isinstance(config, HumanScoring):
        return replace(
            shared,
            task=Task(config.task),
            ratings=tuple(rating.resolved for rating in config.ratings),
            flow_definition_arn=places.flow_definitions.get(evaluation),
            instructions=config.instructions,
        )
    return replace(shared, task=Task(config.task))


def _candidate(environment: Environment, config: AnyCandidateConfig, places: Places) -> Candidate:
    model_id, quota = environment.models[config.model].id, environment.models[config.model].quota
    fields = config.additional_fields
    return Candidate(
        name=config.name,
        model_id=model_id,
        invoke_id=places.profiles.get(config.model, model_id),
        parameters=InferenceParameters(**config.parameters.model_dump()),
        rates=environment.rates(config.model),
        additional_fields=json.dumps(fields, sort_keys=True) if fields else None,
        tokens_per_minute=None if quota is None else quota.tokens_per_minute,
    )


def _job_candidate(environment: Environment, config: JobCandidateConfig, places: Places) -> Candidate:
    return replace(
        _candidate(environment, config, places),
        invoke_id=_job_model(environment, config.model, places),
        answers_of=config.answers_of,
    )


def _job_model(environment: Environment, name: str, places: Places) -> str:
    """The name by which a job calls a model: its application inference profile, where there is one."""
    return places.profiles.get(name) or _named(environment, name, places)


def _named(environment: Environment, name: str, places: Places) -> str:
    """Ids of some profiles (global., us-gov.) do not match the API's pattern, ARNs do."""
    model = environment.model(name)
    return model.profile_arn(partition=places.partition, account=places.account) or model.model_id


def quota_sentences(environment: Environment, name: str) -> tuple[str, ...]:
    """The calls per minute that the declared quotas allow to each candidate; none for jobs of Bedrock."""
    config = environment.evaluations[name]
    if not isinstance(config, CustomEvaluationConfig):
        return ()
    nowhere = Places(profiles={}, datasets_bucket="", account="", partition="")
    sentences = (quota_sentence(candidate) for candidate in definition(environment, name, places=nowhere).candidates)
    return tuple(f"{environment.name}: {name}: {sentence}" for sentence in sentences if sentence is not None)


def dataset(environment: Environment, name: str, places: Places) -> Dataset:
    """The location of a dataset, by its name in the environment or that of a built-in dataset.

    Raises:
        KeyError: the environment has no dataset of the name.
    """
    if name.startswith(BUILT_IN):
        return Dataset(name)
    config = environment.datasets[name]
    if not config.is_s3:
        return Dataset(name=name, bucket=places.datasets_bucket, key=dataset_key(name))
    bucket, key = config.s3_object
    return Dataset(name=name, bucket=bucket, key=key)
