"""A run, or a single fact, as metric datums. PutMetricData adds up and is not idempotent: who reads takes Average of
scores and Maximum of gauges."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bedrock_eval import catalogue
from bedrock_eval.catalogue import Metric
from bedrock_eval.names import start_minute
from bedrock_eval.results.summary import BASELINE, Bin, CandidateSummary, Summary
from bedrock_eval.verdicts.gates import GateResult, worst

# PutMetricData: at most 1,000 datums and 1 MB a request, 150 values a datum.
MAX_DATUMS = 1000
_MAX_BYTES = 900_000
_LONGEST_BY_START = timedelta(hours=12)


@dataclass(frozen=True)
class Datum:
    """One entry of MetricData: bins of values (a single value is one bin) under one set of dimensions."""

    metric: Metric
    dimensions: Mapping[str, str]
    timestamp: datetime
    values: tuple[Bin, ...]

    def request(self) -> dict[str, Any]:
        """The MetricDatum of a PutMetricData request."""
        dimensions = [{"Name": name, "Value": self.dimensions[name]} for name in self.metric.dimensions]
        shared = {
            "MetricName": self.metric.name,
            "Dimensions": dimensions,
            "Timestamp": self.timestamp,
            "Unit": self.metric.unit,
        }
        if len(self.values) == 1 and self.values[0].count == 1:
            return {**shared, "Value": self.values[0].value}
        return {
            **shared,
            "Values": [item.value for item in self.values],
            "Counts": [float(item.count) for item in self.values],
        }


def datum(metric: Metric, *, dimensions: Mapping[str, str], value: float, timestamp: datetime) -> Datum:
    """A single value."""
    return Datum(metric, dimensions, timestamp, (Bin(float(value), 1),))


def run_minute(summary: Summary) -> datetime:
    """The timestamp of everything that a run publishes: its start minute, of a run over half a day that of its end.

    Alarms on runs look back a day, and CloudWatch takes no timestamp older than two weeks; people may take a month.
    Both times stand in the summary, so that publishing again says the same.
    """
    started, finished = datetime.fromisoformat(summary.started), datetime.fromisoformat(summary.finished)
    return start_minute(started if finished - started <= _LONGEST_BY_START else finished)


def run_datums(summary: Summary) -> tuple[Datum, ...]:
    """Everything that a finished run publishes, all at its `run_minute`. Unknown values publish nothing."""
    moment = run_minute(summary)
    run = {catalogue.APPLICATION: summary.application, catalogue.EVALUATION: summary.evaluation}
    found = [
        datum(catalogue.RUN_FINISHED, dimensions=run, value=1, timestamp=moment),
        datum(catalogue.RUN_FAILED, dimensions=run, value=0, timestamp=moment),
    ]
    for candidate in summary.candidates:
        dimensions = {**run, catalogue.CANDIDATE: candidate.name, catalogue.MODEL_ID: candidate.model_id}
        found += _scores(candidate, dimensions, summary=summary, timestamp=moment)
        found += _gauges(candidate, dimensions, duration=summary.duration_seconds, timestamp=moment)
        found += _verdicts(candidate, dimensions, timestamp=moment)
        found += _baselines(summary, candidate, dimensions, timestamp=moment)
    return tuple(found)


def _scores(
    candidate: CandidateSummary, dimensions: Mapping[str, str], *, summary: Summary, timestamp: datetime
) -> Iterator[Datum]:
    for name, metric in candidate.metrics.items():
        if not metric.n:
            continue
        measure = summary.measures[name]
        for short in (False, True) if summary.headline else (False,):
            score = catalogue.score(name, title=measure.title, headline=short)
            yield Datum(score, dimensions, timestamp, metric.bins)


def _gauges(
    candidate: CandidateSummary, dimensions: Mapping[str, str], *, duration: float, timestamp: datetime
) -> Iterator[Datum]:
    gauges: dict[Metric, float | None] = {
        catalogue.RUN_CASES: candidate.cases,
        catalogue.RUN_FAILED_CASES: candidate.failed,
        catalogue.RUN_COVERAGE: candidate.coverage,
        # Jobs tell neither.
        catalogue.RUN_WITHHELD_CASES: None if candidate.calls is None else candidate.withheld,
        catalogue.RUN_TRUNCATED: candidate.truncated / candidate.scored
        if candidate.calls and candidate.scored
        else None,
        catalogue.RUN_DURATION: duration,
        **_spending(candidate),
    }
    for metric, value in gauges.items():
        if value is not None:
            yield datum(metric, dimensions=dimensions, value=value, timestamp=timestamp)


def _spending(candidate: CandidateSummary) -> dict[Metric, float | None]:
    usage, cost = candidate.usage, candidate.cost
    if usage is None or cost is None:
        return {}
    return {
        catalogue.RUN_INPUT_TOKENS: usage.input_tokens,
        catalogue.RUN_OUTPUT_TOKENS: usage.output_tokens,
        catalogue.RUN_COST: cost.usd if cost.known else None,
        catalogue.RUN_UNPRICED_TOKENS: cost.unpriced_tokens,
    }


def _verdicts(candidate: CandidateSummary, dimensions: Mapping[str, str], *, timestamp: datetime) -> Iterator[Datum]:
    """One a metric: where it has bounds and `max_drop`, the worse of the two verdicts."""
    for metric in dict.fromkeys(gate.metric for gate in candidate.gates):
        gates = [each for each in candidate.gates if each.metric == metric]
        of_gate = {**dimensions, catalogue.METRIC: metric}
        verdict = worst(gates).verdict
        yield datum(catalogue.GATE_VERDICT, dimensions=of_gate, value=verdict.number, timestamp=timestamp)
        margin = _margin(gates)
        if margin is not None:
            yield datum(catalogue.GATE_MARGIN, dimensions=of_gate, value=margin, timestamp=timestamp)


def _margin(gates: Sequence[GateResult]) -> float | None:
    """Of a metric with `max_drop` always the drop's: the bound's has another zero, and one series has one meaning."""
    drop = next((each for each in gates if each.max_drop is not None), None)
    return gates[0].margin if drop is None else drop.margin


def _baselines(
    summary: Summary, candidate: CandidateSummary, dimensions: Mapping[str, str], *, timestamp: datetime
) -> Iterator[Datum]:
    """The accepted run's mean over the pairs, of each metric with `max_drop`; nothing while no run is accepted."""
    held = {gate.metric for gate in candidate.gates if gate.max_drop is not None}
    for each in summary.comparisons:
        mean = each.estimate.baseline_mean
        if each.candidate == candidate.name and each.against == BASELINE and each.metric in held and mean is not None:
            of_gate = {**dimensions, catalogue.METRIC: each.metric}
            yield datum(catalogue.GATE_BASELINE, dimensions=of_gate, value=mean, timestamp=timestamp)


def batches(datums: Iterable[Datum]) -> Iterator[list[dict[str, Any]]]:
    """The datums as MetricData lists, each within the limits of one PutMetricData request."""
    batch: list[dict[str, Any]] = []
    size = 0
    for entry in (item.request() for item in datums):
        length = len(json.dumps(entry, default=str))
        if batch and (len(batch) == MAX_DATUMS or size + length > _MAX_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(entry)
        size += length
    if batch:
        yield batch
