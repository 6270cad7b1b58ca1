"""The function that runs slices of custom evaluations, publishes finished runs and records failed ones."""

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3

from bedrock_eval.models import Model
from bedrock_eval.names import PhysicalNames
from bedrock_ops.evaluation_role import foundation_model_arns, profile_arns
from bedrock_ops.functions import PythonFunction
from bedrock_ops.run_permissions import allow_runs
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
            handler="bedrock_eval_functions.custom_evaluator.handler.handler",
            timeout=Duration.minutes(15),
            memory_size=1024,
            key=key,
            log_retention_days=log_retention_days,
            environment={"APPLICATION": application, "RESULTS_BUCKET": results.bucket_name},
        )
        allow_runs(self, datasets=datasets, results=results, key=key)

    def allow_models(self, models: Sequence[Model], *, own_profiles: Sequence[str] = ()) -> None:
        """Let it call `models`, through `own_profiles` (ARNs) too, and nothing else."""
        resources = [*own_profiles, *profile_arns(models), *foundation_model_arns(models)]
        # Assumption: marketplace-access
        self.allow(actions=["bedrock:InvokeModel"], resources=resources)
