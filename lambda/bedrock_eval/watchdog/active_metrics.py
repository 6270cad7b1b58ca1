"""Which metrics of Bedrock are in use, and which of them nobody reads.

An alarm on a set of dimensions that AWS does not publish is silent for ever. So what CloudWatch lists as recently
active is held against what alarms, widgets and costs read: set by set, and not name by name.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from bedrock_eval import catalogue
from bedrock_eval.catalogue import BEDROCK, GUARDRAIL_ARN, GUARDRAILS, MODEL_ID
from bedrock_eval.models import metric_id

NAMESPACES = (BEDROCK, GUARDRAILS)

TOLERANCE = 0.02
"""Two counts of the same calls may be so far apart, as a share of the greater: they do not arrive together."""

UNWATCHED_MODEL, UNREAD_METRIC = "no alarm watches this model", "nobody reads this metric"
"""What the watchdog logs of each, with its name."""

_NAMES = """filter message = "{message}"
| stats latest(@timestamp) as last_seen, count(*) as times by {fields}
| sort last_seen desc
| limit 100"""

UNWATCHED_QUERY = _NAMES.format(message=UNWATCHED_MODEL, fields="model")
"""The models that the watchdog has named, the last ones first: for Logs Insights, over its log."""

UNREAD_QUERY = _NAMES.format(message=UNREAD_METRIC, fields="metric, dimensions, namespace")
"""The same of metrics."""


@dataclass(frozen=True)
class Series:
    """One metric under one exact set of dimensions, sorted by name."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, namespace: str, name: str, dimensions: Mapping[str, str]) -> Self:
        return cls(namespace, name, tuple(sorted(dimensions.items())))

    @property
    def dimension_names(self) -> frozenset[str]:
        return frozenset(name for name, _ in self.dimensions)

    @property
    def model_id(self) -> str | None:
        """The model or profile that it is about; None: it is about no single one."""
        found = dict(self.dimensions).get(MODEL_ID)
        return None if found == catalogue.ALL_MODELS else found

    @property
    def statistic(self) -> str:
        """What tells how much happened."""
        return "SampleCount" if self.name in _MEASURED else "Sum"

    def with_model(self, model_id: str) -> "Series":
        """The same metric under the plain set of a model."""
        return Series(self.namespace, self.name, ((MODEL_ID, model_id),))

    @property
    def place(self) -> str:
        """Its dimensions, for people."""
        return ", ".join(f"{name}={value}" for name, value in self.dimensions) or "no dimension"


def _order(series: Series) -> tuple[str, str, tuple[tuple[str, str], ...]]:
    return series.namespace, series.name, series.dimensions


_MEASURED = frozenset(entry.name for entry in catalogue.FIXED if entry.unit == "Milliseconds")


@dataclass(frozen=True)
class ReadSet:
    """Metrics that are read under one exact set of dimensions."""

    namespace: str
    dimensions: Mapping[str, str]
    names: tuple[str, ...]

    def series(self) -> Iterable[Series]:
        return (Series.of(self.namespace, name, self.dimensions) for name in self.names)


@dataclass(frozen=True)
class Search:
    """A metric that a graph searches: under these names of dimensions, whatever their values."""

    namespace: str
    name: str
    dimensions: tuple[str, ...]


@dataclass(frozen=True)
class Reads:
    """What an environment reads of Bedrock's metrics, as its alarms and widgets were made.

    Attributes:
        alarms: what alarms read; the models in it are watched.
        drawn: what widgets read beside, each set by itself.
        searched: what widgets find by a search.
        elsewhere: models, profiles and guardrails that others watch: ids, or beginnings of ids before a `*`.
        logs: the account's invocation log is the environment's, and so is its delivery.
    """

    alarms: tuple[ReadSet, ...] = ()
    drawn: tuple[ReadSet, ...] = ()
    searched: tuple[Search, ...] = ()
    elsewhere: tuple[str, ...] = ()
    logs: bool = True


@dataclass(frozen=True)
class NotRead:
    """Sets of dimensions that are known, and that nobody needs to read.

    Attributes:
        names: of the metrics; empty: all that the catalogue has in that namespace.
        dimensions: the names of the set's dimensions; None: any set.
        while_there: it is not needed only while this other set of the same metric is there, whose sum it is.
    """

    namespace: str
    names: tuple[str, ...]
    dimensions: tuple[str, ...] | None
    while_there: tuple[str, ...] | None
    reason: str


NOT_READ: tuple[NotRead, ...] = (
    NotRead(BEDROCK, (), (), (MODEL_ID,), "the sum over all models, which are read one by one"),
    NotRead(BEDROCK, ("OutputImageCount",), None, None, "pictures have no tokens, and prices here are by token"),
    *(
        NotRead(GUARDRAILS, (), (name,), catalogue.GUARDRAIL_DIMENSIONS, "the sum over all guardrails, read one by one")
        for name in ("Operation", "GuardrailContentSource", "GuardrailPolicyType")
    ),
    NotRead(
        GUARDRAILS,
        ("FindingCounts", "TotalFindings", "Latency"),
        None,
        None,
        "findings of automated reasoning, by which nothing is judged here",
    ),
)
"""Every set that is known and not read, with the reason. Sources: Bedrock user guide, monitoring-runtime-metrics and
monitoring-guardrails-cw-metrics."""


