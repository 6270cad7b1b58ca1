"""Bounded concurrency: work goes in as streams, one a model, and outcomes come out one by one in the calling thread.

A call that found no room waits for the pace of its model without holding a thread, so that others go on meanwhile.
"""

import heapq
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from queue import Empty, SimpleQueue
from threading import Event
from typing import Protocol

from bedrock_eval.evaluation.cases import Case
from bedrock_eval.evaluation.definition import Candidate
from bedrock_eval.results.outcomes import Outcome
from bedrock_eval_runs.custom.converse import Later, Question
from bedrock_eval_runs.custom.pacing import Pace

Work = tuple[Candidate, Case]
_TICK_SECONDS = 0.5
_NEVER = float("inf")


class Sink(Protocol):
    """Where outcomes go. What it raises ends the run, once what is in flight has come back."""

    def take(self, outcome: Outcome) -> None:
        """Record an outcome."""

    def put_off(self, later: Later) -> None:
        """Hear that a case waits to be asked again."""

    def tick(self) -> None:
        """Called after each outcome and at least every half second."""


@dataclass(frozen=True)
class Limits:
    """Bounds of a slice, in seconds of the clock that the runner is given.

    Attributes:
        stop_at: nothing is begun from here on.
        drain_until: what is still in flight then is given up; a later slice asks it again.
        drain_seconds: how long what is in flight is waited for when the run fails or is stopped.
    """

    concurrency: int
    stop_at: float
    drain_until: float
    drain_seconds: float


@dataclass
class Lane:
    """The work of one model, whose calls share a quota, and its pace."""

    work: Iterator[Work]
    pace: Pace = field(default_factory=Pace)
    exhausted: bool = False
    _waiting: list[tuple[float, int, Question]] = field(default_factory=list)
    _order: Iterator[int] = field(default_factory=count)

    def put_back(self, question: Question, *, due: float) -> None:
        """Ask again from then on, before what has not been asked."""
        heapq.heappush(self._waiting, (due, next(self._order), question))

    def next_at(self, now: float) -> float:
        """When its next call may begin; never while there is nothing to ask."""
        due = self._waiting[0][0] if self._waiting else _NEVER
        first = due if self.exhausted else min(due, now)
        return max(first, now + self.pace.wait(now))

    def take(self, now: float) -> Question | None:
        """The next question, None when its work has come to an end."""
        if self._waiting and self._waiting[0][0] <= now:
            return heapq.heappop(self._waiting)[2]
        try:
            candidate, case = next(self.work)
        except StopIteration:
            self.exhausted = True
            return None
        return Question(candidate, case)

    @property
    def done(self) -> bool:
        return self.exhausted and not self._waiting


@dataclass(frozen=True)
class _Returned:
    """What came of a call that was begun in a lane; None: it was not made any more."""

    lane: Lane
    begun: float
    result: Outcome | Later | Exception | None


