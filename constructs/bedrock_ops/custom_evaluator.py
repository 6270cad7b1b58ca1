"""The function that runs slices of custom evaluations, publishes finished runs and records failed ones."""

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3

from bedrock_eval.catalogue import CUSTOM
from bedrock_eval.layout import BASELINES, DEFINITIONS, RUNS
from bedrock_eval.models import Model
from bedrock_eval.names import PhysicalNames
from bedrock_ops.evaluation_role import foundation_model_arns, profile_arns
from bedrock_ops.functions import PythonFunction
from bedrock_ops.permissions import allow_key, allow_listing, bucket_arn
from constructs import Construct


class CustomEvaluator(PythonFunction):
    """Reads definitions and datasets, writes `runs/`, publishes to Custom/Bedrock; `allow_models` lets it call models.

    Args:
        application: the Application dimension of what it publishes.
    """

    def __init__(  # noqa: PLR0913 - all by keyword but the first two
        self,
        scope: Construct,
        construct_id: str,
        *,
        names: PhysicalNames,
        application: str,
        datasets: s3.IBucket,
        results: s3.IBucket,
        key: kms.IKey,
        code: lambda_.Code,
        log_retention_days: int,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            name=names.custom_evaluator,
            description="Runs slices of evaluations, publishes finished runs, records failed ones.",
            code=code,
            handler="custom_evaluator.handler.handler",
            timeout=Duration.minutes(15),
            memory_size=1024,
            key=key,
            log_retention_days=log_retention_days,
            environment={"APPLICATION": application, "RESULTS_BUCKET": results.bucket_name},
        )
        self._allow_buckets(datasets, results)
        allow_key(self.role, key)
        self.allow(
            actions=["cloudwatch:PutMetricData"],
            resources=["*"],
            conditions={"StringEquals": {"cloudwatch:namespace": CUSTOM}},
            wildcard="PutMetricData knows no resource; the condition limits it to the namespace Custom/Bedrock.",
        )

    def _allow_buckets(self, datasets: s3.IBucket, results: s3.IBucket) -> None:
        allow_listing(self.role, datasets)
        allow_listing(self.role, results)
        self.allow(
            actions=["s3:GetObject"],
            resources=[datasets.arn_for_objects("*"), results.arn_for_objects(f"{DEFINITIONS}*")],
            wildcard="Which dataset and definition a run reads is known when it starts; all are this environment's.",
        )
        self.allow(
            actions=["s3:GetObject"],
            resources=[results.arn_for_objects(f"{BASELINES}*")],
            wildcard="Which accepted run is the baseline changes by review, not by deploying a permission.",
        )
        self.allow(
            actions=["s3:GetObject", "s3:PutObject"],
            resources=[results.arn_for_objects(f"{RUNS}*")],
            wildcard="A run's folder is named by its time; all lie below this prefix.",
        )

    def allow_models(self, models: Sequence[Model], *, own_profiles: Sequence[str] = ()) -> None:
        """Let it call `models`, through `own_profiles` (ARNs) too, and nothing else."""
        resources = [*own_profiles, *profile_arns(models), *foundation_model_arns(models)]
        self.allow(actions=["bedrock:InvokeModel"], resources=resources)

    def allow_dataset(self, *, bucket: str, key: str) -> None:
        """Let it read exactly one object of a foreign bucket, whose own key, if it has one, must admit the role."""
        self.allow(actions=["s3:GetObject"], resources=[f"{bucket_arn(bucket)}/{key}"])
