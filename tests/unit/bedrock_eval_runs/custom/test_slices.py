import json
import logging
import re
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from bedrock_eval.evaluation.definition import Schedule
from bedrock_eval.layout import RunLayout, at_work_key
from bedrock_eval.results.summary import read_summary
from bedrock_eval.runs.state import Lock, RunFailureReason, RunState, RunStatus, read_state, timestamp
from bedrock_eval_runs.custom import slices
from bedrock_eval_runs.custom.slices import run_slice
from bedrock_eval_runs.errors import RunFailed
from bedrock_eval_runs.events import SliceEvent, parse_event
from bedrock_eval_runs.slice_results import SliceResult, SliceStatus
from tests.support.fakes import START, KilledError, answer, client_error
from tests.support.runs.custom import BUCKET, DATA, DEFINITION, EXECUTION, LAYOUT, RUN_ID, World

OTHER = "arn:aws:states:us-east-1:000000000000:execution:shop-dev-evaluation:two"
SMALL = "profile-small"


def slice_of(
    world: World, *, seconds: float = 900, execution: str = EXECUTION, layout: RunLayout = LAYOUT
) -> SliceResult:
    return run_slice(world.services, SliceEvent(layout, execution), remaining_seconds=seconds)


def failing(world: World, **options: Any) -> RunFailed:
    with pytest.raises(RunFailed) as caught:
        slice_of(world, **options)
    return caught.value


def many(world: World, count: int) -> None:
    world.dataset(*({"prompt": f"question {number}", "referenceResponse": "to"} for number in range(count)))


class TestARunInOneSlice:
    def test_everything_is_asked_once_and_summarised(self, world: World) -> None:
        result = slice_of(world)
        assert result.to_json() == {
            "status": "finished",
            "runId": RUN_ID,
            "completed": 6,
            "total": 6,
            "pauseSeconds": 0,
        }
        assert set(world.models.asked().values()) == {1}
        summary = read_summary(world.s3.text(BUCKET, LAYOUT.summary))
        small = summary.candidates[0]
        assert (small.cases, small.scored, small.failed) == (3, 3, 0)
        assert small.metrics["relevance_score"].n == 2
        assert small.metrics["relevance_score"].mean == 0.5
        assert small.usage.output_tokens == 15

    def test_the_layout_is_complete(self, world: World) -> None:
        slice_of(world)
        assert [key.removeprefix(LAYOUT.prefix) for key in world.s3.keys(BUCKET) if key.startswith(LAYOUT.prefix)] == [
            "definition.json",
            "lock.json",
            "report.html",
            "results/large/part-00000.jsonl",
            "results/small/part-00000.jsonl",
            "run.json",
            "summary.json",
        ]
        state = world.json(LAYOUT.state)
        assert (state["status"], state["total"], state["execution"]) == ("finished", 6, EXECUTION)
        assert world.json(LAYOUT.lock)["expires_at"] == timestamp(world.clock.now())

    def test_the_summary_is_the_last_proof_and_the_report_is_there_before(self, world: World) -> None:
        order: list[str] = []
        world.s3.after_put = order.append
        slice_of(world)
        assert order.index(LAYOUT.report) < order.index(LAYOUT.summary)
        assert not [key for key in order[order.index(LAYOUT.summary) + 1 :] if key not in (LAYOUT.state, LAYOUT.lock)]

    def test_a_finished_run_is_not_touched(self, world: World) -> None:
        slice_of(world)
        before = dict(world.s3.objects)
        again = slice_of(world, execution=OTHER)
        assert again == SliceResult(SliceStatus.FINISHED, RUN_ID, 6, 6)
        assert world.s3.objects == before
        assert len(world.models.requests) == 6

    def test_failed_cases_are_recorded_with_their_reason(self, world: World) -> None:
        world.models.script = lambda model, prompt: (
            client_error("ModelErrorException", "no") if prompt == "beta" else answer({"text": "ok"})
        )
        slice_of(world)
        small = read_summary(world.s3.text(BUCKET, LAYOUT.summary)).candidates[0]
        assert (small.cases, small.scored, small.failures) == (3, 2, {"model_error": 1})
        [record] = [record for record in world.records("small") if record["case_id"] == "b"]
        assert (record["failure"], record["detail"]) == ("model_error", "ModelErrorException: no")

    def test_no_more_calls_are_in_flight_than_defined(self, world: World) -> None:
        many(world, 60)
        slice_of(world)
        assert world.models.most_in_flight <= DEFINITION.concurrency

    def test_parts_hold_at_most_a_hundred(self, world: World) -> None:
        many(world, 105)
        slice_of(world)
        parts = [key for key in world.s3.keys(BUCKET) if key.startswith(LAYOUT.parts("small"))]
        assert [len(world.s3.text(BUCKET, key).splitlines()) for key in parts] == [100, 5]

    def test_later_slices_keep_the_definition_that_the_run_began_with(self, world: World) -> None:
        world.s3.after_put = _kill_at(LAYOUT.definition)
        with pytest.raises(KilledError):
            slice_of(world)
        world.s3.after_put = lambda key: None
        world.deploy(metrics=("exact_match",))
        slice_of(world)
        summary = read_summary(world.s3.text(BUCKET, LAYOUT.summary))
        assert set(summary.candidates[0].metrics) == set(DEFINITION.metrics)


def _slow(world: World) -> Any:
    """A second an answer."""

    def slow(model: str, prompt: str) -> dict[str, Any]:
        world.clock.advance(1)
        return answer({"text": "ok"})

    return slow


def _kill_at(key: str, *, number: int = 1) -> Any:
    """Ends the process at the n-th write of a key (or below a prefix)."""
    seen = 0

    def kill(written: str) -> None:
        nonlocal seen
        if written.startswith(key):
            seen += 1
            if seen >= number:
                raise KilledError

    return kill


