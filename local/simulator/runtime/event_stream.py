"""ConverseStream's answer: the events of one turn in AWS's binary event-stream encoding."""

import binascii
import json
import struct
from collections.abc import Iterator, Mapping
from typing import Any

from local.simulator.replay.turns import Turn

CONTENT_TYPE = "application/vnd.amazon.eventstream"
_STRING_HEADER = 7
_PRELUDE_BYTES = 12
_CHECKSUM_BYTES = 4
_DELTA_CHARACTERS = 40


def encode(turn: Turn) -> bytes:
    """Every event of the turn, one after the other."""
    return b"".join(_message(name, payload) for name, payload in _events(turn))


def _events(turn: Turn) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield "messageStart", {"role": "assistant"}
    for index, block in enumerate(turn.content):
        for delta in _deltas(block):
            yield "contentBlockDelta", {"contentBlockIndex": index, "delta": delta}
        yield "contentBlockStop", {"contentBlockIndex": index}
    yield "messageStop", {"stopReason": turn.stop_reason}
    yield "metadata", {"usage": turn.usage, "metrics": {"latencyMs": turn.latency_ms}}


def _deltas(block: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if "text" not in block:
        yield {"reasoningContent": {"text": block["reasoningContent"]["reasoningText"]["text"]}}
        return
    text = block["text"]
    for start in range(0, len(text), _DELTA_CHARACTERS):
        yield {"text": text[start : start + _DELTA_CHARACTERS]}


def _message(event_type: str, payload: Mapping[str, Any]) -> bytes:
    headers = b"".join(
        _header(name, value)
        for name, value in (
            (":message-type", "event"),
            (":event-type", event_type),
            (":content-type", "application/json"),
        )
    )
    body = json.dumps(payload).encode()
    total = _PRELUDE_BYTES + len(headers) + len(body) + _CHECKSUM_BYTES
    prelude = struct.pack(">II", total, len(headers))
    message = prelude + struct.pack(">I", binascii.crc32(prelude)) + headers + body
    return message + struct.pack(">I", binascii.crc32(message))


def _header(name: str, value: str) -> bytes:
    encoded = value.encode()
    return bytes([len(name)]) + name.encode() + struct.pack(">BH", _STRING_HEADER, len(encoded)) + encoded
