"""People: their flow definitions, the role that SageMaker works with, and what the evaluation role may do for them."""

from functools import cache
from tempfile import mkdtemp
from typing import Any

from aws_cdk import App, Duration, RemovalPolicy, Stack, Validations
from aws_cdk import aws_s3 as s3
from cdk_nag import AwsSolutionsChecks

from bedrock_eval.evaluation.definition import Dataset
from bedrock_eval.models import Model
from bedrock_eval.names import PhysicalNames
from bedrock_eval_cdk.core.context import EnvironmentContext, Identity
from bedrock_eval_cdk.evaluation.called_models import CalledModels
from bedrock_eval_cdk.evaluation.human_review import HumanReview, HumanReviews
from bedrock_eval_cdk.evaluation.job_role import EvaluationJobRole
from bedrock_eval_cdk.storage.encryption import EnvironmentKey, KeyUse
from bedrock_eval_cdk.storage.evaluation_buckets import EvaluationData
from tests.support.synthesis.templates import CONTEXT, Resource, Template, listed

HERE = "<AWS::Region>:<AWS::AccountId>"
FLOWS = f"arn:<AWS::Partition>:sagemaker:{HERE}:flow-definition/shop-dev-*"
TEAM = "arn:aws:sagemaker:eu-central-1:111122223333:workteam/private-crowd/support"


def review(**changes: Any) -> HumanReview:
    plain = {
        "work_team": TEAM,
        "dataset": Dataset("questions", "datasets-bucket", "datasets/questions.jsonl"),
        "title": "Rate answers",
        "description": "Evaluation tone: rate by tone",
        "workers": 2,
        "task_lifetime": Duration.days(5),
    }
    return HumanReview(**{**plain, **changes})


@cache
def made() -> Template:
    """Two human evaluations with teams and datasets of their own, cdk-nag included."""
    app = App(context=dict(CONTEXT), outdir=mkdtemp())
    stack = Stack(app, "people")
    names = PhysicalNames("shop-dev")
    key = EnvironmentKey(
        stack,
        "Key",
        identity=Identity(application="shop", environment="dev", names=names),
        use=KeyUse(scheduler_roles=["x"]),
        removal_policy=RemovalPolicy.RETAIN,
    )
    context = EnvironmentContext(application="shop", environment="dev", names=names, key=key)
    results = s3.Bucket.from_bucket_name(stack, "Results", "results-bucket")
    datasets = s3.Bucket.from_bucket_name(stack, "Datasets", "datasets-bucket")
    foreign = Dataset("foreign", "other-team", "cases/shop.jsonl")
    data = EvaluationData(datasets, results)
    HumanReviews(
        stack,
        "HumanReviews",
        context=context,
        data=data,
        reviews={"tone": review(), "side": review(work_team=f"{TEAM}-2", dataset=foreign, workers=1)},
    )
    role = EvaluationJobRole(
        stack,
        "JobRole",
        context=context,
        data=data,
        called=CalledModels([Model("amazon.nova-lite-v1:0", region="eu-central-1")]),
    )
    role.allow_human_loops(names)
    Validations.of(app).add_plugins(AwsSolutionsChecks())
    content = app.synth().get_stack_by_name("people").template
    return Template("dev", "people", "people", content, (), termination_protection=False, dependencies=frozenset())


def flow(evaluation: str) -> Resource:
    return made().named("Custom::FlowDefinition", "Name", f"shop-dev-{evaluation}")


def sagemaker_role() -> str:
    (found,) = [each for each in made().raw("AWS::IAM::Role") if each.startswith("HumanReviewsRole")]
    return found


def key_arn() -> str:
    (found,) = made().raw("AWS::KMS::Key")
    return f"<{found}.Arn>"


def allowed(role: str, action: str) -> list[Resource]:
    return [each for each in made().statements(role) if action in listed(each["Action"])]


def resources(role: str, action: str) -> set[str]:
    return {str(resource) for each in allowed(role, action) for resource in listed(each["Resource"])}


class TestFlowDefinitions:
    def test_one_for_each_evaluation_on_the_page_that_aws_owns(self) -> None:
        assert len(made().resources("Custom::FlowDefinition")) == 2
        for name in ("tone", "side"):
            found = flow(name)
            page = "arn:<AWS::Partition>:sagemaker:<AWS::Region>:394669845002:human-task-ui/Evaluation"
            assert found["HumanTaskUiArn"] == page
            assert found["S3OutputPath"] == f"s3://results-bucket/jobs/{name}/human-loops"
            assert found["KmsKeyId"] == key_arn()

    def test_each_has_its_people_and_terms(self) -> None:
        assert (flow("tone")["WorkteamArn"], flow("side")["WorkteamArn"]) == (TEAM, f"{TEAM}-2")
        assert (flow("tone")["TaskCount"], flow("side")["TaskCount"]) == (2, 1)
        found = flow("tone")
        assert (found["TaskTitle"], found["TaskDescription"]) == ("Rate answers", "Evaluation tone: rate by tone")
        assert (found["TaskAvailabilityLifetimeInSeconds"], found["TaskTimeLimitInSeconds"]) == (432_000, 3_600)

    def test_they_come_after_the_policy_of_their_role_and_go_before_it(self) -> None:
        role = sagemaker_role()
        policies = [
            logical_id
            for logical_id, policy in made().resources("AWS::IAM::Policy").items()
            if f"<{role}>" in policy["Roles"]
        ]
        for resource in made().raw("Custom::FlowDefinition").values():
            assert {role, *policies} <= set(resource["DependsOn"])


