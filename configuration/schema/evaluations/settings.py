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
    """What every evaluation does with its scores, and when it runs."""

    gates: tuple[AnyGateConfig, ...] = Field(
        default=(), description="What every candidate must pass; one that fails rings an alarm."
    )
    baseline: RunId | None = Field(
        default=None,
        description="The accepted run that `max_drop` compares with; set by `python -m ops runs accept`.",
    )
    schedule: AnyScheduleConfig | None = Field(default=None, description="Left out: it is started by hand only.")
    headline: bool = Field(
        default=False, description="Also publish the scores as {ModelId, Application}; one evaluation at most."
    )
    confidence: float = Field(default=0.95, ge=0.5, lt=1, description="Of every interval and of the gates together.")
    min_coverage: Share = Field(default=0.95, description="Answered of asked; with less, every gate is undecided.")


class JobSettings(EvaluationSettings):
    job_kind: ClassVar[JobKind]

    schedule: JobScheduleConfig | None = Field(default=None, description="Left out: it is started by hand only.")
    tags: Mapping[str, str] = Field(
        default={},
        description="On the jobs, beside the environment's tags, application, environment and owner.",
        json_schema_extra=tags(MOST_TAGS),
    )
    deadline_hours: float = Field(
        default=24,
        ge=0.01,
        le=10_000,
        description="A run whose jobs have not ended by then stops them and fails.",
        json_schema_extra={"maximum": MOST_HOURS[JobKind.JUDGE]},
    )
    keep_jobs: int = Field(
        default=50,
        ge=1,
        le=1_000_000,
        description="Ended jobs that are not deleted from Bedrock's list; their output stays anyway.",
        json_schema_extra={"maximum": MOST_JOBS_OF_ACCOUNT - 1},
    )

    @property
    def grace_hours(self) -> float:
        """How long after its time a run may finish."""
        given = None if self.schedule is None else self.schedule.grace_hours
        return self.longest_hours if given is None else given

    @property
    def longest_hours(self) -> float:
        """How long a run may take at most."""
        return longest(self.job_kind, deadline_hours=self.deadline_hours) / timedelta(hours=1)


class HumanSettings(JobSettings):
    deadline_hours: float = Field(
        default=168,
        ge=0.01,
        le=10_000,
        description="A run whose job has not ended by then stops it and fails; people take days.",
        json_schema_extra={"maximum": MOST_HOURS[JobKind.HUMAN]},
    )
    task_hours: float | None = Field(
        default=None,
        ge=0.01,
        le=10_000,
        description="How long a task stays in people's lists; left out: `deadline_hours`.",
        json_schema_extra={"maximum": MOST_HOURS[JobKind.HUMAN]},
    )

    @property
    def task_lifetime_hours(self) -> float:
        """How long a task stays in people's lists."""
        return self.deadline_hours if self.task_hours is None else self.task_hours


class JobPerCandidateSettings(JobSettings):
    """A comparison of one job a candidate."""

    parallel: int = Field(
        default=5,
        ge=1,
        le=1_000_000,
        description="Jobs of a run that may be under way together; 1: one after another.",
        json_schema_extra={"maximum": MOST_CONCURRENT[JobKind.JUDGE]},
    )
