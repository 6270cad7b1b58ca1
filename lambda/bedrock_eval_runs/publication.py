"""Metrics out: of a finished run, and single facts about runs that did not finish."""

import json
from collections.abc import Iterable
from typing import Any

from bedrock_eval import catalogue
from bedrock_eval.catalogue import CUSTOM, Metric
from bedrock_eval.codec import DecodeError
from bedrock_eval.layout import RunLayout
from bedrock_eval.names import start_minute
from bedrock_eval.results.publishing import Datum, batches, datum, run_datums
from bedrock_eval.results.summary import read_summary
from bedrock_eval.runs.state import RunFailureReason, timestamp
from bedrock_eval_runs.errors import DamagedFile, RunFailed
from bedrock_eval_runs.services import Services


def publish_run(services: Services, layout: RunLayout) -> int:
    """Publish a run's metrics unless that has been done; how many datums were sent.

    A call that dies between PutMetricData and published.json publishes again: scores are read by Average and gauges by
    Maximum, which a repetition does not move.

    Raises:
        RunFailed: the run has no summary.
    """
    if services.store.exists(layout.published):
        return 0
    stored = services.store.read(layout.summary)
    if stored is None:
        raise RunFailed(RunFailureReason.UNEXPECTED, f"{layout.summary} is missing: only a finished run is published")
    try:
        datums = run_datums(read_summary(stored.body))
    except DecodeError as error:
        raise DamagedFile(layout.summary, error) from None
    put(services.cloudwatch, datums)
    record = {"published": timestamp(services.now()), "datums": len(datums), "schema_version": 1}
    services.store.create(layout.published, json.dumps(record, indent=1))
    return len(datums)


def publish_fact(services: Services, metric: Metric, *, evaluation: str, value: float = 1) -> None:
    """Publish that something happened to a run of the evaluation, now."""
    dimensions = {catalogue.APPLICATION: services.application, catalogue.EVALUATION: evaluation}
    moment = start_minute(services.now())
    put(services.cloudwatch, [datum(metric, dimensions=dimensions, value=value, timestamp=moment)])


def put(cloudwatch: Any, datums: Iterable[Datum]) -> None:
    """Send datums in as few requests as their limits allow."""
    for batch in batches(datums):
        cloudwatch.put_metric_data(Namespace=CUSTOM, MetricData=batch)
