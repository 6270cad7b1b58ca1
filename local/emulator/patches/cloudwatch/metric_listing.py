"""ListMetrics over the JSON protocol.

Stock ministack knows no RecentlyActive, lists what was published weeks ago, gives everything on one page and takes no
NextToken. CloudWatch lists metrics of the past two weeks, with ``RecentlyActive=PT3H`` those of about the past three
hours, and 500 on a page.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ministack.services import cloudwatch

from local.emulator.cloudwatch.metric_reader import points_of

Answer = tuple[int, dict[str, str], bytes]
Handler = Callable[..., Answer]

_RECENT_SECONDS = {None: cloudwatch.TWO_WEEKS_SECONDS, "PT3H": 3 * 3_600}
_ON_A_PAGE = 500
# A datapoint may lie so far in the future.
_AHEAD_SECONDS = 2 * 3_600


class _RefusedError(ValueError):
    """A request that CloudWatch would refuse."""


def list_metrics(request: Mapping[str, Any]) -> dict[str, Any]:
    """The Metrics of a request, and NextToken where there are more. Raises ValueError when CloudWatch would refuse."""
    recently = request.get("RecentlyActive")
    if recently not in _RECENT_SECONDS:
        raise _RefusedError(f"The parameter RecentlyActive must be PT3H, not {recently}.")
    start = request.get("NextToken") or "0"
    if not str(start).isdecimal():
        raise _RefusedError("The parameter NextToken is not valid.")
    since = time.time() - _RECENT_SECONDS[recently]
    found = [metric for metric in _stored(since) if _wanted(metric, request)]
    first, last = int(start), int(start) + _ON_A_PAGE
    page: dict[str, Any] = {"Metrics": found[first:last]}
    return {**page, "NextToken": str(last)} if last < len(found) else page


def _stored(since: float) -> Iterator[dict[str, Any]]:
    for namespace, name, key in sorted(cloudwatch._metrics.keys()):
        points = cloudwatch._metrics.get((namespace, name, key)) or []
        dimensions = dict(points[0].get("Dimensions", {})) if points else {}
        metric = {
            "Namespace": namespace,
            "MetricName": name,
            "Dimensions": [{"Name": each, "Value": value} for each, value in dimensions.items()],
        }
        if any(points_of(metric).between(since, time.time() + _AHEAD_SECONDS)):
            yield metric


def _wanted(metric: Mapping[str, Any], request: Mapping[str, Any]) -> bool:
    dimensions = {each["Name"]: each["Value"] for each in metric["Dimensions"]}
    return all(
        (
            request.get("Namespace") in {None, metric["Namespace"]},
            request.get("MetricName") in {None, metric["MetricName"]},
            *(
                each["Name"] in dimensions and each.get("Value") in {None, dimensions[each["Name"]]}
                for each in request.get("Dimensions") or ()
            ),
        )
    )


def apply() -> None:
    """Answer in the place of ministack where the client speaks JSON, as those of this project do."""
    stock: Handler = cloudwatch._list_metrics

    def handle(params: Any, data: Any, is_cbor: bool, is_json: bool = False) -> Answer:
        if not is_json:
            return stock(params, data, is_cbor, is_json)
        try:
            answer: Answer = cloudwatch._json_ok(list_metrics(data))
        except _RefusedError as error:
            answer = cloudwatch._error("InvalidParameterValue", str(error), 400, use_json=True)
        return answer

    cloudwatch._list_metrics = handle
