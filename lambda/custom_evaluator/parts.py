"""Results parts: outcomes as JSON lines, flushed in small immutable objects. What is in a part is never asked again."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from bedrock_eval import codec
from bedrock_eval.layout import RunLayout
from bedrock_eval.outcomes import FailureReason, Outcome, Usage
from bedrock_eval.runs import Progress
from custom_evaluator.store import JSON_LINES, Store

FLUSH_COUNT = 100
FLUSH_SECONDS = 5.0


def outcome_line(outcome: Outcome) -> str:
    return json.dumps(codec.encode(outcome))


def read_outcome(record: dict[str, Any]) -> Outcome:
    """One line of a part. By hand, because a run has hundreds of thousands and the codec reads its types each time."""
    failure = record.get("failure")
    return Outcome(
        **{
            **record,
            "usage": Usage(**record.get("usage", {})),
            "failure": None if failure is None else FailureReason(failure),
        }
    )


def read_records(store: Store, keys: Iterable[str]) -> Iterator[dict[str, Any]]:
    """The outcomes in the parts of one candidate, each case once: of two records of a case the first counts."""
    seen: set[str] = set()
    for key in keys:
        stored = store.read(key)
        for line in () if stored is None else stored.body.splitlines():
            record = json.loads(line)
            if record["case_id"] not in seen:
                seen.add(record["case_id"])
                yield record


def read_outcomes(store: Store, layout: RunLayout, candidates: Iterable[str]) -> Iterator[Outcome]:
    """All outcomes of a run, one part in memory at a time."""
    for candidate in candidates:
        for record in read_records(store, store.keys(layout.parts(candidate))):
            yield read_outcome(record)


@dataclass
class PartWriter:
    """Collects the outcomes of one candidate and flushes them. `clock` gives seconds that only grow.

    Attributes:
        done: the cases that need not be asked again.
        usage: the tokens of their answers.
    """

    store: Store
    layout: RunLayout
    candidate: str
    clock: Callable[[], float]
    done: set[str] = field(default_factory=set)
    usage: Usage = field(default_factory=Usage)
    _failed: int = 0
    _number: int = 0
    _lines: list[str] = field(default_factory=list)
    _oldest: float = 0.0

    def resume(self) -> None:
        """Learn from the parts that are there what need not be asked again."""
        keys = list(self.store.keys(self.layout.parts(self.candidate)))
        for record in read_records(self.store, keys):
            self._count(record["case_id"], failed="failure" in record, usage=Usage(**record.get("usage", {})))
        self._number = len(keys)

    def add(self, outcome: Outcome) -> None:
        """Take an outcome; a full part is written at once."""
        if not self._lines:
            self._oldest = self.clock()
        self._lines.append(outcome_line(outcome))
        self._count(outcome.case_id, failed=not outcome.scored, usage=outcome.usage)
        if len(self._lines) >= FLUSH_COUNT:
            self.flush()

    def flush_if_due(self) -> None:
        """Write what has waited for its part longer than 5 seconds."""
        if self._lines and self.clock() - self._oldest >= FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write what is there. A number that is taken (a call of this slice that was thought dead) is passed over."""
        if not self._lines:
            return
        body = "\n".join(self._lines) + "\n"
        while not self.store.create(self.layout.part(self.candidate, self._number), body, content_type=JSON_LINES):
            self._number += 1
        self._number += 1
        self._lines.clear()

    @property
    def progress(self) -> Progress:
        return Progress(completed=len(self.done), failed=self._failed)

    def _count(self, case_id: str, *, failed: bool, usage: Usage) -> None:
        self.done.add(case_id)
        self._failed += failed
        self.usage += usage
