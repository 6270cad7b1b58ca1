"""The CreateEvaluationJob request of one job. Source: API reference of Amazon Bedrock, CreateEvaluationJob."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bedrock_eval.evaluation.definition import Candidate, JobDefinition
from bedrock_eval.evaluation.job_settings import Criterion, JobKind, JobSettings, Rating, ScaleStep

MOST_JOB_NAME = 63
MOST_DESCRIPTION = 200


@dataclass(frozen=True)
class JobPlace:
    """Where and as whom a job works.

    Attributes:
        output: `s3://bucket/prefix/` below which Bedrock writes; the job's name and an id of Bedrock's follow.
        key_arn: of the customer managed key, None for Bedrock's own.
    """

    role_arn: str
    output: str
    key_arn: str | None = None


def job_name(definition: JobDefinition, *, run_id: str, candidate: str | None) -> str:
    """The one name of this job in the account: the same run asks under the same name, so that it starts once.

    At most 63 of a-z, 0-9 and hyphens, ending in a hash over everything that tells one job from another.
    """
    whole = "/".join((definition.application, definition.environment, definition.evaluation, run_id, candidate or ""))
    end = f"{evaluation_mark(definition)}-{_hash(whole)}"
    parts = (definition.environment, definition.evaluation, candidate or "all", run_id.lower())
    readable = "-".join(parts)[: MOST_JOB_NAME - len(end) - 1].strip("-")
    return f"{readable}-{end}"


def evaluation_mark(definition: JobDefinition) -> str:
    """What the names of all jobs of an evaluation hold, and of no other's."""
    return _hash("/".join((definition.application, definition.environment, definition.evaluation)))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def groups(definition: JobDefinition) -> tuple[tuple[Candidate, ...], ...]:
    """The candidates of each job: an automated job takes one model, a human one up to two."""
    if definition.job.kind is JobKind.HUMAN:
        return (definition.candidates,)
    return tuple((candidate,) for candidate in definition.candidates)


def build_request(
    definition: JobDefinition, *, run_id: str, candidates: tuple[Candidate, ...], place: JobPlace
) -> dict[str, Any]:
    """The request of one of the `groups`. Name and token come from the run id: asking again starts nothing new.

    Raises:
        ValueError: not an evaluation by jobs, or one by people without a flow definition.
    """
    job = definition.job
    name = job_name(definition, run_id=run_id, candidate=None if job.kind is JobKind.HUMAN else candidates[0].name)
    description = f"{definition.evaluation} of {definition.application} {definition.environment}, run {run_id}"
    request: dict[str, Any] = {
        "jobName": name,
        "jobDescription": description[:MOST_DESCRIPTION],
        "clientRequestToken": name,
        "roleArn": place.role_arn,
        "applicationType": "ModelEvaluation",
        "evaluationConfig": {
            **({"human": _human(definition, job)} if job.kind is JobKind.HUMAN else {}),
            **({"automated": _automated(definition, job)} if job.kind is not JobKind.HUMAN else {}),
        },
        "inferenceConfig": {"models": [_model(candidate) for candidate in candidates]},
        "outputDataConfig": {"s3Uri": place.output},
        "jobTags": [
            {"key": key, "value": value} for key, value in sorted({**job.tags, **own_tags(definition)}.items())
        ],
    }
    if place.key_arn is not None:
        request["customerEncryptionKeyId"] = place.key_arn
    return request


def own_tags(definition: JobDefinition) -> dict[str, str]:
    """What every job is tagged with: by these the function's role tells its jobs from those of others."""
    return {
        "application": definition.application,
        "environment": definition.environment,
        "evaluation": definition.evaluation,
    }


def inference_parameters(candidate: Candidate) -> str | None:
    """`inferenceParams`: JSON text in Converse's shape, None when nothing is set: the model's defaults stand."""
    value: dict[str, Any] = {}
    config = candidate.parameters.converse()
    if config:
        value["inferenceConfig"] = config
    if candidate.additional_fields is not None:
        value["additionalModelRequestFields"] = json.loads(candidate.additional_fields)
    return json.dumps(value, separators=(",", ":"), sort_keys=True) if value else None


def _model(candidate: Candidate) -> dict[str, Any]:
    if candidate.answers_of is not None:
        return {"precomputedInferenceSource": {"inferenceSourceIdentifier": candidate.answers_of}}
    model: dict[str, Any] = {"modelIdentifier": candidate.invoke_id}
    parameters = inference_parameters(candidate)
    if parameters is not None:
        model["inferenceParams"] = parameters
    return {"bedrockModel": model}


def _dataset_metrics(definition: JobDefinition, job: JobSettings) -> list[dict[str, Any]]:
    dataset: dict[str, Any] = {"name": definition.dataset.name}
    if not definition.dataset.built_in:
        dataset["datasetLocation"] = {"s3Uri": definition.dataset.uri}
    return [{"taskType": job.task.value, "dataset": dataset, "metricNames": list(definition.metrics)}]


def _automated(definition: JobDefinition, job: JobSettings) -> dict[str, Any]:
    config: dict[str, Any] = {"datasetMetricConfigs": _dataset_metrics(definition, job)}
    if job.judge is None:
        return config
    judge = {"bedrockEvaluatorModels": [{"modelIdentifier": job.judge}]}
    config["evaluatorModelConfig"] = judge
    if job.criteria:
        # A second place for the same judge: the API keeps built-in metrics and those of one's own apart.
        config["customMetricConfig"] = {
            "customMetrics": [{"customMetricDefinition": _criterion(each)} for each in job.criteria],
            "evaluatorModelConfig": judge,
        }
    return config


def _criterion(criterion: Criterion) -> dict[str, Any]:
    value: dict[str, Any] = {"name": criterion.name, "instructions": criterion.instructions}
    if criterion.scale:
        value["ratingScale"] = [{"definition": step.definition, "value": _step(step)} for step in criterion.scale]
    return value


def _step(step: ScaleStep) -> dict[str, Any]:
    return {"floatValue": float(step.value)} if step.value is not None else {"stringValue": step.text}


def _human(definition: JobDefinition, job: JobSettings) -> dict[str, Any]:
    if job.flow_definition_arn is None:
        raise ValueError(f"evaluation {definition.evaluation}: flow_definition_arn is missing; people work through one")
    workflow: dict[str, Any] = {"flowDefinitionArn": job.flow_definition_arn}
    if job.instructions is not None:
        workflow["instructions"] = job.instructions
    return {
        "humanWorkflowConfig": workflow,
        "customMetrics": [_rating(rating) for rating in job.ratings],
        "datasetMetricConfigs": _dataset_metrics(definition, job),
    }


def _rating(rating: Rating) -> Mapping[str, str]:
    value = {"name": rating.name, "ratingMethod": rating.method.value}
    return value if rating.description is None else {**value, "description": rating.description}
