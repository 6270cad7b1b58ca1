"""Application inference profiles of our own, so that evaluation has a ModelId of its own in AWS/Bedrock."""

import hashlib
import re

from aws_cdk import Aws
from aws_cdk import aws_bedrock as bedrock

from bedrock_eval.models import Model
from bedrock_eval.names import PhysicalNames
from constructs import Construct


class OwnInferenceProfile(bedrock.CfnApplicationInferenceProfile):
    """A copy of a foundation model or system profile under our name; costs nothing of itself.

    Args:
        model_name: the environment's name of the model.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, names: PhysicalNames, model_name: str, model: Model
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            inference_profile_name=profile_name(names, model_name=model_name, model=model),
            description=f"Evaluation traffic of {names.prefix}",
            model_source=bedrock.CfnApplicationInferenceProfile.InferenceProfileModelSourceProperty(
                copy_from=model.source_arn(partition=Aws.PARTITION, account=Aws.ACCOUNT_ID)
            ),
        )


def profile_name(names: PhysicalNames, *, model_name: str, model: Model) -> str:
    """At most 64 characters, without two hyphens in a row.

    Ends with a hash of the model's id: a changed id replaces the profile, the new one is made before the old one goes,
    and two of the same name cannot stand side by side.
    """
    source = hashlib.sha256(model.model_id.encode()).hexdigest()[:6]
    return re.sub("-+", "-", f"{names.prefix}-{model_name}-{source}")
