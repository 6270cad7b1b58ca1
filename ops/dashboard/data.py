"""What CloudWatch has for the widgets of a dashboard: series by GetMetricData, states by DescribeAlarms."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from ops.dashboard.body import AlarmStates, Board, Graph, Series
from ops.errors import OpsError

_MOST_NAMES = 100
# CloudWatch keeps whole hours for 455 days, five minutes for 63, single minutes for 15.
_KEPT = ((timedelta(days=63), 3600), (timedelta(days=15), 300))


class CloudWatch(Protocol):
    """boto3's client, as far as it is called."""

    def get_paginator(self, operation_name: str, /) -> Any: ...


@dataclass(frozen=True)
class Points:
    """One line as it came: pairs of time and value, oldest first; none: CloudWatch has no data."""

    label: str
    values: tuple[tuple[datetime, float], ...]


@dataclass(frozen=True)
class Data:
    """What was found.

    Attributes:
        lines: by graph and id of the series; a search gives several.
        states: by name of the alarm.
        failures: what could not be asked, by graph.
    """

    start: Mapping[int, datetime]
    end: datetime
    lines: Mapping[tuple[int, str], tuple[Points, ...]]
    states: Mapping[str, str]
    failures: Mapping[int, str]


def fetch(board: Board, clients: Mapping[str | None, CloudWatch], *, until: datetime, back: timedelta) -> Data:
    """Ask for everything that the board shows.

    Args:
        clients: by Region; under None for widgets that name none.
        until: when metrics have arrived; what is younger is not drawn, for it would look like less traffic.
        back: the time range of graphs that have none of their own.

    Raises:
        OpsError: CloudWatch cannot be reached, or refuses the caller.
    """
    end = until.astimezone(UTC)
    starts, lines, failures = {}, {}, {}
    for place, widget in enumerate(board.widgets):
        if not isinstance(widget, Graph):
            continue
        starts[place] = end - (widget.back or back)
        try:
            found = _lines(widget, clients[widget.region], start=starts[place], end=end)
        except ClientError as error:
            problem = error.response.get("Error", {})
            if _is_refusal(error):
                raise OpsError(f"CloudWatch refuses: {error}") from None
            failures[place] = str(problem.get("Message") or error)
            continue
        except BotoCoreError as error:
            raise OpsError(f"CloudWatch cannot be asked: {error}") from None
        lines.update({(place, name): points for name, points in found.items()})
    return Data(starts, end, lines, _states(board, clients[None]), failures)


def _lines(graph: Graph, client: CloudWatch, *, start: datetime, end: datetime) -> Mapping[str, tuple[Points, ...]]:
    queries = [_query(series, graph, start=start, end=end) for series in graph.series]
    if not queries:
        return {}
    found: dict[str, dict[tuple[str, int], list[tuple[datetime, float]]]] = {}
    pages = client.get_paginator("get_metric_data").paginate(
        MetricDataQueries=queries, StartTime=start, EndTime=end, ScanBy="TimestampAscending"
    )
    for page in pages:
        # The edges of a band may have one label; a label that comes again on the next page goes on.
        seen: Counter[tuple[str, str]] = Counter()
        for result in page["MetricDataResults"]:
            name, label = result["Id"], result.get("Label", "")
            pairs = zip(result["Timestamps"], result["Values"], strict=True)
            known = [(moment.astimezone(UTC), float(value)) for moment, value in pairs if math.isfinite(value)]
            found.setdefault(name, {}).setdefault((label, seen[name, label]), []).extend(known)
            seen[name, label] += 1
    return {
        name: tuple(Points(label, tuple(sorted(values))) for (label, _), values in labelled.items())
        for name, labelled in found.items()
    }


def _query(series: Series, graph: Graph, *, start: datetime, end: datetime) -> dict[str, Any]:
    period = _period(series, graph, start=start, end=end)
    query: dict[str, Any] = {"Id": series.id, "Label": series.label, "ReturnData": series.visible}
    if series.metric is None:
        return {**query, "Expression": series.expression, "Period": period}
    namespace, name, dimensions = series.metric
    metric = {
        "Namespace": namespace,
        "MetricName": name,
        "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
    }
    return {**query, "MetricStat": {"Metric": metric, "Period": period, "Stat": series.statistic}}


def _period(series: Series, graph: Graph, *, start: datetime, end: datetime) -> int:
    if graph.whole:
        return int((end - start).total_seconds())
    kept = next((seconds for age, seconds in _KEPT if end - start > age), 60)
    return max(series.period, kept)


def _states(board: Board, client: CloudWatch) -> Mapping[str, str]:
    names = [name for widget in board.widgets if isinstance(widget, AlarmStates) for name in widget.names]
    try:
        return dict(pair for part in _parts(names) for pair in _states_of(client, part))
    except (ClientError, BotoCoreError) as error:
        raise OpsError(f"the states of the alarms cannot be asked: {error}") from None


def _parts(names: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(names), _MOST_NAMES):
        yield names[start : start + _MOST_NAMES]


def _states_of(client: CloudWatch, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    pages = client.get_paginator("describe_alarms").paginate(
        AlarmNames=list(names), AlarmTypes=["MetricAlarm", "CompositeAlarm"]
    )
    for page in pages:
        for alarm in (*page.get("MetricAlarms", []), *page.get("CompositeAlarms", [])):
            yield alarm["AlarmName"], alarm["StateValue"]


def _is_refusal(error: ClientError) -> bool:
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    code = str(error.response.get("Error", {}).get("Code", ""))
    return status in {401, 403} or "Denied" in code or "Token" in code
