"""What makes an evaluation one that Bedrock scores by evaluation jobs: the part of its definition that is theirs."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from bedrock_eval import codec
from bedrock_eval.direction import Better
from bedrock_eval.scores.job_measures import BUILT_INS, RatingMethod, Task, rating_measure
from bedrock_eval.scores.measures import Measure


class JobKind(StrEnum):
    """Who scores: Bedrock's own functions, a judge model, or people."""

    AUTOMATIC = "automatic"
    JUDGE = "judge"
    HUMAN = "human"


@dataclass(frozen=True)
class ScaleStep:
    """One step of a criterion's scale: what it means, and its value, a number or a text."""

    definition: str
    value: float | None = None
    text: str | None = None


@dataclass(frozen=True)
class Criterion:
    """A metric of one's own for a judge: `instructions` end with the variables, at least {{prediction}}."""

    name: str
    instructions: str
    scale: tuple[ScaleStep, ...] = ()
    better: Better = Better.HIGHER

    @property
    def measure(self) -> Measure:
        """Without a scale of numbers the range is open."""
        numbers = [step.value for step in self.scale if step.value is not None]
        low, high = (min(numbers), max(numbers)) if numbers and len(numbers) == len(self.scale) else (None, None)
        return Measure(self.name, self.name, self.better, "points", low, high)


@dataclass(frozen=True)
class Rating:
    """What people are asked of an answer."""

    name: str
    method: RatingMethod
    description: str | None = None


@dataclass(frozen=True)
class JobSettings:
    """How Bedrock is asked.

    Attributes:
        judge: identifier of the model that rates; of a judge evaluation only.
        answers_from: name of a custom evaluation: its newest published run's answers are judged, no model is asked.
        answers_run: the run that this was when a run of ours began; only the definition of a run has it.
        flow_definition_arn, instructions: of a human evaluation only.
        deadline_hours: a job that has not ended by then is stopped.
        parallel: jobs of one run that may be under way together.
        keep_jobs: ended jobs of this evaluation that are not deleted; their output stays.
    """

    kind: JobKind
    task: Task
    judge: str | None = None
    answers_from: str | None = None
    answers_run: str | None = None
    criteria: tuple[Criterion, ...] = ()
    ratings: tuple[Rating, ...] = ()
    flow_definition_arn: str | None = None
    instructions: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    deadline_hours: float = 24.0
    parallel: int = 5
    keep_jobs: int = 50

    def measure(self, name: str) -> Measure:
        """What a metric, a criterion or a rating measures.

        Raises:
            KeyError: it is none of this evaluation.
        """
        own = {criterion.name: criterion.measure for criterion in self.criteria}
        rated = {rating.name: rating_measure(rating.name, rating.method) for rating in self.ratings}
        return replace({**BUILT_INS, **own, **rated}[name], version=self._version(name))

    def _version(self, name: str) -> str:
        """What its scores depend on, as far as anybody here knows: who scores, and what they are told."""
        told = (
            [each for each in self.criteria if each.name == name],
            [each for each in self.ratings if each.name == name],
        )
        text = json.dumps([codec.encode(told), self.instructions if self.kind is JobKind.HUMAN else None])
        wording = f", wording {hashlib.sha256(text.encode()).hexdigest()[:8]}" if any(told) else ""
        who = {
            JobKind.AUTOMATIC: f"task {self.task.value}",
            JobKind.JUDGE: f"judge {self.judge}",
            JobKind.HUMAN: "people",
        }
        return who[self.kind] + wording
