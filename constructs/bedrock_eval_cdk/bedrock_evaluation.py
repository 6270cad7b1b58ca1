"""An evaluation of models over a dataset, with gates and a schedule."""

import inspect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from aws_cdk import CustomResource, RemovalPolicy, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns

from bedrock_eval.evaluation.definition import CustomDefinition, Dataset, Definition, JobDefinition, Schedule
from bedrock_eval.layout import dataset_key
from bedrock_eval.models import Model, plain_name
from bedrock_eval_cdk.core.errors import DeclarationError
from bedrock_eval_cdk.core.model_checks import checked_model, warn_of_models
from bedrock_eval_cdk.evaluation.called_models import CalledModels
from bedrock_eval_cdk.evaluation.declaration import (
    Declared,
    EvaluatedModel,
    GateDeclaration,
    MetricDeclaration,
)
from bedrock_eval_cdk.evaluation.runner import EvaluationRunner
from bedrock_eval_cdk.monitoring.alarm_policy import AlarmPolicy, standalone_policy
from bedrock_eval_cdk.monitoring.alarms import AlarmFactory
from bedrock_eval_cdk.monitoring.evaluation_alarms import add_evaluation_alarms
from bedrock_eval_cdk.monitoring.routed_alarm import RoutedAlarm
from bedrock_eval_cdk.monitoring.routing import Notified
from bedrock_eval_cdk.monitoring.subjects import MonitoredCandidate, MonitoredEvaluation
from bedrock_eval_cdk.monitoring.widgets.drawing import Drawing
from bedrock_eval_cdk.monitoring.widgets.sections import evaluation_rows
from bedrock_eval_cdk.storage.encryption import KeyUse, standalone_context
from bedrock_eval_cdk.storage.evaluation_buckets import ExistingBuckets
from constructs import Construct

_PACKAGE = Path(__file__).resolve().parent


