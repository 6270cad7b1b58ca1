"""The candidates of an evaluation: a model with its prompts and parameters."""

import re
from collections.abc import Callable
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from bedrock_eval.evaluation.definition import PROMPT_MARK
from bedrock_eval.jobs.rules import ANSWERS_OF_PATTERN, MOST_MODELS_HUMAN
from bedrock_eval.texts import is_blank
from configuration.schema.evaluations.references import ModelKey, model_key
from configuration.schema.values.base import AsTuple, Strict, pattern_error
from configuration.schema.values.mappings import JsonFields
from configuration.schema.values.names import Name
from configuration.schema.values.numbers import AnswerTokens

MOST_CANDIDATES = 10


def _seen(text: str) -> str:
    if is_blank(text):
        raise ValueError("is blank; needed: a text, or leave it out")
    return text


def _template(text: str) -> str:
    if text.count(PROMPT_MARK) != 1:
        raise ValueError(f"{PROMPT_MARK} appears {text.count(PROMPT_MARK)} times; needed: exactly once")
    return text


_MARK = re.escape(PROMPT_MARK)
_ONCE = rf"^((?!{_MARK})[\s\S])*{_MARK}((?!{_MARK})[\s\S])*$"


class ParametersConfig(Strict):
    """Inference parameters. A parameter that is left out is not sent."""

    max_tokens: AnswerTokens | None = Field(
        default=None,
        description="Maximum length of an answer, in tokens. Default for kind custom: 4,096, and 16,384 for "
        "models that think before they answer. Every call reserves that many tokens of the quota.",
    )
    temperature: float | None = Field(default=None, ge=0, le=1, description="Some models refuse it.")
    top_p: float | None = Field(default=None, ge=0, le=1, description="Some models refuse it.")
    stop_sequences: Annotated[tuple[Annotated[str, Field(min_length=1)], ...], AsTuple] = Field(
        default=(), max_length=4, description="The model stops before the first of these texts."
    )


class AnyCandidateConfig(Strict):
    """The keys of a candidate in every kind of evaluation."""

    name: Name = Field(description="Name in metrics, results and reports.")
    model: ModelKey = Field(description="A key of `models`.")
    parameters: ParametersConfig = Field(default=ParametersConfig(), description="Inference parameters.")
    additional_fields: JsonFields | None = Field(
        default=None,
        description="Model-specific request fields (`additionalModelRequestFields`), as top_k or thinking.",
    )


class CandidateConfig(AnyCandidateConfig):
    """A model with its prompts and parameters. A key of `models` alone is a candidate of that name."""

    system: Annotated[str, AfterValidator(_seen)] | None = Field(
        default=None, min_length=1, description="System prompt."
    )
    template: Annotated[str, AfterValidator(_template)] | None = Field(
        default=None,
        description=f"Text around the prompt, with `{PROMPT_MARK}` exactly once.",
        json_schema_extra={"pattern": _ONCE, **pattern_error(f"a text with {PROMPT_MARK} exactly once in it")},
    )


class JobCandidateConfig(AnyCandidateConfig):
    """A model that Bedrock calls. Bedrock sends the prompts of the dataset unchanged, so there is no system prompt."""

    answers_of: str | None = Field(
        default=None,
        description="The `modelIdentifier` of answers in the dataset (`modelResponses`). These answers are "
        "rated, and the model is not called. For kind judge and human.",
        json_schema_extra={
            "pattern": f"^{ANSWERS_OF_PATTERN}$",
            **pattern_error("a letter or digit, then at most 255 of letters, digits and . _ -"),
        },
    )


def _candidate(value: object) -> object:
    return {"name": model_key(value), "model": value} if isinstance(value, str) else value


Candidate = Annotated[CandidateConfig, BeforeValidator(_candidate, json_schema_input_type=ModelKey | CandidateConfig)]
JobCandidate = Annotated[
    JobCandidateConfig, BeforeValidator(_candidate, json_schema_input_type=ModelKey | JobCandidateConfig)
]
Candidates = tuple[JobCandidate, ...]


def _as_many(least: int, most: int, otherwise: str) -> Callable[[Candidates], Candidates]:
    """A check of the number of candidates, which says what to use for more or fewer."""
    allowed = str(least) if least == most else f"{least} to {most}"

    def check(candidates: Candidates) -> Candidates:
        if not least <= len(candidates) <= most:
            raise ValueError(f"{len(candidates)} are given; allowed: {allowed}; {otherwise}")
        return candidates

    return check


OneCandidate = Annotated[
    Candidates,
    AfterValidator(_as_many(1, 1, "for several use kind: comparison")),
    Field(json_schema_extra={"minItems": 1, "maxItems": 1}),
]
TwoCandidates = Annotated[
    Candidates,
    AfterValidator(
        _as_many(
            MOST_MODELS_HUMAN,
            MOST_MODELS_HUMAN,
            "for one use kind: human, for more an evaluation of each pair",
        )
    ),
    Field(json_schema_extra={"minItems": MOST_MODELS_HUMAN, "maxItems": MOST_MODELS_HUMAN}),
]
SeveralCandidates = Annotated[
    Candidates,
    AfterValidator(_as_many(2, MOST_CANDIDATES, "for one use kind: automatic or judge")),
    Field(json_schema_extra={"minItems": 2, "maxItems": MOST_CANDIDATES}),
]
