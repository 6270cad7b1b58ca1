"""Records of the model invocation log, read from every place they lie in.

Sources: Bedrock user guide, "Model invocation logging" (the documented fields), and records that public projects show
(bodies of each operation, error records, counts without bodies). No record has a latency of its own: it stands in the
body of the answer, so it is unknown (None, never 0) where the body is missing or the model does not say.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

SCHEMA_TYPE = "ModelInvocationLog"

THROTTLING = "Throttling"
"""Part of the error code of every throttled call."""

# Why an answer ended too early, over Converse and the native bodies of all providers, in lower case.
_TRUNCATED = frozenset({"max_tokens", "length", "model_context_window_exceeded"})

_STREAM_METRICS = "amazon-bedrock-invocationMetrics"
# CloudWatch's own export to S3 writes the time of an event before its text.
_EXPORTED = re.compile(r"[0-9]{4}-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9](?:\.[0-9]+)?Z\s+(?=[{\[])")
_SHOWN = 60


@dataclass(frozen=True)
class InvocationRecord:
    """One call of a model.

    Attributes:
        time: when the call was logged, in UTC.
        operation: Converse, ConverseStream, InvokeModel or InvokeModelWithResponseStream.
        model_id: what the caller wrote: a model id, a profile id or an ARN.
        identity: ARN of the caller.
        error_code: of a failed call, which has neither tokens nor latency.
        latency_ms: to the last token.
        time_to_first_token_ms: known for InvokeModelWithResponseStream only.
        input_tokens: without those that were read from or written to the cache.
        stop_reason: in the words of the API or, for InvokeModel, of the model.
    """

    time: datetime
    request_id: str | None
    operation: str
    model_id: str
    identity: str | None
    request_metadata: Mapping[str, str]
    error_code: str | None = None
    latency_ms: float | None = None
    time_to_first_token_ms: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    stop_reason: str | None = None

    @property
    def model(self) -> str:
        """The model or profile without the ARN before it."""
        return model_name(self.model_id)

    @property
    def answered(self) -> bool:
        return self.error_code is None

    @property
    def prompt_tokens(self) -> int | None:
        """All tokens of the request, cached ones included; None where nobody counted them."""
        if self.input_tokens is None:
            return None
        return self.input_tokens + (self.cache_read_tokens or 0) + (self.cache_write_tokens or 0)

    @property
    def throttled(self) -> bool:
        return self.error_code is not None and THROTTLING in self.error_code

    @property
    def truncated(self) -> bool | None:
        """Whether the answer hit a limit of tokens; None where the record does not say why it ended."""
        return None if self.stop_reason is None else is_truncation(self.stop_reason)


@dataclass(frozen=True)
class Skipped:
    """Something in the place of a record that is none.

    Attributes:
        reason: one of few sentences, so that they can be counted.
        where: file and line, or what the caller passed.
        shown: the beginning of what stands there, if that is no record of somebody's prompt.
    """

    reason: str
    where: str
    shown: str = ""


def model_name(model_id: str) -> str:
    """`us.anthropic.claude-...` of an id, a profile id or the ARN of either."""
    return model_id.rpartition("/")[2] or model_id


def is_truncation(stop_reason: str) -> bool:
    """Whether a stop reason, of whichever API, means that a limit of tokens ended the answer."""
    return stop_reason.lower() in _TRUNCATED


def read_line(line: str, *, where: str) -> InvocationRecord | Skipped | None:
    """One line of an export; None for a blank one. Never raises.

    The log group's first event is a sentence that says that the permissions are right.
    """
    text = line.strip().removeprefix("\ufeff")
    if not text:
        return None
    text = _EXPORTED.sub("", text, count=1)
    if not text.startswith(("{", "[")):
        return Skipped("plain text", where, _shorten(text))
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return Skipped("not JSON", where)
    return read_record(value, where=where)


def read_record(value: object, *, where: str) -> InvocationRecord | Skipped:
    """One record as JSON value. Never raises: what is no record comes back as `Skipped`."""
    if not isinstance(value, dict):
        return Skipped("not a JSON object", where)
    if value.get("schemaType") != SCHEMA_TYPE:
        return Skipped(f"schemaType is not {SCHEMA_TYPE}", where)
    model_id, operation = _text(value.get("modelId")), _text(value.get("operation"))
    time = parse_time(value.get("timestamp"))
    if time is None:
        return Skipped("no timestamp that can be read", where)
    if model_id is None or operation is None:
        return Skipped("no modelId or no operation", where)
    side_in, side_out = _object(value.get("input")), _object(value.get("output"))
    answer = _body(side_out.get("outputBodyJson"))
    parts = tuple(_parts(answer))
    return InvocationRecord(
        time=time,
        request_id=_text(value.get("requestId")),
        operation=operation,
        model_id=model_id,
        identity=_text(_object(value.get("identity")).get("arn")),
        request_metadata=_labels(value.get("requestMetadata")),
        error_code=_text(value.get("errorCode")),
        latency_ms=_first(_number, _latencies(parts, converse="latencyMs", stream="invocationLatency")),
        time_to_first_token_ms=_first(_number, _latencies(parts, converse=None, stream="firstByteLatency")),
        input_tokens=_first(_count, _tokens(side_in, parts, "inputTokenCount", ("inputTokens", "input_tokens"))),
        output_tokens=_first(_count, _tokens(side_out, parts, "outputTokenCount", ("outputTokens", "output_tokens"))),
        cache_read_tokens=_first(
            _count,
            _tokens(side_in, parts, "cacheReadInputTokenCount", ("cacheReadInputTokens", "cache_read_input_tokens")),
        ),
        cache_write_tokens=_first(
            _count,
            _tokens(
                side_in, parts, "cacheWriteInputTokenCount", ("cacheWriteInputTokens", "cache_creation_input_tokens")
            ),
        ),
        stop_reason=_first(_text, _stop_reasons(parts)),
    )


def parse_time(value: object) -> datetime | None:
    """ISO 8601, or `YYYY-MM-DD HH:MM:SS.mmm` of Logs Insights; UTC where no zone is named."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _parts(answer: object) -> Iterator[Mapping[str, Any]]:
    """The objects of an answer that can hold what we look for: the last first, as streams end with their figures."""
    for chunk in reversed(answer) if isinstance(answer, list) else (answer,):
        outer = _object(chunk)
        yield outer
        # An event of a stream can be wrapped in its own name.
        for name in ("chunk", "metadata", "messageStop", "message", "delta"):
            if isinstance(outer.get(name), dict):
                yield outer[name]


