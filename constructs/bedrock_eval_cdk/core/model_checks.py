"""Warnings about models, by what the table knows of them; an unknown model is no mistake."""

from collections.abc import Sequence
from datetime import UTC, datetime

from aws_cdk import Annotations, Stack, Token

from bedrock_eval.known_models.lookup import known_model
from bedrock_eval.model_checks.checks import findings
from bedrock_eval.model_checks.findings import Question
from bedrock_eval.models import GLOBAL_PROFILE, Model, ModelError
from bedrock_eval_cdk.core.errors import DeclarationError
from constructs import Construct

_ID = "bedrock-eval-cdk:model"


def checked_model(scope: Construct, model_id: str) -> Model:
    """The model of an id, called from the Region of the construct's stack.

    Raises:
        DeclarationError: no model has such an id.
    """
    try:
        return Model(model_id, Stack.of(scope).region)
    except ModelError as error:
        raise DeclarationError(f"{scope.node.path}: {error}") from None


def warn_of_models(scope: Construct, models: Sequence[Model]) -> None:
    """Add a warning for all that speaks against a model in the Region of the stack."""
    for model in models:
        for message in _warnings(model):
            Annotations.of(scope).add_warning_v2(f"{_ID}:{model.model_id}", message)


def _warnings(model: Model) -> list[str]:
    if known_model(model.base_id) is None and not model.lifecycle.removed and model.lifecycle.end is None:
        return []
    today = datetime.now(UTC).date()
    if not Token.is_unresolved(model.region):
        return [each.message for each in findings(Question(model.model_id, model.region), today=today)]
    if model.lifecycle.past(today):
        return [f"{model.model_id} has reached its end of life: every call of it fails"]
    if model.profile in (None, GLOBAL_PROFILE):
        return []
    return [
        f"{model.model_id} is called from Regions of its geography ({model.profile}) alone; the Region of this stack "
        "is known at deploy"
    ]
