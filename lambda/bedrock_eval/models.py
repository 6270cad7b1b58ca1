"""A model as configured, and everything that follows from its id: ARNs, Regions, dimension, parameters, lifecycle.

The configured id is a foundation model id (`amazon.nova-lite-v1:0`) or a system inference profile id
(`us.amazon.nova-2-lite-v1:0`). The `ModelId` dimension of AWS/Bedrock is the id that was called.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

VERIFIED_ON = date(2026, 11, 23)
"""When the tables below were last compared with the Bedrock user guide (model cards, lifecycle page)."""

GLOBAL_PROFILE = "global"

# Geographic inference profiles: the Regions that a request may be routed to. A source Region that is not among them
# (us-west-1, ca-central-1, eu-west-2 ...) is added as a destination of its own, as the model cards list it.
PROFILE_DESTINATIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "us": ("us-east-1", "us-east-2", "us-west-2"),
        "eu": ("eu-central-1", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-3"),
        "au": ("ap-southeast-2", "ap-southeast-4"),
        "jp": ("ap-northeast-1", "ap-northeast-3"),
        "apac": (
            "ap-northeast-1",
            "ap-northeast-2",
            "ap-northeast-3",
            "ap-south-1",
            "ap-south-2",
            "ap-southeast-1",
            "ap-southeast-2",
            "ap-southeast-4",
        ),
        "us-gov": ("us-gov-east-1", "us-gov-west-1"),
    }
)

# Which source Regions may call a geographic profile, by the beginning of the Region's name.
_PROFILE_SOURCES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "us": ("us-east-", "us-west-", "ca-"),
        "eu": ("eu-",),
        "au": ("ap-southeast-",),
        "jp": ("ap-northeast-",),
        "apac": ("ap-",),
        "us-gov": ("us-gov-",),
    }
)

PROVIDERS = frozenset(
    {"ai21", "amazon", "anthropic", "cohere", "deepseek", "google", "luma", "meta", "minimax", "mistral", "moonshot"}
    | {"moonshotai", "nvidia", "openai", "qwen", "stability", "twelvelabs", "writer", "zai"}
)

# These answer a request that carries temperature or topP with a ValidationException.
_NO_SAMPLING = ("anthropic.claude-opus-4-7", "anthropic.claude-opus-4-8", "anthropic.claude-sonnet-5")

# These think before they answer unless told not to (Claude 5 and later; DeepSeek R1 always does).
_THINKS_BY_DEFAULT = re.compile(r"anthropic[.]claude-[a-z]+-([5-9]|[1-9][0-9])(-|$)|deepseek[.]r1-")

# Their model card says that evaluation jobs of Bedrock do not ask them; as judges they are listed.
_NOT_ASKED_BY_JOBS = ("amazon.nova-2-lite-",)

# The user guide's lists of models that judge, by built-in metrics or by criteria of one's own (evaluation-judge).
_JUDGES = (
    *("amazon.nova-", "anthropic.claude-3-", "anthropic.claude-haiku-4-5-", "anthropic.claude-sonnet-4-"),
    *("anthropic.claude-opus-4-5-", "anthropic.claude-opus-4-6-", "anthropic.claude-opus-4-7"),
    *("anthropic.claude-opus-4-8", "meta.llama3-1-70b-instruct-", "meta.llama3-3-70b-instruct-"),
    *("mistral.mistral-large-2402-", "mistral.mistral-large-2407-", "openai.gpt-5.4", "openai.gpt-5.5"),
)

# End of life as the lifecycle page has it; None: removed from every list, date unknown.
END_OF_LIFE: Mapping[str, date | None] = MappingProxyType(
    {
        "ai21.jamba-1-5-large-v1:0": date(2026, 11, 26),
        "ai21.jamba-1-5-mini-v1:0": date(2026, 11, 26),
        "amazon.nova-canvas-v1:0": date(2026, 9, 30),
        "amazon.nova-reel-v1:0": date(2026, 9, 30),
        "amazon.nova-reel-v1:1": date(2026, 9, 30),
        "amazon.nova-sonic-v1:0": date(2026, 9, 14),
        "anthropic.claude-3-haiku-20240307-v1:0": date(2026, 9, 10),
        "anthropic.claude-3-sonnet-20240229-v1:0": None,
        "anthropic.claude-opus-4-1-20250805-v1:0": date(2027, 1, 8),
        "anthropic.claude-sonnet-4-20250514-v1:0": date(2026, 10, 14),
        "cohere.command-r-plus-v1:0": date(2026, 8, 19),
        "cohere.command-r-v1:0": date(2026, 8, 19),
    }
)

_ID = re.compile(
    r"[a-z0-9][a-z0-9-]*(\.[A-Za-z0-9][A-Za-z0-9_-]*)+(:[0-9]+(:[0-9a-z]+)?)?|[a-z0-9.:_-]+\.[a-z0-9.:_-]+"
)


class ModelError(ValueError):
    """A model id, or a use of it, that cannot be right; the message says what is allowed."""


@dataclass(frozen=True)
class Lifecycle:
    """Whether a model can still be called. `end` is None when it is unknown or not announced."""

    end: date | None
    removed: bool

    @property
    def ends(self) -> bool:
        """Whether an end is announced or past."""
        return self.removed or self.end is not None

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
        self._check_profile()

    def _check_profile(self) -> None:
        profile = self.profile
        if profile is None:
            if self.destination_regions:
                raise ModelError(
                    f"{self.model_id!r} is no inference profile: destination_regions has no meaning for it"
                )
            return
        if profile == GLOBAL_PROFILE or self.destination_regions:
            return
        if profile not in PROFILE_DESTINATIONS:
            known = ", ".join((*PROFILE_DESTINATIONS, GLOBAL_PROFILE))
            raise ModelError(
                f"{self.model_id!r}: unknown inference profile {profile!r}; known: {known} (as of {VERIFIED_ON}), "
                "any other with destination_regions"
            )
        if not self.region.startswith(_PROFILE_SOURCES[profile]):
            raise ModelError(f"{self.model_id!r}: profile {profile!r} cannot be called from {self.region}")

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
        if self.profile is None or self.profile == GLOBAL_PROFILE:
            return (self.region,)
        known = PROFILE_DESTINATIONS[self.profile]
        return known if self.region in known else (self.region, *known)

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
    def accepts_sampling(self) -> bool:
        """Whether temperature and topP may be sent."""
        return not self.base_id.startswith(_NO_SAMPLING)

    @property
    def asked_by_jobs(self) -> bool:
        """Whether an evaluation job of Bedrock can ask it for answers, as far as its model card says."""
        return not self.base_id.startswith(_NOT_ASKED_BY_JOBS)

    @property
    def judges(self) -> bool:
        """Whether Bedrock lets it judge, as far as the user guide's lists say."""
        return self.base_id.startswith(_JUDGES)

    @property
    def lifecycle(self) -> Lifecycle:
        known = self.base_id in END_OF_LIFE
        end = END_OF_LIFE.get(self.base_id)
        return Lifecycle(end=end, removed=known and end is None)


def _check_id(model_id: str) -> None:
    if not _ID.fullmatch(model_id):
        raise ModelError(
            f"{model_id!r} is not a model id; allowed: <provider>.<model>, or <profile>.<provider>.<model>"
        )


def _profile(model_id: str) -> str | None:
    head, _, rest = model_id.partition(".")
    if head in PROVIDERS:
        return None
    if head in PROFILE_DESTINATIONS or head == GLOBAL_PROFILE or rest.partition(".")[0] in PROVIDERS:
        return head
    return None


def base_id(model_id: str) -> str:
    """The foundation model behind an inference profile id, or the id itself."""
    return model_id if _profile(model_id) is None else model_id.partition(".")[2]


def thinks_by_default(model_id: str) -> bool:
    """Whether a model spends output tokens on thinking when a request says nothing about it; unknown ones do not."""
    return _THINKS_BY_DEFAULT.match(base_id(model_id)) is not None


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
