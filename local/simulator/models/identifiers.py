"""A request's `modelId`, resolved: an id or an ARN of a model, a system profile or an application profile."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from local.simulator.models.known import split_profile
from local.simulator.protocol.errors import ServiceError, invalid

_ARN = re.compile(
    r"arn:aws[a-z-]*:bedrock:(?P<region>[a-z0-9-]*):(?P<account>[0-9]*):"
    r"(?P<kind>foundation-model|inference-profile|application-inference-profile)/(?P<id>[A-Za-z0-9.:-]+)"
)
_INVALID = "The provided model identifier is invalid."


@dataclass(frozen=True)
class Scope:
    """The account and Region that a request is made in."""

    account: str
    region: str


@dataclass(frozen=True)
class Target:
    """A resolved `modelId`.

    Args:
        metric_id: the `ModelId` dimension: the id that was called, of an ARN its last part.
        sources: the ids under which its answers may be recorded, the most specific first.
    """

    metric_id: str
    sources: tuple[str, ...]

    @property
    def name(self) -> str:
        """The model that answers: constant over deployments, unlike an application profile's generated id."""
        return self.sources[0]


def last_part(model_id: str) -> str:
    """The `ModelId` dimension of an identifier."""
    return model_id.rpartition("/")[2]


def sources_of(model_id: str) -> tuple[str, ...]:
    """The ids of a model's answers: a profile's own, and that of its foundation model."""
    base = split_profile(model_id)[1]
    return (model_id,) if base == model_id else (model_id, base)


def resolve(model_id: str, *, scope: Scope, copied_from: Callable[[str], str | None]) -> Target:
    """Resolve a request's `modelId`.

    Args:
        copied_from: the model or profile ARN that an application inference profile's id was copied from.

    Raises:
        ServiceError: not an identifier of this account and Region, or an application profile that does not exist.
    """
    if not model_id.startswith("arn:"):
        return Target(model_id, sources_of(model_id))
    match = _ARN.fullmatch(model_id)
    if match is None or not _is_here(match, scope):
        raise invalid(_INVALID)
    if match["kind"] != "application-inference-profile":
        return Target(match["id"], sources_of(match["id"]))
    source = copied_from(match["id"])
    if source is None:
        raise ServiceError(
            "ResourceNotFoundException", f"Could not resolve the foundation model from the model identifier: {model_id}"
        )
    return Target(match["id"], sources_of(last_part(source)))


def _is_here(match: re.Match[str], scope: Scope) -> bool:
    owner = "" if match["kind"] == "foundation-model" else scope.account
    return match["region"] == scope.region and match["account"] == owner
