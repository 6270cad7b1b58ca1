"""Turns: a recorded answer in the form that Converse returns, with token counts and latency.

The answer comes back exactly as recorded: neither `maxTokens` nor `stopSequences` shorten it.
"""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local.simulator.replay.answers import Answer
from local.simulator.replay.faults import EMPTY, GUARDRAIL, REASONING_FIRST, TRUNCATED, draw

CHARACTERS_PER_TOKEN = 4
INTERVENED = "guardrail_intervened"
BLOCKED = "Sorry, this cannot be answered here."
# Latency is log-normal; an answer of this many tokens has the configured median.
_TYPICAL_OUTPUT_TOKENS = 150
_LATENCY_SIGMA = 0.35
_FIXED_SHARE = 0.4
_FIRST_TOKEN_SHARE = 0.25
_INVENTED_REASONING = "The question is plain; the answer follows."


@dataclass(frozen=True)
class Turn:
    """One answer of Converse. Latencies in milliseconds."""

    content: tuple[Mapping[str, Any], ...]
    stop_reason: str
    input_tokens: int
    output_tokens: int
    latency_ms: int

    @property
    def first_token_ms(self) -> int:
        """Time to the first token, for streaming calls."""
        return max(1, round(self.latency_ms * _FIRST_TOKEN_SHARE))

    @property
    def usage(self) -> dict[str, int]:
        return {
            "inputTokens": self.input_tokens,
            "outputTokens": self.output_tokens,
            "totalTokens": self.input_tokens + self.output_tokens,
        }

    def converse_body(self) -> dict[str, Any]:
        """The body of a Converse response; also what the invocation log holds of a ConverseStream."""
        return {
            "metrics": {"latencyMs": self.latency_ms},
            "output": {"message": {"content": list(self.content), "role": "assistant"}},
            "stopReason": self.stop_reason,
            "usage": self.usage,
        }


def estimate_tokens(text: str) -> int:
    """Characters divided by four, rounded up: an estimate that needs no tokenizer and never changes."""
    return math.ceil(len(text) / CHARACTERS_PER_TOKEN)


def text_of(blocks: Sequence[Mapping[str, Any]]) -> str:
    """The text blocks of a message or of the system prompt, joined."""
    return "".join(block["text"] for block in blocks if isinstance(block.get("text"), str))


def prompt_of(request: Mapping[str, Any]) -> str:
    """The text of the last user message, by which a recorded answer is found."""
    for message in reversed(request.get("messages") or []):
        if message["role"] == "user":
            return text_of(message["content"])
    return ""


def input_tokens(request: Mapping[str, Any]) -> int:
    """Estimated tokens of the system prompt and of every message."""
    total = estimate_tokens(text_of(request.get("system") or []))
    return total + sum(estimate_tokens(text_of(message["content"])) for message in request.get("messages") or [])


def latency_ms(output_tokens: int, *, uniform: float, median_ms: float) -> int:
    """A plausible latency in milliseconds.

    Args:
        uniform: a number in [0, 1) that decides where in the log-normal distribution this call falls.
        median_ms: the median for an answer of 150 tokens; longer answers take longer.
    """
    length = _FIXED_SHARE + (1 - _FIXED_SHARE) * output_tokens / _TYPICAL_OUTPUT_TOKENS
    deviate = statistics.NormalDist().inv_cdf(min(max(uniform, 1e-6), 1 - 1e-6))
    return max(1, round(median_ms * length * math.exp(_LATENCY_SIGMA * deviate)))


def play(
    answer: Answer, *, request: Mapping[str, Any], fault: str | None, key: tuple[int, str, str, int], median_ms: float
) -> Turn:
    """The turn that returns a recorded answer, changed by a content fault if there is one.

    Args:
        key: seed, model, prompt and attempt, on which the latency depends.
    """
    if fault == GUARDRAIL:
        content, stop_reason = _guarded(answer, request)
    else:
        content, stop_reason = _content(answer, fault)
    tokens = sum(estimate_tokens(_any_text(block)) for block in content)
    seed, model, prompt, attempt = key
    uniform = draw(seed=seed, model=f"latency {model}", prompt=prompt, attempt=attempt)
    return Turn(
        content=content,
        stop_reason=stop_reason,
        input_tokens=input_tokens(request),
        output_tokens=tokens,
        latency_ms=latency_ms(tokens, uniform=uniform, median_ms=median_ms),
    )


def _guarded(answer: Answer, request: Mapping[str, Any]) -> tuple[tuple[Mapping[str, Any], ...], str]:
    if request.get("guardrailConfig"):
        return ({"text": BLOCKED},), INTERVENED
    return _content(answer, None)


def _content(answer: Answer, fault: str | None) -> tuple[tuple[Mapping[str, Any], ...], str]:
    if fault == EMPTY:
        return (), "end_turn"
    if fault == TRUNCATED:
        return ({"text": answer.response[: len(answer.response) // 2]},), "max_tokens"
    reasoning = answer.reasoning
    if fault == REASONING_FIRST and reasoning is None:
        reasoning = _INVENTED_REASONING
    text: Mapping[str, Any] = {"text": answer.response}
    if reasoning is None:
        return (text,), answer.stop_reason
    return ({"reasoningContent": {"reasoningText": {"text": reasoning}}}, text), answer.stop_reason


def _any_text(block: Mapping[str, Any]) -> str:
    if "text" in block:
        return str(block["text"])
    return str(block["reasoningContent"]["reasoningText"]["text"])
