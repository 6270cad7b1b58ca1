"""Key, buckets and datasets of one environment. Everything else builds on it, so what it exports stays for ever."""

from pathlib import Path

from aws_cdk import CfnOutput, CustomResource, RemovalPolicy

from bedrock_eval.names import PhysicalNames
from bedrock_eval_cdk.invocation_logging.bodies import InvocationBodies
from bedrock_eval_cdk.storage.bucket_emptier import BucketEmptier
from bedrock_eval_cdk.storage.buckets import (
    allow_human_task_pages,
)
from bedrock_eval_cdk.storage.dataset_files import DatasetFiles
from bedrock_eval_cdk.storage.encryption import EnvironmentKey, KeyUse
from bedrock_eval_cdk.storage.evaluation_buckets import EvaluationBuckets, Lifetimes
from configuration.schema.environment import Environment
from constructs import Construct
from stacks.base import EnvironmentStack, environment_context, environment_identity, removal_policy


class StorageStack(EnvironmentStack):
    """Where the data of an environment lies.

    Args:
        root: the folder that the paths of datasets begin at.
    """

    def __init__(self, scope: Construct, construct_id: str, *, environment: Environment, root: Path) -> None:
        super().__init__(scope, construct_id, environment=environment)
        self._environment = environment
        self._names = PhysicalNames(environment.prefix)
        self._removal_policy = removal_policy(environment)
        self.key = self._make_key()
        self._context = environment_context(environment, key=self.key)
        days = environment.retention_days
        buckets = EvaluationBuckets(
            self,
            "Buckets",
            context=self._context,
            lifetimes=Lifetimes(days.runs, days.access_logs, days.noncurrent_versions),
        )
        self.access_logs, self.datasets, self.results = buckets.access_logs, buckets.datasets, buckets.results
        if environment.asks_people:
            allow_human_task_pages(self.results)
        self.invocation_bodies = self._make_invocation_bodies()
        emptied = self._empty_on_delete() if self._removal_policy is RemovalPolicy.DESTROY else None
        self._add_datasets(root, emptied=emptied)
        self._export()

    def _make_key(self) -> EnvironmentKey:
        return EnvironmentKey(
            self,
            "Key",
            identity=environment_identity(self._environment),
            use=KeyUse(
                scheduler_roles=[self._names.scheduler_role, self._names.function("watchdog-schedule")],
                # Also when it does not log: a group that it made once is written with this key by whoever logs now.
                log_groups=[self._environment.invocation_logging.log_group],
                budget=self._environment.budget is not None,
                invocation_bodies=self._keeps_large_bodies,
            ),
            removal_policy=self._removal_policy,
        )

    @property
    def _keeps_large_bodies(self) -> bool:
        return self._environment.logs_invocations and self._environment.invocation_logging.keeps_large_bodies

    def _make_invocation_bodies(self) -> InvocationBodies | None:
        if not self._keeps_large_bodies:
            return None
        return InvocationBodies(
            self,
            "InvocationBodies",
            context=self._context,
            access_logs=self.access_logs,
            retention_days=self._environment.retention_days.invocation_logs,
        )

    def _empty_on_delete(self) -> CustomResource:
        """What empties the bucket of datasets."""
        emptier = BucketEmptier(self, "Emptier", context=self._context)
        emptied = emptier.empty(self.datasets)
        emptier.empty(self.results)
        if self.invocation_bodies is not None:
            emptier.empty(self.invocation_bodies, refilled=True)
        emptier.empty(self.access_logs, refilled=True)
        return emptied

    def _add_datasets(self, root: Path, *, emptied: CustomResource | None) -> None:
        files = {name: config.source for name, config in self._environment.datasets.items() if not config.is_s3}
        if not files:
            return
        datasets = DatasetFiles(self, "DatasetFiles", context=self._context, bucket=self.datasets)
        for name, source in files.items():
            copied = datasets.add(name, root / source)
            if emptied is not None:
                # A first deploy that fails in between could never delete the bucket: its copies are versions in it.
                copied.node.add_dependency(emptied)

    def _export(self) -> None:
        """Explicitly: an automatic export goes with its last consumer, and the deploy of that is then blocked by it."""
        for bucket in (self.datasets, self.results):
            self.export_value(bucket.bucket_name)
            self.export_value(bucket.bucket_arn)
        self.export_value(self.key.key_arn)
        CfnOutput(self, "DatasetsBucket", value=self.datasets.bucket_name)
        CfnOutput(self, "ResultsBucket", value=self.results.bucket_name)
