"""One look at the jobs of a run: start what may start, ask how others are, stop what overran, collect."""

import logging
from dataclasses import replace
from datetime import datetime, timedelta

from bedrock_eval.evaluation.definition import Candidate, JobDefinition, judged_run
from bedrock_eval.evaluation.job_settings import JobKind, JobSettings
from bedrock_eval.jobs.progress import (
    OUTPUT_LIMIT,
    SHORTEST_PAUSE,
    STOPPING_LIMIT,
    Job,
    Jobs,
    JobStatus,
    pause,
)
from bedrock_eval.jobs.request import build_request, groups, job_name
from bedrock_eval.layout import RunLayout
from bedrock_eval.runs.state import RunFailureReason, RunState, RunStatus, timestamp
from bedrock_eval_runs import locks
from bedrock_eval_runs.definitions import job_run, run_definition
from bedrock_eval_runs.errors import RunFailed
from bedrock_eval_runs.events import SliceEvent
from bedrock_eval_runs.jobs.collecting import collect_run, without_output
from bedrock_eval_runs.jobs.control import Control, NoRoomError, NotNowError
from bedrock_eval_runs.jobs.datasets import given, prepare_datasets, with_answers_run
from bedrock_eval_runs.jobs.remains import saved_jobs
from bedrock_eval_runs.jobs.services import JobServices
from bedrock_eval_runs.slice_results import SliceResult, SliceStatus, finished, leave_out, skipped
from bedrock_eval_runs.states import has_begun, new_state, saved_state

logger = logging.getLogger(__name__)


def look(services: JobServices, event: SliceEvent, *, remaining_seconds: float) -> SliceResult:
    """Bring a run forward and say how long to wait before the next look.

    May be repeated at any point: a job's name and token are made of the run id, so that nothing starts twice.

    Raises:
        RunFailed: the run cannot go on; jobs that are under way are asked to stop.
    """
    runs, layout = services.runs, event.layout
    if event.retry_of is not None:
        raise RunFailed(RunFailureReason.INVALID_EVENT, "retryOf: Bedrock's jobs cannot ask single cases again")
    if runs.store.exists(layout.summary):
        return finished(layout, saved_state(runs.store, layout))
    now = runs.now()
    definition = job_run(run_definition(runs.store, layout, settle=with_answers_run(runs.store)))
    saved = saved_state(runs.store, layout)
    state = saved or new_state(layout, now=now)
    # The pause after this look is at most so long; the lock must outlive it.
    wait = pause(definition.job.kind, since_start=now - datetime.fromisoformat(state.started))
    deadline = now + timedelta(seconds=remaining_seconds) + wait
    holding = locks.acquire(runs.store, layout, owner=event.execution, now=now, deadline=deadline)
    if not holding.ours:
        return skipped(runs, layout, "another execution works on this run")
    # A try that broke off before this was decided has left the lock to the next.
    if holding.fresh or not has_begun(saved):
        left_out = leave_out(runs, event, definition.schedule, now=now)
        if left_out is not None:
            return left_out
    state = replace(state, status=RunStatus.RUNNING, execution=event.execution, reason=None, message=None)
    return _Look(services, layout, definition, state).run()


