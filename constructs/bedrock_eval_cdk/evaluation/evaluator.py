"""The function that runs slices of custom evaluations, publishes finished runs and records failed ones."""

from aws_cdk import Duration

from bedrock_eval_cdk.core.context import EnvironmentContext
from bedrock_eval_cdk.core.functions import FunctionSettings, PythonFunction
from bedrock_eval_cdk.evaluation.called_models import CalledModels
from bedrock_eval_cdk.evaluation.run_permissions import allow_runs
from bedrock_eval_cdk.storage.evaluation_buckets import EvaluationData
from constructs import Construct


class CustomEvaluator(PythonFunction):
    """Reads definitions and datasets, writes `runs/`, publishes to Custom/Bedrock; calls what `allow_models` allows."""

    def __init__(
        self, scope: Construct, construct_id: str, *, context: EnvironmentContext, data: EvaluationData
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            context=context,
            settings=FunctionSettings(
                name=context.name(lambda names: names.custom_evaluator),
                description="Runs slices of evaluations, publishes finished runs, records failed ones.",
                package="custom_evaluator",
                engine=True,
                handler="bedrock_eval_functions.custom_evaluator.handler.handler",
                timeout=Duration.minutes(15),
                memory_size=1024,
                environment={"APPLICATION": context.application, "RESULTS_BUCKET": data.results.bucket_name},
            ),
        )
        allow_runs(self, data=data, key=context.key)

    def allow_models(self, called: CalledModels) -> None:
        """Let it call these models and nothing else."""
        # Assumption: marketplace-access
        self.allow(actions=["bedrock:InvokeModel"], resources=[*called.profiles, *called.foundation_models])
