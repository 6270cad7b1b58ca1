"""Evaluations of one environment: definitions, what runs them, schedules, the role for jobs."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace

from aws_cdk import Aws, CfnOutput, Duration
from aws_cdk import aws_kms as kms

from bedrock_eval.jobs.rules import MOST_TASK_DESCRIPTION
from bedrock_eval_cdk import BedrockEvaluation, EvaluationRunner
from bedrock_eval_cdk.core.permissions import allow_foreign_objects
from bedrock_eval_cdk.evaluation.called_models import CalledModels
from bedrock_eval_cdk.evaluation.human_review import HumanReview, HumanReviews
from bedrock_eval_cdk.evaluation.inference_profiles import ApplicationProfiles, EvaluationProfiles
from bedrock_eval_cdk.evaluation.job_role import EvaluationJobRole
from bedrock_eval_cdk.evaluation.jobs import EvaluationJobs
from bedrock_eval_cdk.storage.evaluation_buckets import EvaluationData, ExistingBuckets
from configuration.resolve.definitions import Places, dataset, definition
from configuration.schema.environment import Environment
from configuration.schema.evaluations.kinds import (
    CustomEvaluationConfig,
    EvaluationConfig,
    HumanComparisonConfig,
    HumanEvaluationConfig,
    JobEvaluationConfig,
)
from constructs import Construct
from stacks.base import EnvironmentStack, environment_context


class EvaluationStack(EnvironmentStack):
    """What runs evaluations."""

    def __init__(
        self, scope: Construct, construct_id: str, *, environment: Environment, data: EvaluationData, key: kms.IKey
    ) -> None:
        super().__init__(scope, construct_id, environment=environment)
        self._environment = environment
        self._context = environment_context(environment, key=key)
        self._names = self._context.fixed_names
        self._data = data
        # By the environment's name of the model: ARNs of the profiles for the application, and of those we call.
        self._application_profiles = self._make_application_profiles()
        self._profiles = self._own_profiles() if environment.has_own_profiles else self._application_profiles
        self.job_role = self._job_role()
        self.runner = self._make_runner()
        self._flow_definitions = self._human_reviews()
        self.evaluations = self._add_evaluations()
        CfnOutput(self, "StateMachineArn", value=self.runner.machine.state_machine.state_machine_arn)
        CfnOutput(self, "EvaluatorFunction", value=self.runner.evaluator.name)
        if self.runner.jobs_machine is not None:
            CfnOutput(self, "JobsStateMachineArn", value=self.runner.jobs_machine.state_machine.state_machine_arn)

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
            context=self._context,
            data=self._data,
            called=CalledModels(
                [self._environment.model(name) for name in self._environment.models],
                self._profiles_of(self._models_of(self._by_jobs.values())),
            ),
        )
        foreign = self._foreign_datasets(self._by_jobs.values())
        if foreign:
            role.allow_datasets(foreign)
        return role

    def _make_runner(self) -> EvaluationRunner:
        runner = EvaluationRunner(
            self,
            "Runner",
            context=self._context,
            existing=ExistingBuckets(self._data.datasets, self._data.results),
            own_profiles=self._environment.has_own_profiles,
        )
        models = self._models_of(self._custom.values())
        runner.allow(
            CalledModels([self._environment.model(name) for name in models], self._profiles_of(models)),
            datasets=self._foreign_datasets(self._custom.values()),
        )
        if self._by_jobs:
            self._add_jobs(runner)
        return runner

    def _add_jobs(self, runner: EvaluationRunner) -> None:
        jobs = EvaluationJobs(self, "Jobs", context=self._context, data=self._data, job_role=self.job_role)
        allow_foreign_objects(jobs.role, self._foreign_datasets(self._by_jobs.values()))
        # The function gives up before: an execution that is cut off says of no run why it failed.
        hours = max(config.longest_hours for config in self._by_jobs.values()) + 1
        runner.add_jobs(jobs, time_limit=Duration.hours(math.ceil(hours)))

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
            context=self._context,
            data=self._data,
            reviews=reviews,
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
            datasets_bucket=self._data.datasets.bucket_name,
            account=Aws.ACCOUNT_ID,
            partition=Aws.PARTITION,
        )

    def _foreign_datasets(self, evaluations: Iterable[EvaluationConfig]) -> list[tuple[str, str]]:
        """Bedrock's own lie in no bucket."""
        used = dict.fromkeys(config.dataset for config in evaluations)
        sources = [self._environment.datasets[name] for name in used if name in self._environment.datasets]
        return [config.s3_object for config in sources if config.is_s3]

    def _add_evaluations(self) -> tuple[BedrockEvaluation, ...]:
        # Also without a scheduled evaluation: the watchdog's schedule lies in their group.
        schedules = self.runner.schedules
        places = replace(self._places, flow_definitions=self._flow_definitions)
        # A rate runs as soon as its schedule is made: by then whatever a run needs of this stack is there.
        schedules.wait_for(each for each in self.node.children if each is not self.runner)
        evaluations = Construct(self, "Evaluations")
        return tuple(
            BedrockEvaluation(
                evaluations,
                name,
                definition=definition(self._environment, name, places=places),
                runner=self.runner,
            )
            for name in self._environment.evaluations
        )
