"""The watchdog over fakes: what is deployed, what ran, and what one call of it publishes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from botocore.model import ServiceModel

from bedrock_eval import codec
from bedrock_eval.evaluation.definition import Candidate, CustomDefinition, Dataset, Schedule
from bedrock_eval.layout import WATCH_LIST, RunLayout, definition_key
from bedrock_eval.pricing.costs import Rates
from bedrock_eval.watchdog.watch_list import WatchList
from bedrock_eval_functions.watchdog.watch import Watch
from tests.support.aws.older_sdk import older_model
from tests.support.definitions import by_jobs
from tests.support.fakes import FakeCloudWatch, FakeQueues, FakeS3, client_error

# A Monday.
NOW = datetime(2026, 11, 23, 13, 20, 30, tzinfo=UTC)


DEPLOYED = datetime(2026, 11, 2, 9, tzinfo=UTC)


WATCHED = WatchList(
    models=("anthropic.claude-opus-4-1-20250805-v1:0", "amazon.nova-lite-v1:0"),
    priced={"haiku": Rates(1.0, 5.0), "nova": None},
)


MINUTE = NOW.replace(second=0)


DAILY = Schedule("cron(0 6 * * ? *)")


DEFINITION = CustomDefinition(
    application="shop",
    environment="dev",
    evaluation="support",
    candidates=(Candidate("small", "amazon.nova-lite-v1:0", "profile"),),
    dataset=Dataset("questions", "data", "key"),
    metrics=("exact_match",),
    schedule=DAILY,
    first_deployed=DEPLOYED.isoformat(),
)


def deploy(s3: FakeS3, **changes: Any) -> None:
    made = by_jobs if "job" in changes else replace
    definition = made(DEFINITION, **changes)
    body = json.dumps(definition.to_json()).encode()
    s3.put_object(Bucket="results", Key=definition_key(definition.evaluation), Body=body)


def watch_on(s3: FakeS3, watch_list: WatchList) -> None:
    s3.put_object(Bucket="results", Key=WATCH_LIST, Body=json.dumps(codec.encode(watch_list)).encode())


def run(s3: FakeS3, run_id: str, *, evaluation: str = "support", finished: bool = True) -> None:
    layout = RunLayout(evaluation, run_id)
    for key in (layout.lock, layout.state, *((layout.summary,) if finished else ())):
        s3.put_object(Bucket="results", Key=key, Body=b"{}")


@dataclass
class FakeBedrock:
    """What AWS announces, by foundation model: an end, None without one; an error for a model that is not there.

    Attributes:
        answer: what comes for every model instead, or is raised.
        model: boto3's of the service.
    """

    ends: Mapping[str, datetime | None] = field(default_factory=dict)
    answer: Any = None
    model: ServiceModel = field(default_factory=lambda: older_model("bedrock"))

    @property
    def meta(self) -> Any:
        return SimpleNamespace(service_model=self.model)

    def get_foundation_model(self, *, modelIdentifier: str) -> Any:  # noqa: N803 - boto3's name
        if isinstance(self.answer, Exception):
            raise self.answer
        if self.answer is not None:
            return self.answer
        if modelIdentifier not in self.ends:
            raise client_error("ResourceNotFoundException", status=404)
        end = self.ends[modelIdentifier]
        life = {"status": "ACTIVE"} if end is None else {"status": "LEGACY", "endOfLifeTime": end}
        return {"modelDetails": {"modelId": modelIdentifier, "modelLifecycle": life}}


def clients(s3: FakeS3, cloudwatch: FakeCloudWatch) -> dict[str, Any]:
    """What the function makes, by service."""
    return {
        "s3": s3,
        "cloudwatch": cloudwatch,
        "bedrock": FakeBedrock(),
        "sns": None,
        "budgets": None,
        "sqs": FakeQueues(),
        "logs": None,
    }


def look(s3: FakeS3, **world: Any) -> dict[str, dict[str, float]]:
    """Metric name -> what it is about -> value; without the count that every look ends with."""
    found = look_at_all(s3, **world)
    del found["models_without_lifecycle"]
    return found


def look_at_all(
    s3: FakeS3,
    *,
    now: datetime = NOW,
    cloudwatch: FakeCloudWatch | None = None,
    bedrock: FakeBedrock | None = None,
    priced: Mapping[str, Rates | None] | None = None,
    watch_list: WatchList | None = None,
    queues: Mapping[str, tuple[int, int, int]] | None = None,
    logs: Any = None,
) -> dict[str, dict[str, float]]:
    """Metric name -> what it is about -> value."""
    found: dict[str, dict[str, float]] = {}
    watch = Watch(
        s3=s3,
        cloudwatch=cloudwatch or FakeCloudWatch(),
        bedrock=bedrock or FakeBedrock(),
        sqs=FakeQueues(queues or {}),
        logs=logs,
        bucket="results",
        application="shop",
        region="us-east-1",
    )
    watch_on(s3, watch_list or WatchList(priced=priced or {}))
    for each in watch.round(now):
        request = each.request()
        dimensions = {item["Name"]: item["Value"] for item in request["Dimensions"]}
        assert dimensions.pop("Application") == "shop"
        assert request["Timestamp"] == now.replace(second=0, microsecond=0)
        found.setdefault(request["MetricName"], {})["".join(dimensions.values())] = request["Value"]
    return found