def _kill_for_good(key: str, *, number: int) -> Any:
    """As `_kill_at`, and a dead process writes nothing more."""
    kill, dead = _kill_at(key, number=number), False

    def refuse(written: str) -> None:
        nonlocal dead
        try:
            if dead:
                raise KilledError
            kill(written)
        except KilledError:
            dead = True
            raise

    return refuse


class TestResume:
    def test_what_is_in_a_part_is_never_asked_again(self, world: World) -> None:
        many(world, 250)
        world.s3.before_put = _kill_for_good(LAYOUT.parts("small"), number=3)
        with pytest.raises(KilledError):
            slice_of(world)
        world.s3.before_put = lambda key: None
        kept = {record["case_id"] for record in world.records("small")}
        assert len(kept) == 200
        asked_before = len(world.models.requests)
        world.models.requests.clear()
        assert slice_of(world).status is SliceStatus.FINISHED
        asked = {request["messages"][0]["content"][0]["text"] for request in world.models.requests_to(SMALL)}
        assert len(asked) == 50
        assert asked_before >= 400
        ids = [record["case_id"] for record in world.records("small")]
        assert len(ids) == len(set(ids)) == 250

    def test_a_kill_between_the_last_flush_and_the_summary_costs_no_call(self, world: World) -> None:
        world.s3.before_put = _kill_at(LAYOUT.summary)
        with pytest.raises(KilledError):
            slice_of(world)
        assert len(world.models.requests) == 6
        world.s3.before_put = lambda key: None
        assert slice_of(world).status is SliceStatus.FINISHED
        assert len(world.models.requests) == 6

    def test_a_part_written_by_a_call_thought_dead_is_not_overwritten_and_counts_once(self, world: World) -> None:
        ghost = {"case_id": "a", "candidate": "small", "prompt": "alpha", "response": "ghost", "scores": {}}

        def write_first(key: str) -> None:
            if key == LAYOUT.part("small", 0) and (BUCKET, key) not in world.s3.objects:
                world.s3.before_put = lambda key: None
                world.s3.put_object(Bucket=BUCKET, Key=key, Body=json.dumps(ghost).encode())

        world.s3.before_put = write_first
        slice_of(world)
        assert world.records("small")[0]["response"] == "ghost"
        assert len(world.records("small")) == 4
        assert read_summary(world.s3.text(BUCKET, LAYOUT.summary)).candidates[0].cases == 3

    def test_a_failed_run_that_is_started_again_goes_on(self, world: World) -> None:
        world.models.script = lambda model, prompt: (
            client_error("AccessDeniedException", status=403) if prompt == "gamma" else answer({"text": "ok"})
        )
        failing(world)
        world.models.script = lambda model, prompt: answer({"text": "ok"})
        asked = world.models.asked()
        assert slice_of(world).status is SliceStatus.FINISHED
        assert world.models.asked()[SMALL, "alpha"] == asked[SMALL, "alpha"] == 1
        assert read_summary(world.s3.text(BUCKET, LAYOUT.summary)).candidates[0].failed == 0


class TestDeadline:
    def test_a_slice_ends_a_minute_early_and_the_next_goes_on(self, world: World) -> None:
        many(world, 40)

        def slow(model: str, prompt: str) -> dict[str, Any]:
            world.clock.advance(1)
            return answer({"text": "ok"})

        world.models.script = slow
        results = [slice_of(world, seconds=85)]
        assert results[0].status is SliceStatus.RUNNING
        assert world.clock.elapsed <= 85 - slices.RESERVE_SECONDS + DEFINITION.concurrency
        while results[-1].status is SliceStatus.RUNNING:
            results.append(slice_of(world, seconds=85))
        assert [result.completed for result in results] == sorted({result.completed for result in results})
        assert results[-1].completed == results[-1].total == 80
        assert set(world.models.asked().values()) == {1}

    def test_between_slices_the_lock_is_kept_and_run_json_counts(self, world: World) -> None:
        many(world, 40)

        def slow(model: str, prompt: str) -> dict[str, Any]:
            world.clock.advance(1)
            return answer({"text": "ok"})

        world.models.script = slow
        result = slice_of(world, seconds=85)
        state, lock = world.json(LAYOUT.state), world.json(LAYOUT.lock)
        assert state["status"] == "running"
        assert sum(progress["completed"] for progress in state["candidates"].values()) == result.completed > 0
        assert lock["expires_at"] == timestamp(START + timedelta(seconds=85 + 60))
        assert len(world.records("small")) + len(world.records("large")) == result.completed

    def test_too_little_time_is_refused_instead_of_looped_over(self, world: World) -> None:
        assert failing(world, seconds=60).reason is RunFailureReason.TIME_LIMIT


