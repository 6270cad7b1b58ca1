import json
import logging
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedrock_eval.layout import RunLayout
from bedrock_eval.runs import Lock, RunFailureReason, timestamp
from bedrock_eval.summary import read_summary
from custom_evaluator import slices
from custom_evaluator.errors import RunFailed
from custom_evaluator.events import SliceEvent
from custom_evaluator.slices import SliceResult, SliceStatus, run_slice
from tests.unit.custom_evaluator.conftest import BUCKET, DATA, DEFINITION, EXECUTION, LAYOUT, RUN_ID, World
from tests.unit.fakes import START, KilledError, answer, client_error

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
        assert [key.removeprefix(LAYOUT.prefix) for key in world.s3.keys(BUCKET) if key.startswith("runs/")] == [
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
    LATER = RunLayout("support", "20261123T070000Z")

    def working(self, world: World, layout: RunLayout, *, since: timedelta, left: timedelta) -> None:
        lock = Lock(OTHER, layout.run_id, timestamp(START + since), timestamp(START + left))
        world.s3.put_object(Bucket=BUCKET, Key=layout.lock, Body=lock.to_json().encode())

    def test_the_later_of_two_runs_is_skipped_and_says_why(self, world: World) -> None:
        self.working(world, self.EARLIER, since=timedelta(minutes=-10), left=timedelta(minutes=5))
        result = slice_of(world)
        assert result.status is SliceStatus.SKIPPED
        assert self.EARLIER.run_id in str(result.reason)
        assert world.models.requests == []
        assert len(world.cloudwatch.values("run_skipped")) == 1
        state = world.json(LAYOUT.state)
        assert (state["status"], state["reason"]) == ("skipped", "overlap")
        assert world.json(LAYOUT.lock)["expires_at"] == timestamp(START)

    @pytest.mark.parametrize(
        ("since", "left"),
        [
            (timedelta(minutes=-10), timedelta(0)),
            (timedelta(minutes=1), timedelta(minutes=5)),
        ],
        ids=["ended", "began later"],
    )
    def test_others_do_not_stop_it(self, world: World, since: timedelta, left: timedelta) -> None:
        self.working(world, self.EARLIER, since=since, left=left)
        assert slice_of(world).status is SliceStatus.FINISHED

    @pytest.mark.parametrize(("other", "status"), [(EARLIER, SliceStatus.SKIPPED), (LATER, SliceStatus.FINISHED)])
    def test_at_the_same_instant_the_run_id_decides(self, world: World, other: RunLayout, status: SliceStatus) -> None:
        self.working(world, other, since=timedelta(0), left=timedelta(minutes=5))
        assert slice_of(world).status is status

    def test_a_run_of_another_evaluation_does_not_count(self, world: World) -> None:
        other = RunLayout("support-b", self.EARLIER.run_id)
        self.working(world, other, since=timedelta(minutes=-10), left=timedelta(minutes=5))
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

    def test_a_storm_ends_the_run(self, world: World) -> None:
        many(world, 120)
        error = client_error("ThrottlingException", "slow down", status=429)
        world.models.script = lambda model, prompt: error if model == SMALL else answer({"text": "ok"})
        failed = failing(world)
        assert failed.reason is RunFailureReason.THROTTLING_STORM
        assert len(world.records("small")) >= slices.STORM_LENGTH
        assert len(world.models.requests) < 120

    def test_throttling_now_and_then_is_no_storm(self, world: World) -> None:
        many(world, 50)
        error = client_error("ThrottlingException", status=429)
        world.models.script = lambda model, prompt: (
            answer({"text": "ok"}) if prompt.removesuffix(" A:").endswith("0") else error
        )
        world.deploy(concurrency=1)
        assert slice_of(world).status is SliceStatus.FINISHED
        assert read_summary(world.s3.text(BUCKET, LAYOUT.summary)).candidates[0].failed == 45

    def test_an_error_of_our_own_is_not_a_failed_case(self, world: World) -> None:
        def broken(model: str, prompt: str) -> BaseException:
            return RuntimeError("a bug")

        world.models.script = broken
        with pytest.raises(RuntimeError, match="a bug"):
            slice_of(world)
        assert world.records("small") == []

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
    fates=st.lists(st.tuples(*[st.sampled_from(sorted(FAULTS))] * 2), min_size=1, max_size=30),
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
        except KilledError:
            continue
    world.s3.before_put = lambda key: None
    assert slice_of(world).status is SliceStatus.FINISHED
    summary = read_summary(world.s3.text(BUCKET, LAYOUT.summary))
    for index, candidate in enumerate(summary.candidates):
        fine = sum(fate[index] == "fine" for fate in fates)
        assert (candidate.cases, candidate.scored, candidate.failed) == (len(fates), fine, len(fates) - fine)
        assert sum(candidate.failures.values()) == candidate.failed
        ids = [record["case_id"] for record in world.records(candidate.name)]
        assert sorted(ids) == sorted(str(number) for number in range(len(fates)))
