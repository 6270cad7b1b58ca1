"""Every statement says something that AWS knows: its actions exist, know these resources and these condition keys.

The Service Authorization Reference comes with an npm package (package.json), so that nobody needs a network. A resource
of a type that an action does not know allows nothing, and so does a condition on a key that a request does not have.
"""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.support.synthesis.policy_texts import statements
from tests.support.synthesis.templates import Deployed, Resource

DATA = Path(__file__).resolve().parents[3] / "node_modules" / "@cloud-copilot" / "iam-data" / "data"
# Documented on other pages than the reference: where it is said, by action and type.
ALSO_KNOWN: Mapping[str, frozenset[str]] = {
    # Bedrock user guide, batch-inference-permissions: a batch that goes through a profile needs it on the profile too.
    "bedrock:CreateModelInvocationJob": frozenset({"inference-profile", "application-inference-profile"}),
}
# Known with a type, and asked of all.
ON_EVERYTHING = {
    # AWS's documents do not agree on its resources.
    "bedrock:CreateEvaluationJob",
    # Of composite alarms it tells only who may ask about all.
    "cloudwatch:DescribeAlarmHistory",
    "cloudwatch:DescribeAlarms",
    # Metrics of namespaces, as ours, lie in no dataset.
    *("cloudwatch:GetMetricData", "cloudwatch:ListMetrics", "cloudwatch:PutMetricData"),
}
_OF_TAGS = ("aws:RequestTag/", "aws:ResourceTag/", "aws:TagKeys")


@cache
def data(kind: str, service: str) -> Mapping[str, Any]:
    found = json.loads((DATA / kind / f"{service}.json").read_text())
    assert isinstance(found, dict)
    return found


def known(action: str) -> Mapping[str, Any] | None:
    service, _, name = action.partition(":")
    if not (DATA / "actions" / f"{service}.json").is_file():
        return None
    found = data("actions", service).get(name.lower())
    return found if found and found["name"] == name else None


def types(action: str) -> dict[str, Mapping[str, Any]]:
    """The types of resources that an action knows, by their names."""
    of_service = data("resourceTypes", action.partition(":")[0])
    named = {each["name"].lower() for each in (known(action) or {"resourceTypes": []})["resourceTypes"]}
    return {name: of_service[name] for name in named | ALSO_KNOWN.get(action, frozenset())}


def fits(resource: str, kind: Mapping[str, Any]) -> bool:
    """Whether a resource of a statement, with or without wildcards, can be one of a type."""
    in_bucket = resource.partition(":::")[2]
    if kind["key"] == "bucket" and "/" in in_bucket:
        return False
    return overlap(resource, re.sub(r"\$\{\w+\}", "*", kind["arn"]))


@cache
def overlap(first: str, second: str) -> bool:
    """Whether a text is there that both patterns match."""
    reachable = {(0, 0)}
    waiting = [(0, 0)]
    while waiting:
        one, two = waiting.pop()
        steps = set()
        if one < len(first) and first[one] == "*":
            steps |= {(one + 1, two), (one, two + 1)}
        if two < len(second) and second[two] == "*":
            steps |= {(one, two + 1), (one + 1, two)}
        if one < len(first) and two < len(second) and first[one] == second[two]:
            steps.add((one + 1, two + 1))
        new = {(a, b) for a, b in steps if a <= len(first) and b <= len(second)} - reachable
        reachable |= new
        waiting += new
    return (len(first), len(second)) in reachable


def keys(statement: Resource) -> Iterator[str]:
    for tests in statement.get("Condition", {}).values():
        yield from tests


def takes(action: str, key: str, resources: list[str]) -> bool:
    """Whether a request for an action on such a resource can carry a condition key."""
    if key.startswith("aws:") and not key.startswith(_OF_TAGS):
        return True
    found = [*(known(action) or {"conditionKeys": []})["conditionKeys"]]
    for kind in types(action).values():
        if any(each == "*" or fits(each, kind) for each in resources):
            found += kind.get("conditionKeys") or []
    patterns = (re.sub(r"\\\$\\\{\w+\\\}", ".+", re.escape(each)) for each in found)
    return any(re.fullmatch(pattern, key, re.IGNORECASE) for pattern in patterns)


def test_every_action_exists(deployed: Deployed) -> None:
    found = {action for _, statement in statements(deployed) for action in statement["Action"]}
    assert len(found) > 20
    assert {action for action in found if known(action) is None} == set()


def test_every_action_knows_every_resource_that_it_stands_with(deployed: Deployed) -> None:
    strays = {
        (role, action, resource)
        for role, statement in statements(deployed)
        for action in statement["Action"]
        for resource in statement["Resource"]
        if resource != "*" and not any(fits(resource, kind) for kind in types(action).values())
    }
    assert strays == set()


def test_everything_is_asked_for_only_where_an_action_knows_no_resource(deployed: Deployed) -> None:
    wide = {
        action
        for _, statement in statements(deployed)
        if "*" in statement["Resource"]
        for action in statement["Action"]
    }
    assert wide
    assert {action for action in wide if types(action)} <= ON_EVERYTHING


def test_every_condition_is_on_a_key_that_its_actions_have(deployed: Deployed) -> None:
    strays = {
        (role, action, key)
        for role, statement in statements(deployed)
        for key in keys(statement)
        for action in statement["Action"]
        if not takes(action, key, statement["Resource"])
    }
    assert strays == set()


@pytest.mark.parametrize(
    ("action", "resource", "wanted"),
    [
        ("bedrock:StopModelInvocationJob", "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0", False),
        ("bedrock:StopModelInvocationJob", "arn:aws:bedrock:us-east-1:111122223333:model-invocation-job/*", True),
        ("s3:ListBucket", "arn:aws:s3:::bucket/key", False),
        ("s3:GetObject", "arn:aws:s3:::bucket/runs/*", True),
        ("logs:PutLogEvents", "arn:aws:logs:us-east-1:111122223333:log-group:/aws/lambda/f:*", True),
    ],
)
def test_the_reference_tells_types_apart(action: str, resource: str, *, wanted: bool) -> None:
    assert any(fits(resource, kind) for kind in types(action).values()) == wanted


def test_the_reference_knows_what_each_key_belongs_to() -> None:
    job = ["arn:aws:bedrock:us-east-1:111122223333:evaluation-job/*"]
    assert takes("bedrock:StopEvaluationJob", "aws:ResourceTag/application", job)
    assert not takes("bedrock:ListEvaluationJobs", "aws:ResourceTag/application", ["*"])
    assert takes("cloudwatch:PutMetricData", "cloudwatch:namespace", ["*"])
    assert not takes("cloudwatch:GetMetricData", "kms:ViaService", ["*"])
