"""The CreateEvaluationJob request of one job. Source: API reference of Amazon Bedrock, CreateEvaluationJob."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bedrock_eval.jobs.definition import Criterion, JobCandidate, JobDefinition, JobKind, Rating

MOST_JOB_NAME = 63


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
    mark = hashlib.sha256(whole.encode()).hexdigest()[:10]
    parts = (definition.environment, definition.evaluation, candidate or "all", run_id.lower())
    readable = "-".join(parts)[: MOST_JOB_NAME - 11].strip("-")
    return f"{readable}-{mark}"


def build_request(
    definition: JobDefinition, *, run_id: str, candidates: tuple[JobCandidate, ...], place: JobPlace
) -> dict[str, Any]:
    """The request of one of `definition.groups`. Name and token come from the run id: asking again starts nothing new.

    Raises:
        ValueError: the evaluation asks for what Bedrock would refuse (see rules.problems).
    """
    name = job_name(
        definition, run_id=run_id, candidate=candidates[0].name if definition.kind is not JobKind.HUMAN else None
    )
    request: dict[str, Any] = {
        "jobName": name,
        "jobDescription": f"{definition.evaluation} of {definition.application} {definition.environment}, run {run_id}"[
            :200
        ],
        "clientRequestToken": name,
        "roleArn": place.role_arn,
        "applicationType": "ModelEvaluation",
        "evaluationConfig": _evaluation(definition),
        "inferenceConfig": {"models": [_model(candidate) for candidate in candidates]},
        "outputDataConfig": {"s3Uri": place.output},
        "jobTags": [{"key": key, "value": value} for key, value in sorted(definition.tags.items())],
    }
    if place.key_arn is not None:
        request["customerEncryptionKeyId"] = place.key_arn
    return request


def inference_parameters(candidate: JobCandidate) -> str | None:
    """`inferenceParams`: JSON text in Converse's shape, None when nothing is set: the model's defaults stand."""
    value: dict[str, Any] = {}
    config = candidate.parameters.converse()
    if config:
        value["inferenceConfig"] = config
    if candidate.additional_fields:
        value["additionalModelRequestFields"] = dict(candidate.additional_fields)
    return json.dumps(value, separators=(",", ":"), sort_keys=True) if value else None


def _model(candidate: JobCandidate) -> dict[str, Any]:
    if candidate.answers_of is not None:
        return {"precomputedInferenceSource": {"inferenceSourceIdentifier": candidate.answers_of}}
    model: dict[str, Any] = {"modelIdentifier": candidate.identifier}
    parameters = inference_parameters(candidate)
    if parameters is not None:
        model["inferenceParams"] = parameters
    return {"bedrockModel": model}


def _evaluation(definition: JobDefinition) -> dict[str, Any]:
    return {"human": _human(definition)} if definition.kind is JobKind.HUMAN else {"automated": _automated(definition)}


def _dataset_metrics(definition: JobDefinition) -> list[dict[str, Any]]:
    dataset: dict[str, Any] = {"name": definition.dataset.name}
    if definition.dataset.uri is not None:
        dataset["datasetLocation"] = {"s3Uri": definition.dataset.uri}
    return [{"taskType": definition.task.value, "dataset": dataset, "metricNames": list(definition.metric_names)}]


def _automated(definition: JobDefinition) -> dict[str, Any]:
    config: dict[str, Any] = {"datasetMetricConfigs": _dataset_metrics(definition)}
    if definition.judge is None:
        return config
    judge = {"bedrockEvaluatorModels": [{"modelIdentifier": definition.judge}]}
    config["evaluatorModelConfig"] = judge
    if definition.criteria:
        # A second place for the same judge: the API keeps built-in metrics and those of one's own apart.
        config["customMetricConfig"] = {
            "customMetrics": [{"customMetricDefinition": _criterion(each)} for each in definition.criteria],
            "evaluatorModelConfig": judge,
        }
    return config


def _criterion(criterion: Criterion) -> dict[str, Any]:
    value: dict[str, Any] = {"name": criterion.name, "instructions": criterion.instructions}
    if criterion.scale:
        value["ratingScale"] = [
            {
                "definition": step.definition,
                "value": {"stringValue": step.value}
                if isinstance(step.value, str)
                else {"floatValue": float(step.value)},
            }
            for step in criterion.scale
        ]
    return value


def _human(definition: JobDefinition) -> dict[str, Any]:
    if definition.flow_definition_arn is None:
        raise ValueError(f"evaluation {definition.evaluation}: flow_definition_arn is missing; people work through one")
    workflow: dict[str, Any] = {"flowDefinitionArn": definition.flow_definition_arn}
    if definition.instructions is not None:
        workflow["instructions"] = definition.instructions
    return {
        "humanWorkflowConfig": workflow,
        "customMetrics": [_rating(rating) for rating in definition.ratings],
        "datasetMetricConfigs": _dataset_metrics(definition),
    }


def _rating(rating: Rating) -> Mapping[str, str]:
    value = {"name": rating.name, "ratingMethod": rating.method.value}
    return value if rating.description is None else {**value, "description": rating.description}
