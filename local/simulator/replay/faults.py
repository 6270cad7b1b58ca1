"""Faults injected into a share of the requests, decided by a hash: the same run has the same faults."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

THROTTLE, DENIED, STALL = "throttle", "denied", "stall"
EMPTY, REASONING_FIRST, TRUNCATED = "empty", "reasoning_first", "truncated"
# The guardrail of a request intervenes; requests without one get their answer. ApplyGuardrail: by the guardrail's id.
GUARDRAIL = "guardrail"
# In the order in which one draw is divided among them.
KINDS = (THROTTLE, "500", "503", "408", "424", DENIED, STALL, EMPTY, REASONING_FIRST, TRUNCATED, GUARDRAIL)
ANY_MODEL = "*"


@dataclass(frozen=True)
class ModelFaults:
    """Shares (0 to 1, together at most 1) of a model's requests by fault, and the length of a stall in seconds."""

    shares: Mapping[str, float] = field(default_factory=dict)
    stall_seconds: float = 5.0

    def pick(self, draw: float) -> str | None:
        """The fault for a number in [0, 1), None for an answer without a fault."""
        upper = 0.0
        for kind in KINDS:
            upper += self.shares.get(kind, 0.0)
            if draw < upper:
                return kind
        return None


NO_FAULTS = ModelFaults()


def draw(*, seed: int, model: str, prompt: str, attempt: int) -> float:
    """A number in [0, 1) that depends on nothing but the four arguments.

    Args:
        attempt: 1 for the first request of this prompt to this model, so that a retry draws again.
    """
    digest = hashlib.sha256("\0".join((str(seed), model, prompt, str(attempt))).encode("utf-8", "surrogatepass"))
    return int.from_bytes(digest.digest()[:7], "big") / 2**56