class TestLock:
    def lock(self, world: World, **changes: Any) -> None:
        standing = Lock(OTHER, RUN_ID, timestamp(START), timestamp(START + timedelta(minutes=5)))
        body = replace(standing, **changes).to_json()
        world.s3.put_object(Bucket=BUCKET, Key=LAYOUT.lock, Body=body.encode())

    def test_a_second_execution_of_the_run_is_skipped_and_counted(self, world: World) -> None:
        self.lock(world)
        result = slice_of(world)
        assert result.status is SliceStatus.SKIPPED
        assert result.reason == "another execution works on this run"
        assert world.models.requests == []
        assert world.cloudwatch.values("run_skipped") == [({"Application": "shop", "Evaluation": "support"}, 1.0)]
        assert not world.s3.objects.get((BUCKET, LAYOUT.state))

    def test_an_ended_lease_is_taken_over(self, world: World) -> None:
        self.lock(world, expires_at=timestamp(START))
        assert slice_of(world).status is SliceStatus.FINISHED
        assert world.json(LAYOUT.lock)["owner"] == EXECUTION

    def test_a_lock_that_cannot_be_read_counts_as_ended(self, world: World) -> None:
        world.s3.put_object(Bucket=BUCKET, Key=LAYOUT.lock, Body=b"{")
        assert slice_of(world).status is SliceStatus.FINISHED

    def test_one_of_two_that_take_it_at_once_gives_way(self, world: World) -> None:
        def race(key: str) -> None:
            if key == LAYOUT.lock:
                world.s3.before_put = lambda key: None
                self.lock(world)

        world.s3.before_put = race
        assert slice_of(world).status is SliceStatus.SKIPPED
        assert world.json(LAYOUT.lock)["owner"] == OTHER

    def test_ones_own_lease_is_renewed_and_keeps_its_age(self, world: World) -> None:
        many(world, 40)

        def slow(model: str, prompt: str) -> dict[str, Any]:
            world.clock.advance(1)
            return answer({"text": "ok"})

        world.models.script = slow
        slice_of(world, seconds=85)
        first = world.json(LAYOUT.lock)
        slice_of(world, seconds=85)
        second = world.json(LAYOUT.lock)
        assert second["acquired_at"] == first["acquired_at"]
        assert second["expires_at"] > first["expires_at"]


class TestOverlap:
    EARLIER = RunLayout("support", "20261123T050000Z")

    def working(self, world: World, layout: RunLayout, *, left: timedelta) -> None:
        lock = Lock(OTHER, layout.run_id, timestamp(START - timedelta(minutes=10)), timestamp(START + left))
        world.s3.put_object(Bucket=BUCKET, Key=layout.lock, Body=lock.to_json().encode())
        entry = json.dumps({"run": layout.run_id}).encode()
        world.s3.put_object(Bucket=BUCKET, Key=at_work_key(layout.evaluation), Body=entry)

    def test_the_later_of_two_runs_is_skipped_and_says_why(self, world: World) -> None:
        self.working(world, self.EARLIER, left=timedelta(minutes=5))
        result = slice_of(world)
        assert result.status is SliceStatus.SKIPPED
        assert self.EARLIER.run_id in str(result.reason)
        assert world.models.requests == []
        assert len(world.cloudwatch.values("run_skipped")) == 1
        state = world.json(LAYOUT.state)
        assert (state["status"], state["reason"]) == ("skipped", "overlap")
        assert world.json(LAYOUT.lock)["expires_at"] == timestamp(START)

    def test_a_try_that_broke_off_before_it_was_seen_decides_nothing(self, world: World) -> None:
        self.working(world, self.EARLIER, left=timedelta(minutes=5))
        tries = iter([client_error("SlowDown", status=503)])

        def trouble(key: str) -> None:
            if key == LAYOUT.state and (error := next(tries, None)):
                raise error

        world.s3.before_put = trouble
        with pytest.raises(ClientError, match="SlowDown"):
            slice_of(world)
        world.clock.advance(10)
        assert slice_of(world).status is SliceStatus.SKIPPED

    def test_a_run_whose_lease_has_ended_does_not_stop_it(self, world: World) -> None:
        self.working(world, self.EARLIER, left=timedelta(0))
        assert slice_of(world).status is SliceStatus.FINISHED

    def test_a_run_of_another_evaluation_does_not_count(self, world: World) -> None:
        self.working(world, RunLayout("support-b", self.EARLIER.run_id), left=timedelta(minutes=5))
        assert slice_of(world).status is SliceStatus.FINISHED

    def test_an_entry_that_cannot_be_read_stops_nobody(self, world: World) -> None:
        world.s3.put_object(Bucket=BUCKET, Key=at_work_key("support"), Body=b"null")
        assert slice_of(world).status is SliceStatus.FINISHED

    def test_however_many_were_skipped_the_one_at_work_is_seen(self, world: World) -> None:
        many(world, 60)
        world.models.script = _slow(world)
        assert slice_of(world, seconds=85).status is SliceStatus.RUNNING
        for minute in range(40):
            later = RunLayout("support", f"20261123T07{minute:02}00Z")
            assert slice_of(world, layout=later, execution=OTHER).status is SliceStatus.SKIPPED
        assert len(world.cloudwatch.values("run_skipped")) == 40

    def test_of_two_that_enter_at_once_one_gives_way(self, world: World) -> None:
        def race(key: str) -> None:
            if key == at_work_key("support"):
                world.s3.before_put = lambda key: None
                self.working(world, self.EARLIER, left=timedelta(minutes=5))

        world.s3.before_put = race
        assert slice_of(world).status is SliceStatus.SKIPPED


