"""Results parts: outcomes as JSON lines in small immutable objects. What was answered in a part is never asked again.

A case may have several records: a failed one may be asked again. The first with an answer counts, else the last. Lines
that cannot be read are passed over: their cases are asked again, and all other answers stay.
"""

import json
import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, fields, replace
from typing import Any

from bedrock_eval import codec
from bedrock_eval.layout import RunLayout
from bedrock_eval.pricing.usage import Usage, known_usage
from bedrock_eval.results.outcomes import SETTLED_REASONS, FailureReason, Outcome
from bedrock_eval.runs.state import Progress
from bedrock_eval_runs.store import JSON_LINES, Store

FLUSH_COUNT = 100
FLUSH_BYTES = 2 * 1024 * 1024
FLUSH_SECONDS = 5.0

_FIELDS = frozenset(each.name for each in fields(Outcome))

logger = logging.getLogger(__name__)


def outcome_line(outcome: Outcome) -> str:
    return json.dumps(codec.encode(outcome))


def read_outcome(record: dict[str, Any]) -> Outcome:
    """One line of a part. By hand, because a run has hundreds of thousands and the codec reads its types each time.

    Raises:
        KeyError, TypeError, ValueError: it is no outcome.
    """
    failure, usage = record.get("failure"), record.get("usage")
    known = {name: value for name, value in record.items() if name in _FIELDS}
    found = Outcome(
        **{
            **known,
            "usage": None if usage is None else known_usage(**usage),
            "failure": None if failure is None else FailureReason(failure),
        }
    )
    if not all(isinstance(text, str) for text in (found.case_id, found.candidate, found.prompt)):
        raise TypeError("case_id, candidate and prompt are texts")
    # Of a record that was written before calls were counted, or whose usage cannot be right.
    if found.usage is None and found.calls and not found.unknown_calls:
        return replace(found, unknown_calls=found.calls)
    return found


def read_lines(store: Store, layout: RunLayout, candidate: str) -> Iterator[tuple[Outcome, str]]:
    """Every record of a candidate's parts with its line, one part in memory at a time."""
    for key in store.keys(layout.parts(candidate)):
        stored = store.read(key)
        unreadable = 0
        for line in () if stored is None else stored.body.splitlines():
            try:
                yield read_outcome(json.loads(line)), line.decode()
            except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
                unreadable += 1
        if unreadable:
            logger.warning("lines cannot be read", extra={"key": key, "lines": unreadable})


def read_outcomes(store: Store, layout: RunLayout, candidates: Iterable[str]) -> Iterator[Outcome]:
    """All outcomes of a run, each case once; the failed ones of a candidate after its others."""
    for candidate in candidates:
        yield from _counting(outcome for outcome, _ in read_lines(store, layout, candidate))


def _counting(outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
    answered: set[str] = set()
    failed: dict[str, Outcome] = {}
    for outcome in outcomes:
        if outcome.case_id in answered:
            continue
        if not outcome.scored:
            failed[outcome.case_id] = outcome
            continue
        answered.add(outcome.case_id)
        failed.pop(outcome.case_id, None)
        yield outcome
    yield from failed.values()


@dataclass
class Tally:
    """What calls have come to: the tokens of those that told them, and how many did not."""

    usage: Usage = field(default_factory=Usage)
    calls: int = 0
    unknown_calls: int = 0

    def add(self, outcome: Outcome) -> None:
        self.usage += outcome.usage or Usage()
        self.calls += outcome.calls
        self.unknown_calls += outcome.unknown_calls


@dataclass
class PartWriter:
    """Collects the outcomes of one candidate and writes them. `clock` gives seconds that only grow.

    Attributes:
        done: the cases that are not asked (again).
        failed: the outcomes of the cases that have no answer so far.
        tally: of what this run has asked; what it took over from another was paid there.
    """

    store: Store
    layout: RunLayout
    candidate: str
    clock: Callable[[], float]
    done: set[str] = field(default_factory=set)
    failed: dict[str, Outcome] = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)
    _answered: int = 0
    _number: int = 0
    _lines: list[str] = field(default_factory=list)
    _bytes: int = 0
    _oldest: float = 0.0
    _room: int = 0
    _count: int = 0

    def resume(self, *, taken_over: frozenset[str] = frozenset()) -> None:
        """Learn from the parts that are there what need not be asked again.

        Args:
            taken_over: cases whose answers another run has paid.
        """
        self._number = sum(1 for _ in self.store.keys(self.layout.parts(self.candidate)))
        for outcome in read_outcomes(self.store, self.layout, [self.candidate]):
            if not (outcome.scored and outcome.case_id in taken_over):
                self.tally.add(outcome)
            self._note(outcome)

    def take_over(self, lines: Iterable[tuple[Outcome, str]]) -> None:
        """Write answers of another run as they stand; failed cases are left to be asked."""
        for outcome, line in lines:
            if outcome.scored and outcome.case_id not in self.done:
                self._note(outcome)
                self._write(line)

    def ask_again(self, *, round_number: int, every: bool) -> None:
        """Open the failed cases of earlier rounds, with `every` also those whose answer was withheld or empty."""
        for case_id, outcome in self.failed.items():
            if outcome.round < round_number and (every or outcome.failure not in SETTLED_REASONS):
                self.done.discard(case_id)

    def add(self, outcome: Outcome) -> None:
        """Take an outcome: its cost counts from now on; a full part is written at once."""
        self.tally.add(outcome)
        earlier = self.failed.get(outcome.case_id)
        whole = outcome if earlier is None else _with_earlier(outcome, earlier)
        self._note(whole)
        self._write(outcome_line(whole))

    def _note(self, outcome: Outcome) -> None:
        self.done.add(outcome.case_id)
        if outcome.scored:
            self._answered += 1
            self.failed.pop(outcome.case_id, None)
        else:
            self.failed[outcome.case_id] = outcome

    def _write(self, line: str) -> None:
        if not self._lines:
            self._oldest = self.clock()
        self._lines.append(line)
        self._bytes += len(line)
        if self.store.append is not None or len(self._lines) >= FLUSH_COUNT or self._bytes >= FLUSH_BYTES:
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
        if self.store.append is None:
            while not self.store.create(self._part, body, content_type=JSON_LINES):
                self._number += 1
            self._number += 1
        else:
            self._append(body.encode(), self.store.append)
        self._lines.clear()
        self._bytes = 0

    def _append(self, body: bytes, append: Callable[[str, bytes], None]) -> None:
        """To the part of this process: the last line of another's may be torn."""
        if self._room <= 0 or self._count >= FLUSH_COUNT:
            while self.store.exists(self._part):
                self._number += 1
            self._room, self._count = FLUSH_BYTES, 0
        append(self._part, body)
        self._room -= len(body)
        self._count += 1

    @property
    def _part(self) -> str:
        return self.layout.part(self.candidate, self._number)

    @property
    def answered(self) -> int:
        """How many cases have an answer."""
        return self._answered

    @property
    def progress(self) -> Progress:
        return Progress(completed=len(self.done), failed=len(self.failed.keys() & self.done), calls=self.tally.calls)


def _with_earlier(outcome: Outcome, earlier: Outcome) -> Outcome:
    """An outcome with what the case had cost before."""
    known = [usage for usage in (outcome.usage, earlier.usage) if usage is not None]
    return replace(
        outcome,
        usage=sum(known[1:], known[0]) if known else None,
        calls=outcome.calls + earlier.calls,
        unknown_calls=outcome.unknown_calls + earlier.unknown_calls,
    )
