"""The dataset and the candidates of each kind of evaluation."""

from typing import Literal

from pydantic import Field

from configuration.schema.evaluations.candidates import (
    MOST_CANDIDATES,
    AnyCandidateConfig,
    OneCandidate,
    SeveralCandidates,
)
from configuration.schema.evaluations.references import AnyDataset
from configuration.schema.values.base import Strict


class Kind(Strict):
    kind: str


class ComparisonKind(Kind):
    kind: Literal["comparison"] = Field(
        description="comparison: several candidates, evaluated by jobs of the kind in `by`."
    )
    by: str


class Subject(Strict):
    """The dataset and candidates that every evaluation has."""

    dataset: str
    candidates: tuple[AnyCandidateConfig, ...]

    @property
    def models(self) -> tuple[str, ...]:
        """The keys of the models that the evaluation calls, each once."""
        return tuple(dict.fromkeys(candidate.model for candidate in self.candidates))


class JobSubject(Subject):
    dataset: AnyDataset = Field(description="A key of `datasets`, or a built-in dataset of Bedrock.")
    candidates: OneCandidate = Field(
        description="The one candidate to evaluate. A key of `models` alone is a candidate of that name."
    )


class ComparisonSubject(JobSubject):
    candidates: SeveralCandidates = Field(
        description=f"The 2 to {MOST_CANDIDATES} candidates to compare. A key of `models` alone is a candidate of that "
        "name."
    )
