"""What runs evaluations: a function, a state machine, schedules, and the buckets that they work on."""

from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path

from aws_cdk import CustomResource, Duration, RemovalPolicy
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sns as sns
from aws_cdk import aws_stepfunctions as sfn

from bedrock_eval.evaluation.definition import CustomDefinition, Definition
from bedrock_eval_cdk.core.context import EnvironmentContext
from bedrock_eval_cdk.core.functions import PythonFunction
from bedrock_eval_cdk.core.permissions import allow_foreign_objects
from bedrock_eval_cdk.evaluation.called_models import CalledModels
from bedrock_eval_cdk.evaluation.definitions import DeployedDefinitions
from bedrock_eval_cdk.evaluation.evaluator import CustomEvaluator
from bedrock_eval_cdk.evaluation.jobs import EvaluationJobs
from bedrock_eval_cdk.evaluation.schedules import EvaluationSchedules
from bedrock_eval_cdk.evaluation.state_machine import EvaluationStateMachine, MachineSettings
from bedrock_eval_cdk.monitoring.alarm_policy import AlarmPolicy, standalone_policy
from bedrock_eval_cdk.monitoring.alarms import AlarmFactory
from bedrock_eval_cdk.monitoring.evaluation_alarms import add_runner_alarms
from bedrock_eval_cdk.monitoring.routed_alarm import RoutedAlarm
from bedrock_eval_cdk.monitoring.routing import Notified
from bedrock_eval_cdk.monitoring.subjects import MonitoredMachine, MonitoredRunner
from bedrock_eval_cdk.monitoring.widgets.drawing import Drawing
from bedrock_eval_cdk.monitoring.widgets.sections import runner_rows
from bedrock_eval_cdk.storage.bucket_emptier import BucketEmptier
from bedrock_eval_cdk.storage.dataset_files import DatasetFiles
from bedrock_eval_cdk.storage.evaluation_buckets import EvaluationBuckets, EvaluationData, ExistingBuckets, Lifetimes
from constructs import Construct, IDependable

_TIME_LIMIT = Duration.hours(24)


