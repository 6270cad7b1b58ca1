"""Bounded concurrency at its edges: the time is up, a call hangs, or something fails."""

from collections.abc import Iterator
from threading import Barrier, Event
from typing import Any

import pytest

from bedrock_eval.cases import Case
from bedrock_eval.definition import Candidate
from bedrock_eval.outcomes import Outcome
from bedrock_eval.runs import RunFailureReason
from custom_evaluator import runner as module
from custom_evaluator.converse import Later, Question
from custom_evaluator.errors import RunFailed
from custom_evaluator.parts import FLUSH_SECONDS, PartWriter
from custom_evaluator.runner import Lane, Limits, Runner, Work
from custom_evaluator.store import Store
from tests.unit.custom_evaluator.conftest import BUCKET, LAYOUT
from tests.unit.fakes import FakeClock, FakeS3

CANDIDATE = Candidate("small", "m", "p")
LIMITS = Limits(concurrency=1, stop_at=100, drain_until=130, drain_seconds=10)


class Taken(list[str]):
    """A sink that keeps the ids."""

    def __init__(self, fail_at: str = "") -> None:
        super().__init__()
        self.fail_at = fail_at
        self.ticks = 0

    def take(self, outcome: Outcome) -> None:
        if outcome.case_id == self.fail_at:
            raise RunFailed(RunFailureReason.ACCESS_DENIED, f"at {outcome.case_id}")
        self.append(outcome.case_id)

    def put_off(self, later: Later) -> None:
        self.ticks += 1

    def tick(self) -> None:
        self.ticks += 1


@pytest.fixture(autouse=True)
def _short_tick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_TICK_SECONDS", 0.001)


def work(count: int) -> Iterator[Work]:
    return ((CANDIDATE, Case(str(number), "prompt")) for number in range(count))


def outcome(question: Question) -> Outcome:
    return Outcome(question.case.id, question.candidate.name, question.case.prompt)


def runner(clock: FakeClock, *, ask: Any = outcome, limits: Limits = LIMITS, **options: Any) -> Runner:
    return Runner(ask=ask, limits=limits, clock=clock.seconds, idle=clock.advance, **options)


def run(sink: Taken, source: Iterator[Work], *, ask: Any = outcome, clock: FakeClock | None = None) -> bool:
    return runner(clock or FakeClock(), ask=ask).run([Lane(source)], sink)


def test_all_work_is_done_in_order_of_return() -> None:
    sink = Taken()
    assert run(sink, work(50))
    assert sorted(sink, key=int) == [str(number) for number in range(50)]
    assert sink.ticks >= 50


def test_without_work_it_is_done_at_once() -> None:
    assert run(Taken(), work(0))


def test_what_was_queued_but_not_begun_when_the_time_was_up_is_not_done() -> None:
    clock, seen = FakeClock(), Event()
    both_begun = Barrier(2)

    class Watching(Taken):
        def tick(self) -> None:
            # A tick after the time was up: the runner has stopped to begin anything.
            if clock.elapsed >= LIMITS.stop_at:
                self.ticks += 1
            if self.ticks == 2:
                seen.set()

    def ask(question: Question) -> Outcome:
        # Two are in flight and the third, the last of the work, is queued.
        both_begun.wait()
        clock.elapsed = LIMITS.stop_at
        seen.wait()
        return outcome(question)

    sink = Watching()
    limits = Limits(concurrency=2, stop_at=100, drain_until=130, drain_seconds=10)
    assert not runner(clock, ask=ask, limits=limits).run([Lane(work(3))], sink)
    assert sorted(sink) == ["0", "1"]


def test_a_call_that_hangs_is_given_up_and_the_rest_kept() -> None:
    clock, released = FakeClock(), Event()

    def ask(question: Question) -> Outcome:
        if question.case.id == "1":
            clock.elapsed = LIMITS.drain_until
            released.wait()
        return outcome(question)

    sink = Taken()
    try:
        assert not run(sink, work(5), ask=ask, clock=clock)
    finally:
        released.set()
    assert sink == ["0"]


def test_of_two_failures_the_first_is_told() -> None:
    failed = Event()

    class Failing(Taken):
        def take(self, outcome: Outcome) -> None:
            self.append(outcome.case_id)
            failed.set()
            raise RunFailed(RunFailureReason.ACCESS_DENIED, f"at {outcome.case_id}")

    def ask(question: Question) -> Outcome:
        # The second is in flight when the first fails, and comes back after it.
        if question.case.id == "1":
            failed.wait()
        return outcome(question)

    sink = Failing()
    limits = Limits(concurrency=2, stop_at=100, drain_until=130, drain_seconds=10)
    both_begun = Barrier(2)

    def together(question: Question) -> Outcome:
        both_begun.wait()
        return ask(question)

    with pytest.raises(RunFailed, match="at 0"):
        runner(FakeClock(), ask=together, limits=limits).run([Lane(work(2))], sink)
    assert sink == ["0", "1"]


def test_work_that_cannot_be_read_fails_after_what_was_asked_is_kept() -> None:
    def broken() -> Iterator[Work]:
        yield from work(1)
        raise RunFailed(RunFailureReason.DATASET_CHANGED, "changed")

    sink = Taken()
    with pytest.raises(RunFailed, match="dataset_changed"):
        run(sink, broken())
    assert sink == ["0"]


def test_after_a_failure_nothing_is_begun() -> None:
    asked: list[str] = []

    def ask(question: Question) -> Outcome:
        asked.append(question.case.id)
        return outcome(question)

    with pytest.raises(RunFailed):
        run(Taken(fail_at="3"), work(500), ask=ask)
    # At most what was queued beside the one in flight.
    assert len(asked) <= 3 + 1 + 2 * LIMITS.concurrency


def test_a_part_waits_five_seconds_at_most() -> None:
    s3, clock = FakeS3(), FakeClock()
    writer = PartWriter(Store(s3, BUCKET), LAYOUT, "small", clock.seconds)
    writer.add(outcome(Question(CANDIDATE, Case("a", "prompt"))))
    clock.advance(FLUSH_SECONDS - 0.1)
    writer.add(outcome(Question(CANDIDATE, Case("b", "prompt"))))
    writer.flush_if_due()
    assert s3.keys(BUCKET) == []
    clock.advance(0.1)
    writer.flush_if_due()
    assert len(s3.text(BUCKET, LAYOUT.part("small", 0)).splitlines()) == 2
    # An empty part is never written.
    clock.advance(60)
    writer.flush_if_due()
    writer.flush()
    assert len(s3.keys(BUCKET)) == 1
    assert FLUSH_SECONDS == 5


def test_who_is_asked_to_stop_begins_nothing_more_and_takes_what_comes_back() -> None:
    sink = Taken()
    begun: list[str] = []

    def ask(question: Question) -> Outcome:
        begun.append(question.case.id)
        return outcome(question)

    stopped = runner(FakeClock(), ask=ask, stopping=lambda: len(sink) >= 3)
    assert not stopped.run([Lane(work(1000))], sink)
    assert sink == begun
    assert 3 <= len(sink) <= 3 + 2 * LIMITS.concurrency
