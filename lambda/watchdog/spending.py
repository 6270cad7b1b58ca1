"""What the models of the application have cost since the month began, by the token metrics of AWS/Bedrock."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from bedrock_eval import catalogue
from bedrock_eval.costs import TOKEN_METRICS, Cost, Rates, cost, total
from bedrock_eval.names import start_minute
from bedrock_eval.outcomes import Usage

_DAY_SECONDS = 86_400
# GetMetricData takes so many queries a request.
_MOST_QUERIES = 500


class UnreadableMetricsError(RuntimeError):
    """CloudWatch answered with less than all datapoints; a cost made of them would be too low."""


def month_to_date(cloudwatch: Any, models: Mapping[str, Rates | None], *, now: datetime) -> Cost:
    """The cost of all tokens of `models` (rates by `ModelId`) since the first of the month in UTC, as AWS bills.

    Raises:
        ClientError: CloudWatch refused.
        UnreadableMetricsError: it did not answer in full.
    """
    queries = [
        _query(f"m{number}_{kind}", metric, model_id)
        for number, model_id in enumerate(models)
        for kind, metric in TOKEN_METRICS.items()
    ]
    sums: Counter[str] = Counter()
    for start in range(0, len(queries), _MOST_QUERIES):
        sums.update(_sums(cloudwatch, queries[start : start + _MOST_QUERIES], now=now))
    return total(
        cost(Usage(**{kind: int(sums[f"m{number}_{kind}"]) for kind in TOKEN_METRICS}), rates)
        for number, rates in enumerate(models.values())
    )


def _query(query_id: str, metric: catalogue.Metric, model_id: str) -> dict[str, Any]:
    return {
        "Id": query_id,
        "MetricStat": {
            "Metric": {
                "Namespace": metric.namespace,
                "MetricName": metric.name,
                "Dimensions": [{"Name": catalogue.MODEL_ID, "Value": model_id}],
            },
            "Period": _DAY_SECONDS,
            "Stat": metric.statistic,
        },
    }


def _sums(cloudwatch: Any, queries: list[dict[str, Any]], *, now: datetime) -> dict[str, float]:
    """The sum of each query's datapoints, by its id."""
    month = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    pages = cloudwatch.get_paginator("get_metric_data").paginate(
        # The end is exclusive, and must be after the beginning in the month's first minute too.
        MetricDataQueries=queries,
        StartTime=month,
        EndTime=start_minute(now) + timedelta(minutes=1),
    )
    found: Counter[str] = Counter()
    status = {query["Id"]: "Missing" for query in queries}
    for page in pages:
        for result in page["MetricDataResults"]:
            found[result["Id"]] += sum(result["Values"])
            status[result["Id"]] = result["StatusCode"]
    broken = [each for each in status.values() if each != "Complete"]
    if broken:
        raise UnreadableMetricsError(f"{len(broken)} of {len(queries)} metrics: {', '.join(sorted(set(broken)))}")
    return dict(found)
