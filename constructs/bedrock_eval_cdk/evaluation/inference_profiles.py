"""Application inference profiles: a ModelId of its own in AWS/Bedrock, and tags that Cost Explorer can group by."""

import hashlib

from aws_cdk import Aws, CfnOutput, Tags
from aws_cdk import aws_bedrock as bedrock
from aws_cdk import aws_ssm as ssm

from bedrock_eval.models import Model
from bedrock_eval.names import PhysicalNames
from constructs import Construct


class InferenceProfile(bedrock.CfnApplicationInferenceProfile):
    """A copy of a foundation model or system profile under our name; costs nothing of itself.

    Tags: `model` and `purpose` beside those that all resources have.

    Args:
        model_name: the environment's name of the model, and the construct's id.
        purpose: whose traffic it has, as `evaluation`.
    """

    def __init__(self, scope: Construct, model_name: str, *, names: PhysicalNames, model: Model, purpose: str) -> None:
        super().__init__(
            scope,
            model_name,
            inference_profile_name=profile_name(names, model_name=model_name, model=model, purpose=purpose),
            description=f"{purpose.capitalize()} traffic of {names.prefix}",
            model_source=bedrock.CfnApplicationInferenceProfile.InferenceProfileModelSourceProperty(
                copy_from=model.source_arn(partition=Aws.PARTITION, account=Aws.ACCOUNT_ID)
            ),
        )
        Tags.of(self).add("model", model_name)
        Tags.of(self).add("purpose", purpose)


class ApplicationProfiles(Construct):
    """The profiles that the application calls its models through.

    Id and ARN of each stand in Parameter Store: applications read the ARN there, the monitoring stack the id. An export
    instead would have to outlive its last importer, and a model could not be taken away in one deploy.
    """

    def __init__(self, scope: Construct, construct_id: str, *, names: PhysicalNames) -> None:
        super().__init__(scope, construct_id)
        self._names = names

    def add(self, model_name: str, model: Model) -> str:
        """Make the profile of a model; its ARN."""
        profile = InferenceProfile(self, model_name, names=self._names, model=model, purpose="application")
        values = {"id": profile.attr_inference_profile_id, "arn": profile.attr_inference_profile_arn}
        for value, text in values.items():
            ssm.StringParameter(
                self,
                f"{model_name}-{value}",
                parameter_name=self._names.profile_parameter(model_name, value),
                string_value=text,
                description=f"Application inference profile of model {model_name}: {value}",
            )
        CfnOutput(self, f"{model_name}-output", value=profile.attr_inference_profile_arn)
        return str(profile.attr_inference_profile_arn)


class EvaluationProfiles(Construct):
    """The profiles that evaluations call their models through; the id of each stands in Parameter Store."""

    def __init__(self, scope: Construct, construct_id: str, *, names: PhysicalNames) -> None:
        super().__init__(scope, construct_id)
        self._names = names
        self._ids = Construct(self, "Ids")

    def add(self, model_name: str, model: Model) -> str:
        """Make the profile of a model; its ARN."""
        profile = InferenceProfile(self, model_name, names=self._names, model=model, purpose="evaluation")
        ssm.StringParameter(
            self._ids,
            model_name,
            parameter_name=self._names.profile_parameter(model_name, "evaluation-id"),
            string_value=profile.attr_inference_profile_id,
            description=f"Inference profile of model {model_name} for evaluations: id",
        )
        return str(profile.attr_inference_profile_arn)


def application_profile_id(scope: Construct, *, names: PhysicalNames, model_name: str) -> str:
    """The id of a profile that another stack of the environment makes, as a token; read at every deploy."""
    return ssm.StringParameter.value_for_string_parameter(scope, names.profile_parameter(model_name, "id"))


def evaluation_profile_id(scope: Construct, *, names: PhysicalNames, model_name: str) -> str:
    """The same of the profile that evaluations call the model through."""
    return ssm.StringParameter.value_for_string_parameter(scope, names.profile_parameter(model_name, "evaluation-id"))


def profile_name(names: PhysicalNames, *, model_name: str, model: Model, purpose: str) -> str:
    """At most 64 characters, without two hyphens in a row.

    Ends with a hash of purpose and model id: a changed id replaces the profile, the new one is made before the old one
    goes, and two of the same name cannot stand side by side.
    """
    source = hashlib.sha256(f"{purpose}:{model.model_id}".encode()).hexdigest()[:6]
    return f"{names.inference_profile(model_name)}-{source}"
