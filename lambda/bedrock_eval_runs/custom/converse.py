"""One case asked: the Converse request, what of its response is the answer, and which failure an error is.

Source: Bedrock API reference, Converse; error codes by the Bedrock user guide, troubleshooting-api-error-codes.
"""

import json
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    NoCredentialsError,
    ParamValidationError,
    ProxyConnectionError,
    ReadTimeoutError,
    SSLError,
)
from botocore.exceptions import ConnectionError as BotoConnectionError

from bedrock_eval.evaluation.cases import Case
from bedrock_eval.evaluation.definition import Candidate, CustomDefinition
from bedrock_eval.invocation_log.queries import EVALUATION_PURPOSE
from bedrock_eval.pricing.usage import Usage, known_usage
from bedrock_eval.results.outcomes import BUSY_REASONS, WITHHELD_REASONS, FailureReason, Outcome
from bedrock_eval.results.scoring import Scorer
from bedrock_eval.runs.traffic import Traffic
from bedrock_eval.scores.text.thoughts import split_thought
from bedrock_eval.sdk import UnknownFieldError

DETAIL_LIMIT = 300
_MOST_LATE = 2
"""Calls of one case that the model may take too long for: each is paid, and the next is as slow."""

_MOST_LATENCY_MS = 24 * 3600 * 1000
_SERVERS_FAULT = 500
_FIRST_WAIT, _LONGEST_WAIT = 0.5, 20.0
_WITHHELD = {reason.value: reason for reason in WITHHELD_REASONS}

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
# The same code and status as of a quota a minute, but no room before the next day.
_DAILY_PHRASE = "tokens per day"
# The error passes, and so does that of an answer that cannot be read.
_PASSING = frozenset({FailureReason.INTERNAL_ERROR, FailureReason.NO_RESPONSE})
_LATE = frozenset({FailureReason.MODEL_TIMEOUT})
# The connection was never there, so that nothing was asked.
_NOT_CONNECTED = (ConnectTimeoutError, EndpointConnectionError, ProxyConnectionError, SSLError)


@dataclass(frozen=True)
class Failure:
    """Why there is no usable answer.

    Attributes:
        taken: the call has reached the model, or may have, so that it may be paid.
        late: the model took too long.
        retry_after: seconds that the service asks to wait.
        status: the HTTP status that came; None: none came.
    """

    reason: FailureReason
    detail: str
    taken: bool = False
    late: bool = False
    retry_after: float = 0.0
    status: int | None = None

    @property
    def busy(self) -> bool:
        return self.reason in BUSY_REASONS


@dataclass(frozen=True)
class Question:
    """One case for one candidate, and what asking it has come to so far.

    Attributes:
        attempts: calls with an error that passes; those that found no room do not count.
        late: calls that the model took too long for.
        calls: calls that Bedrock took; what they used is unknown.
    """

    candidate: Candidate
    case: Case
    attempts: int = 0
    late: int = 0
    calls: int = 0


@dataclass(frozen=True)
class Later:
    """The question is to be asked again after some seconds; of a busy service when the pace of the model allows."""

    question: Question
    failure: Failure
    seconds: float


@dataclass(frozen=True)
class _Answer:
    """What is read of a response."""

    text: str
    thought: str | None
    stop_reason: str | None
    usage: Usage | None
    latency_ms: int | None


class UnreadableError(ValueError):
    """A response that is none; the message says where, without a word of it."""


