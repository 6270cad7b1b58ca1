"""A run of evaluation jobs from the first look to the summary, and every way in which it can go wrong."""

import json
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from botocore.parsers import ResponseParserError

from bedrock_eval.alarms import kinds
from bedrock_eval.evaluation.definition import Schedule
from bedrock_eval.jobs.progress import Jobs, JobStatus, read_jobs
from bedrock_eval.jobs.request import evaluation_mark
from bedrock_eval.layout import RunLayout
from bedrock_eval.runs.state import RunFailureReason, RunState, RunStatus
from bedrock_eval.sdk import UnknownFieldError
from bedrock_eval_functions.evaluation_jobs import handler as entry
from bedrock_eval_runs.errors import PassingError, RunFailed
from bedrock_eval_runs.failures import MESSAGE_LIMIT
from bedrock_eval_runs.jobs.control import MOST_JOBS, Control, NotNowError, Pruned, Seen
from tests.support.fakes import FakeContext, client_error
from tests.support.runs.jobs import (
    BUCKET,
    DEFINITION,
    EXECUTION,
    INPUT,
    LAYOUT,
    RUN_ID,
    SLICE,
    World,
)

PROXY = client_error("504", "Gateway Timeout", status=504)
PUBLISH = {"action": "publish", "input": INPUT, "execution": EXECUTION}


@pytest.fixture(autouse=True)
def _served(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entry, "services", lambda: world.services)


def call(event: object = SLICE) -> dict[str, object]:
    return entry.handler(event, FakeContext())


def jobs(world: World) -> Jobs:
    return read_jobs(world.s3.text(BUCKET, LAYOUT.jobs))


def failure(world: World) -> RunFailed:
    with pytest.raises(RunFailed) as caught:
        call()
    return caught.value


class TestARun:
    def test_one_job_for_each_candidate_then_a_summary_like_every_other(self, world: World) -> None:
        first = call()
        assert (first["status"], first["pauseSeconds"]) == ("waiting", 60)
        assert len(world.bedrock.created) == 2
        world.clock.advance(60)
        world.bedrock.complete(1.0)
        assert call()["status"] == "finished"
        summary = world.json(LAYOUT.summary)
        assert [each["metrics"]["Builtin.Correctness"]["n"] for each in summary["candidates"]] == [12, 12]
        assert summary["measures"]["Builtin.Harmfulness"]["better"] == "lower"
        assert {each["candidate"] for each in summary["comparisons"]} == {"large"}
        assert "<html" in world.s3.text(BUCKET, LAYOUT.report)
        assert world.json(LAYOUT.state)["status"] == "finished"

    def test_the_output_lies_below_the_run(self, world: World) -> None:
        call()
        places = {request["outputDataConfig"]["s3Uri"] for request in world.bedrock.created}
        assert places == {f"s3://{BUCKET}/jobs/judged/{RUN_ID}/"}

    def test_a_look_may_be_repeated_without_starting_anything_twice(self, world: World) -> None:
        call()
        world.s3.delete_object(Bucket=BUCKET, Key=LAYOUT.jobs)
        call()
        assert len(world.bedrock.created) == 2

    def test_jobs_wait_for_their_turn(self, world: World) -> None:
        world.deploy(parallel=1)
        call()
        assert [job.status for job in jobs(world).jobs] == [JobStatus.IN_PROGRESS, JobStatus.WAITING]
        world.bedrock.complete()
        call()
        assert len(world.bedrock.created) == 2

    def test_the_pause_grows_from_the_newest_start(self, world: World) -> None:
        """Of jobs one after another the second is looked at as soon as the first was."""
        world.deploy(parallel=1)
        call()
        world.clock.advance(4 * 3600)
        assert call()["pauseSeconds"] == 1800
        world.bedrock.complete()
        assert call()["pauseSeconds"] == 60
        assert len(world.bedrock.created) == 2

    def test_every_job_is_tagged_with_whose_it_is(self, world: World) -> None:
        call()
        for request in world.bedrock.created:
            tags = {tag["key"]: tag["value"] for tag in request["jobTags"]}
            assert tags == {"application": "shop", "environment": "dev", "evaluation": "judged"}

    def test_unanswered_prompts_are_failed_cases_and_lower_the_coverage(self, world: World) -> None:
        call()
        world.bedrock.complete(leave_out=3)
        call()
        for candidate in world.json(LAYOUT.summary)["candidates"]:
            assert (candidate["cases"], candidate["failed"], candidate["coverage"]) == (12, 3, 0.75)

    def test_what_was_not_taken_is_named(self, world: World) -> None:
        call()
        world.bedrock.complete()
        call()
        assert all(key.endswith("permission-check") for key in jobs(world).strays)
        assert len(jobs(world).strays) == 2

    def test_a_finished_run_is_not_touched(self, world: World) -> None:
        call()
        world.bedrock.complete()
        call()
        before = world.s3.text(BUCKET, LAYOUT.jobs)
        assert call()["status"] == "finished"
        assert world.s3.text(BUCKET, LAYOUT.jobs) == before

    def test_scores_are_published_under_the_declared_names(self, world: World) -> None:
        call()
        world.bedrock.complete(0.5)
        call()
        call(PUBLISH)
        assert {datum["MetricName"] for datum in world.cloudwatch.data} >= {
            "Builtin.Correctness",
            "Builtin.Harmfulness",
            "run_coverage",
        }

    def test_another_execution_is_sent_away_also_during_the_pause(self, world: World) -> None:
        call()
        world.clock.advance(61)
        other = call({**SLICE, "execution": EXECUTION.replace("one", "two")})
        assert (other["status"], other["reason"]) == ("skipped", "another execution works on this run")


