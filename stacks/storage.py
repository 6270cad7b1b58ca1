"""Key, buckets and datasets of one environment. Everything else builds on it, so what it exports stays for ever."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aws_cdk import CfnOutput, CustomResource, RemovalPolicy, Stack
from aws_cdk import aws_s3 as s3

from bedrock_eval.layout import DEFINITIONS, JOBS, RUNS, WATCHDOG
from bedrock_eval.names import PhysicalNames
from bedrock_ops.bucket_emptier import BucketEmptier
from bedrock_ops.buckets import HUMAN_TASK_PAGES, AccessLogBucket, DataBucket, expire, expire_noncurrent
from bedrock_ops.dataset_files import DatasetFiles
from bedrock_ops.encryption import EnvironmentKey
from bedrock_ops.invocation_logging import InvocationBodies
from configuration.schema.environment import Environment
from constructs import Construct
from stacks.code import function_code


class StorageStack(Stack):
    """Where the data of an environment lies.

    Args:
        root: the folder that the paths of datasets begin at.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, environment: Environment, root: Path, **kwargs: Any
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)
        self._environment = environment
        self._names = PhysicalNames(environment.prefix)
        self._removal_policy = removal_policy(environment)
        self.key = self._make_key()
        self.access_logs = AccessLogBucket(
            self,
            "AccessLogs",
            expire_days=environment.retention_days.access_logs,
            removal_policy=self._removal_policy,
        )
        self.datasets = self._data_bucket("Datasets", [])
        cors = [HUMAN_TASK_PAGES] if environment.asks_people else []
        self.results = self._data_bucket("Results", self._results_lifecycle(), cors=cors)
        self.invocation_bodies = self._make_invocation_bodies()
        emptied = self._empty_on_delete() if self._removal_policy is RemovalPolicy.DESTROY else None
        self._add_datasets(root, emptied=emptied)
        self._export()

    def _make_key(self) -> EnvironmentKey:
        return EnvironmentKey(
            self,
            "Key",
            names=self._names,
            scheduler_roles=[self._names.scheduler_role, self._names.function("watchdog-schedule")],
            # Also when it does not log: a group that it made once is written with this key by whoever logs now.
            log_groups=[self._environment.invocation_logging.log_group],
            budget=self._environment.budget is not None,
            invocation_bodies=self._keeps_large_bodies,
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
            names=self._names,
            key=self.key,
            access_logs=self.access_logs,
            retention_days=self._environment.retention_days.invocation_logs,
            removal_policy=self._removal_policy,
        )

    def _data_bucket(
        self, construct_id: str, lifecycle: list[s3.LifecycleRule], *, cors: Sequence[s3.CorsRule] = ()
    ) -> DataBucket:
        days = self._environment.retention_days.noncurrent_versions
        return DataBucket(
            self,
            construct_id,
            key=self.key,
            access_logs=self.access_logs,
            lifecycle=lifecycle or [expire_noncurrent("objects", days=days)],
            removal_policy=self._removal_policy,
            cors=cors,
        )

    def _results_lifecycle(self) -> list[s3.LifecycleRule]:
        """By prefix: no rule reaches baselines/, not even for a version that was overwritten by mistake."""
        days = self._environment.retention_days
        return [
            expire("runs", days=days.runs, prefix=RUNS),
            expire("jobs", days=days.runs, prefix=JOBS),
            expire_noncurrent("runs", days=days.noncurrent_versions, prefix=RUNS),
            expire_noncurrent("jobs", days=days.noncurrent_versions, prefix=JOBS),
            expire_noncurrent("definitions", days=days.noncurrent_versions, prefix=DEFINITIONS),
            expire_noncurrent("watchdog", days=days.noncurrent_versions, prefix=WATCHDOG),
        ]

    def _empty_on_delete(self) -> CustomResource:
        """What empties the bucket of datasets."""
        emptier = BucketEmptier(
            self,
            "Emptier",
            names=self._names,
            code=function_code("custom_resources"),
            key=self.key,
            log_retention_days=self._environment.retention_days.function_logs,
        )
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
        datasets = DatasetFiles(
            self,
            "DatasetFiles",
            names=self._names,
            bucket=self.datasets,
            code=function_code("custom_resources"),
            key=self.key,
            log_retention_days=self._environment.retention_days.function_logs,
            retain=self._removal_policy is RemovalPolicy.RETAIN,
        )
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


def removal_policy(environment: Environment) -> RemovalPolicy:
    """What becomes of what holds data."""
    return RemovalPolicy.DESTROY if environment.removal_policy == "destroy" else RemovalPolicy.RETAIN