class TestFunction:
    def test_makes_flow_definitions_of_this_environment_for_the_declared_teams_alone(self) -> None:
        (statement,) = allowed("HumanReviewsFunction", "sagemaker:CreateFlowDefinition")
        assert statement["Resource"] == FLOWS
        assert statement["Condition"] == {"ArnEquals": {"sagemaker:WorkteamArn": [TEAM, f"{TEAM}-2"]}}

    def test_looks_at_and_deletes_no_others(self) -> None:
        for action in ("sagemaker:DescribeFlowDefinition", "sagemaker:DeleteFlowDefinition"):
            assert resources("HumanReviewsFunction", action) == {FLOWS}

    def test_passes_one_role_to_one_service(self) -> None:
        (statement,) = allowed("HumanReviewsFunction", "iam:PassRole")
        assert statement["Resource"] == f"<{sagemaker_role()}.Arn>"
        assert statement["Condition"] == {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}

    def test_names_that_it_makes_are_those_that_it_may_make(self) -> None:
        start = FLOWS.rpartition("/")[2].removesuffix("*")
        assert all(each["Name"].startswith(start) for each in made().resources("Custom::FlowDefinition").values())


class TestRoleOfSageMaker:
    def test_sagemaker_may_assume_it_for_this_account_and_region_alone(self) -> None:
        role = made().resources("AWS::IAM::Role")[sagemaker_role()]
        (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
        assert statement["Principal"] == {"Service": "sagemaker.amazonaws.com"}
        # No page of AWS has conditions of this trust.
        assert statement["Condition"] == {
            "StringEqualsIfExists": {"aws:SourceAccount": "<AWS::AccountId>"},
            "ArnLikeIfExists": {"aws:SourceArn": f"arn:<AWS::Partition>:sagemaker:{HERE}:*"},
        }

    def test_it_reads_the_prompts_of_these_evaluations_and_writes_their_output(self) -> None:
        output = {f"arn:<AWS::Partition>:s3:::results-bucket/jobs/{name}/*" for name in ("tone", "side")}
        prompts = {
            "arn:<AWS::Partition>:s3:::datasets-bucket/datasets/questions.jsonl",
            "arn:<AWS::Partition>:s3:::other-team/cases/shop.jsonl",
        }
        assert resources("HumanReviewsRole", "s3:GetObject") == output | prompts
        assert resources("HumanReviewsRole", "s3:PutObject") == output
        buckets = {f"arn:<AWS::Partition>:s3:::{name}" for name in ("results-bucket", "datasets-bucket", "other-team")}
        assert resources("HumanReviewsRole", "s3:ListBucket") == buckets

    def test_it_uses_the_key_as_documented(self) -> None:
        """Source: SageMaker developer guide, a2i-permissions-security, its wildcards written out."""
        for action in ("Encrypt", "Decrypt", "ReEncryptFrom", "ReEncryptTo", "GenerateDataKey", "DescribeKey"):
            assert key_arn() in resources("HumanReviewsRole", f"kms:{action}")

    def test_it_uses_other_keys_for_a_foreign_dataset_alone(self) -> None:
        """Only through S3, whose word for what it decrypts is the object, or with a bucket key the bucket."""
        assert resources("HumanReviewsRole", "kms:Encrypt") == {key_arn()}
        (foreign,) = [each for each in allowed("HumanReviewsRole", "kms:Decrypt") if "Condition" in each]
        assert foreign["Action"] == "kms:Decrypt"
        bucket = "arn:<AWS::Partition>:s3:::other-team"
        assert foreign["Condition"] == {
            "StringEquals": {
                "kms:ViaService": "s3.<AWS::Region>.<AWS::URLSuffix>",
                "kms:EncryptionContext:aws:s3:arn": [f"{bucket}/cases/shop.jsonl", bucket],
            }
        }


class TestEvaluationRole:
    def test_gives_prompts_to_people_by_flow_definitions_of_this_environment(self) -> None:
        loops = f"arn:<AWS::Partition>:sagemaker:{HERE}:human-loop/*"
        for action in ("StartHumanLoop", "DescribeFlowDefinition", "DescribeHumanLoop", "StopHumanLoop"):
            assert resources("JobRole", f"sagemaker:{action}") == {FLOWS, loops}

    def test_reaches_the_output_of_the_flow_definitions(self) -> None:
        (reachable,) = resources("JobRole", "s3:PutObject")
        for found in made().resources("Custom::FlowDefinition").values():
            path = found["S3OutputPath"].replace("s3://", "arn:<AWS::Partition>:s3:::")
            assert f"{path}/x".startswith(reachable.removesuffix("*"))
