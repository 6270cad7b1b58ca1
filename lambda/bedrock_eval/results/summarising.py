"""From the outcomes of a run to its summary. Exact, and in no order: the same outcomes give the same summary."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import combinations, pairwise

from bedrock_eval.direction import Better
from bedrock_eval.evaluation.definition import Candidate, CustomDefinition, Definition, Gate, judged_run
from bedrock_eval.pricing.costs import cost
from bedrock_eval.pricing.usage import Usage
from bedrock_eval.results.baseline import Baseline
from bedrock_eval.results.outcomes import TRUNCATED, WITHHELD_REASONS, Outcome
from bedrock_eval.results.same_cases import DatasetChange, only_same
from bedrock_eval.results.summary import (
    BASELINE,
    CANDIDATE,
    Agreement,
    BaselineRef,
    Bin,
    CandidateSummary,
    CategoryMetric,
    CategorySummary,
    ClassSummary,
    MetricSummary,
    RunComparison,
    Summary,
)
from bedrock_eval.scores import Confusion, confusion
from bedrock_eval.scores.measures import Measure
from bedrock_eval.statistics import holm, standard_deviation
from bedrock_eval.verdicts.comparison import compare, compare_categories, estimate_difference, pair
from bedrock_eval.verdicts.gates import GateResult, judge, sample_interval

MAX_BINS = 150

_CLASSES = "classification_accuracy"
_ROUNDING = 1e-6
_WITHHELD = {reason.value for reason in WITHHELD_REASONS}


def summarise(  # noqa: PLR0913 - all by keyword but the first
    definition: Definition,
    *,
    run_id: str,
    started: datetime,
    finished: datetime,
    outcomes: Iterable[Outcome],
    baseline: Baseline | None = None,
    agreement: Sequence[Agreement] = (),
    lost_calls: Mapping[str, int] | None = None,
) -> Summary:
    """Summarise the outcomes of all candidates of a run, in any order.

    Args:
        baseline: the run that the definition pins, None where it pins none.
        agreement: of people who have rated.
        lost_calls: by candidate, calls that were taken and of which no outcome tells.

    Raises:
        ValueError: an outcome of a candidate that the definition does not have.
    """
    lost = lost_calls or {}
    tallies = {each.name: _Tally(each, definition, lost=lost.get(each.name, 0)) for each in definition.candidates}
    for outcome in outcomes:
        if outcome.candidate not in tallies:
            raise ValueError(f"outcome of candidate {outcome.candidate!r}; known: {', '.join(tallies)}")
        tallies[outcome.candidate].add(outcome)
    measures = {name: _as_seen(measure, tallies.values()) for name, measure in definition.measures.items()}
    for tally in tallies.values():
        tally.measures = measures
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
        candidates=_with_holm([tally.summary(baseline) for tally in tallies.values()]),
        measures=measures,
        min_coverage=definition.min_coverage,
        baseline=None if baseline is None else _baseline_ref(baseline, tallies.values()),
        answers=judged_run(definition),
        retry_of=definition.retry_of if isinstance(definition, CustomDefinition) else None,
        comparisons=_comparisons(measures, tallies, baseline, confidence=definition.confidence),
        agreement=tuple(agreement),
    )


def _baseline_ref(baseline: Baseline, tallies: Iterable["_Tally"]) -> BaselineRef:
    cases = {case: same for tally in tallies for case, same in tally.cases.items()}
    return BaselineRef(
        baseline.run_id,
        baseline.missing,
        dataset=DatasetChange.between(cases, baseline.cases) if baseline.cases and cases else None,
        rescored=baseline.rescored,
        incomparable=baseline.incomparable,
    )


def _as_seen(measure: Measure, tallies: Iterable["_Tally"]) -> Measure:
    """Its range without an end beyond which there are values: what Bedrock's scores are said to be is no law."""
    values = [value for tally in tallies for value in tally.values[measure.name].values()]
    low, high = measure.low, measure.high
    if low is not None and min(values, default=low) < low - _ROUNDING:
        low = None
    if high is not None and max(values, default=high) > high + _ROUNDING:
        high = None
    return replace(measure, low=low, high=high)


