"""The state of a run (run.json) and the lock on it (lock.json), with the rule of who may take the lock."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from bedrock_eval import codec
from bedrock_eval.layout import SCHEMA_VERSION
from bedrock_eval.pricing.costs import Cost
from bedrock_eval.runs.estimates import Estimate
from bedrock_eval.runs.planning import GatePlan
from bedrock_eval.runs.traffic import Traffic

LEASE_MARGIN = timedelta(seconds=60)
"""How long after its function's deadline a lock is still respected."""


class RunStatus(StrEnum):
    """What run.json says of a run."""

    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    SKIPPED = "skipped"


TOO_EARLY = "too_early"
"""The reason in run.json of a scheduled run that was skipped because its rate had not gone by."""


class RunFailureReason(StrEnum):
    """Why a run has no summary. Closed: the runbook has an entry for each."""

    INVALID_EVENT = "invalid_event"
    DEFINITION_MISSING = "definition_missing"
    DEFINITION_INVALID = "definition_invalid"
    DATASET_MISSING = "dataset_missing"
    DATASET_DENIED = "dataset_denied"
    DATASET_EMPTY = "dataset_empty"
    DATASET_INVALID = "dataset_invalid"
    DATASET_CHANGED = "dataset_changed"
    ACCESS_DENIED = "access_denied"
    UNKNOWN_MODEL = "unknown_model"
    DAILY_QUOTA = "daily_quota"
    THROTTLED = "throttled"
    REFUSED = "refused"
    NOTHING_ANSWERED = "nothing_answered"
    RETRIED_RUN_MISSING = "retried_run_missing"
    FILE_DAMAGED = "file_damaged"
    TIME_LIMIT = "time_limit"
    ESTIMATE_OVER_LIMIT = "estimate_over_limit"
    COST_OVER_LIMIT = "cost_over_limit"
    UNPRICED = "unpriced"
    ANSWERS_MISSING = "answers_missing"
    JOB_REFUSED = "job_refused"
    JOB_FAILED = "job_failed"
    JOB_STOPPED = "job_stopped"
    JOB_OVERDUE = "job_overdue"
    JOB_OUTPUT_MISSING = "job_output_missing"
    NOT_PUBLISHED = "not_published"
    UNEXPECTED = "unexpected"


@dataclass(frozen=True)
class Progress:
    """How far one candidate is: cases done, and how many of them without a usable answer.

    Attributes:
        calls: how many calls Bedrock took, with those that are under way and those whose record was lost.
        traffic: what all attempts came to; None: nobody has counted, as of evaluation jobs.
        throttled_since: since when the service has refused every call for want of room, in ISO 8601; None: it has not.
    """

    completed: int = 0
    failed: int = 0
    calls: int = 0
    throttled_since: str | None = None
    traffic: Traffic | None = None


@dataclass(frozen=True)
class RunState:
    """run.json. Times are ISO 8601 in UTC.

    Attributes:
        started: of the first slice.
        execution: the Step Functions execution that works on the run.
        total: candidates times cases, None until the dataset has been read once.
        dataset_etag: the dataset as the first slice read it; later slices refuse another.
        estimate: what the run was going to cost, made before its first call.
        plan: how many cases the run's gates would take, said before its first call too.
        cost: of what has been asked so far.
        round: how often failed cases have been asked again.
        reason, message: of a failed or skipped run.
    """

    evaluation: str
    run_id: str
    status: RunStatus
    started: str
    updated: str
    execution: str | None = None
    total: int | None = None
    dataset_etag: str | None = None
    candidates: Mapping[str, Progress] = field(default_factory=dict)
    estimate: Estimate | None = None
    plan: tuple[GatePlan, ...] = ()
    cost: Cost = field(default_factory=Cost)
    round: int = 0
    reason: str | None = None
    message: str | None = None
    schema_version: int = SCHEMA_VERSION

    @property
    def completed(self) -> int:
        return sum(progress.completed for progress in self.candidates.values())

    def to_json(self) -> str:
        return json.dumps(codec.encode(self), indent=1)


@dataclass(frozen=True)
class Lock:
    """lock.json: who works on the run, since when, and until when others respect it. Times are ISO 8601 in UTC."""

    owner: str
    run_id: str
    acquired_at: str
    expires_at: str
    schema_version: int = SCHEMA_VERSION

    def live(self, now: datetime) -> bool:
        """Whether the lease still runs."""
        return datetime.fromisoformat(self.expires_at) > now

    def released(self, now: datetime) -> "Lock":
        """The same lock with its lease ended. It is not deleted: giving it up is one conditional write."""
        return replace(self, expires_at=timestamp(now))

    def to_json(self) -> str:
        return json.dumps(codec.encode(self), indent=1)


def claim(standing: Lock | None, *, owner: str, run_id: str, now: datetime, deadline: datetime) -> Lock | None:
    """The lock that `owner` may write over the standing one, None when another holds it.

    `deadline` is when the owner's function is stopped. A live lease of one's own is renewed and keeps its age; an ended
    one is taken over and begins anew, for meanwhile another run may have begun.
    """
    expires_at = timestamp(deadline + LEASE_MARGIN)
    if standing is None or not standing.live(now):
        return Lock(owner=owner, run_id=run_id, acquired_at=timestamp(now), expires_at=expires_at)
    return replace(standing, expires_at=expires_at) if standing.owner == owner else None


def timestamp(moment: datetime) -> str:
    """ISO 8601 in UTC."""
    return moment.astimezone(UTC).isoformat()


def read_state(text: str | bytes) -> RunState:
    """Read run.json.

    Raises:
        codec.DecodeError: naming the path of what does not fit.
    """
    return codec.read(RunState, text, "run")


def read_lock(text: str | bytes) -> Lock:
    """Read lock.json.

    Raises:
        codec.DecodeError: naming the path of what does not fit.
    """
    return codec.read(Lock, text, "lock")