class TestRate:
    """A rate schedule runs at once when it is made, and by AWS's silence perhaps when it is changed."""

    HALF = RunLayout("support", "20261120T060000Z")

    def ran(self, world: World, layout: RunLayout, status: RunStatus = RunStatus.FINISHED) -> None:
        state = RunState("support", layout.run_id, status, timestamp(START), timestamp(START))
        world.s3.put_object(Bucket=BUCKET, Key=layout.state, Body=state.to_json().encode())

    @pytest.fixture(autouse=True)
    def _every_six_days(self, world: World) -> None:
        world.deploy(schedule=Schedule("rate(6 days)"))

    def test_a_scheduled_run_younger_than_half_its_rate_is_skipped_with_that_reason(self, world: World) -> None:
        earlier = RunLayout("support", "20261120T060001Z")
        self.ran(world, earlier)
        result = slice_of(world)
        assert result.status is SliceStatus.SKIPPED
        state = world.json(LAYOUT.state)
        assert (state["status"], state["reason"]) == ("skipped", "too_early")
        assert f"rate(6 days): scheduled run {earlier.run_id} was less than half of that before" in state["message"]
        assert world.models.requests == []
        assert len(world.cloudwatch.values("run_skipped")) == 1
        assert world.cloudwatch.values("run_failed") == []
        assert world.json(LAYOUT.lock)["expires_at"] == timestamp(START)
        assert not {key for key in world.s3.keys(BUCKET) if "at-work" in key or "summary" in key}

    def test_at_half_its_rate_it_runs(self, world: World) -> None:
        self.ran(world, self.HALF)
        assert slice_of(world).status is SliceStatus.FINISHED

    @pytest.mark.parametrize("status", [RunStatus.FAILED, RunStatus.RUNNING])
    def test_a_run_that_has_begun_counts_however_it_ended(self, world: World, status: RunStatus) -> None:
        self.ran(world, RunLayout("support", "20261123T055500Z"), status)
        assert slice_of(world).status is SliceStatus.SKIPPED

    def test_a_skipped_run_delays_no_other(self, world: World) -> None:
        """Else a schedule that is changed every day would never run."""
        self.ran(world, self.HALF)
        self.ran(world, RunLayout("support", "20261122T060000Z"), RunStatus.SKIPPED)
        assert slice_of(world).status is SliceStatus.FINISHED

    @pytest.mark.parametrize(
        "run_id", ["20261123T050000Z-manual-0a1b", "20261122T060000Z-retry-0a1b", "20261123T060001Z", "notes"]
    )
    def test_runs_by_hand_retries_and_later_runs_do_not_count(self, world: World, run_id: str) -> None:
        self.ran(world, RunLayout("support", run_id))
        assert slice_of(world).status is SliceStatus.FINISHED

    def test_a_run_by_hand_is_never_skipped_for_it(self, world: World) -> None:
        self.ran(world, RunLayout("support", "20261123T055900Z"))
        assert slice_of(world, layout=RunLayout("support", f"{RUN_ID}-manual-0a1b")).status is SliceStatus.FINISHED

    def test_a_redelivery_is_the_same_run(self, world: World) -> None:
        self.ran(world, RunLayout("support", "20261123T055900Z"))
        for _ in range(2):
            assert slice_of(world).status is SliceStatus.SKIPPED

    @pytest.mark.parametrize("key", [LAYOUT.state, LAYOUT.lock])
    def test_a_try_that_broke_off_before_it_was_skipped_decides_nothing(self, world: World, key: str) -> None:
        """Its next try finds the lock in its own hands."""
        self.ran(world, RunLayout("support", "20261123T055900Z"))
        writes: Counter[str] = Counter()

        def trouble(written: str) -> None:
            writes[written] += 1
            # The lock is taken first, and given up last.
            if written == key and writes[written] == (2 if key == LAYOUT.lock else 1):
                raise client_error("SlowDown", status=503)

        world.s3.before_put = trouble
        with pytest.raises(ClientError, match="SlowDown"):
            slice_of(world)
        world.clock.advance(10)
        assert slice_of(world).status is SliceStatus.SKIPPED
        assert world.models.requests == []

    def test_a_run_that_has_begun_goes_on(self, world: World) -> None:
        """As one that failed and is started again under its own time."""
        self.ran(world, LAYOUT, RunStatus.FAILED)
        self.ran(world, RunLayout("support", "20261123T055900Z"))
        assert slice_of(world).status is SliceStatus.FINISHED

    @pytest.mark.parametrize("schedule", [None, Schedule("cron(0 6 * * ? *)"), Schedule("at(2026-11-23T06:00:00)")])
    def test_other_schedules_are_due_at_moments_of_the_clock(self, world: World, schedule: Schedule | None) -> None:
        world.deploy(schedule=schedule)
        self.ran(world, RunLayout("support", "20261123T055900Z"))
        assert slice_of(world).status is SliceStatus.FINISHED


