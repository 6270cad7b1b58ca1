"""Bounded concurrency at its edges: the time is up, a call hangs, or something fails."""

from collections.abc import Iterator
from dataclasses import replace
from threading import Barrier, Event
from typing import Any

import pytest

from bedrock_eval.evaluation.cases import Case
from bedrock_eval.evaluation.definition import Candidate
from bedrock_eval.results.outcomes import FailureReason, Outcome
from bedrock_eval.runs.state import RunFailureReason
from bedrock_eval_runs.custom import runner as module
from bedrock_eval_runs.custom.converse import Failure, Later, Question
from bedrock_eval_runs.custom.runner import Lane, Limits, Runner, Work
from bedrock_eval_runs.errors import RunFailed
from bedrock_eval_runs.parts import FLUSH_BYTES, FLUSH_COUNT, FLUSH_SECONDS, PartWriter
from bedrock_eval_runs.store import Store
from tests.support.fakes import FakeClock, FakeS3
from tests.support.runs.custom import BUCKET, LAYOUT

CANDIDATE, OTHER = Candidate("small", "m", "p"), Candidate("large", "n", "q")
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


def test_parts_are_bounded_by_bytes_too() -> None:
    s3 = FakeS3()
    writer = PartWriter(Store(s3, BUCKET), LAYOUT, "small", FakeClock().seconds)
    for number in range(7):
        writer.add(replace(outcome(Question(CANDIDATE, Case(str(number), "p"))), response="x" * 1_000_000))
    writer.flush()
    sizes = [len(s3.text(BUCKET, key)) for key in s3.keys(BUCKET)]
    assert len(sizes) == 3
    assert max(sizes) < FLUSH_BYTES + 1_100_000


class Growing:
    """Files that grow, in the place of objects."""

    def __init__(self) -> None:
        self.s3 = FakeS3()

    def append(self, key: str, body: bytes) -> None:
        before = self.s3.objects.get((BUCKET, key))
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=(before.body if before else b"") + body)

    @property
    def writer(self) -> PartWriter:
        return PartWriter(Store(self.s3, BUCKET, append=self.append), LAYOUT, "small", FakeClock().seconds)


def test_where_files_grow_every_answer_is_written_at_once() -> None:
    files = Growing()
    writer = files.writer
    for number in range(FLUSH_COUNT + 1):
        writer.add(outcome(Question(CANDIDATE, Case(str(number), "p"))))
        assert sum(len(files.s3.text(BUCKET, key).splitlines()) for key in files.s3.keys(BUCKET)) == number + 1
    assert len(files.s3.keys(BUCKET)) == 2
    # After a kill nothing is added to a file whose last line may be torn.
    files.append(LAYOUT.part("small", 1), b'{"case_id": "to')
    again = files.writer
    again.resume()
    assert len(again.done) == FLUSH_COUNT + 1
    again.add(outcome(Question(CANDIDATE, Case("new", "p"))))
    assert len(files.s3.keys(BUCKET)) == 3


def test_a_call_without_room_waits_while_another_model_goes_on() -> None:
    clock, answered = FakeClock(), 0
    full = Failure(FailureReason.THROTTLED, "slow down")

    def ask(question: Question) -> Outcome | Later:
        if question.candidate is OTHER and answered < 20:
            return Later(question, full, 0.0)
        return outcome(question)

    class Counting(Taken):
        def take(self, outcome: Outcome) -> None:
            nonlocal answered
            answered += 1
            super().take(outcome)

    sink = Counting()
    others: Iterator[Work] = ((OTHER, Case(f"o{number}", "p")) for number in range(20))
    limits = Limits(concurrency=4, stop_at=1000, drain_until=1030, drain_seconds=10)
    assert runner(clock, ask=ask, limits=limits).run([Lane(work(20)), Lane(others)], sink)
    assert sorted(sink[:20]) == sorted(str(number) for number in range(20))
    assert sorted(sink[20:]) == sorted(f"o{number}" for number in range(20))


def test_what_waits_for_room_when_the_time_is_up_is_for_the_next_slice() -> None:
    full = Failure(FailureReason.THROTTLED, "slow down")
    sink = Taken()
    assert not run(sink, work(3), ask=lambda question: Later(question, full, 0.0))
    assert sink == []


def test_an_error_of_the_sink_loses_nothing_that_is_in_flight() -> None:
    both = Barrier(2)

    class Failing(Taken):
        def take(self, outcome: Outcome) -> None:
            self.append(outcome.case_id)
            if len(self) == 1:
                raise OSError("disk full")

    def ask(question: Question) -> Outcome:
        both.wait()
        return outcome(question)

    sink = Failing()
    limits = Limits(concurrency=2, stop_at=100, drain_until=130, drain_seconds=10)
    with pytest.raises(OSError, match="disk full"):
        runner(FakeClock(), ask=ask, limits=limits).run([Lane(work(2))], sink)
    assert sorted(sink) == ["0", "1"]
