"""GetMetricData and GetMetricStatistics: metric math, exact dimensions, newest first."""

import json
import time
import uuid
from datetime import UTC, datetime
from typing import Any
from urllib.error import HTTPError

import pytest
from botocore.exceptions import ClientError

from local.emulator.cloudwatch.metric_math.readings import CONTRARY
from local.process import Endpoint
from tests.support.local.emulator import Clients, reading

MINUTE = 60


class Metrics:
    """A namespace of its own, with one value a minute."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.namespace = f"T/{uuid.uuid4().hex[:8]}"
        self.start = int(time.time() // MINUTE) * MINUTE - 10 * MINUTE

    def put(self, name: str, values: dict[int, float], **dimensions: str) -> None:
        self.client.put_metric_data(
            Namespace=self.namespace,
            MetricData=[
                {
                    "MetricName": name,
                    "Dimensions": [{"Name": k, "Value": v} for k, v in dimensions.items()],
                    "Timestamp": datetime.fromtimestamp(self.start + minute * MINUTE, UTC),
                    "Value": value,
                }
                for minute, value in values.items()
            ],
        )

    def stat(self, query_id: str, name: str, stat: str = "Sum", **dimensions: str) -> dict[str, Any]:
        metric = {
            "Namespace": self.namespace,
            "MetricName": name,
            "Dimensions": [{"Name": k, "Value": v} for k, v in dimensions.items()],
        }
        return {
            "Id": query_id,
            "MetricStat": {"Metric": metric, "Period": MINUTE, "Stat": stat},
            "ReturnData": False,
        }

    def get(self, *queries: dict[str, Any], minutes: int = 6, **options: Any) -> list[dict[str, Any]]:
        answer = self.client.get_metric_data(
            MetricDataQueries=list(queries),
            StartTime=datetime.fromtimestamp(self.start, UTC),
            EndTime=datetime.fromtimestamp(self.start + minutes * MINUTE, UTC),
            **{"ScanBy": "TimestampAscending", **options},
        )
        return list(answer["MetricDataResults"])

    def minutes(self, result: dict[str, Any]) -> dict[int, float]:
        starts = [int(t.timestamp() - self.start) // MINUTE for t in result["Timestamps"]]
        return dict(zip(starts, result["Values"], strict=True))

    def math(self, expression: str, *queries: dict[str, Any]) -> dict[int, float]:
        (result,) = self.get(*queries, {"Id": "e", "Expression": expression})
        return self.minutes(result)


@pytest.fixture
def metrics(clients: Clients) -> Metrics:
    return Metrics(clients("cloudwatch"))


@pytest.fixture
def pair(metrics: Metrics) -> tuple[Metrics, dict[str, Any], dict[str, Any]]:
    metrics.put("a", {0: 4, 1: 6, 3: 10})
    metrics.put("b", {0: 2, 1: 0, 4: 5})
    return metrics, metrics.stat("a", "a"), metrics.stat("b", "b")


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("a + b", {0: 6, 1: 6, 3: 10, 4: 5}),
        ("a / b", {0: 2, 4: 0}),
        ("-a ^ 2 + 1", {0: -15, 1: -35, 3: -99}),
        ("100 * b / (a + b)", {0: 100 / 3, 1: 0, 3: 0, 4: 100}),
        ("a > 5", {0: 0, 1: 1, 3: 1}),
        ("a > 5 AND b < 1", {0: 0, 1: 1, 3: 0, 4: 0}),
        ("a > 5 || b > 1", {0: 1, 1: 1, 3: 1, 4: 1}),
        ("IF(a > 5, a, 0)", {0: 0, 1: 6, 3: 10}),
        ("IF(a > 5, a)", {1: 6, 3: 10}),
        ("FILL(a, 0)", {0: 4, 1: 6, 2: 0, 3: 10, 4: 0, 5: 0}),
        ("FILL(a, REPEAT)", {0: 4, 1: 6, 2: 6, 3: 10, 4: 10, 5: 10}),
        ("FILL(a, LINEAR)", {0: 4, 1: 6, 2: 8, 3: 10}),
        ("MAX([a, b])", {0: 4, 1: 6, 3: 10, 4: 5}),
        ("SUM(METRICS())", {0: 6, 1: 6, 3: 10, 4: 5}),
        ("a - MIN(a)", {0: 0, 1: 2, 3: 6}),
        ("RUNNING_SUM(a)", {0: 4, 1: 10, 3: 20}),
        ("DIFF(a)", {1: 2, 3: 4}),
        ("RATE(a)", {1: 2 / 60, 3: 4 / 120}),
        ("CEIL(a / 4) + FLOOR(a / 4) + ABS(0 - a)", {0: 6, 1: 9, 3: 15}),
        ("FILL(SUM([a, b]), 0) * 0 + AVG(b)", dict.fromkeys(range(6), 7 / 3)),
    ],
)
def test_expression(pair: tuple[Metrics, dict[str, Any], dict[str, Any]], expression: str, expected: Any) -> None:
    metrics, a, b = pair
    assert metrics.math(expression, a, b) == pytest.approx(expected)


def test_a_metric_without_any_data_fills_the_asked_range(metrics: Metrics) -> None:
    nothing = metrics.stat("m", "never-published")
    assert metrics.math("m + 1", nothing) == {}
    assert metrics.math("FILL(m, 0)", nothing) == dict.fromkeys(range(6), 0)


def test_readings_change_while_it_runs(metrics: Metrics, emulator: Endpoint) -> None:
    nothing = metrics.stat("m", "never-published")
    with reading(emulator, CONTRARY):
        assert metrics.math("FILL(m, 0)", nothing) == {}
    assert metrics.math("FILL(m, 0)", nothing) == dict.fromkeys(range(6), 0)
    with pytest.raises(HTTPError) as refused, reading(emulator, '{"fill": false}'):
        pass
    assert "fill_of_empty" in json.load(refused.value)["error"]


@pytest.mark.parametrize(
    ("expression", "complaint"),
    [
        ("MEDIAN(a)", "MEDIAN"),
        ("a ** 2", r"\^"),
        ("a +", "the end"),
        ("a + nope", "nope"),
        ("e", "refers to itself"),
        ("__import__('os')", "__IMPORT__"),
    ],
)
def test_what_cannot_be_evaluated_is_refused_by_name(
    pair: tuple[Metrics, dict[str, Any], dict[str, Any]], expression: str, complaint: str
) -> None:
    metrics, a, b = pair
    with pytest.raises(ClientError, match=complaint) as refused:
        metrics.math(expression, a, b)
    assert refused.value.response["Error"]["Code"] == "ValidationError"


def test_a_metric_is_its_exact_set_of_dimensions(metrics: Metrics) -> None:
    metrics.put("n", {0: 1})
    metrics.put("n", {0: 10}, ModelId="x")
    metrics.put("n", {0: 100}, ModelId="x", Application="y")
    queries = [metrics.stat("a", "n"), metrics.stat("b", "n", ModelId="x")]
    results = metrics.get(*({**query, "ReturnData": True} for query in queries))
    assert [metrics.minutes(result) for result in results] == [{0: 1}, {0: 10}]
    answer = metrics.client.get_metric_statistics(
        Namespace=metrics.namespace,
        MetricName="n",
        StartTime=datetime.fromtimestamp(metrics.start, UTC),
        EndTime=datetime.fromtimestamp(metrics.start + 60, UTC),
        Period=60,
        Statistics=["Sum"],
    )
    assert [d["Sum"] for d in answer["Datapoints"]] == [1]


def test_newest_value_first_unless_asked_otherwise(metrics: Metrics) -> None:
    metrics.put("a", {0: 1, 1: 2})
    query = {**metrics.stat("a", "a"), "ReturnData": True}
    (result,) = metrics.get(query, ScanBy="TimestampDescending")
    assert result["Values"] == [2, 1]
    assert result["Label"] == "a"


def test_percentiles_weigh_values_by_counts(metrics: Metrics) -> None:
    metrics.client.put_metric_data(
        Namespace=metrics.namespace,
        MetricData=[
            {
                "MetricName": "latency",
                "Timestamp": datetime.fromtimestamp(metrics.start, UTC),
                "Values": [1, 2, 100],
                "Counts": [50, 48, 2],
            }
        ],
    )
    stats = {"p50": 1.5, "p99": 100, "Average": 3.46, "SampleCount": 100, "Maximum": 100}
    for stat, expected in stats.items():
        (result,) = metrics.get({**metrics.stat("a", "latency", stat), "ReturnData": True})
        assert result["Values"] == [pytest.approx(expected)], stat


def test_search_selects_by_schema_and_terms(metrics: Metrics) -> None:
    for model in ("claude", "nova"):
        metrics.put("accuracy", {0: 0.5}, ModelId=model, Application="app")
    metrics.put("accuracy", {0: 0.9}, ModelId="claude")
    metrics.put("latency", {0: 7}, ModelId="claude", Application="app")

    def found(query: str) -> dict[str, list[float]]:
        results = metrics.get({"Id": "s", "Expression": f"SEARCH('{query}', 'Average', 60)"})
        return {result["Label"]: result["Values"] for result in results}

    schema = f'{{"{metrics.namespace}",ModelId,Application}}'
    assert found(f'{schema} MetricName="accuracy"') == {"claude app": [0.5], "nova app": [0.5]}
    assert found(f'{schema} MetricName="accuracy" ModelId="nova"') == {"nova app": [0.5]}
    assert found(f'{schema} MetricName="accuracy" NOT nova') == {"claude app": [0.5]}
    assert found(f'{schema} MetricName=("accuracy" OR "latency") ModelId=cla') == {
        "claude app accuracy": [0.5],
        "claude app latency": [7],
    }


def test_a_label_of_properties_is_that_of_each_series_found(metrics: Metrics) -> None:
    for model in ("claude", "nova"):
        metrics.put("accuracy", {0: 0.5}, ModelId=model, Application="app")
    search = f"SEARCH('{{{metrics.namespace},ModelId,Application}} accuracy', 'Average', 60)"
    label = "${PROP('Dim.ModelId')} ${PROP('MetricName')} ${PROP('Dim.Absent')}"
    results = metrics.get({"Id": "s", "Expression": search, "Label": label})
    assert [result["Label"] for result in results] == [
        f"{model} accuracy ${{PROP('Dim.Absent')}}" for model in ("claude", "nova")
    ]


def test_a_band_comes_as_two_lines(metrics: Metrics) -> None:
    metrics.put("a", {-30: 1, -20: 3, -10: 1, -5: 3, 0: 2})
    upper, lower = metrics.get(metrics.stat("a", "a"), {"Id": "band", "Expression": "ANOMALY_DETECTION_BAND(a, 2)"})
    assert set(upper["Values"]) == {4}
    assert set(lower["Values"]) == {0}
