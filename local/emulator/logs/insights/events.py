"""Log events, and the fields that Logs Insights discovers in them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from local.emulator.logs.insights.values import Moment, Value

DISCOVERED_FIELDS = 200


@dataclass(frozen=True)
class Event:
    """One log event as Logs Insights reads it."""

    ms: int
    message: str
    stream: str = ""
    log: str = ""
    pointer: str = ""

    def fields(self) -> dict[str, Value]:
        """The discovered fields and those that every event has."""
        system: dict[str, Value] = {
            "@timestamp": Moment(self.ms),
            "@message": self.message,
            "@logStream": self.stream,
            "@log": self.log,
            "@ptr": self.pointer,
        }
        return {**discover(self.message), **system}


def discover(message: str) -> dict[str, Value]:
    """The fields of a JSON event by path (`a.b`, `list.0.c`), the first 200 of its text; none of plain text."""
    try:
        document = json.loads(message) if message.lstrip().startswith("{") else None
    except ValueError:
        document = None
    found: dict[str, Value] = {}
    for path, value in _leaves(document, "") if isinstance(document, dict) else ():
        if len(found) == DISCOVERED_FIELDS:
            break
        found[path] = value
    return found


def _leaves(value: object, path: str) -> Iterator[tuple[str, Value]]:
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in items:
            yield from _leaves(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, bool):
        yield path, int(value)
    elif isinstance(value, str | int | float):
        yield path, value
