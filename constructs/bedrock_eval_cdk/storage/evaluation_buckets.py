"""The buckets of datasets and results."""

from dataclasses import dataclass

from aws_cdk import aws_s3 as s3

from bedrock_eval.layout import DEFINITIONS, JOBS, RUNS, WATCHDOG
from bedrock_eval_cdk.core.context import EnvironmentContext
from bedrock_eval_cdk.storage.buckets import AccessLogBucket, DataBucket, expire, expire_noncurrent
from constructs import Construct


@dataclass(frozen=True)
class Lifetimes:
    """How long data is kept, by kind, in days; accepted runs never expire."""

    runs: int = 400
    access_logs: int = 90
    noncurrent_versions: int = 30


@dataclass(frozen=True)
class EvaluationData:
    """Where datasets and results lie."""

    datasets: s3.IBucket
    results: s3.IBucket


@dataclass(frozen=True)
class ExistingBuckets:
    """Buckets that are there already; None: it is made."""

    datasets: s3.IBucket | None = None
    results: s3.IBucket | None = None


class EvaluationBuckets(Construct):
    """The buckets of datasets and results, and the one that takes their access logs."""

    def __init__(
        self, scope: Construct, construct_id: str, *, context: EnvironmentContext, lifetimes: Lifetimes
    ) -> None:
        super().__init__(scope, construct_id)
        self.access_logs = AccessLogBucket(
            self, "AccessLogs", expire_days=lifetimes.access_logs, removal_policy=context.removal_policy
        )
        self.datasets = DataBucket(
            self,
            "Datasets",
            context=context,
            access_logs=self.access_logs,
            lifecycle=[expire_noncurrent("objects", days=lifetimes.noncurrent_versions)],
        )
        self.results = DataBucket(
            self, "Results", context=context, access_logs=self.access_logs, lifecycle=_results_lifecycle(lifetimes)
        )


def _results_lifecycle(lifetimes: Lifetimes) -> list[s3.LifecycleRule]:
    """By prefix: no rule reaches baselines/, not even for a version that was overwritten by mistake."""
    return [
        expire("runs", days=lifetimes.runs, prefix=RUNS),
        expire("jobs", days=lifetimes.runs, prefix=JOBS),
        expire_noncurrent("runs", days=lifetimes.noncurrent_versions, prefix=RUNS),
        expire_noncurrent("jobs", days=lifetimes.noncurrent_versions, prefix=JOBS),
        expire_noncurrent("definitions", days=lifetimes.noncurrent_versions, prefix=DEFINITIONS),
        expire_noncurrent("watchdog", days=lifetimes.noncurrent_versions, prefix=WATCHDOG),
    ]