class TestFailures:
    @pytest.mark.parametrize(
        ("error", "reason"),
        [
            (client_error("AccessDeniedException", "not for you", status=403), RunFailureReason.ACCESS_DENIED),
            (client_error("ResourceNotFoundException", "gone", status=404), RunFailureReason.UNKNOWN_MODEL),
        ],
    )
    def test_what_every_call_would_meet_ends_the_run(
        self, world: World, error: Exception, reason: RunFailureReason
    ) -> None:
        many(world, 120)
        world.models.script = lambda model, prompt: error if model == SMALL else answer({"text": "ok"})
        failed = failing(world)
        assert failed.reason is reason
        assert str(failed).startswith(f"{reason.value}: candidate small: ")
        assert len(world.models.requests) < 100
        # What was answered is kept; what was refused can be asked again.
        assert len(world.records("large")) == len(world.models.requests_to("profile-large"))
        assert world.records("small") == []
        assert not world.s3.objects.get((BUCKET, LAYOUT.summary))

    def test_a_model_without_room_is_waited_for_while_others_are_answered(self, world: World) -> None:
        many(world, 60)
        error = client_error("ThrottlingException", "slow down", status=429)
        world.models.script = lambda model, prompt: error if model == SMALL else answer({"text": "ok"})
        assert slice_of(world).status is SliceStatus.RUNNING
        assert len(world.records("large")) == 60
        assert world.records("small") == []
        # The next slice asks what had no room, and nothing is lost.
        world.models.script = lambda model, prompt: answer({"text": "ok"})
        assert slice_of(world).status is SliceStatus.FINISHED
        small = read_summary(world.s3.text(BUCKET, LAYOUT.summary)).candidates[0]
        assert (small.scored, small.failed, small.calls) == (60, 0, 60)
        counted = read_state(world.s3.text(BUCKET, LAYOUT.state)).candidates["small"].traffic
        refused = world.models.asked().total() - 120
        assert counted is not None
        assert (counted.answered, counted.throttles, counted.exact) == (60, refused, True)
        assert refused > 0

    def test_a_slice_that_was_stopped_leaves_the_counts_of_its_run_open(self, world: World) -> None:
        """What it asked before it stopped may be counted nowhere."""
        many(world, 250)
        world.s3.before_put = _kill_for_good(LAYOUT.parts("small"), number=2)
        with pytest.raises(KilledError):
            slice_of(world)
        world.s3.before_put = lambda key: None
        assert slice_of(world).status is SliceStatus.FINISHED
        counted = read_state(world.s3.text(BUCKET, LAYOUT.state)).candidates["small"].traffic
        assert counted is not None
        assert not counted.exact

    def test_patience_ends_over_the_slices_with_the_reason(self, world: World) -> None:
        world.deploy(patience_minutes=20)
        error = client_error("ThrottlingException", "slow down", status=429)
        world.models.script = lambda model, prompt: error
        assert slice_of(world).status is SliceStatus.RUNNING
        assert world.json(LAYOUT.state)["candidates"]["small"]["throttled_since"] == timestamp(START)
        failed = failing(world)
        assert failed.reason is RunFailureReason.THROTTLED
        assert "no call found room for 20 minutes (patience_minutes): ThrottlingException: slow down" in str(failed)

    def test_patience_begins_anew_with_every_answer(self, world: World) -> None:
        many(world, 200)
        world.deploy(patience_minutes=20, concurrency=1)
        error = client_error("ThrottlingException", "slow down", status=429)
        turns: Counter[str] = Counter()

        def script(model: str, prompt: str) -> Any:
            turns[model] += 1
            world.clock.advance(30)
            return answer({"text": "ok"}) if turns[model] % 5 == 0 else error

        world.models.script = script
        assert [slice_of(world).status for _ in range(4)] == [SliceStatus.RUNNING] * 4

    def test_a_quota_of_the_day_ends_the_run_at_once(self, world: World) -> None:
        message = "Too many tokens per day, please wait before trying again."
        world.models.script = lambda model, prompt: client_error("ThrottlingException", message, status=429)
        assert failing(world).reason is RunFailureReason.DAILY_QUOTA

    @pytest.mark.parametrize(
        "error",
        [client_error("ModelErrorException", "broken", status=424), client_error("ValidationException", "no such key")],
    )
    def test_a_streak_of_the_same_refusal_ends_the_run_with_its_reason(self, world: World, error: Exception) -> None:
        many(world, 400)
        world.models.script = lambda model, prompt: error if model == SMALL else answer({"text": "ok"})
        failed = failing(world)
        assert failed.reason is RunFailureReason.REFUSED
        assert str(error.response["Error"]["Code"]) in failed.sentence  # type: ignore[attr-defined]
        assert len(world.models.requests_to(SMALL)) < 60
        # What came back until then is kept.
        assert len(world.records("large")) == len(world.models.requests_to("profile-large"))

    def test_prompts_that_a_model_refuses_are_no_streak_once_it_has_answered(self, world: World) -> None:
        many(world, 80)
        error = client_error("ValidationException", "Input is too long")
        world.models.script = lambda model, prompt: (
            answer({"text": "ok"}) if re.search(r" [0-9]( A:)?$", prompt) else error
        )
        world.deploy(concurrency=1)
        assert slice_of(world).status is SliceStatus.FINISHED

    def test_responses_that_cannot_be_read_are_no_streak_once_it_has_answered(self, world: World) -> None:
        """They are asked again, so that those of a whole run end together."""
        many(world, 80)
        world.models.script = lambda model, prompt: answer(
            {"text": "ok" if re.search(r"[0-4]( A:)?$", prompt) else None}
        )
        world.deploy(concurrency=8, max_attempts=2)
        assert slice_of(world).status is SliceStatus.FINISHED
        small = read_summary(world.s3.text(BUCKET, LAYOUT.summary)).candidates[0]
        assert (small.failures, small.scored) == ({"no_response": 40}, 40)

    def test_whatever_the_client_raises_is_one_failed_case(self, world: World) -> None:
        world.models.script = lambda model, prompt: (
            AttributeError("the parser stumbled") if "beta" in prompt else answer({"text": "ok"})
        )
        assert slice_of(world).status is SliceStatus.FINISHED
        small = read_summary(world.s3.text(BUCKET, LAYOUT.summary)).candidates[0]
        assert (small.failures, small.scored) == ({"no_response": 1}, 2)
        assert (small.calls, small.cost.unknown_calls) == (6, 4)

    def test_a_run_without_an_answer_is_none_and_asks_again(self, world: World) -> None:
        error = client_error("ModelErrorException", "broken", status=424)
        world.models.script = lambda model, prompt: error
        failed = failing(world)
        assert failed.reason is RunFailureReason.NOTHING_ANSWERED
        assert failed.sentence == (
            "no case was answered; most often (6 of 6): model_error: ModelErrorException: broken"
        )
        assert not world.s3.objects.get((BUCKET, LAYOUT.summary))
        for _ in range(4):
            asked = len(world.models.requests)
            failing(world, execution=EXECUTION)
            world.clock.advance(3600)
        assert len(world.models.requests) == asked + 6
        world.models.script = lambda model, prompt: answer({"text": "ok"})
        assert slice_of(world).status is SliceStatus.FINISHED
        assert read_summary(world.s3.text(BUCKET, LAYOUT.summary)).candidates[0].failed == 0

    def test_too_few_answers_are_said_in_run_json(self, world: World) -> None:
        world.models.script = lambda model, prompt: (
            client_error("ModelErrorException", "broken") if prompt == "beta" else answer({"text": "ok"})
        )
        slice_of(world)
        state = world.json(LAYOUT.state)
        assert (state["status"], state["reason"]) == ("finished", "low_coverage")
        assert state["message"] == (
            "small answered 66.7% of its cases; min_coverage is 95.0%; "
            "most often (1 of 1): model_error: ModelErrorException: broken"
        )

    def test_without_a_definition(self, world: World) -> None:
        world.s3.objects.pop((BUCKET, "definitions/support.json"))
        failed = failing(world)
        assert failed.reason is RunFailureReason.DEFINITION_MISSING
        assert "support is not deployed" in failed.sentence

    def test_with_a_definition_that_does_not_fit(self, world: World) -> None:
        world.s3.put_object(Bucket=BUCKET, Key="definitions/support.json", Body=b'{"application": 3}')
        failed = failing(world)
        assert failed.reason is RunFailureReason.DEFINITION_INVALID
        assert "definition.application" in failed.sentence


