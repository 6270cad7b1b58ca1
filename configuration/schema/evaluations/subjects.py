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
        description="comparison: several candidates, by jobs of the kind that `by` names."
    )
    by: str


class Subject(Strict):
    """What every evaluation is about."""

    dataset: str
    candidates: tuple[AnyCandidateConfig, ...]

    @property
    def models(self) -> tuple[str, ...]:
        """The keys of `models` that it calls, each once."""
        return tuple(dict.fromkeys(candidate.model for candidate in self.candidates))


class JobSubject(Subject):
    dataset: AnyDataset = Field(description="A key of `datasets`, or one of Bedrock's own.")
    candidates: OneCandidate = Field(description="What is evaluated, one; a key of `models` alone is enough.")


class ComparisonSubject(JobSubject):
    candidates: SeveralCandidates = Field(
        description=f"What is compared, 2 to {MOST_CANDIDATES}; a key of `models` alone is enough."
    )
