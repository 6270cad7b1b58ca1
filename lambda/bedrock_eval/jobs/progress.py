"""How far the jobs of a run are (jobs.json), and how long to wait before looking again."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bedrock_eval import codec
from bedrock_eval.evaluation.job_settings import JobKind
from bedrock_eval.layout import SCHEMA_VERSION, RunLayout

SHORTEST_PAUSE = timedelta(minutes=1)
_LONGEST: Mapping[JobKind, timedelta] = {
    JobKind.AUTOMATIC: timedelta(minutes=30),
    JobKind.JUDGE: timedelta(minutes=30),
    # People take days.
    JobKind.HUMAN: timedelta(hours=2),
}
_GROWTH = 4
_COLLECTING = timedelta(hours=1)
OUTPUT_LIMIT = timedelta(minutes=10)
"""How long the output of a completed job is looked for."""

STOPPING_LIMIT = timedelta(hours=6)
"""How long after its deadline a run waits for jobs that it has asked to stop."""


class JobStatus(StrEnum):
    """Bedrock's states of a job, and WAITING: not started yet."""

    WAITING = "Waiting"
    IN_PROGRESS = "InProgress"
    COMPLETED = "Completed"
    FAILED = "Failed"
    STOPPING = "Stopping"
    STOPPED = "Stopped"
    DELETING = "Deleting"

    @property
    def under_way(self) -> bool:
        return self in (JobStatus.IN_PROGRESS, JobStatus.STOPPING)

    @property
    def ended(self) -> bool:
        return self in (JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.STOPPED, JobStatus.DELETING)


def known_status(text: str) -> JobStatus | None:
    """A state as Bedrock writes it; None for one that it has got since this was written."""
    try:
        return JobStatus(text)
    except ValueError:
        return None


@dataclass(frozen=True)
class Job:
    """One job of a run. Times are ISO 8601 in UTC.

    Attributes:
        candidates: who answers in it; of an automated job one.
        message: why it failed, was stopped or could not be started yet.
        not_stopped: why it was refused to stop it, so that it may go on and cost.
    """

    name: str
    candidates: tuple[str, ...]
    status: JobStatus = JobStatus.WAITING
    arn: str | None = None
    started: str | None = None
    ended: str | None = None
    message: str | None = None
    not_stopped: str | None = None

    @property
    def identifier(self) -> str | None:
        """The last part of the ARN, which names the folder of the output."""
        return None if self.arn is None else self.arn.rpartition("/")[2]


@dataclass(frozen=True)
class Jobs:
    """jobs.json: the jobs of a run and what came of them.

    Attributes:
        answers: the run whose stored answers are judged; None: models are asked.
        strays, unread, unexpected: what of the output was not taken.
        unasked: places of prompts that the dataset does not hold; they count as cases of their own.
        not_deleted: old jobs of the evaluation that Bedrock did not delete after this run, with the reasons.
    """

    jobs: tuple[Job, ...]
    answers: RunLayout | None = None
    strays: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    unasked: tuple[str, ...] = ()
    not_deleted: tuple[str, ...] = ()
    schema_version: int = SCHEMA_VERSION

    @property
    def ended(self) -> bool:
        return all(job.status.ended for job in self.jobs)

    def newest_start(self, run_started: str) -> datetime:
        """When the job that was started last was, or the run while none is: pauses grow from there."""
        starts = (run_started, *(job.started for job in self.jobs if job.started is not None))
        return max(datetime.fromisoformat(each) for each in starts)

    @property
    def under_way(self) -> int:
        return sum(job.status.under_way for job in self.jobs)

    @property
    def going_on(self) -> tuple[Job, ...]:
        """Those that nothing has asked to stop."""
        return tuple(job for job in self.jobs if job.status is JobStatus.IN_PROGRESS)

    def to_json(self) -> str:
        return json.dumps(codec.encode(self), indent=1)


def read_jobs(text: str | bytes) -> Jobs:
    """Read jobs.json.

    Raises:
        codec.DecodeError: naming the path of what does not fit.
    """
    return codec.read(Jobs, text, "jobs")


def longest(kind: JobKind, *, deadline_hours: float) -> timedelta:
    """The longest that a run takes: to its deadline, to the end of what is stopped, each seen a pause late, and to
    collect. The state machine's time limit is more than that, and a run that is older is overdue."""
    return timedelta(hours=deadline_hours) + STOPPING_LIMIT + 2 * _LONGEST[kind] + _COLLECTING


def pause(kind: JobKind, *, since_start: timedelta) -> timedelta:
    """How long to wait before the next look: a quarter of the time so far, from a minute to half an hour.

    For people to two hours. Growing pauses keep an execution of the state machine far below its 25,000 events, and a
    job of ten minutes is not seen half an hour late.

    Args:
        since_start: of the job that was started last.
    """
    return min(max(since_start / _GROWTH, SHORTEST_PAUSE), _LONGEST[kind])
