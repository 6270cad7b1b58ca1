"""The body of a CloudWatch dashboard as values. Source: CloudWatch user guide, Dashboard Body Structure and Syntax."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from ops.errors import OpsError

_DURATION = re.compile(r"-?P(?:([0-9]+)W)?(?:([0-9]+)D)?(?:T(?:([0-9]+)H)?(?:([0-9]+)M)?(?:([0-9]+)S)?)?")
# CloudWatch's own choices for what a body leaves open.
_DEFAULT_PERIOD = 300
_DEFAULT_STATISTIC = "Average"


@dataclass(frozen=True)
class Place:
    """Where a widget lies, in columns (of 24) and rows."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class Series:
    """One entry of a graph: a metric, or metric math over the others by their ids.

    Attributes:
        metric: namespace, name and dimensions; None for math.
        period: in seconds.
    """

    id: str
    label: str
    color: str | None
    visible: bool
    period: int
    statistic: str
    metric: tuple[str, str, Mapping[str, str]] | None = None
    expression: str | None = None

    @property
    def searches(self) -> bool:
        """Gives any number of lines, which are known when it is asked."""
        return self.expression is not None and "SEARCH(" in self.expression

    @property
    def band(self) -> bool:
        """Gives two lines, the range in which CloudWatch expects a metric."""
        return self.expression is not None and self.expression.startswith("ANOMALY_DETECTION_BAND(")


@dataclass(frozen=True)
class Threshold:
    """A horizontal line."""

    value: float
    label: str
    color: str | None


@dataclass(frozen=True)
class Text:
    """Markdown."""

    place: Place
    markdown: str


@dataclass(frozen=True)
class Graph:
    """Series over time, or with `numbers` the newest value of each.

    Attributes:
        unit: the label of the axis.
        low, high: where the axis is told to begin and end.
        back: how far it looks back, when it does not follow the dashboard.
        whole: each number is about the whole time range.
    """

    place: Place
    title: str
    region: str | None
    series: tuple[Series, ...]
    thresholds: tuple[Threshold, ...]
    unit: str
    low: float | None
    high: float | None
    back: timedelta | None
    numbers: bool
    whole: bool

    @property
    def shown(self) -> tuple[Series, ...]:
        return tuple(series for series in self.series if series.visible)


@dataclass(frozen=True)
class AlarmStates:
    """Alarms, by ARN."""

    place: Place
    title: str
    arns: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(arn.rpartition(":alarm:")[2] for arn in self.arns)


@dataclass(frozen=True)
class LogTable:
    """A Logs Insights query."""

    place: Place
    title: str
    query: str


@dataclass(frozen=True)
class Other:
    """A widget of a kind that this project does not make."""

    place: Place
    title: str
    kind: str


Widget = Text | Graph | AlarmStates | LogTable | Other


@dataclass(frozen=True)
class Choice:
    """A variable of the dashboard, and what it is when nobody chooses."""

    label: str
    pattern: str
    value: str | None


@dataclass(frozen=True)
class Board:
    """A dashboard. `back`: the time range that it opens with."""

    widgets: tuple[Widget, ...]
    choices: tuple[Choice, ...]
    back: timedelta


def read_body(text: str) -> Board:
    """Read a dashboard's body, its variables at their defaults.

    Raises:
        OpsError: the text is no body of a dashboard.
    """
    try:
        choices = tuple(_choices(json.loads(text)))
        for choice in choices:
            if choice.value is not None:
                text = text.replace(choice.pattern, json.dumps(choice.value)[1:-1])
        body = json.loads(text)
        widgets = tuple(_widget(each) for each in body["widgets"])
        return Board(widgets, choices, duration(body.get("start")) or timedelta(hours=3))
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise OpsError(f"this is no body of a dashboard: {type(error).__name__} {error}") from None


def duration(text: object) -> timedelta | None:
    """A relative time as `-P1D` or `-PT3H`; None for anything else."""
    found = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        return None
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)


def _choices(body: Mapping[str, Any]) -> Iterator[Choice]:
    for variable in body.get("variables", []):
        if variable["type"] == "pattern":
            value = variable.get("defaultValue")
            known = value if value != "__FIRST" else None
            yield Choice(variable.get("label") or variable["id"], variable["pattern"], known)


def _widget(value: Mapping[str, Any]) -> Widget:
    place = Place(*(int(value.get(key, 0)) for key in ("x", "y", "width", "height")))
    properties = value.get("properties", {})
    title = str(properties.get("title", ""))
    match value["type"]:
        case "text":
            return Text(place, str(properties["markdown"]))
        case "metric":
            return _graph(place, properties)
        case "alarm":
            return AlarmStates(place, title, tuple(map(str, properties["alarms"])))
        case "log":
            return LogTable(place, title, str(properties["query"]))
        case kind:
            return Other(place, title, str(kind))


def _graph(place: Place, properties: Mapping[str, Any]) -> Graph:
    axis = properties.get("yAxis", {}).get("left", {})
    lines = properties.get("annotations", {}).get("horizontal", [])
    numbers = properties.get("view") == "singleValue"
    return Graph(
        place=place,
        title=str(properties.get("title", "")),
        region=properties.get("region"),
        series=tuple(_series(properties)),
        thresholds=tuple(
            Threshold(float(line["value"]), str(line.get("label", "")), line.get("color")) for line in lines
        ),
        unit=str(axis.get("label", "")),
        low=axis.get("min"),
        high=axis.get("max"),
        back=duration(properties.get("start")),
        numbers=numbers,
        whole=numbers and bool(properties.get("setPeriodToTimeRange")),
    )


def _series(properties: Mapping[str, Any]) -> Iterator[Series]:
    previous: list[str] = []
    for place, entry in enumerate(properties.get("metrics", [])):
        options = entry[-1] if isinstance(entry[-1], Mapping) else {}
        names = _spelled(previous, [part for part in entry if not isinstance(part, Mapping)])
        expression = options.get("expression")
        metric = None
        if expression is None:
            previous = names
            metric = (names[0], names[1], dict(zip(names[2::2], names[3::2], strict=True)))
        yield Series(
            id=str(options.get("id") or f"series{place}"),
            label=str(options.get("label") or expression or names[1]),
            color=options.get("color"),
            visible=options.get("visible", True) is not False,
            period=int(options.get("period") or properties.get("period") or _DEFAULT_PERIOD),
            statistic=str(options.get("stat") or properties.get("stat") or _DEFAULT_STATISTIC),
            metric=metric,
            expression=None if expression is None else str(expression),
        )


def _spelled(previous: Sequence[str], names: Sequence[str]) -> list[str]:
    """`.` repeats the part of the entry before, `...` all that is not given."""
    if "..." in names:
        at = names.index("...")
        missing = len(previous) - len(names) + 1
        names = [*names[:at], *previous[at : at + missing], *names[at + 1 :]]
    return [previous[place] if name == "." else name for place, name in enumerate(names)]
