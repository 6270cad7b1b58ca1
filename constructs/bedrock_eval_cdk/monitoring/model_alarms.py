"""The alarms about models and guardrails."""

from collections.abc import Iterator
from itertools import chain

from bedrock_eval import catalogue
from bedrock_eval.alarms import kinds
from bedrock_eval.alarms.kinds import AlarmKind
from bedrock_eval.metric_math import total_of
from bedrock_eval.pricing.costs import TokenExpression, cost_expression, unpriced_expression
from bedrock_eval_cdk.monitoring.alarms import AlarmFactory
from bedrock_eval_cdk.monitoring.series import Math, MathTerm
from bedrock_eval_cdk.monitoring.subjects import (
    MonitoredGuardrail,
    MonitoredModel,
    MonitoredModels,
    Quota,
)

MODEL_KINDS = (
    kinds.LATENCY_P90,
    kinds.LATENCY_ANOMALY,
    kinds.OUTPUT_SPEED,
    kinds.SERVER_ERRORS,
    kinds.CLIENT_ERRORS,
    kinds.THROTTLES,
    kinds.THROTTLE_COUNT,
    kinds.TOKENS_PER_HOUR,
    kinds.TOKENS_PER_DAY,
    kinds.LEGACY_MODEL,
)


def add_model_alarms(factory: AlarmFactory, models: MonitoredModels) -> None:
    """Make the alarms of every model and guardrail, those on figures of the account only for its owner."""
    for model in models.own_models:
        _add_of_model(factory, model, interventions=models.interventions)
    for guardrail in models.guardrails:
        _add_of_guardrail(factory, guardrail)


def _add_of_model(factory: AlarmFactory, model: MonitoredModel, *, interventions: bool) -> None:
    about, thresholds = f"{model.name} ({model.model_id})", model.thresholds
    for kind in MODEL_KINDS:
        factory.make(kind, model.name, dimensions=model.dimensions, about=about, thresholds=thresholds)
    for kind, math in chain(_quota_math(model), _cost_math(model), _intervention_math(model) if interventions else ()):
        factory.make(kind, model.name, dimensions=model.dimensions, about=about, thresholds=thresholds, math=math)


def _quota_math(model: MonitoredModel) -> Iterator[tuple[AlarmKind, Math]]:
    """Per cent of each quota that is known; a model's quota is also used through its application profile."""
    quota = model.quota or Quota()
    if quota.tokens_per_minute is not None:
        yield kinds.QUOTA_TOKENS, _share(catalogue.QUOTA_TOKENS, quota.tokens_per_minute, model)
    if quota.requests_per_minute is not None:
        yield kinds.QUOTA_REQUESTS, _share(catalogue.INVOCATIONS, quota.requests_per_minute, model)


def _share(entry: catalogue.Metric, quota: int, model: MonitoredModel) -> Math:
    called = dict.fromkeys((model.model_id, model.metric_id))
    parts = {f"q{place}": MathTerm(entry, {catalogue.MODEL_ID: called_id}) for place, called_id in enumerate(called)}
    return Math(f"100*{total_of(parts)}/{quota}", parts)


def _cost_math(model: MonitoredModel) -> Iterator[tuple[AlarmKind, Math]]:
    """Cost where there are rates, unpriced tokens where a kind of them has none."""
    if model.rates is not None:
        priced = _of_model(cost_expression(model.rates), model)
        yield kinds.COST_PER_HOUR, priced
        yield kinds.COST_PER_DAY, priced
    unpriced = unpriced_expression(model.rates)
    if unpriced is not None:
        yield kinds.UNPRICED_TOKENS, _of_model(unpriced, model)


def _intervention_math(model: MonitoredModel) -> Iterator[tuple[AlarmKind, Math]]:
    yield kinds.MODEL_INTERVENTIONS, intervention_math(model)


def intervention_math(model: MonitoredModel) -> Math:
    """The model's requests, and the interventions that the log has under its id and under its ARN."""
    kind = kinds.MODEL_INTERVENTIONS
    return Math(
        None,
        {
            name: MathTerm(entry, model.logged_dimensions.get(name, model.dimensions))
            for name, entry in kind.metrics.items()
        },
    )


def _of_model(math: TokenExpression, model: MonitoredModel) -> Math:
    return Math(math.expression, {name: MathTerm(entry, model.dimensions) for name, entry in math.metrics.items()})


def _add_of_guardrail(factory: AlarmFactory, guardrail: MonitoredGuardrail) -> None:
    factory.make(
        kinds.GUARDRAIL_INTERVENTIONS,
        guardrail.name,
        dimensions=guardrail.dimensions,
        about=f"{guardrail.name} (version {guardrail.version})",
    )