class Runner:
    """Runs the work of one slice.

    Args:
        idle: waits so many seconds while nothing is in flight.
        stopping: whether somebody wants it to end early, as if its time were up.
    """

    def __init__(
        self,
        *,
        ask: Callable[[Question], Outcome | Later],
        limits: Limits,
        clock: Callable[[], float],
        idle: Callable[[float], None],
        stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        self._ask = ask
        self._limits = limits
        self._clock = clock
        self._idle = idle
        self._asked_to_stop = stopping
        self._stopping = Event()
        self._results: SimpleQueue[_Returned] = SimpleQueue()
        self._pending = 0
        self._unbegun = 0
        self._failure: Exception | None = None
        self._drain_until = limits.drain_until

    def run(self, lanes: Sequence[Lane], sink: Sink) -> bool:
        """Whether all work is done. False: the time is up, and the rest is for another slice.

        Raises:
            Exception: of the sink, of reading the work or of asking; what came back until then has been taken.
        """
        executor = ThreadPoolExecutor(self._limits.concurrency, thread_name_prefix="converse")
        try:
            self._loop(lanes, sink, executor)
        finally:
            self._stopping.set()
            # Not waited for: a call that hangs must not take the function past its deadline.
            executor.shutdown(wait=False, cancel_futures=True)
        if self._failure is not None:
            raise self._failure
        return all(lane.done for lane in lanes) and self._pending == 0 and self._unbegun == 0

    def _loop(self, lanes: Sequence[Lane], sink: Sink, executor: ThreadPoolExecutor) -> None:
        while True:
            if self._clock() >= self._limits.stop_at:
                self._stopping.set()
            elif self._asked_to_stop() and not self._stopping.is_set():
                self._stop()
            next_at = self._fill(lanes, executor)
            if self._pending == 0 and (self._stopping.is_set() or next_at == _NEVER):
                return
            if self._pending and self._clock() >= self._drain_until:
                return
            pause = max(0.0, min(_TICK_SECONDS, next_at - self._clock()))
            if self._pending:
                # A full house has to wait for a call to come back, whatever is due.
                self._collect(sink, timeout=pause or _TICK_SECONDS)
            else:
                self._idle(pause)
                self._guarded(sink.tick)

    def _fill(self, lanes: Sequence[Lane], executor: ThreadPoolExecutor) -> float:
        """Begin what may begin now, the lanes in turn; when the next call may."""
        while not self._stopping.is_set():
            now = self._clock()
            next_at = min((lane.next_at(now) for lane in lanes), default=_NEVER)
            if next_at > now:
                return next_at
            if self._pending >= self._room(lanes):
                return now
            self._begin(lanes, now, executor)
        return _NEVER

    def _room(self, lanes: Sequence[Lane]) -> int:
        """As much queued again as is in flight, so that no thread waits while a part is written; not of a model whose
        pace is limited, where what is queued would all be refused."""
        paced = any(lane.pace.rate is not None for lane in lanes)
        return self._limits.concurrency * (1 if paced else 2)

    def _begin(self, lanes: Sequence[Lane], now: float, executor: ThreadPoolExecutor) -> None:
        """One call of each lane that may begin one."""
        for lane in lanes:
            if lane.next_at(now) > now or self._pending >= self._room(lanes):
                continue
            try:
                question = lane.take(now)
            except Exception as error:
                self._fail(error)
                return
            if question is not None:
                lane.pace.begin(now)
                self._pending += 1
                executor.submit(self._work, lane, question, now)

    def _work(self, lane: Lane, question: Question, begun: float) -> None:
        """In a thread: one call. What was queued when the slice began to stop is not begun."""
        if self._stopping.is_set():
            self._results.put(_Returned(lane, begun, None))
            return
        try:
            self._results.put(_Returned(lane, begun, self._ask(question)))
        except Exception as error:
            self._results.put(_Returned(lane, begun, error))

    def _collect(self, sink: Sink, *, timeout: float) -> None:
        try:
            returned = self._results.get(timeout=timeout)
        except Empty:
            self._guarded(sink.tick)
            return
        self._pending -= 1
        result, now = returned.result, self._clock()
        if isinstance(result, Outcome):
            returned.lane.pace.answered(now)
            self._guarded(lambda: sink.take(result))
        elif isinstance(result, Later):
            self._put_back(returned.lane, result, begun=returned.begun, now=now)
            self._guarded(lambda: sink.put_off(result))
        elif result is not None:
            self._fail(result)
        else:
            self._unbegun += 1
        self._guarded(sink.tick)

    def _put_back(self, lane: Lane, later: Later, *, begun: float, now: float) -> None:
        if later.failure.busy:
            lane.pace.refused(begun=begun, now=now, retry_after=later.seconds)
        lane.put_back(later.question, due=now + later.seconds)

    def _guarded(self, told: Callable[[], None]) -> None:
        """Whatever the sink raises, what is in flight is still taken."""
        try:
            told()
        except Exception as error:
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        """The first failure counts."""
        self._failure = self._failure or error
        self._stop()

    def _stop(self) -> None:
        """Nothing more is begun; what is in flight gets a little time."""
        if not self._stopping.is_set():
            self._drain_until = min(self._drain_until, self._clock() + self._limits.drain_seconds)
        self._stopping.set()
