"""Evaluations of one environment: definitions, what runs them, schedules, the role for jobs."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from aws_cdk import Aws, CfnOutput, Duration, Stack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3

from bedrock_eval.jobs.rules import MOST_TASK_DESCRIPTION
from bedrock_eval.names import PhysicalNames
from bedrock_ops.custom_evaluator import CustomEvaluator
from bedrock_ops.definitions import DeployedDefinitions
from bedrock_ops.evaluation_jobs import EvaluationJobs
from bedrock_ops.evaluation_role import EvaluationJobRole
from bedrock_ops.functions import PythonFunction
from bedrock_ops.human_review import HumanReview, HumanReviews
from bedrock_ops.inference_profiles import ApplicationProfiles, EvaluationProfiles
from bedrock_ops.permissions import allow_foreign_objects
from bedrock_ops.schedules import EvaluationSchedules
from bedrock_ops.state_machine import EvaluationStateMachine
from constructs import Construct
from environments.definitions import Places, dataset, definition
from environments.evaluation_schema import (
    CustomEvaluationConfig,
    EvaluationConfig,
    HumanComparisonConfig,
    HumanEvaluationConfig,
    JobEvaluationConfig,
)
from environments.schema import Environment
from stacks.code import function_code

_CUSTOM_LIMIT = Duration.hours(24)


class EvaluationStack(Stack):
    """What runs evaluations."""

    def __init__(  # noqa: PLR0913 - all by keyword but the first two
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        datasets: s3.IBucket,
        results: s3.IBucket,
        key: kms.IKey,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)
        self._environment = environment
        self._names = PhysicalNames(environment.prefix)
        self._datasets = datasets
        self._results = results
        self._key = key
        self._log_retention_days = environment.retention_days.function_logs
        # By the environment's name of the model: ARNs of the profiles for the application, and of those we call.
        self._application_profiles = self._make_application_profiles()
        self._profiles = self._own_profiles() if environment.has_own_profiles else self._application_profiles
        self.job_role = self._job_role()
        self.evaluator = self._evaluator()
        self.machine = self._machine(
            "StateMachine", self._names.state_machine, function=self.evaluator, time_limit=_CUSTOM_LIMIT
        )
        self.jobs_machine = self._jobs_machine() if self._by_jobs else None
        self._flow_definitions = self._human_reviews()
        self._add_evaluations()
        CfnOutput(self, "StateMachineArn", value=self.machine.state_machine.state_machine_arn)
        CfnOutput(self, "EvaluatorFunction", value=self.evaluator.function.function_name)
        if self.jobs_machine is not None:
            CfnOutput(self, "JobsStateMachineArn", value=self.jobs_machine.state_machine.state_machine_arn)

    @property
    def _custom(self) -> Mapping[str, CustomEvaluationConfig]:
        """The evaluations that the evaluator runs."""
        evaluations = self._environment.evaluations
        return {name: each for name, each in evaluations.items() if isinstance(each, CustomEvaluationConfig)}

    @property
    def _by_jobs(self) -> Mapping[str, JobEvaluationConfig]:
        """Those that Bedrock scores, or people through Bedrock."""
        evaluations = self._environment.evaluations
        return {name: each for name, each in evaluations.items() if not isinstance(each, CustomEvaluationConfig)}

    def _models_of(self, evaluations: Iterable[EvaluationConfig]) -> list[str]:
        """The models that they call, in the order of the environment file."""
        used = {model for config in evaluations for model in config.models}
        return [name for name in self._environment.models if name in used]

    def _profiles_of(self, models: Iterable[str]) -> list[str]:
        """The ARNs of those that are called through a profile of ours."""
        return [self._profiles[name] for name in models if name in self._profiles]

    def _make_application_profiles(self) -> dict[str, str]:
        profiles = ApplicationProfiles(self, "ApplicationProfiles", names=self._names)
        models = self._environment.models
        return {name: profiles.add(name, self._environment.model(name)) for name in models if models[name].profile}

    def _own_profiles(self) -> dict[str, str]:
        profiles = EvaluationProfiles(self, "Profiles", names=self._names)
        return {name: profiles.add(name, self._environment.model(name)) for name in self._environment.asked_models}

    def _job_role(self) -> EvaluationJobRole:
        """Also without an evaluation by jobs: whoever starts one by hand has a role for it."""
        role = EvaluationJobRole(
            self,
            "JobRole",
            names=self._names,
            models=[self._environment.model(name) for name in self._environment.models],
            own_profiles=self._profiles_of(self._models_of(self._by_jobs.values())),
            datasets=self._datasets,
            results=self._results,
            key=self._key,
        )
        foreign = self._foreign_datasets(self._by_jobs.values())
        if foreign:
            role.allow_datasets(foreign)
        return role

    def _evaluator(self) -> CustomEvaluator:
        evaluator = CustomEvaluator(
            self,
            "Evaluator",
            names=self._names,
            application=self._environment.application,
            datasets=self._datasets,
            results=self._results,
            key=self._key,
            code=function_code("custom_evaluator", engine=True),
            log_retention_days=self._log_retention_days,
        )
        models = self._models_of(self._custom.values())
        if models:
            evaluator.allow_models(
                [self._environment.model(name) for name in models], own_profiles=self._profiles_of(models)
            )
        allow_foreign_objects(evaluator.role, self._foreign_datasets(self._custom.values()))
        return evaluator

    def _jobs_machine(self) -> EvaluationStateMachine:
        jobs = EvaluationJobs(
            self,
            "Jobs",
            names=self._names,
            application=self._environment.application,
            environment=self._environment.name,
            job_role=self.job_role,
            datasets=self._datasets,
            results=self._results,
            key=self._key,
            code=function_code("evaluation_jobs", engine=True),
            log_retention_days=self._log_retention_days,
        )
        allow_foreign_objects(jobs.role, self._foreign_datasets(self._by_jobs.values()))
        # The function gives up before: an execution that is cut off says of no run why it failed.
        hours = max(config.longest_hours for config in self._by_jobs.values()) + 1
        return self._machine(
            "JobsStateMachine",
            self._names.jobs_state_machine,
            function=jobs,
            time_limit=Duration.hours(math.ceil(hours)),
        )

    def _human_reviews(self) -> Mapping[str, str]:
        """What lets people rate, where an evaluation asks them; the ARNs of their flow definitions by evaluation."""
        reviews = {
            name: self._human_review(name, each)
            for name, each in self._by_jobs.items()
            if isinstance(each, HumanEvaluationConfig | HumanComparisonConfig)
        }
        if not reviews:
            return {}
        self.job_role.allow_human_loops(self._names)
        return HumanReviews(
            self,
            "HumanReviews",
            names=self._names,
            reviews=reviews,
            datasets=self._datasets,
            results=self._results,
            code=function_code("custom_resources"),
            key=self._key,
            log_retention_days=self._log_retention_days,
        ).flow_definitions

    def _human_review(self, name: str, config: HumanEvaluationConfig | HumanComparisonConfig) -> HumanReview:
        return HumanReview(
            work_team=config.work_team,
            dataset=dataset(self._environment, config.dataset, self._places),
            title=config.title,
            description=f"Evaluation {name}: rate by {', '.join(config.metric_names)}"[:MOST_TASK_DESCRIPTION],
            workers=config.workers,
            task_lifetime=Duration.seconds(round(config.task_lifetime_hours * 3600)),
        )

    @property
    def _places(self) -> Places:
        return Places(
            profiles=self._profiles,
            datasets_bucket=self._datasets.bucket_name,
            account=Aws.ACCOUNT_ID,
            partition=Aws.PARTITION,
        )

    def _machine(
        self, construct_id: str, name: str, *, function: PythonFunction, time_limit: Duration
    ) -> EvaluationStateMachine:
        return EvaluationStateMachine(
            self,
            construct_id,
            name=name,
            function=function,
            time_limit=time_limit,
            key=self._key,
            log_retention_days=self._log_retention_days,
        )

    def _foreign_datasets(self, evaluations: Iterable[EvaluationConfig]) -> list[tuple[str, str]]:
        """Bedrock's own lie in no bucket."""
        used = dict.fromkeys(config.dataset for config in evaluations)
        sources = [self._environment.datasets[name] for name in used if name in self._environment.datasets]
        return [config.s3_object for config in sources if config.is_s3]

    def _add_evaluations(self) -> None:
        machines = [each.state_machine for each in (self.machine, self.jobs_machine) if each is not None]
        schedules = EvaluationSchedules(self, "Schedules", names=self._names, state_machines=machines, key=self._key)
        if not self._environment.evaluations:
            return
        definitions = DeployedDefinitions(
            self,
            "Definitions",
            names=self._names,
            results=self._results,
            code=function_code("custom_resources"),
            key=self._key,
            log_retention_days=self._log_retention_days,
        )
        places = replace(self._places, flow_definitions=self._flow_definitions)
        for name in self._environment.evaluations:
            made = definition(self._environment, name, places=places)
            deployed = definitions.add(made)
            if made.schedule is not None:
                machine = machines[-1] if name in self._by_jobs else machines[0]
                schedules.add(name, made.schedule, state_machine=machine).node.add_dependency(deployed)
        # A rate runs as soon as its schedule is made: by then whatever a run needs of this stack is there.
        schedules.wait_for(each for each in self.node.children if each is not schedules)