@dataclass(frozen=True)
class Overlap:
    """Sets that may hold calls which another set holds as well, because it is read.

    Attributes:
        parts: of one metric and model; each is a part of `whole`, or one is the same under another name.
        same: they are under another name, so that the counts are equal if AWS publishes each call under both; else
            the parts of calls by tier add up to no more than the whole.
    """

    whole: Series
    parts: tuple[Series, ...]
    same: bool

    def covered(self, counts: Mapping[Series, float]) -> bool:
        """Whether whoever reads the whole sees the calls of the parts."""
        whole, parts = counts.get(self.whole, 0.0), sum(counts.get(part, 0.0) for part in self.parts)
        slack = TOLERANCE * max(whole, parts)
        return abs(whole - parts) <= slack if self.same else parts <= whole + slack


@dataclass(frozen=True)
class Unread:
    """What nobody reads.

    Attributes:
        models: ids with traffic that nobody watches.
        metrics: sets of models that are watched, and sets that are about no model.
        overlaps: undecided until somebody has counted; those that are not covered are unread, too.
    """

    models: tuple[str, ...] = ()
    metrics: tuple[Series, ...] = ()
    overlaps: tuple[Overlap, ...] = ()

    def decided(self, counts: Mapping[Series, float]) -> "Unread":
        """Without overlaps, by the counts of their series over one and the same time."""
        more = [part for each in self.overlaps if not each.covered(counts) for part in each.parts]
        return Unread(self.models, tuple(sorted({*self.metrics, *more}, key=_order)))


@dataclass
class _Found:
    models: set[str] = field(default_factory=set)
    metrics: set[Series] = field(default_factory=set)
    overlaps: dict[tuple[Series, bool, frozenset[str]], list[Series]] = field(default_factory=dict)


def unread(
    active: Collection[Series], reads: Reads, *, costs: Sequence[ReadSet] = (), asked: Collection[str] = ()
) -> Unread:
    """What of the active metrics nobody reads.

    Args:
        costs: what is read to tell what models cost.
        asked: `ModelId` of what evaluations call, whose runs say how they went.
    """
    return _Reader(active, reads, costs=costs, asked=asked).unread()


class _Reader:
    """One look at the active metrics."""

    def __init__(
        self, active: Collection[Series], reads: Reads, *, costs: Sequence[ReadSet], asked: Collection[str]
    ) -> None:
        self._active = frozenset(active)
        self._sets = frozenset((each.namespace, each.name, each.dimension_names) for each in self._active)
        self._reads = reads
        self._by_set = {each for read in (*reads.alarms, *reads.drawn, *costs) for each in read.series()}
        self._searched = {(each.namespace, each.name, frozenset(each.dimensions)) for each in reads.searched}
        watching = (each.model_id for read in (*reads.alarms, *costs) for each in read.series())
        self._watched = {*asked, *(each for each in watching if each is not None)}

    def unread(self) -> Unread:
        found = _Found()
        for series in self._active:
            if not self._is_elsewhere(series) and not self._is_needless(series):
                self._judge(series, found)
        overlaps = [
            Overlap(whole, tuple(sorted(parts, key=_order)), same) for (whole, same, _), parts in found.overlaps.items()
        ]
        return Unread(
            tuple(sorted(found.models)),
            tuple(sorted(found.metrics, key=_order)),
            tuple(sorted(overlaps, key=lambda each: _order(each.whole))),
        )

    def _judge(self, series: Series, found: _Found) -> None:
        model = series.model_id
        if model is None:
            if not self._is_read(series):
                found.metrics.add(series)
            return
        watched = model if model in self._watched else metric_id(model)
        if watched not in self._watched:
            found.models.add(model)
            return
        plain = series.with_model(watched)
        if series == plain:
            if not self._is_read(series):
                found.metrics.add(series)
        elif plain in self._active and self._is_read(plain):
            found.overlaps.setdefault((plain, watched != model, series.dimension_names), []).append(series)
        else:
            found.metrics.add(series)

    def _is_read(self, series: Series) -> bool:
        return series in self._by_set or (series.namespace, series.name, series.dimension_names) in self._searched

    def _is_elsewhere(self, series: Series) -> bool:
        about = dict(series.dimensions)
        ids = [about[name] for name in (MODEL_ID, GUARDRAIL_ARN) if name in about]
        return any(_named(each, pattern) for each in ids for pattern in self._reads.elsewhere)

    def _is_needless(self, series: Series) -> bool:
        if series.name in _DELIVERIES and not self._reads.logs:
            return True
        return any(self._fits(row, series) for row in NOT_READ)

    def _fits(self, row: NotRead, series: Series) -> bool:
        if series.namespace != row.namespace or series.name not in (row.names or _known(row.namespace)):
            return False
        if row.dimensions is not None and series.dimension_names != frozenset(row.dimensions):
            return False
        return row.while_there is None or (series.namespace, series.name, frozenset(row.while_there)) in self._sets


_DELIVERIES = frozenset(entry.name for entry in catalogue.FIXED if entry.namespace == BEDROCK and not entry.dimensions)


def _known(namespace: str) -> frozenset[str]:
    """The names of the metrics that are told of each model or guardrail."""
    return frozenset(entry.name for entry in catalogue.FIXED if entry.namespace == namespace and entry.dimensions)


def _named(identifier: str, pattern: str) -> bool:
    names = (identifier, metric_id(identifier))
    if pattern.endswith("*"):
        return any(name.startswith(pattern[:-1]) for name in names)
    return pattern in names
