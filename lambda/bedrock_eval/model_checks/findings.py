"""What is wrong, or worth a word, with the use of a model."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Use(StrEnum):
    """What a model is used for; `judge` is the judge of Bedrock's jobs, `job_generator` what such a job asks."""

    CANDIDATE = "candidate"
    JUDGE = "judge"
    JOB_GENERATOR = "job_generator"
    BATCH = "batch"
    EMBEDDING = "embedding"


class Verdict(StrEnum):
    """Whether a use can work."""

    OK = "ok"
    WARNING = "warning"
    REFUSED = "refused"


class About(StrEnum):
    """What a finding is about, so that each is told where it belongs."""

    REGION = "region"
    ID = "id"
    LIFE = "life"
    PLACE = "place"
    USE = "use"
    PARAMETER = "parameter"
    TABLE = "table"


@dataclass(frozen=True)
class Finding:
    """One reason.

    Attributes:
        key: the parameter that it is about.
        nearest: ids that were meant, or can be taken instead, the best first.
    """

    verdict: Verdict
    about: About
    message: str
    key: str | None = None
    nearest: tuple[str, ...] = ()


@dataclass(frozen=True)
class Question:
    """A model, where it is called from, what for and with what.

    Attributes:
        use: None asks only whether it can be called at all.
        parameters: of a request, by the keys of PARAMETERS in parameters.py; `metrics` of a judge.
        destination_regions: given, they stand for what the table says of profiles.
    """

    model_id: str
    region: str
    use: Use | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    destination_regions: tuple[str, ...] = ()


def refused(about: About, message: str, *, key: str | None = None, nearest: tuple[str, ...] = ()) -> Finding:
    """What a document says cannot work."""
    return Finding(Verdict.REFUSED, about, message, key, nearest)


def warned(about: About, message: str, *, key: str | None = None, nearest: tuple[str, ...] = ()) -> Finding:
    """What may not work, or not for long."""
    return Finding(Verdict.WARNING, about, message, key, nearest)


def verdict_of(findings: tuple[Finding, ...]) -> Verdict:
    """The worst of them."""
    order = tuple(Verdict)
    return max((each.verdict for each in findings), key=order.index, default=Verdict.OK)


def nearest_of(findings: tuple[Finding, ...]) -> tuple[str, ...]:
    """What they name to be taken instead, each once."""
    return tuple(dict.fromkeys(each for finding in findings for each in finding.nearest))
