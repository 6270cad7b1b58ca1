"""One evaluation as the custom evaluator would run it, and as jobs would."""

from dataclasses import fields
from typing import Any

from bedrock_eval.evaluation.definition import CustomDefinition, Definition, EvaluationDefinition, JobDefinition
from bedrock_eval.evaluation.job_settings import JobSettings


def _shared(definition: Definition) -> dict[str, Any]:
    return {each.name: getattr(definition, each.name) for each in fields(EvaluationDefinition)}


def by_jobs(definition: Definition, *, job: JobSettings, **changes: Any) -> JobDefinition:
    return JobDefinition(**{**_shared(definition), "job": job, **changes})


def as_custom(definition: Definition, **changes: Any) -> CustomDefinition:
    return CustomDefinition(**{**_shared(definition), **changes})
