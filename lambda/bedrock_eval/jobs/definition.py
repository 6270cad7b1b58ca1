"""One evaluation by Bedrock evaluation jobs: what the environment file says with every reference filled in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bedrock_eval.catalogue import Better
from bedrock_eval.definition import Gate, InferenceParameters, Schedule
from bedrock_eval.jobs.scales import BUILT_IN_DATASETS, BUILT_INS, RatingMethod, Scale, Task, rating_scale


class JobKind(StrEnum):
    """Who scores: Bedrock's own functions, a judge model, or people."""

    AUTOMATIC = "automatic"
    JUDGE = "judge"
    HUMAN = "human"


@dataclass(frozen=True)
class JobCandidate:
    """A model that answers, or answers that exist already.

    Attributes:
        model_id: as declared; the `ModelId` dimension of its scores.
        identifier: what the request names: a foundation model id or the ARN of an inference profile.
        answers_of: `inferenceSourceIdentifier` of answers that stand in the dataset; the model is not asked then.
    """

    name: str
    model_id: str
    identifier: str
    parameters: InferenceParameters = field(default_factory=InferenceParameters)
    additional_fields: Mapping[str, object] = field(default_factory=dict)
    answers_of: str | None = None


@dataclass(frozen=True)
class JobDataset:
    """A dataset of one's own (`s3://.../x.jsonl`), or one of Bedrock's, named `Builtin.*` and without a place."""

    name: str
    uri: str | None = None

    @property
    def built_in(self) -> bool:
        return self.uri is None and self.name in BUILT_IN_DATASETS


@dataclass(frozen=True)
class RatingValue:
    """One step of a criterion's scale: what it means and its value, a number or a text."""

    definition: str
    value: float | str


@dataclass(frozen=True)
class Criterion:
    """A metric of one's own for a judge: `instructions` end with the variables {{prompt}} and {{prediction}}."""

    name: str
    instructions: str
    scale: tuple[RatingValue, ...] = ()
    better: Better = Better.HIGHER

    @property
    def numbers(self) -> tuple[float, ...]:
        return tuple(float(step.value) for step in self.scale if not isinstance(step.value, str))

    def as_scale(self) -> Scale:
        """Without a numeric scale the range is open."""
        low, high = (min(self.numbers), max(self.numbers)) if self.numbers else (None, None)
        return Scale(self.name, self.name, self.better, "points", low, high)


@dataclass(frozen=True)
class Rating:
    """What people are asked of an answer."""

    name: str
    method: RatingMethod
    description: str | None = None


@dataclass(frozen=True)
class JobDefinition:
    """One evaluation whose scores Bedrock makes.

    Attributes:
        metrics: built-in ones and names of `criteria`; those of a human evaluation are its ratings.
        judge: identifier of the model that rates; of a judge evaluation only.
        flow_definition_arn, instructions: of a human evaluation only.
        deadline_hours: a job that has not ended by then is stopped.
        parallel: jobs of one run that may be under way together.
        keep_jobs: finished jobs of this evaluation that are not deleted; their output stays.
    """

    application: str
    environment: str
    evaluation: str
    kind: JobKind
    task: Task
    candidates: tuple[JobCandidate, ...]
    dataset: JobDataset
    metrics: tuple[str, ...] = ()
    judge: str | None = None
    criteria: tuple[Criterion, ...] = ()
    ratings: tuple[Rating, ...] = ()
    flow_definition_arn: str | None = None
    instructions: str | None = None
    gates: tuple[Gate, ...] = ()
    schedule: Schedule | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    headline: bool = False
    confidence: float = 0.95
    min_coverage: float = 0.95
    deadline_hours: float = 24.0
    parallel: int = 5
    keep_jobs: int = 50

    @property
    def groups(self) -> tuple[tuple[JobCandidate, ...], ...]:
        """The candidates of each job: an automated job takes one model, a human one up to two."""
        if self.kind is JobKind.HUMAN:
            return (self.candidates,)
        return tuple((candidate,) for candidate in self.candidates)

    @property
    def metric_names(self) -> tuple[str, ...]:
        """What is asked for; a human job names its ratings."""
        return tuple(rating.name for rating in self.ratings) if self.kind is JobKind.HUMAN else self.metrics

    @property
    def scales(self) -> Mapping[str, Scale]:
        """The scale of everything that can come back."""
        return {
            **{name: BUILT_INS[name] for name in self.metrics if name in BUILT_INS},
            **{criterion.name: criterion.as_scale() for criterion in self.criteria},
            **{rating.name: rating_scale(rating.name, rating.method) for rating in self.ratings},
        }
