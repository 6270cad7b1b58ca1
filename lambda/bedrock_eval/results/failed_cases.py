"""Failed cases in words: why most of them failed, with one as an example."""

from collections import Counter

from bedrock_eval.results.outcomes import SETTLED_REASONS, Outcome


def nothing_answered(failed: list[Outcome]) -> str:
    """What is said of a run in which every case of every candidate has failed."""
    return f"no case was answered; {commonest(failed)}"


def commonest(failed: list[Outcome]) -> str:
    """The reason that most cases failed for, with the detail of one of them."""
    reasons = Counter(outcome.failure for outcome in failed)
    if not reasons:
        return "no case has failed"
    (reason, times), *_ = reasons.most_common(1)
    example = next(outcome for outcome in failed if outcome.failure is reason)
    return f"most often ({times:,} of {len(failed):,}): {reason_of(example)}"


def reason_of(outcome: Outcome) -> str:
    """The reason with its detail; not of answers, which no log may hold."""
    reason = "" if outcome.failure is None else outcome.failure.value
    told = outcome.failure not in SETTLED_REASONS and outcome.response is None
    return f"{reason}: {outcome.detail}" if told else reason