class BedrockEvaluation(Construct):
    """Candidates that answer the cases of a dataset, scored by metrics and judged by gates.

    Args:
        dataset: a .jsonl file, whose relative path begins at the calling file, or s3://<bucket>/<key>.jsonl.
        candidates: by name, the id of a model or an `EvaluatedModel` with prompts, parameters and rates.
        metrics: names, or mappings with `name` and `parameters`.
        gates: mappings with `metric` and at least one of `min`, `max` and `max_drop`.
        schedule: an EventBridge Scheduler expression in UTC, or a `Schedule` with a time zone; left out: it is started
            by hand.
        name: in metrics and results; left out: the construct's id in lower case.
        min_coverage: least share of answered cases; below it every gate is undecided.
        confidence: of every interval and of the gates together.
        concurrency: model calls in flight, over all candidates.
        max_cost: US dollars that a run may cost; needs rates of every candidate.
        runner: of another evaluation, to share it; left out: one is made.
        datasets_bucket: an existing bucket for datasets; left out: one is made.
        results_bucket: an existing bucket for results; left out: one is made.
        key: encrypts what is made; left out: a key is made.
        alarm_topic: gets alarms about failed runs and gates; left out: no alarm is made, see `add_alarms`.
        removal_policy: of the buckets and the key that are made.
        definition: a whole definition in the place of all that is declared above; needs a runner.

    Attributes:
        name: in metrics and results.
        definition: what is deployed.
        runner: function, state machine, schedules and buckets.
        deployed: the custom resource that writes the definition.
        alarms: all that were made.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        dataset: str | Path = "",
        candidates: Mapping[str, str | EvaluatedModel] | None = None,
        metrics: Sequence[MetricDeclaration] = (),
        gates: Sequence[GateDeclaration] = (),
        schedule: str | Schedule | None = None,
        name: str | None = None,
        min_coverage: float = 0.95,
        confidence: float = 0.95,
        concurrency: int = 8,
        max_cost: float | None = None,
        runner: EvaluationRunner | None = None,
        datasets_bucket: s3.IBucket | None = None,
        results_bucket: s3.IBucket | None = None,
        key: kms.IKey | None = None,
        alarm_topic: sns.ITopic | None = None,
        removal_policy: RemovalPolicy = RemovalPolicy.RETAIN,
        definition: Definition | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        self._shares_runner = runner is not None
        if definition is None:
            declared = Declared(
                name=name or plain_name(construct_id),
                dataset=dataset,
                candidates=candidates or {},
                metrics=metrics,
                gates=gates,
                schedule=schedule,
                folder=_calling_folder(),
                region=Stack.of(self).region,
                limits={
                    "min_coverage": (min_coverage, 0, 1),
                    "confidence": (confidence, 0.5, 0.999_999),
                    "concurrency": (concurrency, 1, 256),
                },
            )
            self._check(declared, max_cost)
            self.runner = runner or self._make_runner(
                datasets_bucket, results_bucket, key=key, removal_policy=removal_policy
            )
            definition = replace(
                self._define(declared),
                min_coverage=min_coverage,
                confidence=confidence,
                concurrency=concurrency,
                max_cost=max_cost,
            )
            self._allow(declared)
        elif runner is None:
            raise DeclarationError(f"{self.node.path}: definition needs a runner")
        else:
            self.runner = runner
        self.definition = definition
        self.name = definition.evaluation
        self.deployed: CustomResource = self.runner.deploy(definition, after=self.node.children)
        self.alarms = () if alarm_topic is None else self.add_alarms(self, alarm_topic)

    def _check(self, declared: Declared, max_cost: float | None) -> None:
        mistakes = list(declared.mistakes())
        if max_cost is not None:
            mistakes += [
                f"candidates[{name!r}]: no rates, so that max_cost would stop every run; needed: rates"
                for name, each in declared.models.items()
                if each.rates is None
            ]
        if mistakes:
            raise DeclarationError("\n".join(f"{self.node.path}: {each}" for each in mistakes))
        warn_of_models(self, self._models(declared))

    def _models(self, declared: Declared) -> list[Model]:
        return [
            checked_model(self, model_id) for model_id in dict.fromkeys(e.model_id for e in declared.models.values())
        ]

    def _make_runner(
        self,
        datasets: s3.IBucket | None,
        results: s3.IBucket | None,
        *,
        key: kms.IKey | None,
        removal_policy: RemovalPolicy,
    ) -> EvaluationRunner:
        context = standalone_context(self, key=key, use=KeyUse(), removal_policy=removal_policy)
        return EvaluationRunner(self, "Runner", context=context, existing=ExistingBuckets(datasets, results))

    def _define(self, declared: Declared) -> CustomDefinition:
        context = self.runner.context
        return CustomDefinition(
            application=context.application,
            environment=context.environment,
            evaluation=declared.name,
            candidates=tuple(
                replace(each, parameters=replace(each.parameters, max_tokens=each.max_tokens))
                for each in declared.made_candidates
            ),
            dataset=self._dataset(declared),
            metrics=declared.metric_names,
            metric_parameters=declared.metric_parameters,
            gates=declared.made_gates,
            schedule=declared.made_schedule,
        )

    def _dataset(self, declared: Declared) -> Dataset:
        found = declared.s3_object
        if found is not None:
            return Dataset(declared.name, *found)
        self.runner.add_dataset(declared.name, declared.file)
        return Dataset(declared.name, self.runner.data.datasets.bucket_name, dataset_key(declared.name))

    def _allow(self, declared: Declared) -> None:
        others = [] if declared.s3_object is None else [declared.s3_object]
        self.runner.allow(CalledModels(self._models(declared)), datasets=others)

    @property
    def monitored(self) -> MonitoredEvaluation:
        """The evaluation as alarms and widgets see it."""
        definition = self.definition
        return MonitoredEvaluation(
            application=definition.application,
            name=definition.evaluation,
            candidates=tuple(MonitoredCandidate(each.name, each.model_id) for each in definition.candidates),
            measures=tuple(definition.measures.values()),
            gates=definition.gates,
            min_coverage=definition.min_coverage,
            scheduled=definition.schedule is not None,
            jobs=isinstance(definition, JobDefinition),
            own_profile=isinstance(definition, CustomDefinition) and self.runner.own_profiles,
        )

    def add_alarms(
        self, scope: Construct, topic: sns.ITopic, *, policy: AlarmPolicy | None = None
    ) -> tuple[RoutedAlarm, ...]:
        """Make the alarms about runs, coverage and gates below `scope`; they notify `topic`.

        Args:
            policy: of an environment; left out: the default thresholds, and names by CloudFormation.
        """
        policy = policy or standalone_policy(self)
        factory = AlarmFactory(scope, policy=policy, notified=Notified(topic))
        add_evaluation_alarms(factory, self.monitored)
        runner = () if self._shares_runner else self.runner.add_alarms(scope, topic, policy=policy)
        return (*factory.route(), *runner)

    def rows(self, drawing: Drawing) -> Iterable[list[cloudwatch.IWidget]]:
        """The rows of a dashboard about it: scores with their gates, verdicts, and how its runs went."""
        return (
            *evaluation_rows(drawing, self.monitored),
            *(() if self._shares_runner else self.runner.rows(drawing)),
        )


def _calling_folder() -> Path:
    """The folder of the file that makes the construct: the first outside of this library and of jsii."""
    for frame in inspect.stack(context=0):
        path = Path(frame.filename)
        if _PACKAGE not in path.resolve().parents and "jsii" not in path.parts:
            return path.resolve().parent
    return Path.cwd()