class TestRate:
    def test_a_scheduled_run_younger_than_half_its_rate_starts_no_job(self, world: World) -> None:
        world.deploy(replace(DEFINITION, schedule=Schedule("rate(6 days)")))
        earlier = RunLayout("judged", "20261122T060000Z")
        state = RunState("judged", earlier.run_id, RunStatus.FINISHED, "", "")
        world.s3.put_object(Bucket=BUCKET, Key=earlier.state, Body=state.to_json().encode())
        assert call()["status"] == "skipped"
        state = world.json(LAYOUT.state)
        assert (state["status"], state["reason"]) == ("skipped", "too_early")
        assert world.bedrock.created == []
        assert call({**SLICE, "input": {**INPUT, "manual": "0a1b"}})["status"] == "waiting"

    def test_a_try_that_broke_off_before_it_was_skipped_decides_nothing(self, world: World) -> None:
        world.deploy(replace(DEFINITION, schedule=Schedule("rate(6 days)")))
        earlier = RunLayout("judged", "20261122T060000Z")
        state = RunState("judged", earlier.run_id, RunStatus.FINISHED, "", "")
        world.s3.put_object(Bucket=BUCKET, Key=earlier.state, Body=state.to_json().encode())
        tries = iter([client_error("SlowDown", status=503)])

        def trouble(key: str) -> None:
            if key == LAYOUT.state and (error := next(tries, None)):
                raise error

        world.s3.before_put = trouble
        with pytest.raises(PassingError, match="SlowDown"):
            call()
        world.clock.advance(10)
        assert call()["status"] == "skipped"
        assert world.bedrock.created == []


