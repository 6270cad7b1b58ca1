"""Which single cases a report shows: the worst regressions, examples of failures, and every latency.

Two passes over the outcomes of a run: the first keeps numbers, the second the texts of the few cases that are shown.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from heapq import nsmallest
from itertools import combinations

from bedrock_eval.catalogue import Better
from bedrock_eval.definition import Definition
from bedrock_eval.evidence import MAX_FAILURES, MAX_REGRESSIONS, CaseView, Evidence, FailedCase, cut
from bedrock_eval.outcomes import Outcome
from bedrock_eval.summarising import Baseline
from bedrock_eval.summary import BASELINE, CANDIDATE

_Texts = Mapping[tuple[str, str], Outcome]
"""Outcomes by candidate and case id."""


@dataclass(frozen=True)
class _Regression:
    case_id: str
    metric: str
    candidate: str
    reference: str
    against: str
    candidate_score: float
    reference_score: float


class Gathering:
    """The evidence of one run.

    Args:
        baseline: as the summary was made with.
    """

    def __init__(self, definition: Definition, baseline: Baseline | None) -> None:
        self._definition = definition
        self._baseline = baseline
        self._values: dict[str, dict[str, dict[str, float]]] = {
            candidate.name: {name: {} for name in definition.metrics} for candidate in definition.candidates
        }
        self._failures: list[FailedCase] = []
        self._examples: Counter[tuple[str, str]] = Counter()
        self._latency: dict[str, list[float]] = {}

    def watch(self, outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
        """The same outcomes, looked at as they pass."""
        for outcome in outcomes:
            self._look(outcome)
            yield outcome

    def _look(self, outcome: Outcome) -> None:
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

    def evidence(self, *, run: Iterable[Outcome], baseline: Iterable[Outcome]) -> Evidence:
        """What the report shows, after everything has been watched.

        Args:
            run, baseline: the outcomes once more, for their texts.
        """
        regressions = list(self._regressions())
        ours = {(each.candidate, each.case_id) for each in regressions}
        ours |= {(each.reference, each.case_id) for each in regressions if each.against == CANDIDATE}
        theirs = {(each.reference, each.case_id) for each in regressions if each.against == BASELINE}
        texts = {CANDIDATE: _picked(run, ours), BASELINE: _picked(baseline, theirs)}
        views = (_view(each, texts[CANDIDATE], texts[each.against]) for each in regressions)
        return Evidence(
            regressions=tuple(view for view in views if view is not None),
            failures=tuple(sorted(self._failures, key=lambda each: (each.candidate, each.reason, each.case_id))),
            latency_ms={name: tuple(sorted(values)) for name, values in self._latency.items()},
        )

    def _regressions(self) -> Iterator[_Regression]:
        names = [candidate.name for candidate in self._definition.candidates]
        for metric, measure in self._definition.measures.items():
            if measure.better is Better.NEUTRAL:
                continue
            sign = -1.0 if measure.better is Better.LOWER else 1.0
            for first, second in combinations(names, 2):
                theirs = self._values[first][metric]
                yield from self._worst(metric, second, first, CANDIDATE, theirs=theirs, sign=sign)
            for name in names:
                found = "no baseline" if self._baseline is None else self._baseline.of(name, metric)
                if not isinstance(found, str):
                    yield from self._worst(metric, name, name, BASELINE, theirs=found, sign=sign)

    def _worst(  # noqa: PLR0913 - the names of one pairing
        self, metric: str, candidate: str, reference: str, against: str, *, theirs: Mapping[str, float], sign: float
    ) -> Iterator[_Regression]:
        ours = self._values[candidate][metric]
        fallen = ((sign * (value - theirs[case]), case) for case, value in ours.items() if case in theirs)
        for _, case in nsmallest(MAX_REGRESSIONS, (each for each in fallen if each[0] < 0)):
            yield _Regression(case, metric, candidate, reference, against, ours[case], theirs[case])


def _picked(outcomes: Iterable[Outcome], wanted: set[tuple[str, str]]) -> _Texts:
    if not wanted:
        return {}
    keyed = (((outcome.candidate, outcome.case_id), outcome) for outcome in outcomes)
    return {key: outcome for key, outcome in keyed if key in wanted}


def _view(found: _Regression, ours: _Texts, theirs: _Texts) -> CaseView | None:
    """None when an outcome that was there has gone: its numbers stay in the summary."""
    candidate = ours.get((found.candidate, found.case_id))
    reference = theirs.get((found.reference, found.case_id))
    if candidate is None or reference is None:
        return None
    return CaseView(
        case_id=found.case_id,
        category=candidate.category,
        prompt=cut(candidate.prompt),
        references=() if candidate.reference is None else (cut(candidate.reference),),
        metric=found.metric,
        candidate=found.candidate,
        reference=found.reference,
        against=found.against,
        candidate_score=found.candidate_score,
        reference_score=found.reference_score,
        candidate_answer=cut(candidate.response or ""),
        reference_answer=cut(reference.response or ""),
    )
