"""Which single cases a report shows: the worst regressions, what a judge said, examples of failures, all latencies.

Two passes over the outcomes of a run: the first keeps numbers, the second the texts of the few cases that are shown.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from heapq import nsmallest

from bedrock_eval.direction import Better
from bedrock_eval.evaluation.definition import Definition
from bedrock_eval.results.baseline import Baseline
from bedrock_eval.results.evidence import (
    MAX_EXPLAINED,
    MAX_FAILURES,
    MAX_REGRESSIONS,
    CaseView,
    Evidence,
    ExplainedCase,
    FailedCase,
    cut,
)
from bedrock_eval.results.outcomes import Outcome
from bedrock_eval.results.same_cases import only_same
from bedrock_eval.results.summary import BASELINE, CANDIDATE, RunComparison

_Texts = Mapping[tuple[str, str], Outcome]
"""Outcomes by candidate and case id."""


@dataclass(frozen=True)
class _Regression:
    """A case that fell in a comparison, and its two scores."""

    case_id: str
    compared: RunComparison
    candidate_score: float
    reference_score: float


class Gathering:
    """The evidence of one run.

    Args:
        baseline: as the summary was made with.
    """

    def __init__(self, definition: Definition, baseline: Baseline | None) -> None:
        self._measures = definition.measures
        self._baseline = baseline
        self._values: dict[str, dict[str, dict[str, float]]] = {
            candidate.name: {name: {} for name in definition.metrics} for candidate in definition.candidates
        }
        self._cases: dict[str, str | None] = {}
        self._explained: dict[tuple[str, str], list[tuple[float, str]]] = {}
        self._failures: list[FailedCase] = []
        self._examples: Counter[tuple[str, str]] = Counter()
        self._latency: dict[str, list[float]] = {}

    def watch(self, outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
        """The same outcomes, looked at as they pass."""
        for outcome in outcomes:
            self._look(outcome)
            yield outcome

    def _look(self, outcome: Outcome) -> None:
        self._cases[outcome.case_id] = outcome.same_case
        if outcome.failure is not None:
            kind = (outcome.candidate, outcome.failure.value)
            self._examples[kind] += 1
            if self._examples[kind] <= MAX_FAILURES:
                self._failures.append(FailedCase(outcome.case_id, *kind, cut(outcome.detail or "")))
            return
        if outcome.latency_ms is not None:
            self._latency.setdefault(outcome.candidate, []).append(float(outcome.latency_ms))
        for name, values in self._values[outcome.candidate].items():
            value = outcome.scores.get(name)
            if value is not None:
                values[outcome.case_id] = value
                self._look_at_explanation(outcome, name, value)

    def _look_at_explanation(self, outcome: Outcome, metric: str, value: float) -> None:
        """A score that could not be better needs none."""
        measure = self._measures[metric]
        best = {Better.HIGHER: measure.high, Better.LOWER: measure.low, Better.NEUTRAL: None}[measure.better]
        if metric in (outcome.explanations or {}) and value != best:
            badness = -value if measure.better is Better.LOWER else value
            self._explained.setdefault((outcome.candidate, metric), []).append((badness, outcome.case_id))

    def evidence(
        self, comparisons: Iterable[RunComparison], *, run: Iterable[Outcome], baseline: Iterable[Outcome]
    ) -> Evidence:
        """What the report shows, after everything has been watched.

        Args:
            comparisons: of the summary; each has its worst cases.
            run, baseline: the outcomes once more, for their texts.
        """
        regressions = [found for each in comparisons for found in self._worst(each)]
        wanted: dict[str, set[tuple[str, str]]] = {CANDIDATE: set(), BASELINE: set()}
        for each in regressions:
            wanted[CANDIDATE].add((each.compared.candidate, each.case_id))
            wanted[each.compared.against].add((each.compared.reference, each.case_id))
        worst = {subject: nsmallest(MAX_EXPLAINED, cases) for subject, cases in sorted(self._explained.items())}
        wanted[CANDIDATE] |= {(candidate, case) for (candidate, _), cases in worst.items() for _, case in cases}
        texts = {CANDIDATE: _picked(run, wanted[CANDIDATE]), BASELINE: _picked(baseline, wanted[BASELINE])}
        views = (_view(each, texts[CANDIDATE], texts[each.compared.against]) for each in regressions)
        return Evidence(
            regressions=tuple(view for view in views if view is not None),
            explained=tuple(
                _explained(texts[CANDIDATE][candidate, case], metric, score=self._values[candidate][metric][case])
                for (candidate, metric), cases in worst.items()
                for _, case in cases
                if (candidate, case) in texts[CANDIDATE]
            ),
            failures=tuple(sorted(self._failures, key=lambda each: (each.candidate, each.reason, each.case_id))),
            latency_ms={name: tuple(sorted(values)) for name, values in self._latency.items()},
        )

    def _worst(self, compared: RunComparison) -> Iterator[_Regression]:
        sign = -1.0 if self._measures[compared.metric].better is Better.LOWER else 1.0
        ours, theirs = self._values[compared.candidate][compared.metric], self._theirs(compared)
        fallen = ((sign * (value - theirs[case]), case) for case, value in ours.items() if case in theirs)
        for _, case in nsmallest(MAX_REGRESSIONS, (each for each in fallen if each[0] < 0)):
            yield _Regression(case, compared, ours[case], theirs[case])

    def _theirs(self, compared: RunComparison) -> Mapping[str, float]:
        if compared.against == CANDIDATE:
            return self._values[compared.reference][compared.metric]
        if self._baseline is None:
            return {}
        found = self._baseline.of(compared.reference, compared.metric)
        return {} if isinstance(found, str) else only_same(found, now=self._cases, before=self._baseline.cases)


def _picked(outcomes: Iterable[Outcome], wanted: set[tuple[str, str]]) -> _Texts:
    if not wanted:
        return {}
    keyed = (((outcome.candidate, outcome.case_id), outcome) for outcome in outcomes)
    return {key: outcome for key, outcome in keyed if key in wanted}


def _view(found: _Regression, ours: _Texts, theirs: _Texts) -> CaseView | None:
    """None when an outcome that was there has gone: its numbers stay in the summary."""
    compared = found.compared
    candidate = ours.get((compared.candidate, found.case_id))
    reference = theirs.get((compared.reference, found.case_id))
    if candidate is None or reference is None:
        return None
    return CaseView(
        case_id=found.case_id,
        category=candidate.category,
        prompt=cut(candidate.prompt),
        references=tuple(map(cut, candidate.references)),
        metric=compared.metric,
        candidate=compared.candidate,
        reference=compared.reference,
        against=compared.against,
        candidate_score=found.candidate_score,
        reference_score=found.reference_score,
        candidate_answer=cut(candidate.response or ""),
        reference_answer=cut(reference.response or ""),
        candidate_explanation=_explanation(candidate, compared.metric),
        reference_explanation=_explanation(reference, compared.metric),
    )


def _explained(outcome: Outcome, metric: str, *, score: float) -> ExplainedCase:
    return ExplainedCase(
        case_id=outcome.case_id,
        category=outcome.category,
        prompt=cut(outcome.prompt),
        references=tuple(map(cut, outcome.references)),
        candidate=outcome.candidate,
        metric=metric,
        score=score,
        answer=cut(outcome.response or ""),
        explanation=_explanation(outcome, metric) or "",
    )


def _explanation(outcome: Outcome, metric: str) -> str | None:
    found = (outcome.explanations or {}).get(metric)
    return None if found is None else cut(found)
