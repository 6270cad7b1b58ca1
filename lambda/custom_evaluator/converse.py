"""One case asked: the Converse request, what of its response is the answer, and which failure an error is.

Source: Bedrock API reference, Converse; error codes by the Bedrock user guide, troubleshooting-api-error-codes.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, NoCredentialsError, ParamValidationError
from botocore.exceptions import ConnectionError as BotoConnectionError

from bedrock_eval.cases import Case
from bedrock_eval.definition import Candidate, Definition
from bedrock_eval.log_queries import EVALUATION_PURPOSE
from bedrock_eval.outcomes import FailureReason, Outcome, Usage
from bedrock_eval.scoring import Scorer

DETAIL_LIMIT = 300
_MODEL_TIMEOUT_TRIES = 2
_WITHHELD = frozenset({"content_filtered", "guardrail_intervened"})

_BY_CODE: Mapping[str, FailureReason] = {
    "ThrottlingException": FailureReason.THROTTLED,
    "TooManyRequestsException": FailureReason.THROTTLED,
    "ServiceQuotaExceededException": FailureReason.THROTTLED,
    "ModelNotReadyException": FailureReason.MODEL_NOT_READY,
    "ServiceUnavailableException": FailureReason.SERVICE_UNAVAILABLE,
    "InternalServerException": FailureReason.INTERNAL_ERROR,
    "ModelTimeoutException": FailureReason.MODEL_TIMEOUT,
    "ModelErrorException": FailureReason.MODEL_ERROR,
    "ValidationException": FailureReason.INVALID_REQUEST,
    "AccessDeniedException": FailureReason.ACCESS_DENIED,
    "UnrecognizedClientException": FailureReason.ACCESS_DENIED,
    "ExpiredTokenException": FailureReason.ACCESS_DENIED,
    "ResourceNotFoundException": FailureReason.UNKNOWN_MODEL,
}
_BY_STATUS: Mapping[int, FailureReason] = {
    400: FailureReason.INVALID_REQUEST,
    403: FailureReason.ACCESS_DENIED,
    404: FailureReason.UNKNOWN_MODEL,
    408: FailureReason.MODEL_TIMEOUT,
    424: FailureReason.MODEL_ERROR,
    429: FailureReason.THROTTLED,
    500: FailureReason.INTERNAL_ERROR,
    503: FailureReason.SERVICE_UNAVAILABLE,
}
# Bedrock answers these for the model id, not for the prompt, so every further call would get the same.
_UNKNOWN_MODEL_PHRASES = ("model identifier is invalid", "on-demand throughput isn")


@dataclass(frozen=True)
class Failure:
    """Why there is no usable answer."""

    reason: FailureReason
    detail: str


class Asker:
    """Asks the candidates of one run. Safe to call from many threads: the client is, and nothing else changes."""

    def __init__(self, client: Any, *, definition: Definition, run_id: str) -> None:
        self._client = client
        self._scorer = Scorer(definition)
        self._requests = {
            candidate.name: _request(
                candidate,
                metadata={
                    "purpose": EVALUATION_PURPOSE,
                    "application": definition.application,
                    "evaluation": definition.evaluation,
                    "candidate": candidate.name,
                    "run": run_id,
                },
            )
            for candidate in definition.candidates
        }

    def ask(self, candidate: Candidate, case: Case) -> Outcome:
        """The case's outcome: scored, or failed with its reason. Errors of the call never leave this method."""
        message = {"role": "user", "content": [{"text": candidate.user_text(case.prompt)}]}
        answer = self._converse({**self._requests[candidate.name], "messages": [message]})
        if isinstance(answer, Failure):
            return Outcome.of(case, candidate=candidate.name, failure=answer.reason, detail=answer.detail)
        text = answer_text(answer)
        stop_reason = answer.get("stopReason")
        known = {"stop_reason": stop_reason, "usage": _usage(answer), "latency_ms": _latency(answer)}
        if not text.strip():
            reason = FailureReason.CONTENT_FILTERED if stop_reason in _WITHHELD else FailureReason.EMPTY_ANSWER
            return Outcome.of(
                case, candidate=candidate.name, failure=reason, detail=f"no text, stop reason {stop_reason}", **known
            )
        scores = self._scorer.scores(text, references=case.references, prompt=case.prompt, stop_reason=stop_reason)
        versions = self._scorer.versions
        return Outcome.of(case, candidate=candidate.name, response=text, scores=scores, versions=versions, **known)

    def _converse(self, request: Mapping[str, Any]) -> Mapping[str, Any] | Failure:
        failure = Failure(FailureReason.UNEXPECTED, "not asked")
        for _ in range(_MODEL_TIMEOUT_TRIES):
            try:
                answer: Mapping[str, Any] = self._client.converse(**request)
            except (ClientError, BotoCoreError) as error:
                failure = failure_of(error)
            else:
                return answer
            # botocore's standard mode does not retry a 408, and the model may well answer the second time.
            if failure.reason is not FailureReason.MODEL_TIMEOUT:
                break
        return failure


def _request(candidate: Candidate, *, metadata: Mapping[str, str]) -> dict[str, Any]:
    """What all requests of a candidate share; empty members are not sent."""
    request = {
        "modelId": candidate.invoke_id,
        "system": [{"text": candidate.system}] if candidate.system else None,
        "inferenceConfig": candidate.parameters.converse(),
        "additionalModelRequestFields": json.loads(candidate.additional_fields or "{}"),
        "requestMetadata": metadata,
    }
    return {key: value for key, value in request.items() if value}


def answer_text(response: Mapping[str, Any]) -> str:
    """All `text` blocks in their order. A reasoning block may stand first, and there may be no block at all."""
    content: Sequence[Mapping[str, Any]] = response.get("output", {}).get("message", {}).get("content") or ()
    return "".join(block["text"] for block in content if "text" in block)


def _usage(response: Mapping[str, Any]) -> Usage:
    usage = response.get("usage", {})
    return Usage(
        input_tokens=usage.get("inputTokens", 0),
        output_tokens=usage.get("outputTokens", 0),
        cache_read_tokens=usage.get("cacheReadInputTokens", 0),
        cache_write_tokens=usage.get("cacheWriteInputTokens", 0),
    )


def _latency(response: Mapping[str, Any]) -> int | None:
    latency = response.get("metrics", {}).get("latencyMs")
    return None if latency is None else int(latency)


def failure_of(error: ClientError | BotoCoreError) -> Failure:
    """The failure that an error of botocore stands for: by its code, else by its HTTP status, else by its class."""
    if not isinstance(error, ClientError):
        return Failure(_reason_of_class(error), f"{type(error).__name__}: {error}"[:DETAIL_LIMIT])
    body = error.response.get("Error", {})
    code, message = str(body.get("Code", "")), str(body.get("Message", ""))
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    reason = _BY_CODE.get(code) or _BY_STATUS.get(status, FailureReason.UNEXPECTED)
    if reason is FailureReason.INVALID_REQUEST and any(phrase in message for phrase in _UNKNOWN_MODEL_PHRASES):
        reason = FailureReason.UNKNOWN_MODEL
    return Failure(reason, f"{code}: {message}"[:DETAIL_LIMIT])


def _reason_of_class(error: BotoCoreError) -> FailureReason:
    if isinstance(error, HTTPClientError | BotoConnectionError):
        return FailureReason.NO_RESPONSE
    if isinstance(error, ParamValidationError):
        return FailureReason.INVALID_REQUEST
    return FailureReason.ACCESS_DENIED if isinstance(error, NoCredentialsError) else FailureReason.UNEXPECTED
