"""The role that Bedrock evaluation jobs assume."""

from collections.abc import Sequence

from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3

from bedrock_eval.layout import JOBS
from bedrock_eval.names import PhysicalNames
from bedrock_eval_cdk.core.context import EnvironmentContext
from bedrock_eval_cdk.core.permissions import allow, allow_foreign_objects, bucket_arn, from_this_account, regional_arn
from bedrock_eval_cdk.core.roles import ServiceRole
from bedrock_eval_cdk.evaluation.called_models import CalledModels
from bedrock_eval_cdk.storage.evaluation_buckets import EvaluationData
from constructs import Construct


class EvaluationJobRole(ServiceRole):
    """Trusted by Bedrock for evaluation jobs of this account; reads datasets, writes `jobs/`, calls `models` only.

    Source: Bedrock user guide, automatic-service-roles and judge-service-roles; their object actions lack the `/*` that
    S3 asks for. Provisioned and imported models, prompt routers and endpoints of theirs are no models of ours.

    Args:
        called: the models that jobs may ask, and be judged by.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        context: EnvironmentContext,
        data: EvaluationData,
        called: CalledModels,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            role_name=context.name(lambda names: names.evaluation_role),
            description=f"Bedrock evaluation jobs of {context.label}",
            assumed_by=iam.ServicePrincipal(
                "bedrock.amazonaws.com", conditions=from_this_account(regional_arn("bedrock", "evaluation-job/*"))
            ),
        )
        self._allow_buckets(data.datasets, data.results)
        self._allow_models(called)
        allow(self, actions=["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"], resources=[context.key.key_arn])

    def _allow_buckets(self, datasets: s3.IBucket, results: s3.IBucket) -> None:
        allow(self, actions=["s3:ListBucket"], resources=[datasets.bucket_arn])
        allow(
            self,
            actions=["s3:GetObject"],
            resources=[datasets.arn_for_objects("*")],
            wildcard="A job may be given any dataset of this environment, and the bucket holds nothing else.",
        )
        allow(
            self,
            actions=["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"],
            resources=[results.bucket_arn],
        )
        allow(
            self,
            actions=["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"],
            resources=[results.arn_for_objects(f"{JOBS}*")],
            wildcard="Bedrock chooses the names of a job's output files; all lie below this prefix.",
        )

    def allow_human_loops(self, names: PhysicalNames) -> None:
        """Let Bedrock give each prompt of a human evaluation to people, as a human loop of a flow definition.

        The guide (model-eval-service-roles) has `*`, for Bedrock makes the loops. These are the two types of resource
        that the actions know (Service Authorization Reference; for StartHumanLoop the SageMaker guide names the other).
        """
        allow(
            self,
            actions=[
                "sagemaker:StartHumanLoop",
                "sagemaker:DescribeFlowDefinition",
                "sagemaker:DescribeHumanLoop",
                "sagemaker:StopHumanLoop",
                "sagemaker:DeleteHumanLoop",
            ],
            resources=[
                regional_arn("sagemaker", f"flow-definition/{names.flow_definition('*')}"),
                regional_arn("sagemaker", "human-loop/*"),
            ],
            wildcard="Names end in a hash, and Bedrock chooses those of the loops; nobody but its jobs has this role.",
        )

    def allow_datasets(self, objects: Sequence[tuple[str, str]]) -> None:
        """Let jobs read exactly these objects, each a bucket's name and a key, of buckets that are not ours."""
        allow(self, actions=["s3:ListBucket"], resources=[bucket_arn(bucket) for bucket, _ in objects])
        allow_foreign_objects(self, objects)

    def _allow_models(self, called: CalledModels) -> None:
        # Batch inference too is allowed on profiles: the guide's policies (batch-inference-permissions) have them,
        # beside the models and the job that the Service Authorization Reference names.
        allow(
            self,
            actions=[
                "bedrock:InvokeModel",
                "bedrock:InvokeModelWithResponseStream",
                "bedrock:CreateModelInvocationJob",
            ],
            resources=[*called.profiles, *called.foundation_models],
        )
        allow(
            self,
            actions=["bedrock:CreateModelInvocationJob", "bedrock:StopModelInvocationJob"],
            resources=[regional_arn("bedrock", "model-invocation-job/*")],
            wildcard="Bedrock chooses the ids of its batches; nobody but its jobs has this role.",
        )
        allow(self, actions=["bedrock:GetInferenceProfile"], resources=called.profiles)
        allow(
            self,
            actions=["bedrock:ListInferenceProfiles"],
            resources=["*"],
            wildcard="ListInferenceProfiles knows no resource; it names profiles, and nothing that is asked of them.",
        )
