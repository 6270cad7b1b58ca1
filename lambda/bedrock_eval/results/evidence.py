"""What a report shows beside the summary: single cases. Bounded here, so that a run of any size gives a small page."""

from collections.abc import Mapping
from dataclasses import dataclass, field

MAX_TEXT = 2_000
"""Characters of one prompt, answer, reference or detail; `cut` keeps so many."""
MAX_REGRESSIONS = 20
"""Cases per metric, candidate and reference: those whose score fell most."""
MAX_EXPLAINED = 5
"""Cases per candidate and metric, of those that a judge has explained: the worst."""
MAX_FAILURES = 5
"""Examples per candidate and reason."""

_CUT_MARK = "…"


@dataclass(frozen=True)
class CaseView:
    """One case that a candidate answered worse than its reference, with both answers.

    Attributes:
        metric: the one by which it is worse; `candidate_score` and `reference_score` are in its unit, so that the
            higher score is the worse one where lower is better.
        reference: name of the candidate compared with; the same name where the baseline run is.
        against: "candidate" of the same run or "baseline", as in RunComparison.
        references: what the dataset expects.
        candidate_explanation, reference_explanation: why a judge gave the scores; None: nobody said.
        prompt, references, answers, explanations: cut to MAX_TEXT characters by `cut`.
    """

    case_id: str
    category: str | None
    prompt: str
    references: tuple[str, ...]
    metric: str
    candidate: str
    reference: str
    against: str
    candidate_score: float
    reference_score: float
    candidate_answer: str
    reference_answer: str
    candidate_explanation: str | None = None
    reference_explanation: str | None = None


@dataclass(frozen=True)
class ExplainedCase:
    """One score that a judge has explained. `score` is in the metric's unit; texts are cut by `cut`."""

    case_id: str
    category: str | None
    prompt: str
    references: tuple[str, ...]
    candidate: str
    metric: str
    score: float
    answer: str
    explanation: str


@dataclass(frozen=True)
class FailedCase:
    """One case without a usable answer. `reason` is a FailureReason's value; `detail` is cut by `cut`."""

    case_id: str
    candidate: str
    reason: str
    detail: str


@dataclass(frozen=True)
class Evidence:
    """The single cases of a report; empty parts are left out of it.

    Attributes:
        regressions: worst first within a metric and pair, at most MAX_REGRESSIONS of each.
        failures: at most MAX_FAILURES of each candidate and reason.
        latency_ms: every scored case's latency in milliseconds, per candidate; a candidate without one is unknown.
        explained: worst first within a candidate and metric, at most MAX_EXPLAINED of each; lowest first where no
            direction is better.
    """

    regressions: tuple[CaseView, ...] = ()
    failures: tuple[FailedCase, ...] = ()
    latency_ms: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    explained: tuple[ExplainedCase, ...] = ()


def cut(text: str) -> str:
    """At most MAX_TEXT characters; what is cut off shows as an ellipsis at the end."""
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - len(_CUT_MARK)] + _CUT_MARK