class TestDatasetFaults:
    def test_a_bad_last_line_costs_no_call_and_is_named(self, world: World) -> None:
        world.raw_dataset('{"prompt": "alpha"}\n{"promt": "beta"}\n')
        failed = failing(world)
        assert failed.reason is RunFailureReason.DATASET_INVALID
        assert "s3://datasets/datasets/questions.jsonl:2: key 'prompt' is missing" in str(failed)
        assert world.models.requests == []

    def test_a_line_of_texts_in_the_place_of_keys_is_not_quoted(self, world: World) -> None:
        world.raw_dataset('{"What is the SECRET?": "SECRET"}\nSECRET question,SECRET answer\n')
        failed = failing(world)
        assert failed.reason is RunFailureReason.DATASET_INVALID
        assert "SECRET" not in str(failed)

    def test_no_reference_for_a_metric_that_needs_one(self, world: World) -> None:
        world.raw_dataset('{"prompt": "alpha", "answer": "a"}\n{"prompt": "beta", "referenceResponse": " "}\n')
        failed = failing(world)
        assert failed.reason is RunFailureReason.DATASET_INVALID
        assert "has a referenceResponse, and relevance_score needs one" in failed.sentence
        assert world.models.requests == []

    @pytest.mark.parametrize("text", ["", "\n\n"])
    def test_empty(self, world: World, text: str) -> None:
        world.raw_dataset(text)
        assert failing(world).reason is RunFailureReason.DATASET_EMPTY

    def test_missing(self, world: World) -> None:
        world.s3.objects.pop((DATA, "datasets/questions.jsonl"))
        assert failing(world).reason is RunFailureReason.DATASET_MISSING

    def test_denied(self, world: World) -> None:
        world.s3.denied.add("datasets/questions.jsonl")
        assert failing(world).reason is RunFailureReason.DATASET_DENIED

    def test_changed_between_slices(self, world: World) -> None:
        world.s3.before_put = _kill_at(LAYOUT.summary)
        with pytest.raises(KilledError):
            slice_of(world)
        world.s3.before_put = lambda key: None
        world.dataset({"prompt": "another"})
        assert failing(world).reason is RunFailureReason.DATASET_CHANGED


class TestFailedCasesAgain:
    @staticmethod
    def failing_once(world: World, error: Exception | None = None) -> None:
        """One case fails, and then the run itself before its summary."""
        refused = error or client_error("ModelErrorException", "broken")
        world.models.script = lambda model, prompt: refused if prompt == "beta" else answer({"text": "ok"})
        world.s3.before_put = _kill_at(LAYOUT.summary)
        with pytest.raises(KilledError):
            slice_of(world)
        world.s3.before_put = lambda key: None
        world.clock.advance(3600)

    def test_a_run_that_is_started_again_asks_what_failed_and_only_that(self, world: World) -> None:
        self.failing_once(world)
        world.models.requests.clear()
        world.models.script = lambda model, prompt: answer({"text": "ok"})
        assert slice_of(world, execution=OTHER).status is SliceStatus.FINISHED
        assert world.models.asked() == {(SMALL, "beta"): 1}
        small = read_summary(world.s3.text(BUCKET, LAYOUT.summary)).candidates[0]
        assert (small.scored, small.failed, small.cases) == (3, 0, 3)
        assert world.json(LAYOUT.state)["round"] == 1

    def test_up_to_the_declared_number_of_rounds(self, world: World) -> None:
        world.deploy(failed_case_rounds=1)
        self.failing_once(world)
        self.failing_once(world)
        world.models.requests.clear()
        assert slice_of(world, execution=OTHER).status is SliceStatus.FINISHED
        assert world.models.requests == []

    def test_what_the_model_came_to_is_not_asked_again(self, world: World) -> None:
        world.models.script = lambda model, prompt: (
            answer({"text": "no"}, stop="guardrail_intervened") if prompt == "beta" else answer({"text": "ok"})
        )
        world.s3.before_put = _kill_at(LAYOUT.summary)
        with pytest.raises(KilledError):
            slice_of(world)
        world.s3.before_put = lambda key: None
        world.clock.advance(3600)
        world.models.requests.clear()
        assert slice_of(world, execution=OTHER).status is SliceStatus.FINISHED
        assert world.models.requests == []

    def test_a_later_slice_of_the_same_execution_asks_nothing_twice(self, world: World) -> None:
        many(world, 40)
        slow = _slow(world)
        world.models.script = lambda model, prompt: (
            client_error("ModelErrorException", "broken") if prompt.endswith("3") else slow(model, prompt)
        )
        while slice_of(world, seconds=85).status is SliceStatus.RUNNING:
            pass
        assert set(world.models.asked().values()) == {1}

    def test_what_the_first_try_cost_stays_in_the_cost(self, world: World) -> None:
        unreadable = {"usage": {"inputTokens": 1, "outputTokens": 1}}
        world.deploy(max_attempts=1)
        self.failing_once(world, error=unreadable)  # type: ignore[arg-type]
        world.models.script = lambda model, prompt: answer({"text": "ok"})
        slice_of(world, execution=OTHER)
        small = read_summary(world.s3.text(BUCKET, LAYOUT.summary)).candidates[0]
        assert (small.failed, small.calls, small.cost.unknown_calls) == (0, 4, 1)
        assert world.json(LAYOUT.state)["candidates"]["small"]["calls"] == 4


