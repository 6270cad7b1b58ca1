"""What of Bedrock's metrics nobody reads: the watchdog asks CloudWatch which of them have been active."""

import logging
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from bedrock_eval.catalogue import MODEL_ID
from bedrock_eval.names import start_minute
from bedrock_eval.pricing.costs import TOKEN_METRICS
from bedrock_eval.watchdog.active_metrics import (
    NAMESPACES,
    UNREAD_METRIC,
    UNWATCHED_MODEL,
    Reads,
    ReadSet,
    Series,
    Unread,
    unread,
)
from bedrock_eval_functions.watchdog.metric_sums import Wanted, sums

logger = logging.getLogger(__name__)

_RECENTLY = "PT3H"
"""The one value that ListMetrics takes."""

_COUNTED = timedelta(hours=3)
# Names in a log entry each; the number tells how many there are.
_MOST_NAMES = 100


def look(cloudwatch: Any, reads: Reads, *, priced: Collection[str], asked: Collection[str], now: datetime) -> Unread:
    """What nobody reads, named in the log.

    Args:
        priced: `ModelId` of what has a cost, whose tokens are read.
        asked: `ModelId` of what evaluations call.

    Raises:
        ClientError: CloudWatch refused.
        UnreadableMetricsError: it did not answer in full.
    """
    found = unread(list(_active(cloudwatch)), reads, costs=list(_costs(priced)), asked=asked)
    if found.overlaps:
        found = found.decided(_counts(cloudwatch, found, now=now))
    _name(found)
    return found


def _active(cloudwatch: Any) -> Iterator[Series]:
    for namespace in NAMESPACES:
        pages = cloudwatch.get_paginator("list_metrics").paginate(Namespace=namespace, RecentlyActive=_RECENTLY)
        for page in pages:
            for each in page["Metrics"]:
                dimensions = {entry["Name"]: entry["Value"] for entry in each.get("Dimensions", ())}
                yield Series.of(namespace, each["MetricName"], dimensions)


def _costs(priced: Collection[str]) -> Iterator[ReadSet]:
    """What month_to_date reads."""
    for model_id in priced:
        for entry in TOKEN_METRICS.values():
            yield ReadSet(entry.namespace, {MODEL_ID: model_id}, (entry.name,))


def _counts(cloudwatch: Any, found: Unread, *, now: datetime) -> Mapping[Series, float]:
    """How much came in each set that overlaps another."""
    series = sorted({each for overlap in found.overlaps for each in (overlap.whole, *overlap.parts)}, key=str)
    wanted = {
        f"s{place}": Wanted(each.namespace, each.name, dict(each.dimensions), each.statistic)
        for place, each in enumerate(series)
    }
    counted = sums(cloudwatch, wanted, start=start_minute(now) - _COUNTED, end=start_minute(now), period=300)
    return {each: counted[f"s{place}"] for place, each in enumerate(series)}


def _name(found: Unread) -> None:
    """Ids and dimensions are no prompts and no answers."""
    for model in found.models[:_MOST_NAMES]:
        logger.warning(UNWATCHED_MODEL, extra={"model": model})
    for each in found.metrics[:_MOST_NAMES]:
        logger.warning(
            UNREAD_METRIC, extra={"metric": each.name, "dimensions": each.place, "namespace": each.namespace}
        )