class TestTrouble:
    def test_a_quota_is_waited_for_while_a_job_runs_that_will_make_room(self, world: World) -> None:
        call()
        world.s3.delete_object(Bucket=BUCKET, Key=LAYOUT.jobs)
        world.bedrock.refusals = ["ServiceQuotaExceededException"] * 2
        assert call()["status"] == "waiting"
        assert [job.status for job in jobs(world).jobs] == [JobStatus.WAITING] * 2

    def test_a_quota_that_no_running_job_fills_is_asked_about_once_more(self, world: World) -> None:
        world.bedrock.refusals = ["ServiceQuotaExceededException"]
        call()
        assert [job.status for job in jobs(world).jobs] == [JobStatus.IN_PROGRESS] * 2

    def test_an_account_that_is_full_of_ended_jobs_fails_the_run_at_once(self, world: World) -> None:
        world.bedrock.refusals = ["ServiceQuotaExceededException"] * 2
        with pytest.raises(RunFailed, match="no job is in progress"):
            call()

    def test_an_account_with_as_many_jobs_as_it_may_have_fails_the_run_at_once_whatever_runs(
        self, world: World
    ) -> None:
        world.deploy(parallel=1)
        call()
        world.bedrock.status = "Completed"
        world.bedrock.refusals = ["ServiceQuotaExceededException"]
        others = MOST_JOBS - len(world.bedrock.jobs)
        running = {"jobName": "another", "jobArn": "arn:a/b", "status": "InProgress"}
        world.bedrock.jobs |= {f"arn:{number}": running for number in range(others)}
        failed = failure(world)
        assert failed.reason is RunFailureReason.JOB_REFUSED
        assert "the account has 5,000 evaluation jobs, its quota: delete old ones" in failed.sentence

    def test_with_one_job_less_a_full_quota_is_waited_for(self, world: World) -> None:
        world.bedrock.refusals = ["ServiceQuotaExceededException"] * 2
        running = {"jobName": "another", "jobArn": "arn:a/b", "status": "InProgress"}
        world.bedrock.jobs |= {f"arn:{number}": running for number in range(MOST_JOBS - 1)}
        assert call()["status"] == "waiting"

    @pytest.mark.parametrize(
        ("message", "full"),
        [
            ("You have reached the limit of 5000 evaluation jobs.", True),
            ("The account has 5,000 jobs already.", True),
            ("At most 20 evaluation jobs may be in progress.", False),
            ("Too many concurrent jobs.", False),
        ],
    )
    def test_what_the_refusal_says_needs_no_counting(self, message: str, *, full: bool) -> None:
        error: Any = {"Error": {"Code": "ServiceQuotaExceededException", "Message": message}}

        def refuse(**_: Any) -> None:
            raise ClientError(error, "CreateEvaluationJob")

        # It has no paginator: nothing may be listed.
        control = Control(SimpleNamespace(create_evaluation_job=refuse))
        with pytest.raises(RunFailed if full else NotNowError):
            control.create({"jobName": "x"}, room_comes=True)

    def test_counting_that_takes_too_long_is_given_up_and_the_quota_waited_for(self, world: World) -> None:
        ticks = iter(range(0, 10**6, 200))
        world.bedrock.refusals = ["ServiceQuotaExceededException"]
        world.bedrock.jobs = {str(number): {"jobName": "x", "status": "Failed"} for number in range(MOST_JOBS)}
        with pytest.raises(NotNowError):
            Control(world.bedrock, clock=lambda: next(ticks)).create({"jobName": "x"}, room_comes=True)

    def test_a_full_quota_beside_the_runs_own_job_is_waited_for(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        create = world.bedrock.create_evaluation_job

        def full_from_the_second_on(**request: Any) -> dict[str, Any]:
            if world.bedrock.created:
                raise client_error("ServiceQuotaExceededException", "CreateEvaluationJob")
            return create(**request)

        monkeypatch.setattr(world.bedrock, "create_evaluation_job", full_from_the_second_on)
        # A list that lags shows not even the job that was started a moment ago.
        monkeypatch.setattr(world.bedrock, "paginate", lambda **_: [])
        call()
        assert [job.status for job in jobs(world).jobs] == [JobStatus.IN_PROGRESS, JobStatus.WAITING]

    def test_a_full_quota_is_asked_about_once_a_look(self, world: World) -> None:
        """Each refusal may be followed by minutes in which jobs are counted, and the function has fifteen."""
        running = {"jobName": "another", "jobArn": "arn:a/b", "status": "InProgress"}
        world.bedrock.jobs["arn:a/b"] = running
        world.bedrock.refusals = ["ServiceQuotaExceededException"] * 2
        call()
        assert len(world.bedrock.refusals) == 1
        assert [job.status for job in jobs(world).jobs] == [JobStatus.WAITING] * 2
        call()
        assert world.bedrock.refusals == []

    def test_a_full_quota_stays_the_reason_where_jobs_cannot_be_listed(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def denied(**_: Any) -> None:
            raise client_error("AccessDeniedException", "ListEvaluationJobs")

        monkeypatch.setattr(world.bedrock, "paginate", denied)
        world.bedrock.refusals = ["ServiceQuotaExceededException"] * 2
        assert call()["status"] == "waiting"
        assert "ServiceQuotaExceededException" in (jobs(world).jobs[0].message or "")

    def test_a_job_that_is_not_listed_yet_runs_all_the_same_and_is_stopped_when_it_overran(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        world.bedrock.silent = True
        with monkeypatch.context() as lagging:
            lagging.setattr(world.bedrock, "paginate", lambda **_: [])
            call()
            assert [(job.status, job.arn) for job in jobs(world).jobs] == [(JobStatus.IN_PROGRESS, None)] * 2
        world.clock.advance(25 * 3600)
        call()
        assert sorted(world.bedrock.stopped) == sorted(world.bedrock.jobs)

    def test_that_a_job_may_be_running_is_told_where_none_can_be_listed(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def denied(**_: Any) -> None:
            raise client_error("AccessDeniedException", "ListEvaluationJobs")

        world.bedrock.silent = True
        monkeypatch.setattr(world.bedrock, "paginate", denied)
        with pytest.raises(RunFailed, match=r"AccessDenied.* was accepted and may be running"):
            call()

    def test_an_answer_without_an_arn_is_the_job_of_that_name(self, world: World) -> None:
        world.bedrock.silent = True
        call()
        assert {job.arn for job in jobs(world).jobs} == set(world.bedrock.jobs)

    @pytest.mark.parametrize("code", ["ThrottlingException"])
    def test_a_passing_refusal_is_tried_again_at_the_next_look(self, world: World, code: str) -> None:
        world.bedrock.refusals = [code]
        call()
        waiting, started = jobs(world).jobs
        assert (waiting.status, started.status) == (JobStatus.WAITING, JobStatus.IN_PROGRESS)
        assert code in (waiting.message or "")
        call()
        assert len(world.bedrock.created) == 2

    def test_a_name_that_is_taken_is_the_job_of_an_earlier_attempt(self, world: World) -> None:
        call()
        known = jobs(world).jobs[0]
        world.s3.delete_object(Bucket=BUCKET, Key=LAYOUT.jobs)
        world.bedrock.refusals = ["ConflictException"]
        call()
        assert jobs(world).jobs[0].arn == known.arn

    def test_a_name_that_is_taken_while_the_list_is_throttled_is_asked_for_again(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def throttled(**_: Any) -> None:
            raise client_error("ThrottlingException", "ListEvaluationJobs")

        monkeypatch.setattr(world.bedrock, "paginate", throttled)
        world.bedrock.refusals = ["ConflictException"]
        assert call()["status"] == "waiting"
        assert [job.status for job in jobs(world).jobs] == [JobStatus.WAITING, JobStatus.IN_PROGRESS]

    def test_a_look_that_died_before_it_wrote_down_what_it_started_starts_nothing_twice(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        put = world.s3.put_object

        def dies(**request: Any) -> Any:
            if request["Key"] == LAYOUT.jobs:
                raise client_error("InternalError", "PutObject")
            return put(**request)

        with monkeypatch.context() as trouble:
            trouble.setattr(world.s3, "put_object", dies)
            with pytest.raises(PassingError, match="InternalError"):
                call()
        assert call()["status"] == "waiting"
        assert len(world.bedrock.created) == 2

    @pytest.mark.parametrize("error", [EndpointConnectionError(endpoint_url="x"), PROXY])
    def test_trouble_on_the_way_to_bedrock_ends_no_run(
        self, world: World, monkeypatch: pytest.MonkeyPatch, error: Exception
    ) -> None:
        world.deploy(deadline_hours=2)

        def broken(**_: Any) -> None:
            raise error

        call()
        with monkeypatch.context() as trouble:
            trouble.setattr(world.bedrock, "get_evaluation_job", broken)
            assert call()["status"] == "waiting"
        world.clock.advance(2 * 3600 + 1)
        with monkeypatch.context() as trouble:
            trouble.setattr(world.bedrock, "stop_evaluation_job", broken)
            assert call()["status"] == "waiting"
            assert [job.status for job in jobs(world).jobs] == [JobStatus.IN_PROGRESS] * 2
        assert call()["status"] == "waiting"
        assert len(world.bedrock.stopped) == 2

    @pytest.mark.parametrize(
        "broken",
        [
            ResponseParserError("not JSON"),
            UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
            AttributeError("'list' object has no attribute 'get'"),
            {},
            {"status": None},
            {"status": ["InProgress"]},
        ],
        ids=repr,
    )
    def test_an_answer_that_cannot_be_read_ends_no_run(
        self, world: World, monkeypatch: pytest.MonkeyPatch, broken: Any
    ) -> None:
        def answer(**_: Any) -> Any:
            if isinstance(broken, Exception):
                raise broken
            return broken

        with monkeypatch.context() as trouble:
            trouble.setattr(world.bedrock, "create_evaluation_job", answer)
            assert call()["status"] == "waiting"
            assert [job.arn for job in jobs(world).jobs] == [None] * 2
        call()
        with monkeypatch.context() as trouble:
            trouble.setattr(world.bedrock, "get_evaluation_job", answer)
            assert call()["status"] == "waiting"
        assert [job.status for job in jobs(world).jobs] == [JobStatus.IN_PROGRESS] * 2
        assert len(world.bedrock.created) == 2

    def test_a_field_that_the_runtimes_boto3_lacks_is_refused_by_its_name(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(**_: Any) -> Any:
            raise UnknownFieldError("CreateEvaluationJob: the function's boto3 does not know jobTags")

        monkeypatch.setattr(world.bedrock, "create_evaluation_job", refuse)
        failed = failure(world)
        assert failed.reason is RunFailureReason.JOB_REFUSED
        assert "does not know jobTags" in failed.sentence

    @pytest.mark.parametrize("messages", [None, [], ["why", 5]])
    def test_failure_messages_of_any_kind(self, world: World, messages: object) -> None:
        client = SimpleNamespace(get_evaluation_job=lambda **_: {"status": "Failed", "failureMessages": messages})
        seen = Control(client).look("arn")
        assert seen == Seen(JobStatus.FAILED, "why; 5" if messages else None)

    def test_a_job_whose_age_the_list_does_not_tell_is_not_deleted(self, world: World) -> None:
        call()
        for number, job in enumerate(world.bedrock.jobs.values()):
            job["status"] = "Completed"
            if number == 0:
                del job["creationTime"]
        mark = evaluation_mark(DEFINITION)
        assert Control(world.bedrock).prune(containing=mark, keep=0) == Pruned(deleted=1)

    def test_a_state_that_is_not_known_yet_is_waited_for(self, world: World) -> None:
        call()
        world.bedrock.status = "Queued"
        assert call()["status"] == "waiting"
        assert [job.status for job in jobs(world).jobs] == [JobStatus.IN_PROGRESS] * 2

    def test_a_job_that_somebody_deletes_ends_the_run(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        def gone(**_: Any) -> None:
            raise client_error("ResourceNotFoundException", "GetEvaluationJob")

        call()
        monkeypatch.setattr(world.bedrock, "get_evaluation_job", gone)
        failed = failure(world)
        assert failed.reason is RunFailureReason.JOB_FAILED
        assert "(small): the job has been deleted" in failed.sentence

    def test_what_the_other_candidate_has_come_to_is_told(self, world: World) -> None:
        call()
        first, second = jobs(world).jobs
        world.bedrock.jobs[str(first.arn)]["status"] = "Completed"
        world.bedrock.jobs[str(second.arn)]["status"] = "Failed"
        told = failure(world).sentence
        assert told.endswith(f"(large): Failed; completed and kept: small, below s3://{BUCKET}/{LAYOUT.job_output}")

    def test_a_request_that_is_refused_ends_the_run_and_stops_the_others(self, world: World) -> None:
        world.deploy(parallel=1)
        call()
        world.bedrock.status = "Completed"
        world.bedrock.refusals = ["ValidationException"]
        assert failure(world).reason is RunFailureReason.JOB_REFUSED

    def test_a_failed_job_ends_the_run_with_its_messages(self, world: World) -> None:
        call()
        world.bedrock.status, world.bedrock.failure = "Failed", "The model cannot be accessed."
        failed = failure(world)
        assert failed.reason is RunFailureReason.JOB_FAILED
        assert "The model cannot be accessed." in failed.sentence
        assert "(small)" in failed.sentence

    def test_a_failed_job_stops_the_others_and_nothing_more_is_started(self, world: World) -> None:
        world.deploy(parallel=1)
        call()
        world.bedrock.status = "Failed"
        assert failure(world).reason is RunFailureReason.JOB_FAILED
        assert len(world.bedrock.created) == 1

    def test_the_others_are_asked_to_stop(self, world: World) -> None:
        call()
        first, second = jobs(world).jobs
        world.bedrock.jobs[str(first.arn)]["status"] = "Failed"
        assert failure(world).reason is RunFailureReason.JOB_FAILED
        assert world.bedrock.stopped == [second.arn]
        assert [job.status for job in jobs(world).jobs] == [JobStatus.FAILED, JobStatus.STOPPING]

    def test_a_job_that_somebody_stops_ends_the_run(self, world: World) -> None:
        call()
        world.bedrock.jobs[str(jobs(world).jobs[0].arn)]["status"] = "Stopped"
        failed = failure(world)
        assert failed.reason is RunFailureReason.JOB_STOPPED
        assert failed.sentence.endswith("(small): Stopped")

    def test_a_job_that_overran_is_stopped_and_ends_the_run(self, world: World) -> None:
        world.deploy(deadline_hours=2)
        call()
        world.clock.advance(2 * 3600 + 1)
        assert call()["status"] == "waiting"
        assert len(world.bedrock.stopped) == 2
        failed = failure(world)
        assert failed.reason is RunFailureReason.JOB_OVERDUE
        assert "stopped after 2 h" in failed.sentence

    def test_a_job_that_cannot_be_stopped_holds_the_run_for_six_hours_more(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        world.deploy(deadline_hours=2)
        call()
        monkeypatch.setattr(world.bedrock, "stop_evaluation_job", lambda **_: {})
        world.clock.advance(8 * 3600)
        assert call()["status"] == "waiting"
        world.clock.advance(1)
        failed = failure(world)
        assert failed.reason is RunFailureReason.JOB_OVERDUE
        assert "not ended 6 h after the deadline" in failed.sentence
        assert jobs(world).jobs[0].name in failed.sentence

    def test_a_job_that_may_not_be_stopped_does_not_hide_why_the_run_failed(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: list[str] = []

        def only_the_first(**request: Any) -> dict[str, Any]:
            asked.append(request["jobName"])
            if len(asked) == 1:
                return {"jobArn": "arn:x/first"}
            raise client_error("ValidationException", "CreateEvaluationJob")

        def denied(**_: Any) -> None:
            raise client_error("AccessDeniedException", "StopEvaluationJob")

        monkeypatch.setattr(world.bedrock, "create_evaluation_job", only_the_first)
        monkeypatch.setattr(world.bedrock, "stop_evaluation_job", denied)
        assert "ValidationException" in failure(world).sentence

    def test_what_could_never_be_started_ends_the_run_at_its_deadline(self, world: World) -> None:
        world.deploy(deadline_hours=1)
        world.bedrock.refusals = ["ThrottlingException"] * 4
        call()
        world.clock.advance(3601)
        assert failure(world).reason is RunFailureReason.JOB_OVERDUE

    def test_what_waited_for_its_turn_until_the_deadline_says_so(self, world: World) -> None:
        world.deploy(deadline_hours=1, parallel=1)
        call()
        world.clock.advance(3601)
        world.bedrock.status = "Completed"
        told = failure(world).sentence
        assert "could not be started within 1 h: at most 1 jobs of a run at a time (parallel)" in told

    def test_a_completed_job_without_results_is_said(self, world: World) -> None:
        call()
        world.bedrock.status = "Completed"
        for _ in range(10):
            waiting = call()
            assert (waiting["status"], waiting["pauseSeconds"]) == ("waiting", 60)
            world.clock.advance(60)
        failed = failure(world)
        assert failed.reason is RunFailureReason.JOB_OUTPUT_MISSING
        assert failed.sentence.endswith(f"below {LAYOUT.job_output} in bucket {BUCKET}; found there: nothing")

    def test_output_that_comes_minutes_after_the_job_has_completed_is_taken(self, world: World) -> None:
        call()
        world.bedrock.status = "Completed"
        assert call()["status"] == "waiting"
        world.clock.advance(9 * 60)
        assert call()["status"] == "waiting"
        world.bedrock.complete()
        assert call()["status"] == "finished"
        assert world.json(LAYOUT.summary)["candidates"][0]["coverage"] == 1

    def test_an_attempt_that_died_while_collecting_goes_on(self, world: World) -> None:
        call()
        world.bedrock.complete()
        call()
        parts = [key for key in world.s3.keys(BUCKET) if key.startswith(LAYOUT.results)]
        world.s3.delete_object(Bucket=BUCKET, Key=LAYOUT.summary)
        call()
        assert [key for key in world.s3.keys(BUCKET) if key.startswith(LAYOUT.results)] == parts
        assert world.json(LAYOUT.summary)["candidates"][0]["cases"] == 12


def caught(world: World) -> dict[str, str]:
    """What Step Functions catches: the function's exception as Lambda reports it."""
    failed = failure(world)
    cause = {"errorMessage": str(failed), "errorType": "RunFailed", "stackTrace": ["..."]}
    return {"Error": "RunFailed", "Cause": json.dumps(cause)}


def test_what_bedrock_says_of_a_failed_job_reaches_run_json_the_execution_and_the_alarm(world: World) -> None:
    call()
    world.bedrock.status, world.bedrock.failure = "Failed", "The role cannot read the dataset."
    error = caught(world)
    # The execution ends with this very cause.
    assert "The role cannot read the dataset." in error["Cause"]
    assert call({"action": "fail", "input": INPUT, "execution": EXECUTION, "error": error})["reason"] == "job_failed"
    state = world.json(LAYOUT.state)
    assert (state["status"], state["reason"]) == ("failed", "job_failed")
    assert "The role cannot read the dataset." in state["message"]
    assert "(small)" in state["message"]
    (told,) = [datum for datum in world.cloudwatch.data if datum["MetricName"] == kinds.RUN_FAILED.metrics["f"].name]
    assert told["Value"] == 1
    assert {each["Name"]: each["Value"] for each in told["Dimensions"]} == {
        "Application": "shop",
        "Evaluation": "judged",
    }


def recorded(world: World) -> str:
    """The message that people are told of a run that fails now."""
    call({"action": "fail", "input": INPUT, "execution": EXECUTION, "error": caught(world)})
    return str(world.json(LAYOUT.state)["message"])


def left(world: World) -> list[float]:
    return [value for _, value in world.cloudwatch.values("jobs_left")]


class TestWhatIsLeft:
    """A stop or a delete that is refused is told, not only logged."""

    def refuse(self, world: World, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
        def refused(**_: Any) -> None:
            raise client_error(code, "StopEvaluationJob")

        monkeypatch.setattr(world.bedrock, "stop_evaluation_job", refused)

    @pytest.mark.parametrize("code", ["AccessDeniedException", "ThrottlingException", "ConflictException"])
    def test_a_job_that_goes_on_after_the_run_has_failed_is_named_with_the_command_that_stops_it(
        self, world: World, monkeypatch: pytest.MonkeyPatch, code: str
    ) -> None:
        call()
        first, second = jobs(world).jobs
        world.bedrock.jobs[str(first.arn)]["status"] = "Failed"
        self.refuse(world, monkeypatch, code)
        told = recorded(world)
        assert told.startswith(f"{first.name} (small): Failed")
        assert f"may still run and cost money: {second.name} ({code}" in told
        command = f"aws bedrock stop-evaluation-job --region us-east-1 --job-identifier {second.arn}"
        assert told.endswith(f", stop it by: {command}")
        assert left(world) == [1]

    def test_no_length_of_the_reason_cuts_it_off(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        call()
        first, second = jobs(world).jobs
        world.bedrock.jobs[str(first.arn)]["status"] = "Failed"
        world.bedrock.failure = "why " * 1_000
        self.refuse(world, monkeypatch, "AccessDeniedException")
        told = recorded(world)
        assert len(told) == MESSAGE_LIMIT
        assert told.endswith(str(second.arn))

    def test_of_many_the_first_are_named_and_the_others_counted(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        candidates = [replace(DEFINITION.candidates[0], name=f"c{number}") for number in range(5)]
        world.deploy(replace(DEFINITION, candidates=tuple(candidates)))
        call()
        first = jobs(world).jobs[0]
        world.bedrock.jobs[str(first.arn)]["status"] = "Failed"
        self.refuse(world, monkeypatch, "AccessDeniedException")
        assert recorded(world).endswith("; 2 more jobs in jobs.json")
        assert left(world) == [4]

    def test_a_job_that_overran_and_may_not_be_stopped_ends_the_run_with_that_reason(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        world.deploy(deadline_hours=2)
        call()
        self.refuse(world, monkeypatch, "AccessDeniedException")
        world.clock.advance(2 * 3600 + 1)
        failed = failure(world)
        assert failed.reason is RunFailureReason.JOB_OVERDUE
        assert "not ended within 2 h, and could not be stopped: " in failed.sentence
        assert "AccessDeniedException" in failed.sentence

    def test_a_stop_that_is_throttled_at_the_deadline_is_asked_for_again(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        world.deploy(deadline_hours=2)
        call()
        world.clock.advance(2 * 3600 + 1)
        with monkeypatch.context() as throttled:
            self.refuse(world, throttled, "ThrottlingException")
            assert call()["status"] == "waiting"
        assert call()["status"] == "waiting"
        assert len(world.bedrock.stopped) == 2

    @pytest.mark.parametrize("refused", [False, True])
    def test_a_job_whose_start_got_lost_is_stopped_too_or_told(
        self, world: World, monkeypatch: pytest.MonkeyPatch, *, refused: bool
    ) -> None:
        create = world.bedrock.create_evaluation_job

        def lost(**request: Any) -> dict[str, Any]:
            answer = create(**request)
            if len(world.bedrock.created) == 2:
                raise EndpointConnectionError(endpoint_url="x")
            return answer

        monkeypatch.setattr(world.bedrock, "create_evaluation_job", lost)
        call()
        first, second = jobs(world).jobs
        assert second.status is JobStatus.WAITING
        world.bedrock.jobs[str(first.arn)]["status"] = "Failed"
        if refused:
            self.refuse(world, monkeypatch, "AccessDeniedException")
        told = recorded(world)
        assert ("may still run and cost money: " in told) == refused
        assert len(world.bedrock.stopped) == (0 if refused else 1)
        assert left(world) == [int(refused)]

    def test_that_a_job_may_have_been_started_hides_no_reason(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        world.deploy(parallel=1)
        call()
        first, _ = jobs(world).jobs
        world.bedrock.jobs[str(first.arn)]["status"] = "Failed"

        def denied(**_: Any) -> None:
            raise client_error("AccessDeniedException", "ListEvaluationJobs")

        monkeypatch.setattr(world.bedrock, "paginate", denied)
        assert failure(world).reason is RunFailureReason.JOB_FAILED

    def test_a_job_that_has_ended_meanwhile_is_not_told(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        call()
        first, second = jobs(world).jobs
        world.bedrock.jobs[str(first.arn)]["status"] = "Failed"

        def conflict(**_: Any) -> None:
            world.bedrock.jobs[str(second.arn)]["status"] = "Completed"
            raise client_error("ConflictException", "StopEvaluationJob")

        monkeypatch.setattr(world.bedrock, "stop_evaluation_job", conflict)
        assert "may go on" not in recorded(world)
        assert left(world) == [0]

    def test_jobs_of_a_run_that_died_are_told_too(self, world: World) -> None:
        """A function that is cut off has asked nobody to stop."""
        call()
        error = {"Error": "Sandbox.Timedout", "Cause": "Task timed out"}
        call({"action": "fail", "input": INPUT, "execution": EXECUTION, "error": error})
        assert world.json(LAYOUT.state)["message"].count("(not stopped), stop it by: aws bedrock") == 2

    @pytest.mark.parametrize("code", ["AccessDeniedException", "ThrottlingException"])
    def test_jobs_that_are_not_deleted_are_told_and_clear_with_the_next_run(
        self, world: World, monkeypatch: pytest.MonkeyPatch, code: str
    ) -> None:
        world.deploy(keep_jobs=1)
        call()
        world.bedrock.complete()
        call()

        def refused(**_: Any) -> None:
            raise client_error(code, "BatchDeleteEvaluationJob")

        with monkeypatch.context() as refusing:
            refusing.setattr(world.bedrock, "batch_delete_evaluation_job", refused)
            assert call(PUBLISH)["status"] == "published"
        (why,) = jobs(world).not_deleted
        assert code in why
        call(PUBLISH)
        assert left(world) == [1, 0]
        assert jobs(world).not_deleted == ()

    def test_errors_for_single_jobs_are_told_and_those_that_are_gone_are_not(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        call()
        for job in world.bedrock.jobs.values():
            job["status"] = "Completed"
        codes = iter(("ConflictException", "ResourceNotFoundException"))

        def refused(**request: Any) -> dict[str, Any]:
            return {"errors": [{"jobIdentifier": each, "code": next(codes)} for each in request["jobIdentifiers"]]}

        monkeypatch.setattr(world.bedrock, "batch_delete_evaluation_job", refused)
        pruned = Control(world.bedrock).prune(containing=evaluation_mark(DEFINITION), keep=0)
        assert (pruned.deleted, len(pruned.refused)) == (0, 1)
        assert "ConflictException" in pruned.refused[0]

    def test_jobs_that_cannot_be_listed_are_told(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        call()
        world.bedrock.complete()
        call()

        def denied(**_: Any) -> None:
            raise client_error("AccessDeniedException", "ListEvaluationJobs")

        monkeypatch.setattr(world.bedrock, "paginate", denied)
        call(PUBLISH)
        assert left(world) == [1]
        assert "no job can be listed: " in jobs(world).not_deleted[0]


class TestPruning:
    def test_old_jobs_of_this_evaluation_go_and_the_newest_stay(self, world: World) -> None:
        world.deploy(keep_jobs=1)
        call()
        world.bedrock.complete()
        call()
        foreign = {"jobArn": "arn:x/y", "jobName": "dev-judged-elsewhere", "status": "Completed"}
        world.bedrock.jobs["arn:x/y"] = {**foreign, "creationTime": world.clock.now() - timedelta(days=9)}
        call(PUBLISH)
        assert len(world.bedrock.deleted) == 1
        assert "arn:x/y" not in world.bedrock.deleted

    def test_a_run_that_failed_leaves_no_more_of_them_either(self, world: World) -> None:
        world.deploy(keep_jobs=1)
        call()
        world.bedrock.status = "Failed"
        error = caught(world)
        for job in world.bedrock.jobs.values():
            job["status"] = "Failed"
        call({"action": "fail", "input": INPUT, "execution": EXECUTION, "error": error})
        assert len(world.bedrock.deleted) == 1

    def test_a_job_that_is_being_deleted_is_not_deleted_again(self, world: World) -> None:
        world.deploy(keep_jobs=1)
        call()
        world.bedrock.complete()
        call()
        next(iter(world.bedrock.jobs.values()))["status"] = "Deleting"
        call(PUBLISH)
        assert world.bedrock.deleted == []

    def test_a_prune_that_fails_fails_no_run(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        call()
        world.bedrock.complete()
        call()

        def broken(**_: Any) -> None:
            raise RuntimeError("no")

        monkeypatch.setattr(world.bedrock, "paginate", broken)
        assert call(PUBLISH)["status"] == "published"


def test_the_definition_is_read_as_json() -> None:
    assert json.loads(json.dumps(DEFINITION.to_json()))["job"]["kind"] == "judge"