class _Look:
    """A look that holds the lock."""

    def __init__(self, services: JobServices, layout: RunLayout, definition: JobDefinition, state: RunState) -> None:
        self._services = services
        self._runs = services.runs
        self._layout = layout
        self._definition = definition
        self._state = state
        self._control = Control(services.bedrock)
        self._jobs = self._saved_jobs()
        self._room = True

    @property
    def _settings(self) -> JobSettings:
        return self._definition.job

    @property
    def _deadline(self) -> datetime:
        return datetime.fromisoformat(self._state.started) + timedelta(hours=self._settings.deadline_hours)

    def run(self) -> SliceResult:
        try:
            self._prepare()
            self._bring_forward()
        except RunFailed:
            self._stop_all()
            raise
        finally:
            self._save()
        if not self._jobs.ended:
            return self._waiting_for(self._pause())
        if self._output_may_come():
            return self._waiting_for(SHORTEST_PAUSE)
        self._jobs = collect_run(self._services, self._layout, self._definition, self._state, self._jobs)
        self._state = replace(self._state, status=RunStatus.FINISHED)
        self._save()
        locks.release(self._runs.store, self._layout, owner=self._state.execution, now=self._runs.now())
        logger.info("run finished", extra={"evaluation": self._layout.evaluation, "run": self._layout.run_id})
        return SliceResult(SliceStatus.FINISHED, self._layout.run_id)

    def _waiting_for(self, wait: timedelta) -> SliceResult:
        seconds = int(wait.total_seconds())
        return SliceResult(SliceStatus.WAITING, self._layout.run_id, pause_seconds=seconds)

    def _output_may_come(self) -> bool:
        """Whether results of a job are missing that has completed just now. AWS does not say that they come first."""
        # Assumption: job-output-late
        missing = without_output(self._runs.store, self._layout, self._jobs)
        since = self._runs.now() - OUTPUT_LIMIT
        late = [job for job in missing if job.ended is None or datetime.fromisoformat(job.ended) > since]
        if not late:
            return False
        for job in late:
            logger.warning("output is not there yet", extra={"run": self._layout.run_id, "job": job.name})
        return True

    def _pause(self) -> timedelta:
        """By the newest start: of jobs one after another the last is looked at as soon as the first."""
        newest = self._jobs.newest_start(self._state.started)
        return pause(self._settings.kind, since_start=self._runs.now() - newest)

    def _saved_jobs(self) -> Jobs:
        saved = saved_jobs(self._runs.store, self._layout)
        # Without them: asking again finds the same jobs by their names.
        jobs = tuple(self._waiting(group) for group in groups(self._definition))
        return saved or Jobs(jobs, answers=judged_run(self._definition))

    def _waiting(self, group: tuple[Candidate, ...]) -> Job:
        candidate = group[0].name if self._settings.kind is not JobKind.HUMAN else None
        name = job_name(self._definition, run_id=self._layout.run_id, candidate=candidate)
        return Job(name, tuple(each.name for each in group))

    def _prepare(self) -> None:
        """Whatever a job will be given is looked at before the first one costs anything."""
        if any(job.arn is None for job in self._jobs.jobs):
            prepare_datasets(self._services, self._layout, self._definition)

    def _bring_forward(self) -> None:
        now = self._runs.now()
        overdue = now > self._deadline
        jobs = [self._looked_at(job, now=now, overdue=overdue) for job in self._jobs.jobs]
        self._jobs = replace(self._jobs, jobs=tuple(jobs))
        # Before another is started: it would be paid for in vain.
        self._refuse_failed(overdue=overdue)
        self._refuse_not_stopped()
        if now > self._deadline + STOPPING_LIMIT:
            self._refuse_unstoppable()
        for index, job in enumerate(jobs):
            if self._may_start(job, overdue=overdue):
                jobs[index] = self._started(job, now=now, overdue=overdue)
                self._jobs = replace(self._jobs, jobs=tuple(jobs))

    def _may_start(self, job: Job, *, overdue: bool) -> bool:
        """One whose answer had no ARN is asked for again: its name and token start it once, if they did not already."""
        if job.status is JobStatus.WAITING:
            return self._room and self._jobs.under_way < self._settings.parallel
        return job.arn is None and not overdue

    def _looked_at(self, job: Job, *, now: datetime, overdue: bool) -> Job:
        job = replace(self._named(job), not_stopped=None)
        if job.arn is None or job.status.ended:
            return job
        seen = self._control.look(job.arn)
        if seen is None:
            return job
        if seen.status.ended:
            return replace(job, status=seen.status, ended=timestamp(now), message=seen.message or job.message)
        job = replace(job, status=seen.status)
        if overdue and seen.status is JobStatus.IN_PROGRESS:
            return self._stopped(job, message=f"stopped after {self._settings.deadline_hours:g} h")
        return job

    def _started(self, job: Job, *, now: datetime, overdue: bool) -> Job:
        if overdue:
            within = f"could not be started within {self._settings.deadline_hours:g} h"
            why = job.message or f"at most {self._settings.parallel} of a run are under way together (parallel)"
            raise RunFailed(RunFailureReason.JOB_OVERDUE, f"{job.name} {within}: {why}{self._kept()}")
        group = tuple(candidate for candidate in self._definition.candidates if candidate.name in job.candidates)
        place = replace(self._services.place, output=self._services.place.output + self._layout.job_folder)
        definition = given(self._runs.store, self._layout, self._definition, candidate=group[0].name)
        request = build_request(definition, run_id=self._layout.run_id, candidates=group, place=place)
        try:
            arn = self._control.create(request, room_comes=self._jobs.under_way > 0)
        except NotNowError as error:
            logger.warning("job not started yet", extra={"run": self._layout.run_id, "reason": str(error)})
            # The others would hear the same, each after minutes in which jobs are counted.
            self._room = not isinstance(error, NoRoomError)
            return replace(job, message=str(error))
        started = job.started or timestamp(now)
        job = replace(job, status=JobStatus.IN_PROGRESS, arn=arn, started=started, message=None)
        return self._named(job)

    def _named(self, job: Job) -> Job:
        """With the ARN that Bedrock lists, of a job that was accepted without one. It runs and counts meanwhile."""
        if job.arn is not None or not job.status.under_way:
            return job
        try:
            arn = self._control.find(job.name)
        except RunFailed as error:
            raise RunFailed(error.reason, f"{error.sentence}; job {job.name} was accepted and may be running") from None
        return replace(job, arn=arn, message=None if arn else "accepted, and not listed by Bedrock yet")

    def _refuse_not_stopped(self) -> None:
        """A stop that is refused for good is no matter of waiting, and people can stop the job."""
        left = [f"{job.name} ({job.not_stopped})" for job in self._jobs.going_on if job.not_stopped is not None]
        if left:
            hours = f"{self._settings.deadline_hours:g} h"
            told = f"not ended within {hours}, and refused to be stopped: {', '.join(left)}"
            raise RunFailed(RunFailureReason.JOB_OVERDUE, told)

    def _refuse_unstoppable(self) -> None:
        stuck = [job for job in self._jobs.jobs if not job.status.ended]
        if stuck:
            hours = STOPPING_LIMIT.total_seconds() / 3600
            named = ", ".join(f"{job.name} ({job.message or job.status.value})" for job in stuck)
            raise RunFailed(RunFailureReason.JOB_OVERDUE, f"not ended {hours:g} h after the deadline: {named}")

    def _refuse_failed(self, *, overdue: bool) -> None:
        """One job without results is a run without a summary, whatever the others come to."""
        failed = [job for job in self._jobs.jobs if job.status.ended and job.status is not JobStatus.COMPLETED]
        if not failed:
            return
        reason = RunFailureReason.JOB_FAILED
        if all(job.status is JobStatus.STOPPED for job in failed):
            reason = RunFailureReason.JOB_OVERDUE if overdue else RunFailureReason.JOB_STOPPED
        told = [f"{job.name} ({', '.join(job.candidates)}): {job.message or job.status.value}" for job in failed]
        raise RunFailed(reason, "; ".join(told) + self._kept())

    def _kept(self) -> str:
        """Where the output of jobs lies that have completed nevertheless, for `ops jobs collect --run`."""
        done = [name for job in self._jobs.jobs if job.status is JobStatus.COMPLETED for name in job.candidates]
        place = f"{self._services.place.output}{self._layout.job_folder}"
        return f"; completed and kept: {', '.join(done)}, below {place}" if done else ""

    def _stop_all(self) -> None:
        """What the run failed of is what people must hear, also when a job cannot be stopped."""
        found = [self._accepted(job) for job in self._jobs.jobs]
        jobs = [self._stopped(job) if job.status is JobStatus.IN_PROGRESS else job for job in found]
        self._jobs = replace(self._jobs, jobs=tuple(jobs))

    def _accepted(self, job: Job) -> Job:
        """One that waits may run: it was accepted, and the answer got lost or the look was cut off."""
        if job.status is not JobStatus.WAITING:
            return job
        try:
            arn = self._control.find(job.name)
        except RunFailed as error:
            logger.warning("job not found", extra={"run": self._layout.run_id, "reason": str(error)})
            return job
        return job if arn is None else replace(job, status=JobStatus.IN_PROGRESS, arn=arn)

    def _stopped(self, job: Job, *, message: str | None = None) -> Job:
        """Asked to stop, or with the reason for which that is refused for good."""
        try:
            job = self._named(job)
            why = "Bedrock lists no job of this name" if job.arn is None else self._control.stop(job.arn)
        except RunFailed as error:
            logger.warning("job not stopped", extra={"run": self._layout.run_id, "reason": str(error)})
            return replace(job, not_stopped=error.sentence)
        if why is not None:
            return replace(job, message=why)
        return replace(job, status=JobStatus.STOPPING, message=message or job.message, not_stopped=None)

    def _save(self) -> None:
        store = self._runs.store
        self._state = replace(self._state, updated=timestamp(self._runs.now()))
        store.put(self._layout.jobs, self._jobs.to_json())
        store.put(self._layout.state, self._state.to_json())
