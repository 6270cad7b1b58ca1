"""How many calls a quota of tokens a minute lets through, before the first of them is made.

A call reserves its input and its `max_tokens` of the quota until it ends; then its input and its answer count, each
token of an answer as often as the model's burndown rate says. Source: Bedrock user guide, quotas-token-burndown.
"""

from bedrock_eval.evaluation.definition import Candidate
from bedrock_eval.wording import count


def calls_a_minute(candidate: Candidate, *, input_tokens: float) -> int | None:
    """How many calls of a candidate its model's quota has room for in a minute; None: no quota is named.

    Args:
        input_tokens: of one call.
    """
    if candidate.tokens_per_minute is None:
        return None
    return int(candidate.tokens_per_minute // (input_tokens + candidate.max_tokens))


def quota_sentence(candidate: Candidate, *, input_tokens: float | None = None) -> str | None:
    """The same for people; None: no quota is named.

    Args:
        input_tokens: of one call; None: unknown, so that the calls are at most so many.
    """
    allowed = calls_a_minute(candidate, input_tokens=input_tokens or 0.0)
    if allowed is None:
        return None
    told = "its prompt" if input_tokens is None else f"about {count(round(input_tokens), 'token')} of its prompt"
    least = "at most " if input_tokens is None else "about "
    return (
        f"{candidate.name}: {candidate.tokens_per_minute:,} tokens per minute allow {least}{count(allowed, 'call')} "
        f"per minute: each call reserves max_tokens {candidate.max_tokens:,} and {told} until it ends"
    )
