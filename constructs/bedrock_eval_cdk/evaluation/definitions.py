"""Definitions of evaluations: each the properties of a custom resource that writes it to the results bucket."""

from aws_cdk import CustomResource, Duration
from aws_cdk import aws_s3 as s3

from bedrock_eval.evaluation.definition import Definition
from bedrock_eval.layout import DEFINITIONS
from bedrock_eval_cdk.core.context import EnvironmentContext
from bedrock_eval_cdk.core.functions import CustomResourceFunction, FunctionSettings
from bedrock_eval_cdk.core.permissions import allow_key, allow_listing
from constructs import Construct


class DeployedDefinitions(Construct):
    """One function; each definition given to `add` shows in the template, so in the snapshot and in `cdk diff`."""

    def __init__(
        self, scope: Construct, construct_id: str, *, context: EnvironmentContext, results: s3.IBucket
    ) -> None:
        super().__init__(scope, construct_id)
        self._results = results
        self.function = CustomResourceFunction(
            self,
            "Function",
            context=context,
            settings=FunctionSettings(
                name=context.name(lambda names: names.function("definitions")),
                description="Writes the definitions of evaluations.",
                package="custom_resources",
                handler="bedrock_eval_functions.custom_resources.definition.handler",
                timeout=Duration.minutes(5),
            ),
        )
        self.function.allow(
            actions=["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
            resources=[results.arn_for_objects(f"{DEFINITIONS}*")],
            wildcard="The definitions of this environment, which this function alone writes.",
        )
        allow_listing(self.function.role, results)
        allow_key(self.function.role, context.key)

    def add(self, definition: Definition) -> CustomResource:
        """Write `definitions/<evaluation>.json` at deploy, delete it with the evaluation."""
        return self.function.resource(
            self,
            definition.evaluation,
            kind="EvaluationDefinition",
            properties={"Bucket": self._results.bucket_name, "Definition": definition.to_json()},
        )