class _Tally:
    """What one candidate's outcomes add up to. Case by case, as pairs and categories need it."""

    def __init__(self, candidate: Candidate, definition: Definition, *, lost: int) -> None:
        self._candidate = candidate
        self._definition = definition
        self.measures: Mapping[str, Measure] = definition.measures
        classes = definition.parameters(_CLASSES) if isinstance(definition, CustomDefinition) else {}
        self._labels: Sequence[str] = classes.get("labels", ())
        self._failed: dict[str, str] = {}
        self._scored: set[str] = set()
        self._usage: Usage | None = None
        self._calls = self._unknown_calls = lost
        self._truncated = self._thoughts = 0
        self._classes = Confusion()
        self._chosen: dict[str, Counter[str]] = {name: Counter() for name in definition.metrics}
        self.values: dict[str, dict[str, float]] = {name: {} for name in definition.metrics}
        self.categories: dict[str, str] = {}
        self.clusters: dict[str, str] = {}
        self.cases: dict[str, str | None] = {}

    def add(self, outcome: Outcome) -> None:
        if outcome.usage is not None:
            self._usage = (self._usage or Usage()) + outcome.usage
        self._calls += outcome.calls
        self._unknown_calls += outcome.unknown_calls
        case = outcome.case_id
        self.cases[case] = outcome.same_case
        if outcome.category is not None:
            self.categories[case] = outcome.category
        if outcome.failure is not None:
            self._failed[case] = outcome.failure.value
            return
        self._scored.add(case)
        self._truncated += outcome.stop_reason == TRUNCATED
        self._thoughts += outcome.thought is not None
        if outcome.cluster is not None:
            self.clusters[case] = outcome.cluster
        for name, values in self.values.items():
            value = outcome.scores.get(name)
            if value is not None:
                values[case] = value
        for name, label in (outcome.labels or {}).items():
            self._chosen[name][label] += 1
        if case in self.values.get(_CLASSES, ()):
            self._classify(outcome)

    def _classify(self, outcome: Outcome) -> None:
        """By the first right label unless the answer gives another. Without declared labels a wrong answer has none."""
        right = self.values[_CLASSES][outcome.case_id] == 1
        response = outcome.response or ""
        if not self._labels:
            truth = next(iter(outcome.references), "")
            self._classes += Confusion.of([(truth, truth if right else None)])
            return
        counted = [confusion([(response, truth)], labels=self._labels) for truth in outcome.references or ("",)]
        self._classes += next((each for each in counted if each.accuracy == right), counted[0])

    @property
    def _coverage(self) -> float | None:
        cases = len(self._scored) + len(self._failed)
        return len(self._scored) / cases if cases else None

    def summary(self, baseline: Baseline | None) -> CandidateSummary:
        # What Bedrock's jobs ask of models, and of a judge, is in no output of theirs.
        own = isinstance(self._definition, CustomDefinition)
        spent = replace(cost(self._usage or Usage(), self._candidate.rates), unknown_calls=self._unknown_calls)
        return CandidateSummary(
            name=self._candidate.name,
            model_id=self._candidate.model_id,
            cases=len(self._scored) + len(self._failed),
            scored=len(self._scored),
            failed=len(self._failed),
            failures=dict(sorted(Counter(self._failed.values()).items())),
            coverage=self._coverage,
            usage=self._usage if own else None,
            cost=spent if own else None,
            metrics={name: self._metric(measure) for name, measure in self.measures.items()},
            gates=tuple(result for gate in self._definition.gates for result in self._judged(gate, baseline)),
            categories=self._categories(),
            classes=self._class_summary(),
            calls=self._calls if own else None,
            truncated=self._truncated,
            max_tokens=self._candidate.max_tokens if own else None,
            thoughts=self._thoughts,
            withheld=sum(reason in _WITHHELD for reason in self._failed.values()),
        )

    def _judged(self, gate: Gate, baseline: Baseline | None) -> list[GateResult]:
        results = []
        if gate.bounded:
            results.append(
                judge(
                    gate,
                    sorted(self.values[gate.metric].values()),
                    metric=self.measures[gate.metric],
                    confidence=self._definition.confidence,
                    gates=self._definition.verdicts,
                    coverage=self._coverage,
                    min_coverage=self._definition.min_coverage,
                )
            )
        if gate.max_drop is not None:
            results.append(self._held(self.measures[gate.metric], gate.max_drop, baseline))
        return results

    def _held(self, measure: Measure, max_drop: float, baseline: Baseline | None) -> GateResult:
        """The verdict against the baseline."""
        found = "no baseline" if baseline is None else baseline.of(self._candidate.name, measure.name)
        earlier, change = None, None
        if baseline is not None and not isinstance(found, str):
            earlier = only_same(found, now=self.cases, before=baseline.cases)
            change = DatasetChange.between(self.cases, baseline.cases).brief if baseline.cases else None
        compared = compare(
            self.values[measure.name],
            earlier,
            metric=measure,
            max_drop=max_drop,
            confidence=self._definition.confidence,
            gates=self._definition.verdicts,
            coverage=self._coverage,
            min_coverage=self._definition.min_coverage,
            clusters=self.clusters or None,
        )
        estimate = compared.estimate
        return GateResult(
            metric=measure.name,
            verdict=compared.verdict,
            reason=found if isinstance(found, str) else "; ".join(filter(None, (compared.reason, change))),
            confidence=estimate.confidence,
            n=estimate.n,
            mean=estimate.mean,
            low=estimate.low,
            high=estimate.high,
            min=None,
            max=None,
            margin=compared.margin,
            # Without a baseline no number of cases would decide.
            needed_n=None if earlier is None else compared.needed_n,
            max_drop=max_drop,
            unpaired=None if earlier is None else compared.candidate_only + compared.baseline_only,
            minimum_detectable=compared.minimum_detectable,
            p_value=estimate.p_value,
        )

    def _metric(self, measure: Measure) -> MetricSummary:
        values = sorted(self.values[measure.name].values())
        n = len(values)
        interval = sample_interval(values, metric=measure, confidence=self._definition.confidence)
        return MetricSummary(
            n=n,
            not_applicable=len(self._scored) - n,
            mean=math.fsum(values) / n if n else None,
            low=interval.low,
            high=interval.high,
            standard_deviation=standard_deviation(values),
            minimum=values[0] if n else None,
            median=(values[(n - 1) // 2] + values[n // 2]) / 2 if n else None,
            maximum=values[-1] if n else None,
            bins=bins(values),
            labels=dict(sorted(self._chosen[measure.name].items())),
        )

    def _categories(self) -> dict[str, CategorySummary]:
        cases: dict[str, list[str]] = {}
        for case, category in self.categories.items():
            cases.setdefault(category, []).append(case)
        return {name: self._category(cases[name]) for name in sorted(cases)}

    def _category(self, cases: Sequence[str]) -> CategorySummary:
        metrics = {}
        for name, measure in self.measures.items():
            # Sorted, so that the sums do not depend on the order in which answers came in.
            values = sorted(self.values[name][case] for case in cases if case in self.values[name])
            interval = sample_interval(values, metric=measure, confidence=self._definition.confidence)
            mean = math.fsum(values) / len(values) if values else None
            metrics[name] = CategoryMetric(len(values), mean, interval.low, interval.high)
        failed = sum(case in self._failed for case in cases)
        return CategorySummary(len(cases), len(cases) - failed, failed, metrics)

    def _class_summary(self) -> ClassSummary | None:
        if _CLASSES not in self.values:
            return None
        found = self._classes
        n = sum(cell.count for cell in found.cells)
        return ClassSummary(n, found.balanced_accuracy, found.precision, found.recall, found)


def _with_holm(candidates: Sequence[CandidateSummary]) -> tuple[CandidateSummary, ...]:
    """P-values of all verdicts against the baseline, adjusted for one another."""
    adjusted = iter(holm([gate.p_value for candidate in candidates for gate in candidate.gates]))
    return tuple(
        replace(candidate, gates=tuple(replace(gate, holm_p_value=next(adjusted)) for gate in candidate.gates))
        for candidate in candidates
    )


@dataclass(frozen=True)
class _Pairing:
    """Who is held against whom, and the other's values by case id."""

    candidate: str
    reference: str
    against: str
    values: Mapping[str, float]


def _comparisons(
    measures: Mapping[str, Measure], tallies: Mapping[str, _Tally], baseline: Baseline | None, *, confidence: float
) -> tuple[RunComparison, ...]:
    """Every pair of candidates, the earlier declared one the reference, and each candidate with the baseline."""
    found = [
        _compared(pairing, tallies[pairing.candidate], measure, confidence)
        for measure in measures.values()
        if measure.better is not Better.NEUTRAL
        for pairing in _pairings(measure.name, tallies, baseline)
    ]
    adjusted = holm([each.estimate.p_value for each in found])
    return tuple(replace(each, holm_p_value=value) for each, value in zip(found, adjusted, strict=True))


def _pairings(metric: str, tallies: Mapping[str, _Tally], baseline: Baseline | None) -> Iterator[_Pairing]:
    for first, second in combinations(tallies, 2):
        one, other = tallies[first], tallies[second]
        same = only_same(one.values[metric], now=other.cases, before=one.cases)
        yield _Pairing(second, first, CANDIDATE, same)
    if baseline is None:
        return
    for candidate in tallies:
        earlier = baseline.of(candidate, metric)
        if not isinstance(earlier, str):
            same = only_same(earlier, now=tallies[candidate].cases, before=baseline.cases)
            yield _Pairing(candidate, candidate, BASELINE, same)


def _compared(pairing: _Pairing, tally: _Tally, measure: Measure, confidence: float) -> RunComparison:
    values, clusters = tally.values[measure.name], tally.clusters or None
    pairs = pair(values, pairing.values)
    categories = compare_categories(
        values,
        pairing.values,
        categories=tally.categories,
        metric=measure,
        confidence=confidence,
        clusters=clusters,
    )
    return RunComparison(
        metric=measure.name,
        candidate=pairing.candidate,
        reference=pairing.reference,
        against=pairing.against,
        estimate=estimate_difference(pairs, metric=measure, confidence=confidence, clusters=clusters),
        holm_p_value=None,
        candidate_only=pairs.candidate_only,
        reference_only=pairs.baseline_only,
        categories=categories if tally.categories else (),
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
