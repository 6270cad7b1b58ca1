"""A model as configured, and what follows from its id: ARNs, Regions, dimension, lifecycle.

Whether a model can be used so is another question: known_models/checks.py.

The configured id is a foundation model id (`amazon.nova-lite-v1:0`) or a system inference profile id
(`us.amazon.nova-2-lite-v1:0`). The `ModelId` dimension of AWS/Bedrock is the id that was called.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from bedrock_eval.errors import UserError
from bedrock_eval.known_models.lookup import dead_model, destinations_of, features_of, known_model
from bedrock_eval.known_models.table import DESTINATIONS

GLOBAL_PROFILE = "global"

PROVIDERS = frozenset(
    {"ai21", "amazon", "anthropic", "cohere", "deepseek", "google", "luma", "meta", "minimax", "mistral", "moonshot"}
    | {"moonshotai", "nvidia", "openai", "qwen", "stability", "twelvelabs", "writer", "xai", "zai"}
)

_ID = re.compile(
    r"[a-z0-9][a-z0-9-]*(\.[A-Za-z0-9][A-Za-z0-9_-]*)+(:[0-9]+(:[0-9a-z]+)?)?|[a-z0-9.:_-]+\.[a-z0-9.:_-]+"
)


class ModelError(UserError, ValueError):
    """A model id, or a use of it, that cannot be right; the message says what is allowed."""


@dataclass(frozen=True)
class Lifecycle:
    """Whether a model can still be called. `end` is None when it is unknown or not announced."""

    end: date | None
    removed: bool

    def days_left(self, today: date) -> int | None:
        """Whole days until the end of life, negative when past, None when not announced."""
        return None if self.end is None else (self.end - today).days

    def past(self, today: date) -> bool:
        return self.removed or (self.end is not None and self.end <= today)


@dataclass(frozen=True)
class Model:
    """One model as the environment names it.

    Args:
        model_id: foundation model id or system inference profile id; also the `ModelId` dimension.
        region: the Region that calls it.
        destination_regions: overrides the table of destinations for this profile.
    """

    model_id: str
    region: str
    destination_regions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.model_id.startswith("arn:"):
            raise ModelError(
                f"{self.model_id!r} is an ARN; allowed: a foundation model id (amazon.nova-lite-v1:0) "
                "or an inference profile id (us.amazon.nova-2-lite-v1:0)"
            )
        _check_id(self.model_id)
        if self.profile is None and self.destination_regions:
            raise ModelError(f"{self.model_id!r} is not an inference profile; leave destination_regions out")

    @property
    def profile(self) -> str | None:
        """The profile's prefix (`us`, `global`, ...), None for a foundation model id."""
        return _profile(self.model_id)

    @property
    def base_id(self) -> str:
        """The foundation model behind the profile."""
        return base_id(self.model_id)

    @property
    def destinations(self) -> tuple[str, ...]:
        """The Regions that a request can be routed to; for `global.` only the calling one can be named."""
        if self.destination_regions:
            return self.destination_regions
        if self.profile is None:
            return (self.region,)
        return destinations_of(self.base_id, profile=self.profile, region=self.region)

    def foundation_model_arns(self, *, partition: str) -> tuple[str, ...]:
        """The foundation model in every destination Region; `global.` adds the ARN with an empty Region.

        Source: Bedrock user guide, prerequisites for inference profiles.
        """
        regions = (*self.destinations, "") if self.profile == GLOBAL_PROFILE else self.destinations
        return tuple(f"arn:{partition}:bedrock:{region}::foundation-model/{self.base_id}" for region in regions)

    def profile_arn(self, *, partition: str, account: str) -> str | None:
        """The system inference profile's ARN, None for a foundation model id."""
        if self.profile is None:
            return None
        return f"arn:{partition}:bedrock:{self.region}:{account}:inference-profile/{self.model_id}"

    def source_arn(self, *, partition: str, account: str) -> str:
        """What an application inference profile of this model copies from."""
        profile = self.profile_arn(partition=partition, account=account)
        return profile or self.foundation_model_arns(partition=partition)[0]

    @property
    def lifecycle(self) -> Lifecycle:
        """As the table has it; of a model that it does not know no end is announced."""
        dead = dead_model(self.base_id)
        if dead is not None:
            return Lifecycle(end=dead.end, removed=dead.end is None)
        known = known_model(self.base_id)
        return Lifecycle(end=None if known is None else known.end, removed=False)


def _check_id(model_id: str) -> None:
    if not _ID.fullmatch(model_id):
        raise ModelError(
            f"{model_id!r} is not a model id; allowed: <provider>.<model>, or <profile>.<provider>.<model>"
        )


def _profile(model_id: str) -> str | None:
    head, _, rest = model_id.partition(".")
    if head in PROVIDERS:
        return None
    if head in DESTINATIONS or rest.partition(".")[0] in PROVIDERS:
        return head
    return None


def base_id(model_id: str) -> str:
    """The foundation model behind an inference profile id, or the id itself."""
    return model_id if _profile(model_id) is None else model_id.partition(".")[2]


def thinks_by_default(model_id: str) -> bool:
    """Whether a model spends output tokens on thinking when a request says nothing about it; unknown ones do not."""
    return features_of(base_id(model_id)).thinking in ("on", "always")


# Assumption: one-dimension-set
def metric_id(invoke_id: str) -> str:
    """The `ModelId` dimension of calls of an id: of an application inference profile's ARN its last part."""
    return invoke_id.rpartition("/")[2] if invoke_id.startswith("arn:") else invoke_id


# What stands before the slash of an ARN whose rest is an id; and how the others are called in a name.
_KINDS_OF_IDS = ("foundation-model", "inference-profile")
_KINDS = {
    "application-inference-profile": "profile",
    "custom-model": "custom",
    "custom-model-deployment": "deployment",
    "default-prompt-router": "router",
    "imported-model": "imported",
    "prompt-router": "router",
    "provisioned-model": "provisioned",
}


def candidate_name(model_id: str, *, taken: Sequence[str] = ()) -> str:
    """A candidate's name made of a model id: without profile, provider, date and version, unique among `taken`.

    Of an ARN that names no such id: what kind of model it is, and the last part, which tells it from others.

    Raises:
        ModelError: it is neither a model id nor an ARN.
    """
    if model_id.startswith("arn:"):
        kind, _, resource = model_id.split(":", 5)[-1].partition("/")
        if kind not in _KINDS_OF_IDS:
            return plain_name(f"{_KINDS.get(kind, kind)}-{resource.rpartition('/')[2]}", taken=taken)
        model_id = resource
    else:
        _check_id(model_id)
    name = base_id(model_id)
    name = name.partition(".")[2] or name
    return plain_name(re.sub(r"(-\d{8})?(-v\d+)?(:[0-9a-z]+)*$", "", name.lower()), taken=taken)


def plain_name(text: str, *, taken: Sequence[str] = ()) -> str:
    """A candidate's name made of any text, unique among `taken`."""
    name = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    name = (name if name[:1].isalpha() else f"m-{name}")[:24].rstrip("-")
    candidate, number = name, 2
    while candidate in taken:
        suffix = f"-{number}"
        candidate, number = name[: 24 - len(suffix)] + suffix, number + 1
    return candidate
