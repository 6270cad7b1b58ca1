"""Policies are as long as IAM takes them, whatever an environment declares; only AWS would say otherwise.

Source: IAM user guide, reference_iam-quotas.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from tempfile import mkdtemp
from typing import Any

import pytest
from aws_cdk import App, Aws, Stack, cx_api
from aws_cdk import aws_iam as iam

from bedrock_eval.models import Model
from bedrock_eval_cdk.core.errors import DeclarationError
from bedrock_eval_cdk.core.permissions import allow, allow_foreign_objects
from bedrock_eval_cdk.core.roles import ServiceRole
from bedrock_eval_cdk.evaluation.called_models import foundation_model_arns, profile_arns
from tests.support.frozen import SOURCE
from tests.support.synthesis.policy_texts import characters, documents
from tests.support.synthesis.templates import CONTEXT, Deployed, Template, environment, synthesize

MANAGED, INLINE, MOST_MANAGED = 6_144, 10_240, 10
# Of real lengths: the longest ids that there are have so many characters.
IDS = [f"anthropic.claude-sonnet-4-{number:02}-20250929-v1:0" for number in range(30)]
CALLED_FROM = {
    "": "eu-central-1",
    "us.": "us-east-1",
    "eu.": "eu-central-1",
    "apac.": "ap-southeast-2",
    "jp.": "ap-northeast-1",
    "au.": "ap-southeast-2",
    "us-gov.": "us-gov-west-1",
    "global.": "eu-central-1",
}


def within_limits(deployed: Deployed) -> Counter[str]:
    """Managed policies by role, once all are known to fit."""
    inline, managed = Counter[str](), Counter[str]()
    for role, kind, document in documents(deployed):
        size = characters(document)
        if kind == "AWS::IAM::ManagedPolicy":
            assert size <= MANAGED, role
            managed[role] += 1
        else:
            inline[role] += size
    assert all(size <= INLINE for size in inline.values()), inline.most_common(3)
    assert all(count <= MOST_MANAGED for count in managed.values()), managed
    return managed


def test_policies_of_every_environment_fit(deployed: Deployed) -> None:
    within_limits(deployed)


def one_stack(roles: Mapping[str, Sequence[Model]]) -> Deployed:
    """A role for each list of models that may do what the evaluator may: call them, by profiles of ours too."""
    app = App(context=dict(CONTEXT), outdir=mkdtemp())
    stack = Stack(app, "stack")
    for name, models in roles.items():
        role = ServiceRole(stack, name, assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        own = [
            f"arn:{Aws.PARTITION}:bedrock:{Aws.REGION}:{Aws.ACCOUNT_ID}:application-inference-profile/{number:012}"
            for number, _ in enumerate(models)
        ]
        resources = [*own, *profile_arns(models), *foundation_model_arns(models)]
        allow(role, actions=["logs:CreateLogStream", "logs:PutLogEvents"], resources=["arn:aws:logs:x"])
        actions = ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream", "bedrock:CreateModelInvocationJob"]
        allow(role, actions=actions, resources=resources)
    return read(app)


def read(app: App) -> Deployed:
    assembly: cx_api.CloudAssembly = app.synth()
    (stack,) = assembly.stacks
    template = Template("test", "stack", "stack", stack.template, (), False, frozenset())
    return Deployed("test", {"stack": template})


def model(prefix: str, number: int) -> Model:
    return Model(f"{prefix}{IDS[number]}", region=CALLED_FROM[prefix])


@pytest.mark.parametrize("prefix", CALLED_FROM)
def test_one_to_thirty_models_of_every_profile_fit(prefix: str) -> None:
    counts = range(1, 31)
    deployed = one_stack({f"R{count}": [model(prefix, number) for number in range(count)] for count in counts})
    within_limits(deployed)
    for count in counts:
        allowed = _allowed(deployed, f"R{count}")
        wanted = {arn for number in range(count) for arn in model(prefix, number).foundation_model_arns(partition="p")}
        assert len({each for each in allowed if "foundation-model/" in each}) == len(wanted)


def _allowed(deployed: Deployed, role: str) -> set[str]:
    logical_ids = {key for key in deployed["stack"].raw("AWS::IAM::Role") if key[:-8] == role}
    return {
        resource
        for where, _, document in documents(deployed)
        if where.partition(" ")[2] in logical_ids
        for statement in document["Statement"]
        for resource in ([statement["Resource"]] if isinstance(statement["Resource"], str) else statement["Resource"])
    }


def whole(prefix: str, count: int) -> Deployed:
    """An environment with as many models, all evaluated by us, some by jobs, and datasets elsewhere."""
    models = {f"m{number:02}": {"id": f"{prefix}{IDS[number]}"} for number in range(count)}
    names = list(models)
    evaluations: dict[str, Any] = {}
    for start in range(0, count, 10):
        asked = {"dataset": "questions", "candidates": names[start : start + 10]}
        evaluations[f"ours-{start}"] = {**asked, "metrics": ["relevance_score"]}
        automatic = {"kind": "automatic", "task": "QuestionAndAnswer", "metrics": ["Builtin.Accuracy"]}
        evaluations[f"jobs-{start}"] = {**asked, **automatic, "candidates": names[start : start + 1]}
    region = CALLED_FROM[prefix]
    foreign = {f"f{number}": {"source": f"s3://other-team/{'k' * 900}{number}.jsonl"} for number in range(6)}
    datasets = {"questions": {"source": SOURCE}, **foreign}
    for number, name in enumerate(foreign):
        evaluations[f"foreign-{number}"] = {"dataset": name, "candidates": names[:1], "metrics": ["exact_match"]}
    return synthesize(environment(region=region, models=models, datasets=datasets, evaluations=evaluations))


def test_a_large_environment_fits_as_a_whole() -> None:
    made = whole("apac.", 16)
    managed = within_limits(made)
    assert any("JobRole" in role for role in managed)
    # A function is not called before all of them are attached.
    evaluation = made["evaluation"]
    (function,) = [
        found
        for key, found in evaluation.raw("AWS::Lambda::Function").items()
        if key.startswith("RunnerEvaluatorFunction")
    ]
    policies = {key for key in evaluation.raw("AWS::IAM::ManagedPolicy") if key.startswith("RunnerEvaluator")}
    assert policies
    assert policies <= set(function["DependsOn"])


def role() -> ServiceRole:
    stack = Stack(App(outdir=mkdtemp()), "stack")
    return ServiceRole(stack, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))


def test_what_fits_in_ten_policies_no_more_is_refused() -> None:
    resources = [f"arn:aws:s3:::bucket-{number:04}/{'x' * 60}" for number in range(900)]
    with pytest.raises(DeclarationError, match=r"more than 10 policies of 6,144 characters, .* elsewhere"):
        role().allow(actions=["s3:GetObject"], resources=resources)


def test_a_statement_that_no_policy_has_room_for_is_refused() -> None:
    conditions = {"StringEquals": {"aws:PrincipalTag/x": [f"{number:0100}" for number in range(100)]}}
    with pytest.raises(DeclarationError, match=r"s3:GetObject on arn:aws:s3:::bucket/key .* allowed: 6,144"):
        role().allow(actions=["s3:GetObject"], resources=["arn:aws:s3:::bucket/key"], conditions=conditions)


def test_foreign_datasets_with_the_longest_keys_fit() -> None:
    app = App(context=dict(CONTEXT), outdir=mkdtemp())
    made = ServiceRole(Stack(app, "stack"), "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    allow_foreign_objects(made, [("b" * 63, f"{number:02}{'k' * 1022}") for number in range(12)])
    assert within_limits(read(app))
