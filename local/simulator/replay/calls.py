"""Counts of calls per model and prompt, for tests that must know how often a model was really called."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


def prompt_key(prompt: str) -> str:
    """The first 16 hex digits of the prompt's SHA-256, by which counts are reported."""
    return hashlib.sha256(prompt.encode("utf-8", "surrogatepass")).hexdigest()[:16]


@dataclass
class Count:
    """Requests of one prompt to one model."""

    attempts: int = 0
    answered: int = 0
    refused: int = 0


@dataclass
class Calls:
    """Every request since the start or since `clear`. Used on the event loop only, so it needs no lock."""

    _counts: dict[str, dict[str, Count]] = field(default_factory=dict)
    _in_flight: int = 0
    _max_in_flight: int = 0

    def count(self, model: str, prompt: str) -> Count:
        """The mutable count of a prompt."""
        return self._counts.setdefault(model, {}).setdefault(prompt_key(prompt), Count())

    def enter(self) -> None:
        self._in_flight += 1
        self._max_in_flight = max(self._max_in_flight, self._in_flight)

    def leave(self) -> None:
        self._in_flight -= 1

    def clear(self) -> None:
        """Forget the counts; what is in flight stays so."""
        self._counts.clear()
        self._max_in_flight = self._in_flight

    def to_json(self) -> Mapping[str, Any]:
        every = [count for prompts in self._counts.values() for count in prompts.values()]
        totals = {name: sum(getattr(count, name) for count in every) for name in ("attempts", "answered", "refused")}
        calls = {model: {key: vars(count) for key, count in prompts.items()} for model, prompts in self._counts.items()}
        return {"calls": calls, "totals": totals, "max_in_flight": self._max_in_flight}
