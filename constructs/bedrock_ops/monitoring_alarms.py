"""Which alarms an environment gets: the kinds of the table, for each subject that they are about."""

from collections.abc import Iterator
from itertools import chain

from bedrock_eval import catalogue
from bedrock_eval.alarms import kinds
from bedrock_eval.alarms.kinds import AlarmKind
from bedrock_eval.metric_math import total_of
from bedrock_eval.pricing.costs import TokenExpression, cost_expression, unpriced_expression
from bedrock_eval.verdicts.gates import bound_text
from bedrock_ops.alarms import AlarmFactory, Math, Part, RoutedAlarm
from bedrock_ops.monitoring_subjects import (
    DELIVERY_DIMENSIONS,
    Quota,
    Watched,
    WatchedEvaluation,
    WatchedGuardrail,
    WatchedModel,
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

TRAFFIC_KINDS = (kinds.UNWATCHED_MODELS, kinds.UNREAD_METRICS)
"""About what is called in the account, whoever calls it."""


def add_alarms(factory: AlarmFactory, watched: Watched) -> tuple[RoutedAlarm, ...]:
    """Make every alarm of the environment, account-wide ones only for the environment that owns the account."""
    for model in watched.own_models:
        _add_of_model(factory, model, interventions=watched.interventions)
    if watched.logs_invocations:
        factory.make(kinds.LOG_DELIVERY, dimensions=DELIVERY_DIMENSIONS)
    for guardrail in watched.guardrails:
        _add_of_guardrail(factory, guardrail)
    for evaluation in watched.evaluations:
        _add_of_evaluation(factory, evaluation)
    _add_of_environment(factory, watched)
    return factory.route()


def _add_of_model(factory: AlarmFactory, model: WatchedModel, *, interventions: bool) -> None:
    about, thresholds = f"{model.name} ({model.model_id})", model.thresholds
    for kind in MODEL_KINDS:
        factory.make(kind, model.name, dimensions=model.dimensions, about=about, thresholds=thresholds)
    for kind, math in chain(_quota_math(model), _cost_math(model), _intervention_math(model) if interventions else ()):
        factory.make(kind, model.name, dimensions=model.dimensions, about=about, thresholds=thresholds, math=math)


def _quota_math(model: WatchedModel) -> Iterator[tuple[AlarmKind, Math]]:
    """Per cent of each quota that is known; a model's quota is also used through its application profile."""
    quota = model.quota or Quota()
    if quota.tokens_per_minute is not None:
        yield kinds.QUOTA_TOKENS, _share(catalogue.QUOTA_TOKENS, quota.tokens_per_minute, model)
    if quota.requests_per_minute is not None:
        yield kinds.QUOTA_REQUESTS, _share(catalogue.INVOCATIONS, quota.requests_per_minute, model)


def _share(entry: catalogue.Metric, quota: int, model: WatchedModel) -> Math:
    called = dict.fromkeys((model.model_id, model.metric_id))
    parts = {f"q{place}": Part(entry, {catalogue.MODEL_ID: called_id}) for place, called_id in enumerate(called)}
    return Math(f"100*{total_of(parts)}/{quota}", parts)


def _cost_math(model: WatchedModel) -> Iterator[tuple[AlarmKind, Math]]:
    """Cost where there are rates, tokens without a rate where a kind of them has none."""
    if model.rates is not None:
        priced = _of_model(cost_expression(model.rates), model)
        yield kinds.COST_PER_HOUR, priced
        yield kinds.COST_PER_DAY, priced
    unpriced = unpriced_expression(model.rates)
    if unpriced is not None:
        yield kinds.UNPRICED_TOKENS, _of_model(unpriced, model)


def _intervention_math(model: WatchedModel) -> Iterator[tuple[AlarmKind, Math]]:
    yield kinds.MODEL_INTERVENTIONS, intervention_math(model)


def intervention_math(model: WatchedModel) -> Math:
    """The model's requests, and the interventions that the log has under its id and under its ARN."""
    kind = kinds.MODEL_INTERVENTIONS
    return Math(
        None,
        {
            name: Part(entry, model.logged_dimensions.get(name, model.dimensions))
            for name, entry in kind.metrics.items()
        },
    )


def _of_model(math: TokenExpression, model: WatchedModel) -> Math:
    return Math(math.expression, {name: Part(entry, model.dimensions) for name, entry in math.metrics.items()})


def _add_of_guardrail(factory: AlarmFactory, guardrail: WatchedGuardrail) -> None:
    factory.make(
        kinds.GUARDRAIL_INTERVENTIONS,
        guardrail.name,
        dimensions=guardrail.dimensions,
        about=f"{guardrail.name} (version {guardrail.version})",
    )


def _add_of_evaluation(factory: AlarmFactory, evaluation: WatchedEvaluation) -> None:
    factory.make(kinds.RUN_FAILED, evaluation.name, dimensions=evaluation.dimensions)
    if evaluation.jobs:
        factory.make(kinds.JOBS_LEFT, evaluation.name, dimensions=evaluation.dimensions)
    if evaluation.scheduled:
        factory.make(kinds.RUN_OVERDUE, evaluation.name, dimensions=evaluation.dimensions)
    if evaluation.own_profile:
        factory.make(kinds.METRICS_DIFFER, evaluation.name, dimensions=evaluation.dimensions)
    for candidate in evaluation.candidates:
        where = f"candidate {candidate.name} in evaluation {evaluation.name}"
        factory.make(
            kinds.COVERAGE,
            evaluation.name,
            candidate.name,
            dimensions=evaluation.candidate_dimensions(candidate),
            about=f"{where[0].upper()}{where[1:]}",
            # Nothing lies below 0.
            threshold=evaluation.min_coverage or None,
        )
        for gate in evaluation.gates:
            for kind in (kinds.VERDICT, kinds.INCONCLUSIVE):
                factory.make(
                    kind,
                    evaluation.name,
                    candidate.name,
                    gate.metric,
                    dimensions=evaluation.verdict_dimensions(candidate, gate),
                    about=f"{gate.metric} ({bound_text(gate)}) of {where}",
                )


def _add_of_environment(factory: AlarmFactory, watched: Watched) -> None:
    names = watched.names
    for model in watched.models:
        # Also where nothing is announced: AWS may do so after the deploy, and until then there is no data.
        factory.make(
            kinds.END_OF_LIFE,
            model.name,
            dimensions={**watched.application_dimensions, catalogue.MODEL_ID: model.model_id},
            about=f"{model.name} ({model.model_id})",
        )
    for machine in watched.machines:
        factory.make(kinds.EXECUTIONS_FAILED, *machine.subject, dimensions=machine.dimensions, about=machine.name)
    factory.make(kinds.DEAD_LETTERS, dimensions=watched.dead_letters_dimensions, about=names.dead_letters)
    factory.make(kinds.WATCHDOG_SILENT, dimensions=watched.application_dimensions)
    if watched.owns_account:
        for kind in TRAFFIC_KINDS:
            factory.make(kind, dimensions=watched.application_dimensions)
    factory.make(kinds.UNDELIVERED, dimensions=watched.messages_dimensions, about=names.messages_topic)
    if watched.budget is not None:
        factory.make(kinds.BUDGET_BLIND, dimensions=watched.application_dimensions, about=watched.budget)
    for kind in (kinds.SUBSCRIBERS_MISSING, kinds.SUBSCRIBERS_PENDING, kinds.ACTIONS_FAILED):
        factory.make(kind, dimensions=watched.application_dimensions)


def add_formatter_alarm(factory: AlarmFactory, watched: Watched) -> tuple[RoutedAlarm, ...]:
    """The alarm about the formatter itself; its factory must tell the people directly when it rings."""
    factory.make(kinds.FORMATTER_ERRORS, dimensions=watched.formatter_dimensions, about=watched.names.alarm_formatter)
    return factory.route()
