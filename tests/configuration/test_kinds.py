"""Evaluations of every kind in an environment file: what they become, and what is refused with line and key."""

import json
from dataclasses import replace

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from bedrock_eval.direction import Better
from bedrock_eval.evaluation.definition import CustomDefinition, Definition, Schedule, job_definition
from bedrock_eval.evaluation.job_settings import JobKind
from bedrock_eval.scores.job_measures import RatingMethod, Task
from configuration.resolve.definitions import Places, definition
from configuration.schema.json_schema import file_schema
from tests.support.environment_files import Load, Write

PLACES = Places(
    profiles={"own": "arn:aws:bedrock:us-east-1:111111111111:application-inference-profile/abc"},
    datasets_bucket="shop-dev-datasets",
    account="111111111111",
    partition="aws",
    flow_definitions={"rated": "arn:aws:sagemaker:us-east-1:111111111111:flow-definition/shop-dev-rated"},
)


@pytest.fixture
def definitions(write: Write, load: Load, every_kind: str) -> dict[str, Definition]:
    write("dev", text=every_kind)
    (environment,) = load().environments
    return {name: definition(environment, name, places=PLACES) for name in environment.evaluations}


def test_every_kind_loads_and_says_what_it_is(write: Write, load: Load, every_kind: str) -> None:
    write("dev", text=every_kind)
    evaluations = load().environments[0].evaluations
    assert {name: each.job_kind for name, each in evaluations.items()} == {
        "quality": None,
        "accuracy": JobKind.AUTOMATIC,
        "built-in": JobKind.AUTOMATIC,
        "judged": JobKind.JUDGE,
        "stored": JobKind.JUDGE,
        "rated": JobKind.HUMAN,
        "compared": JobKind.AUTOMATIC,
        "judged-both": JobKind.JUDGE,
        "preferred": JobKind.HUMAN,
    }
    assert evaluations["judged"].metric_names == ("Builtin.Correctness", "brand-tone")
    assert evaluations["accuracy"].measures["Builtin.Robustness"].better is Better.LOWER
    assert evaluations["judged"].models == ("own", "large")
    assert evaluations["stored"].models == ("large",)


def test_editors_take_every_kind(every_kind: str) -> None:
    data = YAML(typ="safe").load(every_kind)
    assert [error.message for error in Draft202012Validator(file_schema()).iter_errors(data)] == []


@pytest.mark.parametrize(
    ("evaluation", "key", "value"),
    [
        ("accuracy", "kind", "judges"),
        ("accuracy", "judge", "large"),
        ("accuracy", "candidates", ["small", "large"]),
        ("accuracy", "metrics", ["Builtin.Relevance"]),
        ("judged", "metrics", ["Builtin.Accuracy"]),
        ("judged", "task", "Summarization"),
        ("rated", "workers", 4),
        ("rated", "metrics", ["Builtin.Accuracy"]),
        ("compared", "by", "custom"),
        ("compared", "candidates", ["small"]),
        ("preferred", "parallel", 2),
        ("quality", "task", "Summarization"),
    ],
)
def test_editors_tell_of_what_is_wrong_in_the_kind_that_is_meant(
    evaluation: str, key: str, value: object, every_kind: str
) -> None:
    data = YAML(typ="safe").load(every_kind)
    data["evaluations"][evaluation][key] = value
    errors = list(Draft202012Validator(file_schema()).iter_errors(data))
    assert errors
    assert {tuple(error.absolute_path)[:2] for error in errors} == {("evaluations", evaluation)}
    assert not [error for error in errors if error.validator == "oneOf"]


def test_a_judge_is_named_by_a_profile_of_bedrock_which_alone_its_pattern_takes(
    write: Write, load: Load, every_kind: str
) -> None:
    write("dev", text=every_kind)
    (environment,) = load().environments
    places = replace(PLACES, profiles=dict.fromkeys(environment.models, "arn:own"))
    made = definition(environment, "judged", places=places)
    profile = "arn:aws:bedrock:us-east-1:111111111111:inference-profile/us.anthropic.claude-haiku-4-5-20251001-v1:0"
    assert job_definition(made).job.judge == profile
    assert made.candidates[0].invoke_id == "arn:own"


def test_a_job_candidate_keeps_its_parameters(definitions: dict[str, Definition]) -> None:
    (careful,) = definitions["accuracy"].candidates
    assert (careful.name, careful.model_id, careful.invoke_id) == ("careful", *["amazon.nova-lite-v1:0"] * 2)
    assert careful.parameters.converse() == {"maxTokens": 200, "temperature": 0}
    assert json.loads(careful.additional_fields or "") == {"top_k": 50}


def test_models_of_jobs_are_profiles_by_arn(definitions: dict[str, Definition]) -> None:
    profile = "arn:aws:bedrock:us-east-1:111111111111:inference-profile/us.anthropic.claude-haiku-4-5-20251001-v1:0"
    assert job_definition(definitions["judged"]).job.judge == profile
    assert definitions["judged"].candidates[0].invoke_id == PLACES.profiles["own"]
    assert definitions["judged"].candidates[0].model_id == "us.amazon.nova-pro-v1:0"
    assert [candidate.invoke_id for candidate in definitions["compared"].candidates] == [
        "amazon.nova-lite-v1:0",
        profile,
    ]


def test_jobs_carry_the_environments_tags_and_their_own(definitions: dict[str, Definition]) -> None:
    assert job_definition(definitions["accuracy"]).job.tags == {
        "application": "shop",
        "environment": "dev",
        "owner": "team",
        "team": "support",
    }


def test_a_run_may_take_its_deadline_before_the_watchdog_rings(definitions: dict[str, Definition]) -> None:
    assert definitions["accuracy"].schedule == Schedule("rate(7 days)", "UTC", 32)
    assert job_definition(definitions["accuracy"]).job.deadline_hours == 24
    assert job_definition(definitions["rated"]).job.deadline_hours == 168


def test_the_settings_of_each_kind(definitions: dict[str, Definition]) -> None:
    assert isinstance(definitions["quality"], CustomDefinition)
    assert definitions["built-in"].dataset.uri == "Builtin.BoolQ"
    assert definitions["accuracy"].dataset.key == "datasets/questions.jsonl"
    assert job_definition(definitions["compared"]).job.task is Task.SUMMARIZATION
    assert job_definition(definitions["compared"]).job.parallel == 1
    assert job_definition(definitions["judged"]).job.task is Task.GENERAL
    (tone,) = job_definition(definitions["judged"]).job.criteria
    assert [step.value for step in tone.scale] == [0, 1]
    assert job_definition(definitions["stored"]).job.answers_from == "quality"
    rated = job_definition(definitions["rated"]).job
    assert (rated.task, rated.flow_definition_arn) == (Task.CUSTOM, PLACES.flow_definitions["rated"])
    assert rated.instructions == "Thumbs up when the answer solves the question."
    preferred = job_definition(definitions["preferred"])
    assert [rating.method for rating in preferred.job.ratings] == [RatingMethod.COMPARISON_CHOICE]
