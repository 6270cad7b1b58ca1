"""Evaluations of one environment: definitions, the evaluator, the state machine, schedules, the role for jobs."""

from typing import Any

from aws_cdk import Aws, CfnOutput, Stack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3

from bedrock_eval.names import PhysicalNames
from bedrock_ops.custom_evaluator import CustomEvaluator
from bedrock_ops.definitions import DeployedDefinitions
from bedrock_ops.evaluation_role import EvaluationJobRole
from bedrock_ops.inference_profiles import ApplicationProfiles, InferenceProfile
from bedrock_ops.schedules import EvaluationSchedules
from bedrock_ops.state_machine import EvaluationStateMachine
from constructs import Construct
from environments.definitions import Places, definition
from environments.evaluation_schema import CustomEvaluationConfig
from environments.schema import Environment
from stacks.code import function_code


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
        self._custom = self._custom_evaluations()
        self._names = PhysicalNames(environment.prefix)
        self._datasets = datasets
        self._log_retention_days = environment.retention_days.function_logs
        # By the environment's name of the model: ARNs of the profiles for the application, and of those we call.
        self._application_profiles = self._make_application_profiles()
        self._profiles = self._own_profiles() if environment.own_profile else self._application_profiles
        EvaluationJobRole(
            self,
            "JobRole",
            names=self._names,
            models=[environment.model(name) for name in environment.models],
            datasets=datasets,
            results=results,
            key=key,
        )
        self.evaluator = self._evaluator(results, key)
        self.machine = EvaluationStateMachine(
            self,
            "StateMachine",
            names=self._names,
            evaluator=self.evaluator,
            key=key,
            log_retention_days=self._log_retention_days,
        )
        self._add_evaluations(results, key)
        CfnOutput(self, "StateMachineArn", value=self.machine.state_machine.state_machine_arn)
        CfnOutput(self, "EvaluatorFunction", value=self.evaluator.function.function_name)

    def _custom_evaluations(self) -> dict[str, CustomEvaluationConfig]:
        """The evaluations that the evaluator runs.

        Raises:
            ValueError: there is one of another kind, which nothing here runs.
        """
        evaluations = self._environment.evaluations
        others = [name for name, config in evaluations.items() if config.job_kind is not None]
        if others:
            raise ValueError(f"evaluations.{others[0]}: kind {evaluations[others[0]].kind} cannot be deployed yet")
        return {name: each for name, each in evaluations.items() if isinstance(each, CustomEvaluationConfig)}

    def _used_models(self) -> list[str]:
        """The models that evaluations call, in the order of the environment file."""
        used = {model for config in self._environment.evaluations.values() for model in config.models}
        return [name for name in self._environment.models if name in used]

    def _make_application_profiles(self) -> dict[str, str]:
        profiles = ApplicationProfiles(self, "ApplicationProfiles", names=self._names)
        models = self._environment.models
        return {name: profiles.add(name, self._environment.model(name)) for name in models if models[name].profile}

    def _own_profiles(self) -> dict[str, str]:
        scope = Construct(self, "Profiles")
        return {
            name: InferenceProfile(
                scope,
                name,
                names=self._names,
                model_name=name,
                model=self._environment.model(name),
                purpose="evaluation",
            ).attr_inference_profile_arn
            for name in self._used_models()
        }

    def _evaluator(self, results: s3.IBucket, key: kms.IKey) -> CustomEvaluator:
        evaluator = CustomEvaluator(
            self,
            "Evaluator",
            names=self._names,
            application=self._environment.application,
            datasets=self._datasets,
            results=results,
            key=key,
            code=function_code("custom_evaluator"),
            log_retention_days=self._log_retention_days,
        )
        used = self._used_models()
        if used:
            profiles = [self._profiles[name] for name in used if name in self._profiles]
            evaluator.allow_models([self._environment.model(name) for name in used], own_profiles=profiles)
        for bucket, object_key in self._foreign_datasets():
            evaluator.allow_dataset(bucket=bucket, key=object_key)
        return evaluator

    def _foreign_datasets(self) -> list[tuple[str, str]]:
        used = dict.fromkeys(config.dataset for config in self._custom.values())
        sources = [self._environment.datasets[name] for name in used]
        return [config.s3_object for config in sources if config.is_s3]

    def _add_evaluations(self, results: s3.IBucket, key: kms.IKey) -> None:
        schedules = EvaluationSchedules(
            self, "Schedules", names=self._names, state_machine=self.machine.state_machine, key=key
        )
        if not self._environment.evaluations:
            return
        definitions = DeployedDefinitions(
            self,
            "Definitions",
            names=self._names,
            results=results,
            code=function_code("custom_resources"),
            key=key,
            log_retention_days=self._log_retention_days,
        )
        places = Places(
            profiles=self._profiles,
            datasets_bucket=self._datasets.bucket_name,
            account=Aws.ACCOUNT_ID,
            partition=Aws.PARTITION,
        )
        for name in self._environment.evaluations:
            made = definition(self._environment, name, places=places)
            deployed = definitions.add(made)
            if made.schedule is not None:
                schedules.add(name, made.schedule).node.add_dependency(deployed)