def _latencies(parts: Sequence[Mapping[str, Any]], *, converse: str | None, stream: str) -> Iterator[object]:
    for part in parts:
        if converse:
            yield _object(part.get("metrics")).get(converse)
        yield _object(part.get(_STREAM_METRICS)).get(stream)


def _tokens(
    side: Mapping[str, Any], parts: Sequence[Mapping[str, Any]], counted: str, used: tuple[str, str]
) -> Iterator[object]:
    """The record's own count, then what the answer says: of Converse and of native bodies."""
    yield side.get(counted)
    for part in parts:
        yield _object(part.get(_STREAM_METRICS)).get(counted)
        usage = _object(part.get("usage"))
        yield from (usage.get(name) for name in used)


def _stop_reasons(parts: Sequence[Mapping[str, Any]]) -> Iterator[object]:
    """Converse, then Anthropic and Meta, Cohere, Titan, Mistral and OpenAI, AI21."""
    for part in parts:
        yield from (part.get(name) for name in ("stopReason", "stop_reason", "completionReason", "finish_reason"))
        for name in ("results", "outputs", "choices", "generations", "completions"):
            for item in _list(part.get(name)):
                inner = _object(item)
                yield from (inner.get(key) for key in ("completionReason", "stop_reason", "finish_reason"))
                yield _object(inner.get("finishReason")).get("reason")


def _first(read: Any, values: Iterator[object]) -> Any:
    """The first of the values that can be read."""
    return next((found for value in values if (found := read(value)) is not None), None)


def _body(value: object) -> object:
    """A body that a record holds as JSON inside of text, unpacked."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else ()


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _labels(value: object) -> Mapping[str, str]:
    return {key: text for key, text in _object(value).items() if isinstance(text, str)}


def _number(value: object) -> float | None:
    """A finite number of at least 0."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _count(value: object) -> int | None:
    number = _number(value)
    return int(number) if number is not None and number.is_integer() else None


def _shorten(text: str) -> str:
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."
