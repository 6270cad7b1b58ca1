"""The kinds of evaluation, told apart by `kind` and `by`.

The fields of a class come in the order of its bases from the last to the first, then its own. What Bedrock refuses of
an evaluation job is in bedrock_eval/jobs/rules.py.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from bedrock_eval.evaluation.job_settings import JobKind
from bedrock_eval.scores.job_measures import BUILT_IN
from configuration.schema.evaluations.candidates import MOST_CANDIDATES, Candidate, TwoCandidates
from configuration.schema.evaluations.gates import GateConfig
from configuration.schema.evaluations.references import OwnDataset
from configuration.schema.evaluations.schedules import ScheduleConfig
from configuration.schema.evaluations.scoring import AutomaticScoring, CustomScoring, HumanScoring, JudgeScoring
from configuration.schema.evaluations.settings import (
    EvaluationSettings,
    HumanSettings,
    JobPerCandidateSettings,
    JobSettings,
)
from configuration.schema.evaluations.subjects import ComparisonKind, ComparisonSubject, JobSubject, Kind, Subject
from configuration.schema.values.base import refused
from configuration.schema.values.numbers import Dollars

CUSTOM = "custom"
"""The kind of an evaluation without `kind`."""


class CustomEvaluationConfig(EvaluationSettings, CustomScoring, Subject, Kind):
    """An evaluation by this project's own functions: candidates, dataset, metrics, gates and schedule."""

    model_config = ConfigDict(
        json_schema_extra=refused(
            {
                "properties": {"allow_unpriced": {"const": True}, "max_cost": {"type": "null"}},
                "required": ["allow_unpriced"],
            }
        )
    )

    kind: Literal["custom"] = Field(
        default="custom", description="custom: this project calls the models and scores the answers."
    )
    dataset: OwnDataset = Field(description="A key of `datasets`.")
    candidates: tuple[Candidate, ...] = Field(
        min_length=1,
        max_length=MOST_CANDIDATES,
        description="The candidates to compare. A key of `models` alone is a candidate of that name.",
    )
    gates: tuple[GateConfig, ...] = Field(
        default=(), description="Gates that every candidate must pass. A failed gate sets off an alarm."
    )
    schedule: ScheduleConfig | None = Field(default=None, description="Left out: runs are started by hand only.")
    concurrency: int = Field(default=8, ge=1, le=256, description="Model calls at the same time, over all candidates.")
    max_cost: Dollars | None = Field(
        default=None,
        description="Maximum cost of a run in US dollars. It is estimated before the first call and counted "
        "during the run.",
    )
    allow_unpriced: bool = Field(
        default=False, description="A run with `max_cost` may call models without `rates`, whose cost it cannot count."
    )
    read_timeout_seconds: int = Field(
        default=120, ge=1, le=800, description="Timeout of one model call. A call that times out is made once more."
    )
    max_attempts: int = Field(
        default=4,
        ge=1,
        le=10,
        description="Attempts of a call with a transient error, as a broken connection. A throttled call "
        "waits and does not count.",
    )
    patience_minutes: float = Field(
        default=30, gt=0, le=1440, description="The run fails when a model throttles every call for this long."
    )
    failed_case_rounds: int = Field(
        default=2, ge=0, le=10, description="How many times a run that is started again repeats its failed cases."
    )
    score_thoughts: bool = Field(
        default=False,
        description="Score the text in leading <think> tags as part of the answer, instead of removing it.",
    )


class AutomaticEvaluationConfig(JobSettings, AutomaticScoring, JobSubject, Kind):
    """A Bedrock evaluation job: one model, scored by Bedrock's own functions."""

    kind: Literal["automatic"] = Field(description="automatic: Bedrock scores with its own functions.")


class JudgeEvaluationConfig(JobSettings, JudgeScoring, JobSubject, Kind):
    """A Bedrock evaluation job: one model, whose answers another model rates by built-in metrics or your own
    criteria.
    """

    kind: Literal["judge"] = Field(description="judge: another model rates.")

    @property
    def models(self) -> tuple[str, ...]:
        """The keys of the models that the evaluation calls, each once, with the judge."""
        return _with_judge(super().models, self)