class TestRetry:
    """A new run that takes over the answers of a finished one."""

    RETRY = RunLayout("support", f"{RUN_ID}-retry-0a1b")

    def event(self) -> SliceEvent:
        given = {"evaluation": "support", "retryOf": RUN_ID, "retry": "0a1b"}
        found = parse_event({"action": "slice", "input": given, "execution": OTHER})
        assert isinstance(found, SliceEvent)
        return found

    def retried(self, world: World) -> SliceResult:
        world.models.requests.clear()
        world.models.script = lambda model, prompt: answer({"text": "again"})
        return run_slice(world.services, self.event(), remaining_seconds=900)

    def first(self, world: World) -> None:
        world.models.script = lambda model, prompt: (
            client_error("ModelErrorException", "broken") if prompt == "beta" else answer({"text": "ok"})
        )
        slice_of(world)

    def test_only_what_failed_is_asked_and_the_old_summary_stays(self, world: World) -> None:
        self.first(world)
        before = world.s3.text(BUCKET, LAYOUT.summary)
        world.deploy(metrics=("exact_match",))
        assert self.retried(world).status is SliceStatus.FINISHED
        assert world.models.asked() == {(SMALL, "beta"): 1}
        assert world.s3.text(BUCKET, LAYOUT.summary) == before
        summary = read_summary(world.s3.text(BUCKET, self.RETRY.summary))
        small = summary.candidates[0]
        assert (summary.run_id, summary.retry_of) == (self.RETRY.run_id, RUN_ID)
        assert (small.scored, small.failed) == (3, 0)
        assert set(small.metrics) == set(DEFINITION.metrics)
        # Its own spending is the one call.
        assert world.json(self.RETRY.state)["candidates"]["small"]["calls"] == 1

    def test_answers_are_taken_over_as_they_stand_also_after_a_kill(self, world: World) -> None:
        many(world, 150)
        world.models.script = lambda model, prompt: (
            client_error("ModelErrorException", "broken") if prompt == "question 7" else answer({"text": "ok"})
        )
        slice_of(world)
        world.s3.before_put = _kill_for_good(self.RETRY.parts("small"), number=2)
        with pytest.raises(KilledError):
            self.retried(world)
        world.s3.before_put = lambda key: None
        world.clock.advance(3600)
        assert self.retried(world).status is SliceStatus.FINISHED
        old, new = ({each["case_id"]: each for each in _records(world, run)} for run in (LAYOUT, self.RETRY))
        assert len(new) == 150
        differing = [case for case in old if old[case] != new[case]]
        assert [old[case]["failure"] for case in differing] == ["model_error"]

    def test_it_asks_through_the_profile_that_is_deployed_now(self, world: World) -> None:
        self.first(world)
        small, large = DEFINITION.candidates
        world.deploy(candidates=(replace(small, invoke_id="made-anew"), large))
        self.retried(world)
        assert world.models.asked() == {("made-anew", "beta"): 1}

    def test_a_dataset_that_has_changed_is_refused(self, world: World) -> None:
        self.first(world)
        world.dataset({"id": "a", "prompt": "another"})
        with pytest.raises(RunFailed, match="dataset_changed"):
            self.retried(world)

    def test_a_run_that_is_not_finished_is_refused(self, world: World) -> None:
        with pytest.raises(RunFailed, match=f"retried_run_missing: run {RUN_ID} of support is not finished"):
            self.retried(world)


def _records(world: World, layout: RunLayout) -> list[Any]:
    keys = [key for key in world.s3.keys(BUCKET) if key.startswith(layout.parts("small"))]
    return [json.loads(line) for key in keys for line in world.s3.text(BUCKET, key).splitlines()]


class TestDamage:
    def killed_before_its_summary(self, world: World) -> None:
        world.s3.before_put = _kill_at(LAYOUT.summary)
        with pytest.raises(KilledError):
            slice_of(world)
        world.s3.before_put = lambda key: None
        world.models.requests.clear()

    def damage(self, world: World, key: str, body: bytes) -> None:
        world.s3.put_object(Bucket=BUCKET, Key=key, Body=body)

    def test_a_line_that_cannot_be_read_costs_its_case_alone(self, world: World) -> None:
        self.killed_before_its_summary(world)
        part = LAYOUT.part("small", 0)
        first, *others = world.s3.text(BUCKET, part).splitlines()
        broken = [first[:20], *others, "xx", "null", "[1]", '{"case_id": 7}', '{"case_id": "a", "usage": 3}']
        self.damage(world, part, "\n".join(broken).encode() + b"\n\xff\n" + b"[" * 100_000)
        assert slice_of(world).status is SliceStatus.FINISHED
        assert world.models.asked() == {(SMALL, json.loads(first)["prompt"]): 1}
        assert read_summary(world.s3.text(BUCKET, LAYOUT.summary)).candidates[0].scored == 3

    @pytest.mark.parametrize("body", [b"null", b"", b"{", b"\xff", b"[1]"])
    @pytest.mark.parametrize("key", [LAYOUT.state, LAYOUT.lock])
    def test_state_and_lock_are_made_anew(self, world: World, key: str, body: bytes) -> None:
        self.killed_before_its_summary(world)
        self.damage(world, key, body)
        assert slice_of(world).status is SliceStatus.FINISHED
        assert world.models.requests == []

    def test_a_definition_is_named(self, world: World) -> None:
        self.killed_before_its_summary(world)
        self.damage(world, LAYOUT.definition, b"null")
        failed = failing(world)
        assert (failed.reason, LAYOUT.definition in failed.sentence) == (RunFailureReason.DEFINITION_INVALID, True)