class Asker:
    """Asks the candidates of one run. Safe to call from many threads."""

    def __init__(self, client: Any, *, definition: CustomDefinition, run_id: str) -> None:
        self._client = client
        self._scorer = Scorer(definition)
        self._max_attempts = definition.max_attempts
        self._score_thoughts = definition.score_thoughts
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
        self._lock = Lock()
        self._taken: Counter[str] = Counter()
        self._under_way: Counter[str] = Counter()
        self._traffic = {each.name: Traffic(each.invoke_id) for each in definition.candidates}

    def ask(self, question: Question) -> Outcome | Later:
        """One call: the case's outcome, or when to ask again. Nothing that comes back leaves it as an error."""
        candidate, case = question.candidate, question.case
        message = {"role": "user", "content": [{"text": candidate.user_text(case.prompt)}]}
        found = self._converse(candidate, {**self._requests[candidate.name], "messages": [message]})
        if isinstance(found, _Answer):
            return self._outcome(question, found)
        asked = replace(
            question,
            attempts=question.attempts + (not found.busy),
            late=question.late + found.late,
            calls=question.calls + found.taken,
        )
        if self._again(asked, found):
            return Later(asked, found, found.retry_after if found.busy else _wait(asked.attempts))
        return Outcome.of(
            case,
            candidate=candidate.name,
            failure=found.reason,
            detail=found.detail,
            usage=None if asked.calls else Usage(),
            calls=asked.calls,
            unknown_calls=asked.calls,
        )

    def calls(self, candidate: str) -> tuple[int, int]:
        """How many calls of a candidate Bedrock has taken, and how many are under way."""
        with self._lock:
            return self._taken[candidate], self._under_way[candidate]

    def traffic(self, candidate: str) -> Traffic:
        """What its calls came to; not exact while one is under way."""
        with self._lock:
            return replace(self._traffic[candidate], exact=self._under_way[candidate] == 0)

    def _again(self, asked: Question, failure: Failure) -> bool:
        if failure.busy:
            return True
        if failure.late:
            return asked.late < min(_MOST_LATE, self._max_attempts)
        return failure.reason in _PASSING and asked.attempts < self._max_attempts

    def _converse(self, candidate: Candidate, request: Mapping[str, Any]) -> _Answer | Failure:
        with self._lock:
            self._under_way[candidate.name] += 1
        taken, found = True, None
        try:
            found = self._called(request)
            taken = isinstance(found, _Answer) or found.taken
            return found
        finally:
            with self._lock:
                self._under_way[candidate.name] -= 1
                self._taken[candidate.name] += taken
                self._traffic[candidate.name] = _counted(self._traffic[candidate.name], found)

    def _called(self, request: Mapping[str, Any]) -> _Answer | Failure:
        try:
            # The first call of a Marketplace model from a role that may not subscribe to it may be refused.
            # Assumption: marketplace-access
            response = self._client.converse(**request)
        except (ClientError, BotoCoreError) as error:
            return failure_of(error)
        except UnknownFieldError as error:
            return Failure(FailureReason.INVALID_REQUEST, str(error)[:DETAIL_LIMIT])
        except Exception as error:  # botocore's parser raises whatever an odd body makes it raise
            return _unreadable(type(error).__name__)
        try:
            return read_answer(response, score_thoughts=self._score_thoughts)
        except UnreadableError as error:
            return _unreadable(str(error))
        except Exception as error:  # nothing that a model returns may end a run
            return _unreadable(type(error).__name__)

    def _outcome(self, question: Question, answer: _Answer) -> Outcome:
        known: dict[str, Any] = {
            "stop_reason": answer.stop_reason,
            "thought": answer.thought,
            "usage": answer.usage,
            "calls": question.calls + 1,
            "unknown_calls": question.calls + (answer.usage is None),
            "latency_ms": answer.latency_ms,
        }
        case, name = question.case, question.candidate.name
        withheld = _WITHHELD.get(answer.stop_reason or "")
        if withheld is not None:
            detail = f"what came instead of an answer: {answer.text}" if answer.text.strip() else "no text"
            return Outcome.of(case, candidate=name, failure=withheld, detail=detail[:DETAIL_LIMIT], **known)
        if not answer.text.strip():
            what = "no text" if answer.thought is None else "thoughts and no answer"
            detail = f"{what}, stop reason {answer.stop_reason}"
            return Outcome.of(case, candidate=name, failure=FailureReason.EMPTY_ANSWER, detail=detail, **known)
        try:
            scores = self._scorer.scores(
                answer.text, references=case.references, prompt=case.prompt, stop_reason=answer.stop_reason
            )
        except Exception as error:  # an answer that a metric cannot take is one case, not the run
            return Outcome.of(
                case,
                candidate=name,
                failure=FailureReason.UNEXPECTED,
                detail=f"the answer cannot be scored: {type(error).__name__}: {error}"[:DETAIL_LIMIT],
                response=answer.text,
                **known,
            )
        versions = self._scorer.versions
        return Outcome.of(case, candidate=name, response=answer.text, scores=scores, versions=versions, **known)