class HumanEvaluationConfig(HumanSettings, HumanScoring, JobSubject, Kind):
    """A Bedrock evaluation job: one model, whose answers people rate."""

    kind: Literal["human"] = Field(description="human: people rate.")


class AutomaticComparisonConfig(JobPerCandidateSettings, AutomaticScoring, ComparisonSubject, ComparisonKind):
    """One automatic job for each candidate, because a job takes one model. Candidates are compared prompt by prompt."""

    by: Literal["automatic"] = Field(description="automatic: one job for each candidate.")


class JudgeComparisonConfig(JobPerCandidateSettings, JudgeScoring, ComparisonSubject, ComparisonKind):
    """One job for each candidate, because a job takes one model, with the same judge.

    Candidates are compared prompt by prompt.
    """

    by: Literal["judge"] = Field(description="judge: one job for each candidate, with the same judge.")

    @property
    def models(self) -> tuple[str, ...]:
        """The keys of the models that the evaluation calls, each once, with the judge."""
        return _with_judge(super().models, self)


class HumanComparisonConfig(HumanSettings, HumanScoring, ComparisonSubject, ComparisonKind):
    """One job in which people see the answers of two models to each prompt."""

    by: Literal["human"] = Field(description="human: one job for both candidates.")
    candidates: TwoCandidates = Field(
        description="The two candidates to compare. A key of `models` alone is a candidate of that name."
    )


def _with_judge(models: tuple[str, ...], scoring: JudgeScoring) -> tuple[str, ...]:
    """The models that are called; stored answers are judged without calling theirs."""
    return tuple(dict.fromkeys((*(models if scoring.answers_from is None else ()), scoring.judge)))


JobEvaluationConfig = (
    AutomaticEvaluationConfig
    | JudgeEvaluationConfig
    | HumanEvaluationConfig
    | AutomaticComparisonConfig
    | JudgeComparisonConfig
    | HumanComparisonConfig
)
_OF_JOBS_ALONE = tuple(
    dict.fromkeys(
        key
        for scoring in (ComparisonKind, AutomaticScoring, JudgeScoring, HumanScoring)
        for key in scoring.model_fields
        if key not in CustomEvaluationConfig.model_fields
    )
)


def kind_of(evaluation: object) -> str:
    """The kind of an evaluation in a file, with `by` for a comparison; custom where none is given."""
    keys = evaluation if isinstance(evaluation, Mapping) else {}
    if isinstance(evaluation, BaseModel):
        keys = dict(evaluation)
    kind = keys.get("kind", "forgotten" if signs_of_jobs(keys) else CUSTOM)
    if kind == "comparison":
        return f"comparison by {keys.get('by')}"
    return str(kind) if kind in (CUSTOM, *JobKind) else "none that is known"


def signs_of_jobs(keys: Mapping[str, object]) -> tuple[str, ...]:
    """The keys that show that an evaluation without `kind` is meant as a job of Bedrock.

    These are the keys that no custom evaluation has, and `metrics` when all of them are built-in metrics.
    """
    found = [key for key in _OF_JOBS_ALONE if key in keys]
    metrics = keys.get("metrics")
    if metrics and isinstance(metrics, list) and all(str(each).startswith(BUILT_IN) for each in metrics):
        found.append("metrics")
    return tuple(found)


EvaluationConfig = Annotated[
    Annotated[CustomEvaluationConfig, Tag("custom")]
    | Annotated[AutomaticEvaluationConfig, Tag("automatic")]
    | Annotated[JudgeEvaluationConfig, Tag("judge")]
    | Annotated[HumanEvaluationConfig, Tag("human")]
    | Annotated[AutomaticComparisonConfig, Tag("comparison by automatic")]
    | Annotated[JudgeComparisonConfig, Tag("comparison by judge")]
    | Annotated[HumanComparisonConfig, Tag("comparison by human")],
    Discriminator(kind_of),
]
