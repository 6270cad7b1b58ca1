"""A finished run in one object: what summary.json holds, and what metrics, tables and the report are views of."""

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from bedrock_eval import codec
from bedrock_eval.costs import Cost, cost
from bedrock_eval.definition import Candidate, Definition
from bedrock_eval.gates import GateResult, judge, sample_interval
from bedrock_eval.layout import SCHEMA_VERSION
from bedrock_eval.metrics import METRICS
from bedrock_eval.outcomes import Outcome, Usage
from bedrock_eval.statistics import standard_deviation

MAX_BINS = 150


@dataclass(frozen=True)
class Bin:
    """`count` values whose mean is `value`."""

    value: float
    count: int


@dataclass(frozen=True)
class MetricSummary:
    """One metric of one candidate over the scored cases, in the metric's unit.

    Attributes:
        n: cases with a value; `not_applicable` more were scored without one.
        low, high: the mean's interval at the run's confidence.
        bins: the sorted values in at most 150 parts of equal count; their sum and mean are the sample's, exactly.
    """

    n: int
    not_applicable: int
    mean: float | None
    low: float | None
    high: float | None
    standard_deviation: float | None
    minimum: float | None
    median: float | None
    maximum: float | None
    bins: tuple[Bin, ...] = ()


@dataclass(frozen=True)
class CandidateSummary:
    """One candidate: `cases` = `scored` + `failed`; failed ones are in no mean."""

    name: str
    model_id: str
    cases: int
    scored: int
    failed: int
    failures: Mapping[str, int]
    coverage: float | None
    usage: Usage
    cost: Cost
    metrics: Mapping[str, MetricSummary]
    gates: tuple[GateResult, ...] = ()


@dataclass(frozen=True)
class Summary:
    """A finished run. Times are ISO 8601 in UTC."""

    application: str
    environment: str
    evaluation: str
    run_id: str
    started: str
    finished: str
    dataset: str
    confidence: float
    headline: bool
    candidates: tuple[CandidateSummary, ...]
    schema_version: int = SCHEMA_VERSION

    @property
    def duration_seconds(self) -> float:
        return (datetime.fromisoformat(self.finished) - datetime.fromisoformat(self.started)).total_seconds()

    def to_json(self) -> str:
        return json.dumps(codec.encode(self), indent=1)


def read_summary(text: str | bytes) -> Summary:
    """Read summary.json.

    Raises:
        codec.DecodeError: naming the path of what does not fit.
    """
    try:
        return codec.decode(Summary, json.loads(text), "summary")
    except json.JSONDecodeError as error:
        raise codec.DecodeError(f"summary: not JSON: {error}") from None


def summarise(
    definition: Definition, *, run_id: str, started: datetime, finished: datetime, outcomes: Iterable[Outcome]
) -> Summary:
    """Summarise the outcomes of all candidates of a run, in any order.

    Raises:
        ValueError: an outcome of a candidate that the definition does not have.
    """
    tallies = {candidate.name: _Tally(definition.metrics) for candidate in definition.candidates}
    for outcome in outcomes:
        if outcome.candidate not in tallies:
            raise ValueError(f"outcome of candidate {outcome.candidate!r}; known: {', '.join(tallies)}")
        tallies[outcome.candidate].add(outcome)
    return Summary(
        application=definition.application,
        environment=definition.environment,
        evaluation=definition.evaluation,
        run_id=run_id,
        started=started.isoformat(),
        finished=finished.isoformat(),
        dataset=definition.dataset.uri,
        confidence=definition.confidence,
        headline=definition.headline,
        candidates=tuple(tallies[candidate.name].summary(candidate, definition) for candidate in definition.candidates),
    )


class _Tally:
    """What one candidate's outcomes add up to."""

    def __init__(self, metrics: Sequence[str]) -> None:
        self.scored = 0
        self.failures: Counter[str] = Counter()
        self.tokens: Counter[str] = Counter()
        self.values: dict[str, list[float]] = {name: [] for name in metrics}

    def add(self, outcome: Outcome) -> None:
        self.tokens.update(codec.encode(outcome.usage))
        if outcome.failure is not None:
            self.failures[outcome.failure.value] += 1
            return
        self.scored += 1
        for name, values in self.values.items():
            value = outcome.scores.get(name)
            if value is not None:
                values.append(value)

    def summary(self, candidate: Candidate, definition: Definition) -> CandidateSummary:
        failed = self.failures.total()
        cases = self.scored + failed
        coverage = self.scored / cases if cases else None
        verdicts = len(definition.gates) * len(definition.candidates)
        usage = Usage(**self.tokens)
        return CandidateSummary(
            name=candidate.name,
            model_id=candidate.model_id,
            cases=cases,
            scored=self.scored,
            failed=failed,
            failures=dict(sorted(self.failures.items())),
            coverage=coverage,
            usage=usage,
            cost=cost(usage, candidate.rates),
            metrics={name: self._metric(name, definition.confidence) for name in self.values},
            gates=tuple(
                judge(
                    gate,
                    self.values[gate.metric],
                    metric=METRICS[gate.metric],
                    confidence=definition.confidence,
                    gates=verdicts,
                    coverage=coverage,
                    min_coverage=definition.min_coverage,
                )
                for gate in definition.gates
            ),
        )

    def _metric(self, name: str, confidence: float) -> MetricSummary:
        values = sorted(self.values[name])
        n = len(values)
        interval = sample_interval(values, metric=METRICS[name], confidence=confidence)
        return MetricSummary(
            n=n,
            not_applicable=self.scored - n,
            mean=math.fsum(values) / n if n else None,
            low=interval.low,
            high=interval.high,
            standard_deviation=standard_deviation(values),
            minimum=values[0] if n else None,
            median=(values[(n - 1) // 2] + values[n // 2]) / 2 if n else None,
            maximum=values[-1] if n else None,
            bins=bins(values),
        )


def bins(ordered: Sequence[float], *, most: int = MAX_BINS) -> tuple[Bin, ...]:
    """Sorted values as at most `most` (value, count) pairs: each distinct value, or the means of equal-count parts."""
    counts = Counter(ordered)
    if len(counts) <= most:
        return tuple(Bin(value, count) for value, count in counts.items())
    n = len(ordered)
    edges = [round(part * n / most) for part in range(most + 1)]
    parts = (ordered[start:end] for start, end in pairwise(edges) if end > start)
    return tuple(Bin(math.fsum(part) / len(part), len(part)) for part in parts)
