"""How far a run is, on the status line."""

import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol, TextIO

from bedrock_eval.evaluation.job_settings import JobKind
from bedrock_eval.jobs.progress import Jobs, JobStatus, pause
from bedrock_eval.runs.state import RunState
from bedrock_eval.wording import count, seconds
from ops.terminal.status_line import StatusLine

_TERMINAL_SECONDS = 0.1
_LOG_SECONDS = 15.0
# A call or two that are throttled are no news.
_WORTH_SHOWING = timedelta(seconds=10)
_WORDS = {status: status.value.lower() for status in JobStatus} | {JobStatus.IN_PROGRESS: "in progress"}


class Progress(Protocol):
    """Follows one run."""

    def show(self, state: RunState) -> None:
        """Show the state, if it says something new."""

    def close(self) -> None:
        """Leave the line."""


class ProgressBar:
    """Shows the states of one run, first of all what it is estimated to cost.

    The rate is that of this command: what was answered before it does not count.
    """

    def __init__(self, stream: TextIO | None = None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._line = StatusLine(stream)
        self._clock = clock
        self._first: tuple[float, int] | None = None
        self._shown_at: float | None = None
        self._done = False

    def show(self, state: RunState) -> None:
        """Show the state, unless another was shown a moment ago."""
        now = self._clock()
        if self._first is None:
            self._first = (now, state.completed)
            if state.estimate is not None:
                self._line.note(f"Cost estimate: {state.estimate}")
                for sentence in state.estimate.quotas:
                    self._line.note(f"Quota: {sentence}")
            # A log needs no line for the beginning.
            self._shown_at = None if self._line.terminal else now
        if not self._due(now) and (self._done or not _is_done(state)):
            return
        self._shown_at, self._done = now, _is_done(state)
        share = None if state.total is None else state.completed / max(state.total, 1)
        self._line.show(self._text(state, now, share), share=share)

    def _due(self, now: float) -> bool:
        pause = _TERMINAL_SECONDS if self._line.terminal else _LOG_SECONDS
        return not self._done and (self._shown_at is None or now - self._shown_at >= pause)

    def close(self) -> None:
        """Leave the bar's line."""
        self._line.close()

    def _text(self, state: RunState, now: float, share: float | None) -> str:
        failed = sum(progress.failed for progress in state.candidates.values())
        facts = [f"{failed:,} failed"]
        rate, throttled = self._rate(state, now), _throttled(state)
        if rate is not None:
            facts.insert(0, f"{rate:.1f} a second{'' if throttled else _left(state, rate)}")
        if throttled:
            facts.append(throttled)
        if share is None or state.total is None:
            return f"{count(state.completed, 'case')}, {', '.join(facts)}"
        return f"{state.completed:,} of {count(state.total, 'case')} ({share:.0%}), {', '.join(facts)}"

    def _rate(self, state: RunState, now: float) -> float | None:
        """Cases a second; None while nothing says how fast it goes."""
        began, before = self._first or (now, state.completed)
        return (state.completed - before) / (now - began) if now > began and state.completed > before else None


class JobProgress:
    """Shows how many jobs of one run wait, are under way and have ended, whenever that changes; their cost is unknown.

    Args:
        jobs: reads jobs.json; None while there is none.
    """

    def __init__(self, kind: JobKind, jobs: Callable[[], Jobs | None], stream: TextIO | None = None) -> None:
        self._line = StatusLine(stream)
        self._kind = kind
        self._jobs = jobs
        self._shown: str | None = None

    def show(self, state: RunState) -> None:
        """Show the jobs as the last poll has found them."""
        jobs = self._jobs()
        text = None if jobs is None else self._text(jobs, state)
        if text is not None and text != self._shown:
            if self._shown is None:
                self._line.note(
                    "Cost estimate: unknown (Bedrock's jobs report no tokens, and no cost limit stops them)"
                )
            self._shown = text
            self._line.show(text)

    def close(self) -> None:
        """Leave the line."""
        self._line.close()

    def _text(self, jobs: Jobs, state: RunState) -> str:
        if jobs.ended:
            completed = all(job.status is JobStatus.COMPLETED for job in jobs.jobs)
            return job_tally(jobs) + ("; reading their output" if completed else "")
        polled = datetime.fromisoformat(state.updated)
        due = polled + pause(self._kind, since_start=polled - jobs.newest_start(state.started))
        refused = next((job.message for job in jobs.jobs if job.status is JobStatus.WAITING and job.message), None)
        return f"{job_tally(jobs)}; next poll at {due:%H:%M:%S} UTC" + (f"; not started: {refused}" if refused else "")


def job_tally(jobs: Jobs) -> str:
    """How many jobs are in which state: `1 in progress, 1 completed of 2 jobs`."""
    found = Counter(job.status for job in jobs.jobs)
    parts = [f"{found[status]:,} {_WORDS[status]}" for status in JobStatus if found[status]]
    return f"{', '.join(parts)} of {count(len(jobs.jobs), 'job')}"


def _throttled(state: RunState) -> str:
    """Which candidates Bedrock throttles, once that has lasted."""
    found = {name: each.throttled_since for name, each in state.candidates.items() if each.throttled_since}
    if not found:
        return ""
    since = {name: datetime.fromisoformat(moment) for name, moment in found.items()}
    now = datetime.fromisoformat(state.updated)
    lasting = [f"{name} since {moment:%H:%M:%S}" for name, moment in since.items() if now - moment >= _WORTH_SHOWING]
    return f"throttled: {', '.join(lasting)} UTC" if lasting else ""


def _left(state: RunState, rate: float) -> str:
    if state.total is None or _is_done(state):
        return ""
    return f", {seconds((state.total - state.completed) / rate)} left"


def _is_done(state: RunState) -> bool:
    return state.total is not None and state.completed >= state.total
