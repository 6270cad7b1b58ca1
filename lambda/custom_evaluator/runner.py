"""Bounded concurrency: work goes in as a stream, outcomes come out one by one in the calling thread."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Event
from typing import Protocol

from bedrock_eval.cases import Case
from bedrock_eval.definition import Candidate
from bedrock_eval.outcomes import Outcome
from custom_evaluator.errors import RunFailed

Work = tuple[Candidate, Case]
_TICK_SECONDS = 0.5


class Sink(Protocol):
    """Where outcomes go."""

    def take(self, outcome: Outcome) -> None:
        """Record an outcome; RunFailed ends the run once what is in flight has come back."""

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


class Runner:
    """Runs the work of one slice. `stopping`: whether somebody wants it to end early, as if its time were up."""

    def __init__(
        self,
        *,
        ask: Callable[[Candidate, Case], Outcome],
        limits: Limits,
        clock: Callable[[], float],
        stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        self._ask = ask
        self._limits = limits
        self._clock = clock
        self._asked_to_stop = stopping
        self._stopping = Event()
        self._results: SimpleQueue[Outcome | Exception | None] = SimpleQueue()
        self._pending = 0
        self._unbegun = 0
        self._failure: Exception | None = None
        self._drain_until = limits.drain_until

    def run(self, work: Iterator[Work], sink: Sink) -> bool:
        """Whether all work is done. False: the time is up, and the rest is for another slice.

        Raises:
            RunFailed: raised by the sink; everything that came back until then has been taken.
            Exception: reading the work or scoring an answer failed; ditto.
        """
        executor = ThreadPoolExecutor(self._limits.concurrency, thread_name_prefix="converse")
        try:
            exhausted = self._loop(work, sink, executor)
        finally:
            self._stopping.set()
            # Not waited for: a call that hangs must not take the function past its deadline.
            executor.shutdown(wait=False, cancel_futures=True)
        if self._failure is not None:
            raise self._failure
        return exhausted and self._pending == 0 and self._unbegun == 0

    def _loop(self, work: Iterator[Work], sink: Sink, executor: ThreadPoolExecutor) -> bool:
        exhausted = False
        while True:
            if self._clock() >= self._limits.stop_at:
                self._stopping.set()
            elif self._asked_to_stop() and not self._stopping.is_set():
                self._stop()
            exhausted = exhausted or self._fill(work, executor)
            if self._pending == 0 or self._clock() >= self._drain_until:
                return exhausted
            self._collect(sink)

    def _fill(self, work: Iterator[Work], executor: ThreadPoolExecutor) -> bool:
        """Keep as much queued again as is in flight, so that no thread waits while a part is written."""
        while self._pending < 2 * self._limits.concurrency and not self._stopping.is_set():
            try:
                candidate, case = next(work)
            except StopIteration:
                return True
            except Exception as error:
                self._fail(error)
                break
            self._pending += 1
            executor.submit(self._work, candidate, case)
        return False

    def _work(self, candidate: Candidate, case: Case) -> None:
        """In a thread: one case. What was queued when the slice began to stop is not begun."""
        if self._stopping.is_set():
            self._results.put(None)
            return
        try:
            self._results.put(self._ask(candidate, case))
        except Exception as error:
            self._results.put(error)

    def _collect(self, sink: Sink) -> None:
        try:
            result = self._results.get(timeout=_TICK_SECONDS)
        except Empty:
            sink.tick()
            return
        self._pending -= 1
        if isinstance(result, Outcome):
            try:
                sink.take(result)
            except RunFailed as error:
                self._fail(error)
        elif result is not None:
            self._fail(result)
        else:
            self._unbegun += 1
        sink.tick()

    def _fail(self, error: Exception) -> None:
        """The first failure counts."""
        self._failure = self._failure or error
        self._stop()

    def _stop(self) -> None:
        """Nothing more is begun; what is in flight gets a little time."""
        self._stopping.set()
        self._drain_until = min(self._drain_until, self._clock() + self._limits.drain_seconds)
