"""The models that an evaluation may call, as resources of a policy."""

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import Aws

from bedrock_eval.models import Model


@dataclass(frozen=True)
class CalledModels:
    """Models, and the application inference profiles that they are called through.

    Attributes:
        own_profiles: ARNs.
    """

    models: Sequence[Model]
    own_profiles: Sequence[str] = ()

    @property
    def profiles(self) -> list[str]:
        """The ARNs of all profiles that a call may name."""
        return [*self.own_profiles, *profile_arns(self.models)]

    @property
    def foundation_models(self) -> list[str]:
        """The ARNs of the models in every Region that a call may be routed to."""
        return foundation_model_arns(self.models)


def foundation_model_arns(models: Sequence[Model]) -> list[str]:
    """Each model in every Region that a call of it may be routed to, without repetition."""
    arns = (arn for model in models for arn in model.foundation_model_arns(partition=Aws.PARTITION))
    return list(dict.fromkeys(arns))


def profile_arns(models: Sequence[Model]) -> list[str]:
    """The system inference profiles of those models that have one, without repetition."""
    arns = (model.profile_arn(partition=Aws.PARTITION, account=Aws.ACCOUNT_ID) for model in models)
    return list(dict.fromkeys(arn for arn in arns if arn is not None))
