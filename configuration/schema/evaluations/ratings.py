"""The criteria of a judge and the ratings of people."""

from typing import Literal

from pydantic import ConfigDict, Field

from bedrock_eval.direction import Better
from bedrock_eval.evaluation.job_settings import Criterion, Rating, ScaleStep
from bedrock_eval.jobs.rules import MOST_INSTRUCTIONS, MOST_NAME, MOST_RATING_DESCRIPTION, MOST_SCALE, MOST_SCALE_TEXT
from bedrock_eval.scores.job_measures import BUILT_IN, RatingMethod
from configuration.schema.values.base import Strict, absent, pattern_error, refused, text_of
from configuration.schema.values.numbers import Bound

MethodName = Literal[
    "ThumbsUpDown", "IndividualLikertScale", "ComparisonLikertScale", "ComparisonChoice", "ComparisonRank"
]
_OWN_NAME = f"^(?!{BUILT_IN})[0-9a-zA-Z_.-]{{1,{MOST_NAME}}}$"
"""Names of criteria and ratings."""


class ScaleStepConfig(Strict):
    """One step of a criterion's scale: its definition, and either a number or a text."""

    model_config = ConfigDict(
        json_schema_extra=refused(
            absent("value", "text"),
            {"properties": {"value": {"type": "number"}, "text": {"type": "string"}}, "required": ["value", "text"]},
        )
    )

    definition: str = Field(
        description="When an answer gets this step.",
        json_schema_extra={**text_of(MOST_SCALE_TEXT), **pattern_error(f"1 to {MOST_SCALE_TEXT} characters")},
    )
    value: Bound | None = Field(default=None, description="Value of the step, in a scale of numbers.")
    text: str | None = Field(
        default=None,
        description="Name of the step, in a scale of texts. Such a scale has no mean and no gate.",
        json_schema_extra={**text_of(MOST_SCALE_TEXT), **pattern_error(f"1 to {MOST_SCALE_TEXT} characters")},
    )

    @property
    def resolved(self) -> ScaleStep:
        return ScaleStep(self.definition, self.value, self.text)


class CriterionConfig(Strict):
    """A metric of your own that the judge rates by."""

    name: str = Field(
        description="Name in metrics and reports.",
        json_schema_extra={"pattern": _OWN_NAME, **pattern_error(f"1 to {MOST_NAME} of letters, digits, - _ .")},
    )
    instructions: str = Field(
        description="Instructions to the judge. `{{prediction}}` must come last; `{{prompt}}` and "
        "`{{ground_truth}}` can come before it.",
        json_schema_extra={
            **text_of(MOST_INSTRUCTIONS),
            "pattern": r"\{\{prediction\}\}",
            **pattern_error(f"1 to {MOST_INSTRUCTIONS:,} characters, with {{{{prediction}}}} in them"),
        },
    )
    scale: tuple[ScaleStepConfig, ...] = Field(
        default=(),
        description="The steps, all with numbers or all with texts. Left out: `instructions` define the scale.",
        json_schema_extra={"maxItems": MOST_SCALE},
    )
    better: Literal["higher", "lower", "neutral"] = Field(default="higher", description="The direction that is better.")

    @property
    def resolved(self) -> Criterion:
        return Criterion(
            name=self.name,
            instructions=self.instructions,
            scale=tuple(step.resolved for step in self.scale),
            better=Better(self.better),
        )


class RatingConfig(Strict):
    """A question to people about an answer."""

    name: str = Field(
        description="Name in metrics and reports.",
        json_schema_extra={"pattern": _OWN_NAME, **pattern_error(f"1 to {MOST_NAME} of letters, digits, - _ .")},
    )
    method: MethodName = Field(
        description="How people rate. The methods Comparison... compare the answers of two candidates."
    )
    description: str | None = Field(
        default=None,
        description="The question that people see.",
        json_schema_extra={
            **text_of(MOST_RATING_DESCRIPTION),
            **pattern_error(f"one line of 1 to {MOST_RATING_DESCRIPTION} characters"),
        },
    )

    @property
    def resolved(self) -> Rating:
        return Rating(self.name, RatingMethod(self.method), self.description)
