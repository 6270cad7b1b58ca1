"""Runs that end with too few answers to be a success: how many are missing, why most of them are, and what to do."""

import re
from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType

from bedrock_eval.results.summary import Summary
from bedrock_eval.verdicts.gates import thin_coverage
from bedrock_eval.wording import count

ADVICE: Mapping[str, str] = MappingProxyType(
    {
        "throttled": "lower the concurrency, or ask for a higher quota of the model (Service Quotas, Amazon Bedrock)",
        "daily_quota": "wait for the next day, or ask for a higher quota of the model (Service Quotas, Amazon Bedrock)",
        "model_not_ready": "try again in some minutes: the model is being loaded",
        "service_unavailable": "try again later; the AWS Health Dashboard tells of trouble",
        "internal_error": "try again later; the AWS Health Dashboard tells of trouble",
        "model_timeout": "try again, or ask for shorter answers (max_tokens)",
        "model_error": "try again; if it stays, ask the model once by hand with the same request",
        "invalid_request": "compare parameters, system prompt and length of the prompts with what the model takes",
        "access_denied": "check the credentials, their bedrock:InvokeModel, and the account's access to the model",
        "unknown_model": "check the id of the model and the Region",
        "no_response": "check network, Region, endpoint (AWS_ENDPOINT_URL, --endpoint-url) and time limit of a call",
        "empty_answer": "raise max_tokens: a model that thinks may leave none for its answer",
        "not_answered": "see why the other run's answers are missing",
        "content_filtered": "see whether these cases belong into the dataset",
        "guardrail_intervened": "see whether the guardrail should meet these cases",
        "unexpected": "see the detail beside each case in report.html",
    }
)
"""By reason of a failed case: what may mend it."""

_REASONS = re.compile(rf"\b({'|'.join(ADVICE)})\b")


def advice(text: str) -> str | None:
    """What to do about the first reason that a message names; None when it names none."""
    found = _REASONS.search(text)
    return None if found is None else ADVICE[found[1]]


def unanswered(summary: Summary) -> bool:
    """Whether no case of any candidate was answered."""
    return not any(candidate.scored for candidate in summary.candidates)


def thin_candidates(summary: Summary) -> dict[str, str]:
    """By candidate with less than `min_coverage`: what its coverage is."""
    # Unknown, it is no shortfall: jobs that somebody else has started do not tell what they were asked.
    known = (each for each in summary.candidates if each.coverage is not None or not each.cases)
    found = {each.name: thin_coverage(each.coverage, summary.min_coverage) for each in known}
    return {name: thin for name, thin in found.items() if thin is not None}


def shortfall(summary: Summary, *, message: str | None = None) -> str | None:
    """Why the run is no success, in one sentence with what to do; None when enough of its cases were answered.

    Args:
        message: what run.json says of it, which has the detail of a failed case.
    """
    thin = thin_candidates(summary)
    if not thin:
        return None
    told = message or _counted(summary, thin)
    mending = advice(told)
    return f"too few cases were answered: {told}" + (f"; {mending}" if mending else "")


def _counted(summary: Summary, thin: Mapping[str, str]) -> str:
    failures: Counter[str] = Counter()
    for candidate in summary.candidates:
        failures.update(candidate.failures)
    told = ", ".join(f"{name}'s {why}" for name, why in thin.items())
    if not failures:
        return told
    (reason, times), *_ = failures.most_common(1)
    return f"{told}; most often ({times:,} of {count(failures.total(), 'failed case')}): {reason}"
