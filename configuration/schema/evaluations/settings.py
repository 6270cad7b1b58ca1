"""What an evaluation does with its scores, and when it runs."""

from collections.abc import Mapping
from datetime import timedelta
from typing import ClassVar

from pydantic import Field

from bedrock_eval.evaluation.job_settings import JobKind
from bedrock_eval.jobs.progress import longest
from bedrock_eval.jobs.rules import MOST_CONCURRENT, MOST_HOURS, MOST_JOBS_OF_ACCOUNT
from configuration.schema.evaluations.gates import AnyGateConfig
from configuration.schema.evaluations.references import RunId
from configuration.schema.evaluations.schedules import AnyScheduleConfig, JobScheduleConfig
from configuration.schema.values.base import Strict
from configuration.schema.values.numbers import Share
from configuration.schema.values.tags import MOST_TAGS, tags


class EvaluationSettings(Strict):
    """The keys about gates, baseline and schedule that every evaluation has."""

    gates: tuple[AnyGateConfig, ...] = Field(
        default=(), description="Gates that every candidate must pass. A failed gate sets off an alarm."
    )
    baseline: RunId | None = Field(
        default=None,
        description="The accepted run that `max_drop` compares with. `python -m ops runs accept` sets it.",
    )
    schedule: AnyScheduleConfig | None = Field(default=None, description="Left out: runs are started by hand only.")
    headline: bool = Field(
        default=False,
        description="Also publish the scores under the dimensions ModelId and Application. One evaluation at most.",
    )
    confidence: float = Field(
        default=0.95, ge=0.5, lt=1, description="Confidence level of every interval, and of all gates together."
    )
    min_coverage: Share = Field(
        default=0.95, description="Share of cases that must be answered. Below it every gate is undecided."
    )


class JobSettings(EvaluationSettings):
    job_kind: ClassVar[JobKind]

    schedule: JobScheduleConfig | None = Field(default=None, description="Left out: runs are started by hand only.")
    tags: Mapping[str, str] = Field(
        default={},
        description="Tags of the jobs, in addition to those of the environment.",
        json_schema_extra=tags(MOST_TAGS),
    )
    deadline_hours: float = Field(
        default=24,
        ge=0.01,
        le=10_000,
        description="Hours until a run stops its jobs and fails.",
        json_schema_extra={"maximum": MOST_HOURS[JobKind.JUDGE]},
    )
    keep_jobs: int = Field(
        default=50,
        ge=1,
        le=1_000_000,
        description="Ended jobs to keep in Bedrock's list. Their output stays in any case.",
        json_schema_extra={"maximum": MOST_JOBS_OF_ACCOUNT - 1},
    )

    @property
    def grace_hours(self) -> float:
        """The hours after its scheduled time until a run must have finished."""
        given = None if self.schedule is None else self.schedule.grace_hours
        return self.longest_hours if given is None else given

    @property
    def longest_hours(self) -> float:
        """The longest time that a run can take, in hours."""
        return longest(self.job_kind, deadline_hours=self.deadline_hours) / timedelta(hours=1)


class HumanSettings(JobSettings):
    deadline_hours: float = Field(
        default=168,
        ge=0.01,
        le=10_000,
        description="Hours until a run stops its job and fails. People need days.",
        json_schema_extra={"maximum": MOST_HOURS[JobKind.HUMAN]},
    )
    task_hours: float | None = Field(
        default=None,
        ge=0.01,
        le=10_000,
        description="Hours that a task stays in the task list of the work team. Default: `deadline_hours`.",
        json_schema_extra={"maximum": MOST_HOURS[JobKind.HUMAN]},
    )

    @property
    def task_lifetime_hours(self) -> float:
        """The hours that a task stays in the task list of the work team."""
        return self.deadline_hours if self.task_hours is None else self.task_hours


class JobPerCandidateSettings(JobSettings):
    """The keys of a comparison with one job for each candidate."""

    parallel: int = Field(
        default=5,
        ge=1,
        le=1_000_000,
        description="Jobs of a run at the same time. 1: one after another.",
        json_schema_extra={"maximum": MOST_CONCURRENT[JobKind.JUDGE]},
    )
