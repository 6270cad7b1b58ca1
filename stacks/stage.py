"""One environment: its four stacks in the order of their deploy."""

from pathlib import Path

from aws_cdk import Environment as Target
from aws_cdk import PermissionsBoundary, Stage, Tags

from bedrock_eval_cdk.core.errors import DeclarationError
from bedrock_eval_cdk.storage.evaluation_buckets import EvaluationData
from configuration.loading.load import EnvironmentsError
from configuration.schema.environment import Environment
from constructs import Construct
from stacks.evaluation import EvaluationStack
from stacks.invocation_logging import InvocationLoggingStack
from stacks.monitoring import MonitoredConstructs, MonitoringStack
from stacks.storage import StorageStack


class EnvironmentStage(Stage):
    """What `cdk deploy '<environment>/*'` makes. Its id is the environment's name.

    Args:
        root: the folder that the paths of datasets begin at.

    Raises:
        EnvironmentsError: the file is right, and asks for more than AWS takes.
    """

    def __init__(self, scope: Construct, *, environment: Environment, root: Path) -> None:
        boundary = environment.permissions_boundary
        super().__init__(
            scope,
            environment.name,
            env=Target(account=environment.account, region=environment.region),
            permissions_boundary=PermissionsBoundary.from_name(boundary) if boundary else None,
        )
        # Said here and not by cdk.json alone, which nobody but the CDK's command line reads.
        self.node.set_context("@aws-cdk/aws-iam:minimizePolicies", True)
        self._environment = environment
        try:
            self._add_stacks(root)
        except DeclarationError as error:
            raise EnvironmentsError([f"environments/{environment.name}.yaml: {error}"]) from None
        self._tag()

    def _add_stacks(self, root: Path) -> None:
        environment = self._environment
        storage = StorageStack(self, "storage", environment=environment, root=root)
        key = storage.key
        logging = InvocationLoggingStack(self, "logging", environment=environment, key=key)
        data = EvaluationData(storage.datasets, storage.results)
        evaluation = EvaluationStack(self, "evaluation", environment=environment, data=data, key=key)
        monitored = MonitoredConstructs(storage.results, evaluation.evaluations, logging.logging)
        monitoring = MonitoringStack(self, "monitoring", environment=environment, key=key, monitored=monitored)
        # It uses the schedule group and the dead-letter queue by name, and reads the definitions when it is made.
        monitoring.add_stack_dependency(evaluation)

    def _tag(self) -> None:
        for key, value in self._environment.resource_tags.items():
            Tags.of(self).add(key, value)
