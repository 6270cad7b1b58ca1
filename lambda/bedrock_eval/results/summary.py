"""A finished run in one object: what summary.json holds, and what metrics, tables and the report are views of."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from bedrock_eval import codec
from bedrock_eval.layout import SCHEMA_VERSION, RunLayout
from bedrock_eval.pricing.costs import Cost
from bedrock_eval.pricing.usage import Usage
from bedrock_eval.results.same_cases import DatasetChange
from bedrock_eval.scores import Confusion
from bedrock_eval.scores.measures import Measure
from bedrock_eval.verdicts.comparison import CategoryComparison, PairedEstimate
from bedrock_eval.verdicts.gates import GateResult


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
        labels: how often a judge chose which text, on a scale of texts; such cases have no value.
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
    labels: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class CategoryMetric:
    """One metric over the cases of one category; the interval is at the run's confidence."""

    n: int
    mean: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class CategorySummary:
    """The cases of one category: `cases` = `scored` + `failed`."""

    cases: int
    scored: int
    failed: int
    metrics: Mapping[str, CategoryMetric]


@dataclass(frozen=True)
class ClassSummary:
    """What classification_accuracy says of a whole run; `confusion` adds up over parts and slices.

    Attributes:
        n: cases that count; the measures are None where nothing was counted.
    """

    n: int
    balanced_accuracy: float | None
    precision: float | None
    recall: float | None
    confusion: Confusion


@dataclass(frozen=True)
class CandidateSummary:
    """One candidate: `cases` = `scored` + `failed`; failed ones are in no mean.

    Attributes:
        usage, cost: None: unknown, as of evaluation jobs, whose output does not tell their tokens.
        calls: how many calls Bedrock took for them, also those whose answer or record was lost; None: unknown.
        truncated: answers that `max_tokens` has cut off.
        max_tokens: the longest answer that was asked for; None: unknown.
        thoughts: answers with thoughts that were set aside and not scored.
        withheld: cases in which a filter or guardrail stood in the place of the answer; they are among the failed.
        categories: by name; cases without a category are in none of them.
    """

    name: str
    model_id: str
    cases: int
    scored: int
    failed: int
    failures: Mapping[str, int]
    coverage: float | None
    usage: Usage | None
    cost: Cost | None
    metrics: Mapping[str, MetricSummary]
    gates: tuple[GateResult, ...] = ()
    categories: Mapping[str, CategorySummary] = field(default_factory=dict)
    classes: ClassSummary | None = None
    calls: int | None = None
    truncated: int = 0
    max_tokens: int | None = None
    thoughts: int = 0
    withheld: int = 0


@dataclass(frozen=True)
class RunComparison:
    """One candidate against a reference by one metric, case by case; it decides nothing.

    Attributes:
        reference: another candidate of the run, or with `against` "baseline" the same one in the baseline run.
        estimate: of the difference in the metric's good direction, at the run's confidence.
        holm_p_value: adjusted for all comparisons of the run.
        candidate_only, reference_only: cases without a partner, also for another prompt or reference; in no mean.
    """

    metric: str
    candidate: str
    reference: str
    against: str
    estimate: PairedEstimate
    holm_p_value: float | None
    candidate_only: int
    reference_only: int
    categories: tuple[CategoryComparison, ...] = ()


CANDIDATE, BASELINE = "candidate", "baseline"


@dataclass(frozen=True)
class BaselineRef:
    """The run that this one was held against.

    Attributes:
        missing: why nothing could be read of it.
        dataset: how its cases differ; None: unknown.
        rescored: by metric that was computed again from its stored answers, the version that had scored them.
        incomparable: by metric, why its scores say nothing beside those of now.
    """

    run_id: str
    missing: str | None = None
    dataset: DatasetChange | None = None
    rescored: Mapping[str, str] = field(default_factory=dict)
    incomparable: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Agreement:
    """How far several people agree on one rating: equal pairs of all pairs that rated the same answer."""

    metric: str
    pairs: int
    equal: int

    @property
    def share(self) -> float | None:
        return self.equal / self.pairs if self.pairs else None


@dataclass(frozen=True)
class Summary:
    """A finished run. Times are ISO 8601 in UTC.

    Attributes:
        answers: the run whose stored answers were judged; None: the answers are this run's own.
        retry_of: the run whose failed cases this one has asked again, with its other answers taken over.
        measures: what each metric is, so that a reader needs no other table.
        baseline: None: none is pinned.
        agreement: of people who rated the same answers.
    """

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
    measures: Mapping[str, Measure]
    min_coverage: float = 0.95
    baseline: BaselineRef | None = None
    answers: RunLayout | None = None
    retry_of: str | None = None
    comparisons: tuple[RunComparison, ...] = ()
    agreement: tuple[Agreement, ...] = ()
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
    return codec.read(Summary, text, "summary")
