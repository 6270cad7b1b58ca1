"""ListMetrics: recently active metrics by exact dimensions, on pages."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.local.emulator import Clients


@pytest.fixture
def cloudwatch(clients: Clients) -> Any:
    return clients("cloudwatch")


def put(cloudwatch: Any, namespace: str, names: list[str], *, hours_ago: float = 0, **dimensions: str) -> None:
    moment = datetime.now(UTC) - timedelta(hours=hours_ago)
    shared = {"Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()], "Value": 1}
    cloudwatch.put_metric_data(
        Namespace=namespace, MetricData=[{"MetricName": name, "Timestamp": moment, **shared} for name in names]
    )


def listed(cloudwatch: Any, **request: Any) -> list[tuple[str, dict[str, str]]]:
    pages = cloudwatch.get_paginator("list_metrics").paginate(**request)
    return [
        (each["MetricName"], {entry["Name"]: entry["Value"] for entry in each["Dimensions"]})
        for page in pages
        for each in page["Metrics"]
    ]


def test_recently_active_is_the_past_three_hours(cloudwatch: Any) -> None:
    namespace = f"T/{uuid.uuid4().hex[:8]}"
    put(cloudwatch, namespace, ["new"], ModelId="a", ServiceTier="flex")
    put(cloudwatch, namespace, ["new"], hours_ago=2.9)
    put(cloudwatch, namespace, ["old"], hours_ago=3.1)
    new = [("new", {}), ("new", {"ModelId": "a", "ServiceTier": "flex"})]
    assert listed(cloudwatch, Namespace=namespace, RecentlyActive="PT3H") == new
    assert sorted(name for name, _ in listed(cloudwatch, Namespace=namespace)) == ["new", "new", "old"]
    # A set that has a dimension of this name.
    assert listed(cloudwatch, Namespace=namespace, Dimensions=[{"Name": "ModelId"}]) == new[1:]


def test_a_page_holds_500(cloudwatch: Any) -> None:
    namespace = f"T/{uuid.uuid4().hex[:8]}"
    names = [f"m{number:04}" for number in range(501)]
    put(cloudwatch, namespace, names)
    first = cloudwatch.list_metrics(Namespace=namespace)
    assert len(first["Metrics"]) == 500
    assert [name for name, _ in listed(cloudwatch, Namespace=namespace)] == names


def test_other_spans_are_refused(cloudwatch: Any) -> None:
    with pytest.raises(ClientError, match="InvalidParameterValue"):
        cloudwatch.list_metrics(RecentlyActive="PT1H")
