"""Sums of CloudWatch metrics over a time, or an error: a number made of half an answer would be too low."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

# GetMetricData takes so many queries a request.
_MOST_QUERIES = 500


class UnreadableMetricsError(RuntimeError):
    """CloudWatch answered with less than all datapoints; a sum made of them would be too low."""


@dataclass(frozen=True)
class Wanted:
    """One metric under one exact set of dimensions, and the statistic that is added up."""

    namespace: str
    name: str
    dimensions: Mapping[str, str]
    statistic: str = "Sum"

    def query(self, query_id: str, *, period: int) -> dict[str, Any]:
        """As GetMetricData takes it."""
        dimensions = [{"Name": name, "Value": value} for name, value in self.dimensions.items()]
        metric = {"Namespace": self.namespace, "MetricName": self.name, "Dimensions": dimensions}
        return {"Id": query_id, "MetricStat": {"Metric": metric, "Period": period, "Stat": self.statistic}}


def sums(
    cloudwatch: Any, wanted: Mapping[str, Wanted], *, start: datetime, end: datetime, period: int
) -> dict[str, float]:
    """The sum of each metric's datapoints in [start, end), by its id; 0 where there is none.

    Args:
        wanted: by ids that begin with a lower-case letter.
        period: of the datapoints, in seconds.

    Raises:
        ClientError: CloudWatch refused.
        UnreadableMetricsError: it did not answer in full.
    """
    queries = [each.query(query_id, period=period) for query_id, each in wanted.items()]
    found: dict[str, float] = {}
    for first in range(0, len(queries), _MOST_QUERIES):
        found |= _of_request(cloudwatch, queries[first : first + _MOST_QUERIES], start=start, end=end)
    return found


def _of_request(cloudwatch: Any, queries: list[dict[str, Any]], *, start: datetime, end: datetime) -> dict[str, float]:
    pages = cloudwatch.get_paginator("get_metric_data").paginate(
        MetricDataQueries=queries, StartTime=start, EndTime=end
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
    return {query["Id"]: float(found[query["Id"]]) for query in queries}
