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
"""The kind of an evaluation that names none."""


class CustomEvaluationConfig(EvaluationSettings, CustomScoring, Subject, Kind):
    """One evaluation: which candidates answer which dataset, how they are scored, when."""

    model_config = ConfigDict(
        json_schema_extra=refused(
            {
                "properties": {"allow_unpriced": {"const": True}, "max_cost": {"type": "null"}},
                "required": ["allow_unpriced"],
            }
        )
    )

    kind: Literal["custom"] = Field(default="custom", description="custom: scored by this project's own functions.")
    dataset: OwnDataset = Field(description="A key of `datasets`.")
    candidates: tuple[Candidate, ...] = Field(
        min_length=1, max_length=MOST_CANDIDATES, description="What is compared; a key of `models` alone is enough."
    )
    gates: tuple[GateConfig, ...] = Field(
        default=(), description="What every candidate must pass; one that fails rings an alarm."
    )
    schedule: ScheduleConfig | None = Field(default=None, description="Left out: it is started by hand only.")
    concurrency: int = Field(default=8, ge=1, le=256, description="Model calls in flight, over all candidates.")
    max_cost: Dollars | None = Field(
        default=None,
        description="US dollars that a run may cost: estimated before the first call, and counted while it runs.",
    )
    allow_unpriced: bool = Field(
        default=False, description="A run with `max_cost` may ask models without `rates`, which it cannot see."
    )
    read_timeout_seconds: int = Field(
        default=120, ge=1, le=800, description="How long one answer is waited for; a late one is asked for once more."
    )
    max_attempts: int = Field(
        default=4,
        ge=1,
        le=10,
        description="How often a call is made whose error passes, as a broken connection; a throttled one waits and "
        "uses none up.",
    )
    patience_minutes: float = Field(
        default=30, gt=0, le=1440, description="A run fails when a model has no room for one single call for so long."
    )
    failed_case_rounds: int = Field(
        default=2, ge=0, le=10, description="How often a run that is started again asks its failed cases again."
    )
    score_thoughts: bool = Field(
        default=False,
        description="Score what a model writes into leading <think> tags with its answer, instead of setting it aside.",
    )


class AutomaticEvaluationConfig(JobSettings, AutomaticScoring, JobSubject, Kind):
    """An evaluation job of Bedrock: one model, scored by Bedrock's own functions."""

    kind: Literal["automatic"] = Field(description="automatic: scored by Bedrock's own functions.")


class JudgeEvaluationConfig(JobSettings, JudgeScoring, JobSubject, Kind):
    """An evaluation job of Bedrock: one model, whose answers another rates by metrics of Bedrock or your own."""

    kind: Literal["judge"] = Field(description="judge: rated by another model.")

    @property
    def models(self) -> tuple[str, ...]:
        """The keys of `models` that it calls, each once, the judge among them."""
        return _with_judge(super().models, self)


class HumanEvaluationConfig(HumanSettings, HumanScoring, JobSubject, Kind):
    """An evaluation job of Bedrock: one model, whose answers people rate."""

    kind: Literal["human"] = Field(description="human: rated by people.")


class AutomaticComparisonConfig(JobPerCandidateSettings, AutomaticScoring, ComparisonSubject, ComparisonKind):
    """One automatic job a candidate, since it takes one model, compared prompt by prompt."""

    by: Literal["automatic"] = Field(description="automatic: one job a candidate.")


class JudgeComparisonConfig(JobPerCandidateSettings, JudgeScoring, ComparisonSubject, ComparisonKind):
    """One job a candidate, since it takes one model, by the same judge, compared prompt by prompt."""

    by: Literal["judge"] = Field(description="judge: one job a candidate, by the same judge.")

    @property
    def models(self) -> tuple[str, ...]:
        """The keys of `models` that it calls, each once, the judge among them."""
        return _with_judge(super().models, self)


class HumanComparisonConfig(HumanSettings, HumanScoring, ComparisonSubject, ComparisonKind):
    """One job in which people see the answers of two models to each prompt."""

    by: Literal["human"] = Field(description="human: one job with both candidates.")
    candidates: TwoCandidates = Field(description="What is compared, two; a key of `models` alone is enough.")


def _with_judge(models: tuple[str, ...], scoring: JudgeScoring) -> tuple[str, ...]:
    """Stored answers are judged without asking their models."""
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
    """The kind of an evaluation as it stands in a file, of a comparison also by what; custom where none is given."""
    keys = evaluation if isinstance(evaluation, Mapping) else {}
    if isinstance(evaluation, BaseModel):
        keys = dict(evaluation)
    kind = keys.get("kind", "forgotten" if signs_of_jobs(keys) else CUSTOM)
    if kind == "comparison":
        return f"comparison by {keys.get('by')}"
    return str(kind) if kind in (CUSTOM, *JobKind) else "none that is known"


def signs_of_jobs(keys: Mapping[str, object]) -> tuple[str, ...]:
    """The keys by which an evaluation that names no kind shows that it is none of ours.

    Those that no custom evaluation has, and `metrics`, where all of them are Bedrock's own.
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
