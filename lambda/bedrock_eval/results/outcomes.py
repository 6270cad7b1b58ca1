"""What became of one case with one candidate: scored, or failed with a reason from a closed list."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

from bedrock_eval.evaluation.cases import Case
from bedrock_eval.pricing.usage import Usage
from bedrock_eval.results.same_cases import case_hash


class FailureReason(StrEnum):
    """Why a case has no usable answer. Closed: reports rest on it. NOT_ANSWERED: there was none to judge."""

    THROTTLED = "throttled"
    MODEL_NOT_READY = "model_not_ready"
    SERVICE_UNAVAILABLE = "service_unavailable"
    INTERNAL_ERROR = "internal_error"
    MODEL_TIMEOUT = "model_timeout"
    MODEL_ERROR = "model_error"
    INVALID_REQUEST = "invalid_request"
    ACCESS_DENIED = "access_denied"
    UNKNOWN_MODEL = "unknown_model"
    DAILY_QUOTA = "daily_quota"
    NO_RESPONSE = "no_response"
    EMPTY_ANSWER = "empty_answer"
    NOT_ANSWERED = "not_answered"
    CONTENT_FILTERED = "content_filtered"
    GUARDRAIL_INTERVENED = "guardrail_intervened"
    UNEXPECTED = "unexpected"


# With one of these every further call would fail too: the run stops and says so.
FATAL_REASONS = frozenset({FailureReason.ACCESS_DENIED, FailureReason.UNKNOWN_MODEL, FailureReason.DAILY_QUOTA})

# The service has no room for us just now: the call waits for its turn and is asked again.
BUSY_REASONS = frozenset({FailureReason.THROTTLED, FailureReason.SERVICE_UNAVAILABLE, FailureReason.MODEL_NOT_READY})

# A filter stood between the model and us; what came instead of its answer is not scored.
WITHHELD_REASONS = frozenset({FailureReason.CONTENT_FILTERED, FailureReason.GUARDRAIL_INTERVENED})

# What the model has come to. Asking until it comes to something else would choose among its answers.
SETTLED_REASONS = WITHHELD_REASONS | {FailureReason.EMPTY_ANSWER, FailureReason.NOT_ANSWERED}

TRUNCATED = "max_tokens"
"""The stop reason of an answer that a limit of tokens has cut off."""


@dataclass(frozen=True)
class Outcome:
    """One line of a results part.

    Attributes:
        reference: the right answer; several stand in it as a case's do.
        response: what is scored. `thought`: what stood before it and is not, reasoning or a leading <think> part.
        scores: None where a metric is not applicable; a failed case has none.
        versions: by metric, the version that gave the score; None: the first of each.
        case_hash: of id, prompt and references; None in records that are older than it.
        labels: by metric, the text that a judge chose on a scale of texts; of evaluation jobs only, as are
        explanations: by metric, why a judge scored as it did.
        usage: of all calls of the case, as far as it is known; None: nothing is.
        calls: how many calls of it Bedrock took, whatever came back; `unknown_calls` of them are not in `usage`.
        round: 0, or how often its failed cases had been asked again when this came.
    """

    case_id: str
    candidate: str
    prompt: str
    reference: str | None = None
    category: str | None = None
    cluster: str | None = None
    response: str | None = None
    thought: str | None = None
    stop_reason: str | None = None
    scores: Mapping[str, float | None] = field(default_factory=dict)
    labels: Mapping[str, str] | None = None
    explanations: Mapping[str, str] | None = None
    failure: FailureReason | None = None
    detail: str | None = None
    usage: Usage | None = field(default_factory=Usage)
    calls: int = 1
    unknown_calls: int = 0
    latency_ms: int | None = None
    versions: Mapping[str, str] | None = None
    case_hash: str | None = None
    round: int = 0

    @classmethod
    def of(cls, case: Case, *, candidate: str, **result: Any) -> Self:
        """What became of a case: its own members, and `result` of the other ones."""
        return cls(
            case_id=case.id,
            candidate=candidate,
            prompt=case.prompt,
            reference=case.reference,
            category=case.category,
            cluster=case.cluster,
            case_hash=case_hash(case.id, case.prompt, case.references),
            **result,
        )

    @property
    def references(self) -> tuple[str, ...]:
        """Every right answer by itself."""
        return Case(self.case_id, self.prompt, self.reference).references

    @property
    def same_case(self) -> str | None:
        """The same where two runs have asked the same case; None when the record does not tell what was asked."""
        known = self.case_hash is not None or not self.prompt
        return self.case_hash if known else case_hash(self.case_id, self.prompt, self.references)

    @property
    def scored(self) -> bool:
        return self.failure is None
