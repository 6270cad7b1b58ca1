"""cdk-nag: what is acknowledged is counted, reasoned and still true; what is not acknowledged fails the synth."""

import re

import pytest
from aws_cdk import App, Stack, Validations
from aws_cdk import aws_s3 as s3
from cdk_nag import AwsSolutionsChecks

from bedrock_eval_cdk.core.nag import flat_resource
from tests.support.synthesis.templates import CONTEXT, Deployed, Template, frozen, listed, retained

# Of an environment that is destroyed with its data, which has the emptier more, and that runs evaluations by jobs.
# A new one is a decision that shows here.
DECIDED = {"storage": 10, "logging": 3, "evaluation": 33, "monitoring": 18}


def wildcards(template: Template) -> set[str]:
    """The resources with a wildcard, as cdk-nag spells them."""
    return {
        str(resource)
        for statement in template.statements()
        for resource in listed(statement["Resource"])
        if "*" in str(resource)
    }


def acknowledged_wildcards(template: Template) -> set[str]:
    pattern = re.compile(r"AwsSolutions::AwsSolutions-IAM5\[Resource::(.+)\]")
    return {match[1] for each in template.acknowledged if (match := pattern.fullmatch(each.rule))}


def test_there_are_as_many_as_we_decided() -> None:
    assert {template.room: len(template.acknowledged) for template in frozen()["dev"]} == DECIDED


def test_each_says_why_in_a_sentence(deployed: Deployed) -> None:
    for template in deployed:
        for each in template.acknowledged:
            assert len(each.reason) > 40, each
            assert each.reason.endswith("."), each


def test_each_wildcard_is_acknowledged_and_nothing_that_is_not_there(deployed: Deployed) -> None:
    for template in deployed:
        assert acknowledged_wildcards(template) == wildcards(template)


def test_only_these_rules_are_acknowledged(deployed: Deployed) -> None:
    rules = {re.sub(r"\[.*", "", each.rule) for template in deployed for each in template.acknowledged}
    assert {rule.rpartition("-")[2] for rule in rules} <= {"IAM5", "L1", "SF1", "SQS3"}


def test_an_id_is_made_of_what_the_resource_resolves_to() -> None:
    app = App()
    here, there = Stack(app, "here"), Stack(app, "there")
    own, foreign = s3.Bucket(here, "Own"), s3.Bucket(there, "Foreign")
    assert flat_resource(here, "*") == "*"
    assert re.fullmatch(r"<Own\w+\.Arn>/a/\*", flat_resource(here, own.arn_for_objects("a/*")))
    spelled = flat_resource(here, foreign.arn_for_objects("b/*"))
    assert re.fullmatch(r"there:ExportsOutputFnGetAttForeign\w+/b/\*", spelled)


def test_an_open_finding_fails_the_synth() -> None:
    app = App(context=dict(CONTEXT))
    s3.Bucket(Stack(app, "stack"), "Bucket")
    Validations.of(app).add_plugins(AwsSolutionsChecks())
    with pytest.raises(RuntimeError, match="ValidationFailed"):
        app.synth()


def test_nag_has_seen_something() -> None:
    """An empty tree passes every rule."""
    assert sum(len(template.raw()) for template in retained()) > 60