def _counted(traffic: Traffic, found: _Answer | Failure | None) -> Traffic:
    """With one more call; one that was never sent is none."""
    if isinstance(found, _Answer):
        return traffic.with_answer(found.usage)
    if found is not None and found.status is None and not found.taken:
        return traffic
    return traffic.with_failure(None if found is None else found.status)


def _wait(attempts: int) -> float:
    """Longer after each attempt, and never the same for two."""
    longest: float = min(_LONGEST_WAIT, _FIRST_WAIT * 2 ** (attempts - 1))
    return longest * random.uniform(0.5, 1)  # noqa: S311 - no secret


def _request(candidate: Candidate, *, metadata: Mapping[str, str]) -> dict[str, Any]:
    """What all requests of a candidate share; empty members are not sent."""
    request = {
        "modelId": candidate.invoke_id,
        "system": [{"text": candidate.system}] if candidate.system else None,
        "additionalModelRequestFields": json.loads(candidate.additional_fields or "{}"),
        # Without maxTokens each call reserves the model's longest answer of the quota.
        "inferenceConfig": {**candidate.parameters.converse(), "maxTokens": candidate.max_tokens},
        "requestMetadata": metadata,
    }
    return {key: value for key, value in request.items() if value}


def read_answer(response: object, *, score_thoughts: bool = False) -> _Answer:
    """What a response says, whatever it is.

    Raises:
        UnreadableError: there is no output of a model in it.
    """
    if not isinstance(response, Mapping):
        raise UnreadableError(f"the body is {_kind(response)}")
    stop_reason = response.get("stopReason")
    stop_reason = _clean(stop_reason) if isinstance(stop_reason, str) else None
    try:
        text, thought = _texts(response)
    except UnreadableError:
        # What a filter has taken away need not be there.
        if stop_reason not in _WITHHELD:
            raise
        text, thought = "", ""
    if not score_thoughts:
        leading, text = split_thought(text)
        thought = "\n\n".join(part for part in (thought, leading) if part) if leading is not None else thought
    return _Answer(
        text=text,
        thought=thought or None,
        stop_reason=stop_reason,
        usage=_usage(response.get("usage")),
        latency_ms=_latency(response.get("metrics")),
    )


def _texts(response: Mapping[str, Any]) -> tuple[str, str]:
    """The answer, all text blocks and cited texts in their order, and the reasoning beside it."""
    content = response
    for member in ("output", "message"):
        content = content.get(member)  # type: ignore[assignment] # checked in the next line
        if not isinstance(content, Mapping):
            raise UnreadableError(f"{member} is {_kind(content)}")
    blocks = content.get("content")
    if not isinstance(blocks, Sequence) or isinstance(blocks, str | bytes):
        raise UnreadableError(f"content is {_kind(blocks)}")
    texts: list[str] = []
    thoughts: list[str] = []
    for block in blocks:
        if not isinstance(block, Mapping):
            raise UnreadableError(f"a block is {_kind(block)}")
        if "text" in block:
            texts.append(_text(block["text"]))
        for cited in _inside(block, "citationsContent", "content") or ():
            texts.append(_text(cited["text"]) if "text" in cited else "")
        reasoning = _inside(block, "reasoningContent", "reasoningText")
        if reasoning is not None and "text" in reasoning:
            thoughts.append(_text(reasoning["text"]))
    return "".join(texts), "\n\n".join(thoughts)


