"""The shapes of what is known of a model. None is unknown throughout, and nothing unknown is ever refused."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date


@dataclass(frozen=True)
class Regions:
    """A list of Regions; `more`: there are others that nobody has read."""

    names: tuple[str, ...] = ()
    more: bool = False

    def has(self, region: str) -> bool | None:
        """Whether a Region is among them."""
        return True if region in self.names else None if self.more else False


@dataclass(frozen=True)
class Features:
    """What a model takes. docs/models.md has the meaning of each.

    Attributes:
        sampling: free, one, one_unsure, none, none_third_party or fixed.
        thinking: off, on or always, when a request says nothing about it.
        modes: ok, deprecated or refused, by `thinking.type`.
        efforts: the levels of effort; () for none, `?` among them for others that nobody has read.
        effort_beta: the beta header that effort needs.
        effort_capped: whether high is the most while thinking is off.
        burndown: how many tokens of the quota an output token takes.
    """

    sampling: str | None = None
    thinking: str | None = None
    modes: Mapping[str, str] | None = None
    efforts: tuple[str, ...] | None = None
    effort_beta: str | None = None
    effort_capped: bool | None = None
    system: bool | None = None
    tools: bool | None = None
    forced_tools: bool | None = None
    structured_outputs: bool | None = None
    count_tokens: bool | None = None
    flex: bool | None = None
    priority: bool | None = None
    reserved: bool | None = None
    burndown: int | None = None


@dataclass(frozen=True)
class Rule:
    """What holds for a family: Claude of some tiers (none given: all) and versions, or ids that begin alike."""

    features: Features
    claude: bool = False
    tiers: tuple[str, ...] = ()
    first: tuple[int, int] = (0, 0)
    last: tuple[int, int] = (99, 99)
    ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class Batch:
    """Where batch inference takes a model, by its own id and through profiles."""

    in_region: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()


@dataclass(frozen=True)
class KnownModel:
    """A model that can be called, or could be until its end.

    Attributes:
        kind: text, embedding, speech or rerank.
        legacy: whether its end is announced.
        not_before: the earliest day on which it may end, where no end is announced.
        third_party: the keys that no document of AWS confirms.
        in_region: where it is called by its bare id.
        judge_in: the same for a judge, where that differs.
        profiles: from which Regions each of its profiles can be called.
        destinations: where a profile of it routes to, if not where all of that beginning do.
        further_destinations: what is added when it is called from a Region.
        judge: the metrics of Bedrock's jobs that it may judge: built_in, custom.
        generator: whether jobs of Bedrock can ask it.
        max_output: thousands of tokens.
        instead: ids to take for it.
    """

    source: str
    verified_on: date
    kind: str = "text"
    legacy: bool = False
    launch: date | None = None
    not_before: date | None = None
    legacy_days: int | None = None
    legacy_since: date | None = None
    end: date | None = None
    third_party: tuple[str, ...] = ()
    in_region: Regions = field(default_factory=Regions)
    judge_in: Regions | None = None
    profiles: Mapping[str, Regions] = field(default_factory=dict)
    destinations: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    further_destinations: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    batch: Batch | None = None
    judge: tuple[str, ...] | None = None
    generator: bool | None = None
    max_output: int | None = None
    instead: tuple[str, ...] = ()
    features: Features = field(default_factory=Features)

    def confirmed(self, key: str) -> bool:
        """Whether a document of AWS or of the provider says it."""
        return key not in self.third_party


@dataclass(frozen=True)
class DeadModel:
    """Models whose requests fail; `end` is None where no list has the date any more."""

    source: str
    verified_on: date
    end: date | None = None
    instead: tuple[str, ...] = ()
