"""People who rate answers: a flow definition for each human evaluation, and the role that SageMaker works with."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from aws_cdk import Aws, CustomResource, Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3

from bedrock_eval.evaluation.definition import Dataset
from bedrock_eval.layout import human_loops, job_outputs
from bedrock_eval_cdk.core.context import EnvironmentContext
from bedrock_eval_cdk.core.functions import CustomResourceFunction, FunctionSettings
from bedrock_eval_cdk.core.permissions import (
    allow,
    allow_foreign_objects,
    bucket_arn,
    from_this_account_if_told,
    regional_arn,
)
from bedrock_eval_cdk.core.roles import ServiceRole
from bedrock_eval_cdk.storage.evaluation_buckets import EvaluationData
from constructs import Construct

_SERVICE = "sagemaker.amazonaws.com"
_AWS_TASK_PAGES = "394669845002"
"""The account of AWS that owns the page on which people work; the same in every Region."""
_TASK_TIME = Duration.hours(1)
"""How long a worker may have one task open: SageMaker's default, written out since it cannot be changed later."""


@dataclass(frozen=True)
class HumanReview:
    """What people are asked in one evaluation, and on what terms.

    Attributes:
        work_team: ARN of the team, which is made outside of this app.
        dataset: the prompts.
        title: what workers see in their list of tasks; at most 128 characters.
        description: the line below it; at most 255.
        workers: how many rate each prompt, 1 to 3.
        task_lifetime: how long a task waits for workers.
    """

    work_team: str
    dataset: Dataset
    title: str
    description: str
    workers: int
    task_lifetime: Duration


class HumanReviews(Construct):
    """The flow definitions of `reviews`, by evaluation; SageMaker's role reads and writes what is theirs alone.

    Source: Bedrock user guide, model-eval-service-roles and model-evaluation-jobs-management-create-human; SageMaker
    developer guide, a2i-permissions-security and security-confused-deputy-prevention.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        context: EnvironmentContext,
        data: EvaluationData,
        reviews: Mapping[str, HumanReview],
    ) -> None:
        super().__init__(scope, construct_id)
        self._names = context.fixed_names
        self._results = data.results
        self._key = context.key
        self.role = self._make_role(reviews, data.datasets)
        self.function = CustomResourceFunction(
            self,
            "Function",
            context=context,
            settings=FunctionSettings(
                name=self._names.function("human-review"),
                description="Makes flow definitions of human evaluations, replaces them on a change and deletes them.",
                package="custom_resources",
                handler="bedrock_eval_functions.custom_resources.flow_definition.handler",
                timeout=Duration.minutes(10),
            ),
        )
        self._allow(reviews)
        made = {evaluation: self._resource(evaluation, review) for evaluation, review in reviews.items()}
        self.flow_definitions: Mapping[str, str] = {
            evaluation: resource.get_att_string("Arn") for evaluation, resource in made.items()
        }

    def _make_role(self, reviews: Mapping[str, HumanReview], datasets: s3.IBucket) -> ServiceRole:
        # The guides have no conditions of this trust: it can be passed in its own account alone.
        role = ServiceRole(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal(
                _SERVICE, conditions=from_this_account_if_told(regional_arn("sagemaker", "*"))
            ),
            description=f"SageMaker gives answers of {self._names.prefix} to people and writes their ratings",
        )
        self._allow_prompts(role, [review.dataset for review in reviews.values()], datasets)
        allow(
            role,
            actions=["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"],
            resources=[self._results.bucket_arn],
        )
        allow(
            role,
            actions=["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"],
            resources=[self._results.arn_for_objects(f"{job_outputs(evaluation)}*") for evaluation in reviews],
            wildcard="The output of jobs of human evaluations: Bedrock and SageMaker choose the names below it.",
        )
        allow(
            role,
            actions=[
                "kms:Decrypt",
                "kms:DescribeKey",
                "kms:Encrypt",
                "kms:GenerateDataKey",
                "kms:GenerateDataKeyWithoutPlaintext",
                "kms:ReEncryptFrom",
                "kms:ReEncryptTo",
            ],
            resources=[self._key.key_arn],
        )
        return role

    @staticmethod
    def _allow_prompts(role: ServiceRole, prompts: Iterable[Dataset], datasets: s3.IBucket) -> None:
        """Bedrock's own datasets lie in no bucket."""
        objects = dict.fromkeys((each.bucket, each.key) for each in prompts if not each.built_in)
        for bucket in dict.fromkeys(bucket for bucket, _ in objects):
            allow(role, actions=["s3:ListBucket"], resources=[bucket_arn(bucket)])
        own = [key for bucket, key in objects if bucket == datasets.bucket_name]
        if own:
            allow(role, actions=["s3:GetObject"], resources=[datasets.arn_for_objects(key) for key in own])
        allow_foreign_objects(role, [each for each in objects if each[0] != datasets.bucket_name])

    def _allow(self, reviews: Mapping[str, HumanReview]) -> None:
        own = regional_arn("sagemaker", f"flow-definition/{self._names.flow_definition('*')}")
        wildcard = "The flow definitions of this environment: their names end in a hash of their content."
        self.function.allow(
            actions=["sagemaker:CreateFlowDefinition"],
            resources=[own],
            conditions={"ArnEquals": {"sagemaker:WorkteamArn": sorted({each.work_team for each in reviews.values()})}},
            wildcard=wildcard,
        )
        self.function.allow(
            actions=["sagemaker:DescribeFlowDefinition", "sagemaker:DeleteFlowDefinition"],
            resources=[own],
            wildcard=wildcard,
        )
        self.function.allow(
            actions=["iam:PassRole"],
            resources=[self.role.role_arn],
            conditions={"StringEquals": {"iam:PassedToService": _SERVICE}},
        )

    def _resource(self, evaluation: str, review: HumanReview) -> CustomResource:
        page = f"arn:{Aws.PARTITION}:sagemaker:{Aws.REGION}:{_AWS_TASK_PAGES}:human-task-ui/Evaluation"
        resource = self.function.resource(
            self,
            evaluation,
            kind="FlowDefinition",
            properties={
                "Name": self._names.flow_definition(evaluation),
                "WorkteamArn": review.work_team,
                "HumanTaskUiArn": page,
                "TaskTitle": review.title,
                "TaskDescription": review.description,
                "TaskCount": review.workers,
                "TaskAvailabilityLifetimeInSeconds": review.task_lifetime.to_seconds(),
                "TaskTimeLimitInSeconds": _TASK_TIME.to_seconds(),
                "S3OutputPath": f"s3://{self._results.bucket_name}/{human_loops(evaluation)}",
                "KmsKeyId": self._key.key_arn,
                "RoleArn": self.role.role_arn,
            },
        )
        # SageMaker looks at what the role may do, and goes on using it until the flow definition is gone.
        resource.node.add_dependency(self.role)
        return resource