def _inside(block: Mapping[str, Any], outer: str, inner: str) -> Any:
    found = block.get(outer)
    return None if found is None else found.get(inner)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise UnreadableError(f"text is {_kind(value)}")
    return _clean(value)


def _clean(text: str) -> str:
    """Without half characters, which no file can hold: pairs are joined, single ones replaced."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _kind(value: object) -> str:
    return "missing" if value is None else f"no such thing but {type(value).__name__}"


def _unreadable(why: str) -> Failure:
    return Failure(FailureReason.NO_RESPONSE, f"the answer cannot be read: {why}"[:DETAIL_LIMIT], taken=True)


def _usage(usage: object) -> Usage | None:
    """None where it is not told or cannot be right; the counts of caches are told only where there are some."""
    if not isinstance(usage, Mapping):
        return None
    return known_usage(
        input_tokens=usage.get("inputTokens"),
        output_tokens=usage.get("outputTokens"),
        cache_read_tokens=usage.get("cacheReadInputTokens", 0),
        cache_write_tokens=usage.get("cacheWriteInputTokens", 0),
    )


def _latency(metrics: object) -> int | None:
    latency = metrics.get("latencyMs") if isinstance(metrics, Mapping) else None
    if isinstance(latency, bool) or not isinstance(latency, int | float) or not 0 <= latency <= _MOST_LATENCY_MS:
        return None
    return int(latency)


def failure_of(error: ClientError | BotoCoreError) -> Failure:
    """The failure that an error of botocore stands for: by its code, else by its HTTP status, else by its class."""
    if not isinstance(error, ClientError):
        return _failure_of_class(error)
    body, metadata = error.response.get("Error", {}), error.response.get("ResponseMetadata", {})
    code, message = str(body.get("Code", "")), str(body.get("Message", ""))
    reason = _BY_CODE.get(code) or _reason_of_status(metadata.get("HTTPStatusCode", 0))
    if reason is FailureReason.INVALID_REQUEST and any(phrase in message for phrase in _UNKNOWN_MODEL_PHRASES):
        reason = FailureReason.UNKNOWN_MODEL
    if reason is FailureReason.THROTTLED and _DAILY_PHRASE in message:
        reason = FailureReason.DAILY_QUOTA
    late = reason in _LATE
    return Failure(
        reason,
        _clean(f"{code}: {message}"[:DETAIL_LIMIT]),
        taken=late,
        late=late,
        retry_after=_retry_after(metadata.get("HTTPHeaders")),
        status=metadata.get("HTTPStatusCode"),
    )


def _reason_of_status(status: int) -> FailureReason:
    """What stands between Bedrock and us answers with statuses of its own, as 502."""
    known = _BY_STATUS.get(status)
    if known is not None:
        return known
    return FailureReason.INTERNAL_ERROR if status >= _SERVERS_FAULT else FailureReason.UNEXPECTED


def _retry_after(headers: object) -> float:
    """Bedrock sends none today; what stands before it may."""
    value = headers.get("retry-after") if isinstance(headers, Mapping) else None
    try:
        seconds = float(str(value))
    except ValueError:
        return 0.0
    return min(seconds, 60.0) if seconds > 0 else 0.0


def _failure_of_class(error: BotoCoreError) -> Failure:
    detail = f"{type(error).__name__}: {error}"[:DETAIL_LIMIT]
    if isinstance(error, HTTPClientError | BotoConnectionError):
        late = isinstance(error, ReadTimeoutError)
        taken = not isinstance(error, _NOT_CONNECTED)
        return Failure(FailureReason.NO_RESPONSE, detail, taken=taken, late=late)
    if isinstance(error, ParamValidationError):
        return Failure(FailureReason.INVALID_REQUEST, detail)
    if isinstance(error, NoCredentialsError):
        return Failure(FailureReason.ACCESS_DENIED, detail)
    return Failure(FailureReason.UNEXPECTED, detail)
