"""CloudWatch's metric store, fast enough for thousands of datums a second.

Stock ministack keeps one flat list per metric, copies every list at every CloudWatch request to drop old points, and
evaluates every alarm at every PutMetricData. CloudWatch evaluates alarms on its own clock, so here points are filed
by minute, old ones go on a timer, and arrival evaluates nothing (see `alarm_evaluation`).
"""

from typing import Any

from ministack.services import cloudwatch

from local.emulator.cloudwatch.metric_reader import MinuteIndex


def _metric_bucket(key: tuple[str, str, str]) -> list[dict[str, Any]]:
    points: list[dict[str, Any]] = cloudwatch._metrics.setdefault(key, MinuteIndex())
    return points


def _nothing() -> None:
    """Old points go on the alarm timer, not with each request."""


def apply() -> None:
    """Replace the store's list and the work done per request."""
    cloudwatch._metric_bucket = _metric_bucket
    cloudwatch._evict_old_metrics = _nothing
