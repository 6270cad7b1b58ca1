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
        "throttled": "lower the concurrency, or request a higher quota for the model (Service Quotas, Amazon Bedrock)",
        "daily_quota": "wait for the next day, or request a higher quota (Service Quotas, Amazon Bedrock)",
        "model_not_ready": "retry in some minutes: Bedrock is loading the model",
        "service_unavailable": "retry later; check the AWS Health Dashboard",
        "internal_error": "retry later; check the AWS Health Dashboard",
        "model_timeout": "retry, or lower max_tokens",
        "model_error": "retry; if it fails again, send the same request with the AWS CLI",
        "invalid_request": "compare parameters, system prompt and length of the prompts with what the model supports",
        "access_denied": "check the credentials, their bedrock:InvokeModel, and the account's access to the model",
        "unknown_model": "check the id of the model and the Region",
        "no_response": "check network, Region, endpoint (AWS_ENDPOINT_URL, --endpoint-url) and time limit of a call",
        "empty_answer": "raise max_tokens: reasoning can use up all tokens before the answer",
        "not_answered": "check why the answers of the other run are missing",
        "content_filtered": "check whether these cases belong in the dataset",
        "guardrail_intervened": "check whether the guardrail should apply to these cases",
        "unexpected": "see the message of each case in report.html",
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
