"""Other Regions and partitions: no template has what CloudFormation lacks there, and no ARN is of another place."""

import json
from functools import cache

import pytest
from cfnlint import lint  # type: ignore[import-untyped]
from cfnlint.config import ManualArgs  # type: ignore[import-untyped]
from cfnlint.helpers import REGIONS  # type: ignore[import-untyped]
from cfnlint.schema import ResourceNotFoundError  # type: ignore[import-untyped]
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER  # type: ignore[import-untyped]

from configuration.schema.resource_types import ABSENT, APPLICATION_PROFILE, BUDGET
from tests.infrastructure.test_cfn_lint import IGNORED
from tests.support.synthesis.templates import MADE, Deployed, environment, synthesize

MODELS = {
    "eu-central-1": ["eu.anthropic.claude-haiku-5-5", "amazon.nova-lite-v1:0"],
    "eu-north-1": ["eu.anthropic.claude-haiku-5-5", "eu.amazon.nova-lite-v1:0"],
    "ap-southeast-2": ["au.anthropic.claude-haiku-5-5", "apac.amazon.nova-lite-v1:0"],
    "us-gov-west-1": ["us-gov.anthropic.claude-sonnet-4-5-20250929-v1:0"],
}


@cache
def made(region: str) -> Deployed:
    """Everything that an environment can have there."""
    models = {f"m{number}": {"id": model_id} for number, model_id in enumerate(MODELS[region])}
    asked = {"dataset": "questions", "candidates": ["m0"]}
    return synthesize(
        environment(
            region=region,
            models=models,
            evaluations={
                "ours": {**asked, "metrics": ["relevance_score"], "schedule": {"expression": "rate(7 days)"}},
                "theirs": {
                    **asked,
                    "kind": "automatic",
                    "task": "QuestionAndAnswer",
                    "metrics": ["Builtin.Accuracy"],
                },
            },
            invocation_logging={"mode": "own", "metrics": True},
            budget={"monthly_usd": 100} if region not in ABSENT[BUDGET] else None,
        )
    )


def lacks(kind: str, region: str) -> bool:
    try:
        PROVIDER_SCHEMA_MANAGER.get_resource_schema(region, kind)
    except ResourceNotFoundError:
        return True
    return False


@pytest.mark.parametrize("kind", ABSENT)
def test_the_table_says_what_the_schemas_of_cloudformation_say(kind: str) -> None:
    assert {region for region in REGIONS if lacks(kind, region)} == ABSENT[kind]


def test_every_other_type_of_a_template_exists_in_every_region() -> None:
    kinds = {
        found["Type"]
        for name in MADE
        for template in MADE[name]()
        for found in template.raw().values()
        if found["Type"].startswith("AWS::")
    }
    assert len(kinds) > 20
    assert {kind for kind in kinds for region in REGIONS if lacks(kind, region)} <= set(ABSENT)


@pytest.mark.parametrize("region", MODELS)
def test_templates_are_clean_there(region: str) -> None:
    for template in made(region):
        matches = lint(json.dumps(template.content), config=ManualArgs(regions=[region], ignore_checks=IGNORED))
        assert not matches, template.room


@pytest.mark.parametrize("region", MODELS)
def test_evaluations_have_profiles_of_their_own_where_there_are_any(region: str) -> None:
    profiles = made(region).resources(APPLICATION_PROFILE)
    assert bool(profiles) == (region not in ABSENT[APPLICATION_PROFILE])
    body = str(made(region)["monitoring"].content)
    assert ("include evaluation traffic" in body) == (not profiles)


@pytest.mark.parametrize("region", MODELS)
def test_no_arn_is_of_another_partition(region: str) -> None:
    for template in made(region):
        text = json.dumps(template.content)
        assert "arn:aws:" not in text
        assert "console.aws.amazon.com" not in text or not region.startswith("us-gov-")
