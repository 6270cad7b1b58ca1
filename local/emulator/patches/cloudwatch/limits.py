"""Refusals of PutMetricData and PutDashboard.

Stock ministack stores any number of values and datums, NaN, empty dimension values, units that do not exist, points
of any age, and any text as a dashboard. CloudWatch refuses them, with the codes and limits of
`local.emulator.cloudwatch.limits`. `alarm_records` checks alarms.
"""

import time
from collections.abc import Callable
from typing import Any

from ministack.services import cloudwatch

from local.emulator.cloudwatch import limits

Answer = tuple[int, dict[str, str], bytes]
Handler = Callable[..., Answer]


def refusal(error: limits.RefusedError) -> Answer:
    """The JSON answer for a refused request."""
    answer: Answer = cloudwatch._error(error.code, str(error), 400, use_json=True)
    return answer


def _checked(stock: Handler, check: Callable[[dict[str, Any]], None]) -> Handler:
    def handle(params: Any, data: Any, is_cbor: bool, is_json: bool = False) -> Answer:
        if is_json:
            try:
                check(data)
            except limits.RefusedError as error:
                return refusal(error)
        return stock(params, data, is_cbor, is_json)

    return handle


def _check_datums(request: dict[str, Any]) -> None:
    for datum in request.get("MetricData") or []:
        if datum.get("Timestamp") is not None:
            datum["Timestamp"] = cloudwatch._parse_ts(datum["Timestamp"])
    limits.check_metric_data(request, now=time.time())


def _nothing() -> None:
    """Alarms are evaluated on their own clock, not for each datum."""


def apply() -> None:
    """Put the checks before the stock handlers, for CloudFormation's dashboards too."""
    cloudwatch._evaluate_all_alarms = _nothing
    cloudwatch._put_metric_data = _checked(cloudwatch._put_metric_data, _check_datums)
    cloudwatch._put_composite_alarm = _checked(cloudwatch._put_composite_alarm, limits.check_composite)
    cloudwatch._put_dashboard = _checked(
        cloudwatch._put_dashboard, lambda request: limits.check_dashboard(request.get("DashboardBody", ""))
    )
    store = cloudwatch.cloudformation_put_dashboard

    def put_dashboard(name: str, body: str) -> str:
        limits.check_dashboard(body)
        return str(store(name, body))

    cloudwatch.cloudformation_put_dashboard = put_dashboard
