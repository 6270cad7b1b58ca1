"""The criteria of a judge and the ratings of people."""

from typing import Literal

from pydantic import ConfigDict, Field

from bedrock_eval.catalogue import Better
from bedrock_eval.evaluation.job_settings import Criterion, Rating, ScaleStep
from bedrock_eval.jobs.rules import MOST_INSTRUCTIONS, MOST_NAME, MOST_RATING_DESCRIPTION, MOST_SCALE, MOST_SCALE_TEXT
from bedrock_eval.scores.job_measures import BUILT_IN, RatingMethod
from configuration.schema.values.base import Strict, absent, refused, text_of, told
from configuration.schema.values.numbers import Bound

MethodName = Literal[
    "ThumbsUpDown", "IndividualLikertScale", "ComparisonLikertScale", "ComparisonChoice", "ComparisonRank"
]
_OWN_NAME = f"^(?!{BUILT_IN})[0-9a-zA-Z_.-]{{1,{MOST_NAME}}}$"
"""What a criterion or a rating may be called."""


class ScaleStepConfig(Strict):
    """One step of a criterion's scale: what it means, and either a number or a text for it."""

    model_config = ConfigDict(
        json_schema_extra=refused(
            absent("value", "text"),
            {"properties": {"value": {"type": "number"}, "text": {"type": "string"}}, "required": ["value", "text"]},
        )
    )

    definition: str = Field(
        description="When an answer is given this step.",
        json_schema_extra={**text_of(MOST_SCALE_TEXT), **told(f"1 to {MOST_SCALE_TEXT} characters")},
    )
    value: Bound | None = Field(default=None, description="Its value, where the scale is one of numbers.")
    text: str | None = Field(
        default=None,
        description="Its name, where the scale is one of texts; then there is no mean and no gate.",
        json_schema_extra={**text_of(MOST_SCALE_TEXT), **told(f"1 to {MOST_SCALE_TEXT} characters")},
    )

    @property
    def resolved(self) -> ScaleStep:
        return ScaleStep(self.definition, self.value, self.text)


class CriterionConfig(Strict):
    """A metric of your own, by which the judge rates."""

    name: str = Field(
        description="Stands in metrics and reports.",
        json_schema_extra={"pattern": _OWN_NAME, **told(f"1 to {MOST_NAME} of letters, digits, - _ .")},
    )
    instructions: str = Field(
        description="What the judge is told. After everything else stands `{{prediction}}` in it, best with "
        "`{{prompt}}`, and if wanted with `{{ground_truth}}`.",
        json_schema_extra={
            **text_of(MOST_INSTRUCTIONS),
            "pattern": r"\{\{prediction\}\}",
            **told(f"1 to {MOST_INSTRUCTIONS:,} characters, with {{{{prediction}}}} in them"),
        },
    )
    scale: tuple[ScaleStepConfig, ...] = Field(
        default=(),
        description="The steps, all with numbers or all with texts; left out: as `instructions` say.",
        json_schema_extra={"maxItems": MOST_SCALE},
    )
    better: Literal["higher", "lower", "neutral"] = Field(default="higher", description="Which way it improves.")

    @property
    def resolved(self) -> Criterion:
        return Criterion(
            name=self.name,
            instructions=self.instructions,
            scale=tuple(step.resolved for step in self.scale),
            better=Better(self.better),
        )


class RatingConfig(Strict):
    """What people are asked of an answer."""

    name: str = Field(
        description="Stands in metrics and reports.",
        json_schema_extra={"pattern": _OWN_NAME, **told(f"1 to {MOST_NAME} of letters, digits, - _ .")},
    )
    method: MethodName = Field(description="How they rate; Comparison... rate the answers of two candidates.")
    description: str | None = Field(
        default=None,
        description="The question that people see.",
        json_schema_extra={
            **text_of(MOST_RATING_DESCRIPTION),
            **told(f"one line of 1 to {MOST_RATING_DESCRIPTION} characters"),
        },
    )

    @property
    def resolved(self) -> Rating:
        return Rating(self.name, RatingMethod(self.method), self.description)
