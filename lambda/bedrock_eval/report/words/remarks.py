"""What a reader should know of a candidate's answers beside their scores, in words."""

from bedrock_eval.results.summary import CandidateSummary
from bedrock_eval.wording import count, percent


def remarks(candidate: CandidateSummary) -> tuple[str, ...]:
    """How many answers were cut off, withheld or had thoughts, and how many calls they took; what is unknown is left
    out."""
    found = [_truncated(candidate)]
    if candidate.withheld:
        found.append(f"{count(candidate.withheld, 'answer')} withheld by a guardrail or filter")
    if candidate.thoughts:
        found.append(f"{count(candidate.thoughts, 'answer')} with thoughts, which are not scored")
    if candidate.calls is not None:
        found.append(count(candidate.calls, "call"))
    return tuple(filter(None, found))


def _truncated(candidate: CandidateSummary) -> str:
    if candidate.max_tokens is None:
        return ""
    limit = f"max_tokens {candidate.max_tokens:,}"
    if not candidate.truncated:
        return f"no answer was cut off ({limit})"
    share = percent(candidate.truncated / candidate.scored, digits=1) if candidate.scored else ""
    return f"{count(candidate.truncated, 'answer')} of {candidate.scored:,} cut off by {limit} ({share})"