class EvaluationRunner(Construct):
    """Runs every evaluation that is given to it: several can share one.

    Args:
        context: whose it is, and the key that encrypts what it makes.
        existing: buckets of datasets and of results; those that are left out are made.
        own_profiles: evaluations call models through application inference profiles that nobody else calls.

    Attributes:
        evaluator: the function.
        machine: the state machine around it.
        data: the buckets.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        context: EnvironmentContext,
        existing: ExistingBuckets | None = None,
        own_profiles: bool = False,
    ) -> None:
        super().__init__(scope, construct_id)
        self.context = context
        self.own_profiles = own_profiles
        self._emptied: CustomResource | None = None
        self.data = self._data(existing or ExistingBuckets())
        self.evaluator = CustomEvaluator(self, "Evaluator", context=context, data=self.data)
        name = context.name(lambda names: names.state_machine)
        self.machine = self._make_machine("StateMachine", self.evaluator, MachineSettings(name, _TIME_LIMIT))
        self.jobs_machine: EvaluationStateMachine | None = None

    def _data(self, existing: ExistingBuckets) -> EvaluationData:
        if existing.datasets is not None and existing.results is not None:
            return EvaluationData(existing.datasets, existing.results)
        made = self._make_data()
        return EvaluationData(existing.datasets or made.datasets, existing.results or made.results)

    def _make_data(self) -> EvaluationData:
        buckets = EvaluationBuckets(self, "Buckets", context=self.context, lifetimes=Lifetimes())
        if self.context.removal_policy is RemovalPolicy.DESTROY:
            emptier = BucketEmptier(self, "Emptier", context=self.context)
            self._emptied = emptier.empty(buckets.datasets)
            emptier.empty(buckets.results)
            emptier.empty(buckets.access_logs, refilled=True)
        return EvaluationData(buckets.datasets, buckets.results)

    def _make_machine(
        self, construct_id: str, function: PythonFunction, settings: MachineSettings
    ) -> EvaluationStateMachine:
        return EvaluationStateMachine(self, construct_id, context=self.context, function=function, settings=settings)

    def add_jobs(self, jobs: EvaluationJobs, *, time_limit: Duration) -> None:
        """Let a second state machine run evaluations that Bedrock scores."""
        name = self.context.name(lambda names: names.jobs_state_machine)
        self.jobs_machine = self._make_machine("JobsStateMachine", jobs, MachineSettings(name, time_limit))

    @cached_property
    def schedules(self) -> EvaluationSchedules:
        """The schedule group and the queue of deliveries that failed, made when something is scheduled."""
        return EvaluationSchedules(self, "Schedules", context=self.context)

    @cached_property
    def _definitions(self) -> DeployedDefinitions:
        return DeployedDefinitions(self, "Definitions", context=self.context, results=self.data.results)

    @cached_property
    def _dataset_files(self) -> DatasetFiles:
        return DatasetFiles(self, "DatasetFiles", context=self.context, bucket=self.data.datasets)

    def allow(self, called: CalledModels, *, datasets: Sequence[tuple[str, str]] = ()) -> None:
        """Let the evaluator call models, and read datasets of other buckets, each a bucket's name and a key."""
        if called.models:
            self.evaluator.allow_models(called)
        allow_foreign_objects(self.evaluator.role, datasets)

    def add_dataset(self, name: str, file: Path) -> CustomResource:
        """Copy a JSONL file to the bucket of datasets at deploy."""
        copied = self._dataset_files.add(name, file)
        if self._emptied is not None:
            # A first deploy that fails in between could never delete the bucket: its copies are versions in it.
            copied.node.add_dependency(self._emptied)
        return copied

    def deploy(self, definition: Definition, *, after: Iterable[IDependable] = ()) -> CustomResource:
        """Write a definition to the bucket of results at deploy, and schedule it if it says when it runs.

        Args:
            after: what a scheduled run needs beside.
        """
        deployed = self._definitions.add(definition)
        if definition.schedule is not None:
            schedule = self.schedules.add(
                definition.evaluation, definition.schedule, state_machine=self.machine_of(definition)
            )
            schedule.node.add_dependency(deployed, *after)
        self._wait_for_all()
        return deployed

    def _wait_for_all(self) -> None:
        """A rate runs as soon as its schedule is made: by then whatever a run needs is there."""
        if "schedules" in self.__dict__:
            self.schedules.wait_for(each for each in self.node.children if each is not self.schedules)

    def machine_of(self, definition: Definition) -> sfn.StateMachine:
        """The state machine that runs an evaluation."""
        if isinstance(definition, CustomDefinition):
            return self.machine.state_machine
        if self.jobs_machine is None:
            raise ValueError(f"{definition.evaluation}: Bedrock scores it, and this runner has no jobs")
        return self.jobs_machine.state_machine

    @property
    def monitored(self) -> MonitoredRunner:
        """The runner as alarms and widgets see it."""
        machine = self.machine.state_machine
        scheduled = "schedules" in self.__dict__
        return MonitoredRunner(
            (MonitoredMachine(machine.state_machine_name, machine.state_machine_arn, self.evaluator.name),),
            self.schedules.dead_letters.queue_name if scheduled else None,
            () if self.context.names is not None or self.node.scope is None else (self.node.scope.node.id,),
        )

    def add_alarms(
        self, scope: Construct, topic: sns.ITopic, *, policy: AlarmPolicy | None = None
    ) -> tuple[RoutedAlarm, ...]:
        """Make the alarms about executions and deliveries that failed below `scope`; they notify `topic`."""
        factory = AlarmFactory(scope, policy=policy or standalone_policy(self), notified=Notified(topic))
        add_runner_alarms(factory, self.monitored, application=self.context.application)
        return factory.route()

    def rows(self, drawing: Drawing) -> Iterable[list[cloudwatch.IWidget]]:
        """The row of a dashboard about functions, executions and deliveries."""
        return runner_rows(drawing, self.monitored)