class TestPassingTrouble:
    """Nothing that was paid is lost over a service that is in trouble for a while."""

    @staticmethod
    def trouble(world: World, prefix: str, *, times: int) -> None:
        left = times

        def refuse(key: str) -> None:
            nonlocal left
            if key.startswith(prefix) and left:
                left -= 1
                raise client_error("SlowDown", "Please reduce your request rate.", status=503)

        world.s3.before_put = refuse

    def test_a_part_is_written_a_little_later(self, world: World) -> None:
        self.trouble(world, LAYOUT.results, times=3)
        assert slice_of(world).status is SliceStatus.FINISHED
        assert set(world.models.asked().values()) == {1}

    def test_a_writer_that_cannot_write_keeps_no_other_from_it(self, world: World) -> None:
        self.trouble(world, LAYOUT.parts("small"), times=1000)
        with pytest.raises(Exception, match="SlowDown"):
            slice_of(world)
        assert len(world.records("large")) == 3
        assert world.json(LAYOUT.state)["candidates"]["large"]["completed"] == 3

    def test_what_is_in_flight_when_a_full_part_cannot_be_written_is_taken(self, world: World) -> None:
        many(world, 250)
        self.trouble(world, LAYOUT.parts("small"), times=2)
        with pytest.raises(Exception, match="SlowDown"):
            slice_of(world)
        kept = world.records("small") + world.records("large")
        assert len(kept) == len(world.models.requests)

    def test_run_json_may_be_late(self, world: World) -> None:
        many(world, 30)
        world.models.script = _slow(world)
        began = False

        def refuse(key: str) -> None:
            nonlocal began
            if key == LAYOUT.state and began and world.clock.elapsed < 20:
                raise client_error("SlowDown", status=503)
            began = began or key == LAYOUT.state

        world.s3.before_put = refuse
        assert slice_of(world).status is SliceStatus.FINISHED


def test_logs_hold_neither_prompt_nor_answer(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    world.dataset(
        {"prompt": "SECRET-PROMPT", "referenceResponse": "SECRET-REFERENCE"},
        {"prompt": "other", "answer": "SECRET-ANSWER", "SECRET question?": 1},
    )
    world.models.script = lambda model, prompt: (
        answer({"text": "SECRET-ANSWER"})
        if prompt == "SECRET-PROMPT"
        else client_error("ValidationException", f"cannot take {prompt}")
    )
    slice_of(world)
    logged = " ".join(str(record.__dict__) for record in caplog.records)
    assert "run finished" in logged
    assert "1 of 2 cases of s3://datasets/datasets/questions.jsonl has no referenceResponse (line 2)" in logged
    assert "SECRET" not in logged


FAULTS: dict[str, Any] = {
    "fine": answer({"text": "ok"}),
    "empty": answer(),
    "filtered": answer(stop="content_filtered"),
    "error": client_error("ModelErrorException"),
    "timeout": client_error("ModelTimeoutException", status=408),
    "invalid": client_error("ValidationException"),
}


@given(
    fates=st.lists(st.tuples(*[st.sampled_from(sorted(FAULTS))] * 2), min_size=1, max_size=20),
    kills=st.lists(st.integers(min_value=1, max_value=12), max_size=3),
    concurrency=st.integers(min_value=1, max_value=6),
)
def test_whatever_happens_each_case_counts_once(
    fates: list[tuple[str, str]], kills: list[int], concurrency: int
) -> None:
    world = World()
    world.deploy(concurrency=concurrency)
    world.dataset(
        *({"id": str(number), "prompt": f"{number}", "referenceResponse": "ok"} for number in range(len(fates)))
    )
    by_model = {"profile-small": 0, "profile-large": 1}

    def script(model: str, prompt: str) -> Any:
        number = int(prompt.removeprefix("Q: ").removesuffix(" A:"))
        return FAULTS[fates[number][by_model[model]]]

    world.models.script = script
    for number in kills:
        world.s3.before_put = _kill_for_good(LAYOUT.prefix, number=number)
        try:
            slice_of(world)
        except (KilledError, RunFailed):
            continue
    world.s3.before_put = lambda key: None
    if not any(fate == "fine" for pair in fates for fate in pair):
        assert failing(world).reason is RunFailureReason.NOTHING_ANSWERED
        return
    assert slice_of(world).status is SliceStatus.FINISHED
    summary = read_summary(world.s3.text(BUCKET, LAYOUT.summary))
    for index, candidate in enumerate(summary.candidates):
        fine = sum(fate[index] == "fine" for fate in fates)
        assert (candidate.cases, candidate.scored, candidate.failed) == (len(fates), fine, len(fates) - fine)
        assert sum(candidate.failures.values()) == candidate.failed
        ids = [record["case_id"] for record in world.records(candidate.name)]
        # A run that is started again asks its failed cases again.
        assert set(ids) == {str(number) for number in range(len(fates))}
