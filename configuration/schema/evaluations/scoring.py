"""What each kind of evaluation scores by."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field

from bedrock_eval.evaluation.job_settings import JobKind
from bedrock_eval.jobs.rules import (
    MOST_CRITERIA,
    MOST_INSTRUCTIONS,
    MOST_METRICS,
    MOST_METRICS_AUTOMATIC,
    MOST_RATINGS,
    MOST_TITLE,
    MOST_WORKERS,
    WORK_TEAM_PATTERN,
)
from bedrock_eval.scores import METRICS
from bedrock_eval.scores.job_measures import AUTOMATIC as AUTOMATIC_METRICS
from bedrock_eval.scores.job_measures import BUILT_IN, JUDGED, RatingMethod, rating_measure
from bedrock_eval.scores.measures import Measure
from configuration.schema.evaluations.metrics import Metric, MetricConfig
from configuration.schema.evaluations.ratings import CriterionConfig, RatingConfig
from configuration.schema.evaluations.references import ModelKey
from configuration.schema.values.base import Strict, enum, pattern_error, refused, text_of
from configuration.schema.values.names import Name


class CustomScoring(Strict):
    """The metrics that this project's own functions compute."""

    job_kind: ClassVar[JobKind | None] = None

    metrics: tuple[Metric, ...] = Field(
        default=tuple(
            MetricConfig(name=name)
            for name in ("relevance_score", "response_length", "unicode_exact_match", "unicode_f1_score")
        ),
        min_length=1,
        description="The metrics that score each answer. A name alone is enough for a metric without parameters.",
        json_schema_extra={"uniqueItems": True},
    )

    @property
    def metric_names(self) -> tuple[str, ...]:
        return tuple(metric.name for metric in self.metrics)

    @property
    def measures(self) -> Mapping[str, Measure]:
        """The measure of each metric."""
        return {name: METRICS[name].measure for name in self.metric_names}


class AutomaticScoring(Strict):
    """The metrics that Bedrock's own functions compute."""

    job_kind: ClassVar[JobKind] = JobKind.AUTOMATIC

    task: Literal["QuestionAndAnswer", "Summarization", "Generation", "Classification"] = Field(
        description="Type of task. Bedrock computes accuracy and robustness by it."
    )
    metrics: tuple[Annotated[str, Field(json_schema_extra=enum(tuple(AUTOMATIC_METRICS)))], ...] = Field(
        description=f"One or more of {', '.join(AUTOMATIC_METRICS)}. Robustness and toxicity are better when lower. "
        "Classification has no toxicity.",
        json_schema_extra={"minItems": 1, "maxItems": MOST_METRICS_AUTOMATIC, "uniqueItems": True},
    )

    @property
    def metric_names(self) -> tuple[str, ...]:
        return self.metrics

    @property
    def measures(self) -> Mapping[str, Measure]:
        """The measure of each metric; unknown names are left out."""
        return {name: AUTOMATIC_METRICS[name] for name in self.metrics if name in AUTOMATIC_METRICS}


class JudgeScoring(Strict):
    """The judge, and the metrics and criteria that it rates by."""

    model_config = ConfigDict(
        json_schema_extra=refused({"properties": {key: {"maxItems": 0} for key in ("metrics", "criteria")}})
    )

    job_kind: ClassVar[JobKind] = JobKind.JUDGE

    judge: ModelKey = Field(description="The model that rates: a key of `models`.")
    metrics: tuple[
        Annotated[
            str, Field(json_schema_extra={"anyOf": [{"enum": list(JUDGED)}, {"pattern": f"^(?!{BUILT_IN}).+$"}]})
        ],
        ...,
    ] = Field(
        default=(),
        description=f"Built-in metrics: {', '.join(JUDGED)}.",
        json_schema_extra={"maxItems": MOST_METRICS, "uniqueItems": True},
    )
    criteria: tuple[CriterionConfig, ...] = Field(
        default=(),
        description="Metrics of your own.",
        json_schema_extra={"maxItems": MOST_CRITERIA, "uniqueItems": True},
    )
    answers_from: Name | None = Field(
        default=None,
        description="A custom evaluation with the same dataset and candidates. The judge rates the answers "
        "of its newest published run, and no model is called again.",
    )

    @property
    def metric_names(self) -> tuple[str, ...]:
        own = dict.fromkeys(criterion.name for criterion in self.criteria)
        return (*self.metrics, *(name for name in own if name not in self.metrics))

    @property
    def measures(self) -> Mapping[str, Measure]:
        """The measure of each metric and criterion; unknown names are left out."""
        own = {criterion.name: criterion.resolved.measure for criterion in self.criteria}
        return {**{name: JUDGED[name] for name in self.metrics if name in JUDGED}, **own}


class HumanScoring(Strict):
    """The work team, and the questions that it answers."""

    job_kind: ClassVar[JobKind] = JobKind.HUMAN

    work_team: str = Field(
        pattern=f"^{WORK_TEAM_PATTERN}$",
        description="ARN of the work team that rates, in this account and Region (docs/human-evaluation.md).",
        json_schema_extra=pattern_error(
            "the ARN of a work team, as arn:aws:sagemaker:us-east-1:111111111111:workteam/private-crowd/support"
        ),
    )
    title: str = Field(
        min_length=1,
        # TaskTitle of CreateFlowDefinition, in which there are no pictures.
        pattern=rf"^[\t -\uD7FF\uE000-\uFFFD]{{1,{MOST_TITLE}}}$",
        description="Title in the task list of the work team.",
        json_schema_extra=pattern_error(f"one line of 1 to {MOST_TITLE} characters, none of them an emoji"),
    )
    instructions: str = Field(
        description="Instructions that people see beside the answers. Explain every scale here.",
        json_schema_extra={**text_of(MOST_INSTRUCTIONS), **pattern_error(f"1 to {MOST_INSTRUCTIONS:,} characters")},
    )
    ratings: tuple[RatingConfig, ...] = Field(
        description="The questions about every answer.",
        json_schema_extra={"minItems": 1, "maxItems": MOST_RATINGS, "uniqueItems": True},
    )
    workers: int = Field(default=1, ge=1, le=MOST_WORKERS, description="Number of people who rate each prompt.")
    task: Literal["Custom", "QuestionAndAnswer", "Summarization", "Generation", "Classification"] = Field(
        default="Custom", description="Type of task. It changes neither the questions nor the scores."
    )

    @property
    def metric_names(self) -> tuple[str, ...]:
        return tuple(rating.name for rating in self.ratings)

    @property
    def measures(self) -> Mapping[str, Measure]:
        """The measure of each rating."""
        return {rating.name: rating_measure(rating.name, RatingMethod(rating.method)) for rating in self.ratings}
