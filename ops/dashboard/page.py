"""A dashboard as one self-contained page: no script, no network; what is not known is drawn as no data, never as 0."""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bedrock_eval.report.html.markup import Child, Markup, join, tag, text
from bedrock_eval.report.html.scale import Scale
from bedrock_eval.wording import number
from ops.dashboard.body import AlarmStates, Board, Graph, LogTable, Place, Series, Text, Threshold, Widget
from ops.dashboard.data import Data, Points
from ops.dashboard.style import STYLE

NO_DATA = "no data"
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
# A drawing's own units: as wide as its columns at 1280 px.
_COLUMN, _LEFT, _RIGHT, _TOP, _BOTTOM, _HEIGHT = 50.0, 46.0, 10.0, 8.0, 18.0, 150.0
_ROOM = 1.15
_NAME_HEIGHT = 12.0
_PALETTE = (
    "#1f77b4",
    "#d97a0c",
    "#2c9b44",
    "#c0392b",
    "#8659b5",
    "#8c564b",
    "#d1579f",
    "#6b7280",
    "#0e8c96",
    "#8f8a10",
)
_COLOR = re.compile(r"#[0-9a-fA-F]{3,8}")
_LINK = re.compile(r"\[([^\]]+)\]\((https?://[^\s)]+)\)|\*\*([^*]+)\*\*|\*([^*]+)\*|`([^`]+)`")
_STATES = {"OK": "ok", "ALARM": "alarm", "INSUFFICIENT_DATA": "insufficient"}


@dataclass(frozen=True)
class Origin:
    """Where page and data come from, as it stands in its head."""

    name: str
    environment: str
    source: str
    data: str
    drawn: datetime
    back: timedelta


@dataclass(frozen=True)
class _Line:
    """What the legend has an entry for. `top`: of a band, whose lower edge is `values`."""

    label: str
    color: str
    values: tuple[tuple[datetime, float], ...]
    top: tuple[tuple[datetime, float], ...] = ()

    @property
    def newest(self) -> str | None:
        """The newest value in words; None without data."""
        if not self.values:
            return None
        newest = _value(self.values[-1][1])
        return f"{newest} to {_value(self.top[-1][1])}" if self.top else newest


def render(board: Board, data: Data | None, *, origin: Origin) -> str:
    """The page. Without `data` axes, legends and thresholds are drawn."""
    sections = [(place, _title(each.markdown)) for place, each in _texts(board) if each.markdown.startswith("## ")]
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        tag("meta", name="color-scheme", content="light dark"),
        tag("link", rel="icon", href="data:,"),
        tag("title", f"Dashboard {origin.name}"),
        tag("style", Markup(STYLE)),
    )
    body = tag(
        "body",
        _header(board, origin),
        tag(
            "nav",
            tag("ul", [tag("li", tag("a", title, href=f"#w{place}")) for place, title in sections]),
            aria_label="Sections",
        ),
        tag("main", [_widget(place, each, data, origin) for place, each in enumerate(board.widgets)], class_="grid"),
    )
    return f"<!DOCTYPE html>\n{tag('html', head, body, lang='en')}\n"


def _texts(board: Board) -> Iterator[tuple[int, Text]]:
    yield from ((place, each) for place, each in enumerate(board.widgets) if isinstance(each, Text))


def _title(markdown: str) -> str:
    return markdown.splitlines()[0].lstrip("# ").replace("`", "").partition(":")[0]


def _header(board: Board, origin: Origin) -> Markup:
    facts = {
        "environment": origin.environment,
        "dashboard": origin.source,
        "data": origin.data,
        "drawn": f"{origin.drawn:%Y-%m-%d %H:%M} UTC",
        "time range": f"{_span(origin.back)}, where a graph has none of its own",
        "widgets": f"{len(board.widgets)} of at most 500",
        **{choice.label: choice.value or f"{choice.pattern} (the first that is found)" for choice in board.choices},
    }
    listed = [tag("div", tag("dt", name), tag("dd", value)) for name, value in facts.items()]
    return tag("header", tag("h1", f"Dashboard {origin.name}"), tag("dl", listed, class_="facts"))


def _widget(place: int, widget: Widget, data: Data | None, origin: Origin) -> Markup:
    match widget:
        case Text():
            kind, content = "text", _markdown(widget.markdown)
        case Graph(numbers=True):
            kind, content = (
                "numbers",
                join(_heading(widget, data, place), _numbers(widget, _lines(widget, data, place))),
            )
        case Graph():
            lines = _lines(widget, data, place)
            kind = "graph"
            content = join(
                _heading(widget, data, place), _drawing(widget, lines, data, place, origin), _legend(widget, lines)
            )
        case AlarmStates():
            kind, content = "alarms", join(tag("h3", widget.title), _states(widget, data, origin))
        case LogTable():
            asked = tag("p", "Asked of Logs Insights when the dashboard is opened.", class_="note")
            kind, content = "log", join(tag("h3", widget.title), asked, tag("pre", widget.query, tabindex="0"))
        case _:
            kind = "other"
            content = join(tag("h3", widget.title or widget.kind), tag("p", f"A widget of type {widget.kind}."))
    return tag("section", content, class_=f"widget {kind}", id=f"w{place}", style=_style(widget.place))


def _style(place: Place) -> str:
    rows = f"{place.y + 1} / span {max(place.height, 1)}"
    return f"grid-column: {place.x + 1} / span {max(place.width, 1)}; grid-row: {rows}"


def _heading(graph: Graph, data: Data | None, place: int) -> Markup:
    failed = data.failures.get(place) if data else None
    about = [graph.unit] if graph.unit else []
    about += [f"last {_span(graph.back)}"] if graph.back else []
    note = tag("p", f"could not be asked: {failed}", class_="failed") if failed else None
    return join(tag("h3", graph.title), tag("p", " · ".join(about), class_="note") if about else None, note)


def _lines(graph: Graph, data: Data | None, place: int) -> list[_Line]:
    """What is plotted, in the order of the legend; a search without findings stays one entry."""
    made: list[_Line] = []
    for series in graph.shown:
        found = data.lines.get((place, series.id), ()) if data else ()
        if series.band:
            made.append(_band(series, found, color=_color(series.color, len(made))))
            continue
        for points in found or (Points(series.label, ()),):
            label = points.label if series.searches and points.label else series.label
            if "${" in label:
                label = "each that is found"
            made.append(_Line(label, _color(series.color if len(found) < 2 else None, len(made)), points.values))
    return made


def _band(series: Series, found: Sequence[Points], *, color: str) -> _Line:
    """Both edges, which come in no order that CloudWatch promises."""
    edges = sorted((points.values for points in found if points.values), key=lambda values: values[-1][1])
    low, top = edges if len(edges) == 2 else ((), ())
    return _Line(series.label, color, low, top)


def _color(wanted: str | None, place: int) -> str:
    return wanted if wanted and _COLOR.fullmatch(wanted) else _PALETTE[place % len(_PALETTE)]


def _drawing(graph: Graph, lines: Sequence[_Line], data: Data | None, place: int, origin: Origin) -> Markup:
    width = _COLUMN * graph.place.width
    values = [value for each in lines for _, value in (*each.values, *each.top)]
    scale = _scale(graph, values)
    back = graph.back or origin.back
    end = data.end if data else origin.drawn
    start = data.start.get(place, end - back) if data else end - back
    frame = _Frame(width, scale, start, end)
    parts: list[Child] = [tag("title", _said(graph, lines)), frame.grid(numbered=scale is not None), frame.times()]
    parts += [frame.band(each) if each.top else frame.line(each) for each in lines if each.values]
    parts += frame.thresholds(graph.thresholds)
    if not values:
        # Where no threshold has its name.
        parts.append(tag("text", NO_DATA, class_="nothing", text_anchor="middle", x=f"{width * 0.4:g}", y=_HEIGHT / 2))
    return tag("svg", parts, viewBox=f"0 0 {width:g} {_HEIGHT:g}", role="img")


def _scale(graph: Graph, values: Sequence[float]) -> Scale | None:
    """The axis; None: neither data nor thresholds say how far it goes."""
    seen = [*values, *(each.value for each in graph.thresholds)]
    if not seen and graph.high is None:
        return None
    low = graph.low if graph.low is not None else min(seen)
    high = graph.high if graph.high is not None else low + (max(*seen, low) - low) * _ROOM
    high = max(high, *seen) if seen else high
    return Scale(low, high if high > low else low + 1)


@dataclass(frozen=True)
class _Frame:
    """The field of a graph; gives SVG in its units."""

    width: float
    scale: Scale | None
    start: datetime
    end: datetime

    def x(self, moment: datetime) -> float:
        share = (moment - self.start) / (self.end - self.start)
        return _LEFT + min(max(share, 0.0), 1.0) * (self.width - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        scale = self.scale or Scale(0, 1)
        share = (value - scale.low) / (scale.high - scale.low)
        return _HEIGHT - _BOTTOM - min(max(share, 0.0), 1.0) * (_HEIGHT - _TOP - _BOTTOM)

    def grid(self, *, numbered: bool) -> Markup:
        marks: list[Child] = []
        for value, shown in (self.scale or Scale(0, 1)).ticks().items():
            y = f"{self.y(value):.1f}"
            marks.append(tag("line", class_="tick", x1=_LEFT, x2=self.width - _RIGHT, y1=y, y2=y))
            if numbered:
                marks.append(tag("text", _short(value, shown), x=_LEFT - 5, y=y, dy=".32em", text_anchor="end"))
        return join(marks)

    def times(self) -> Markup:
        """Five moments of the range."""
        long = self.end - self.start > timedelta(days=2)
        count = 4 if self.width < 600 else 8
        marks = []
        for place in range(count + 1):
            moment = self.start + (self.end - self.start) * place / count
            anchor = "start" if place == 0 else "end" if place == count else "middle"
            shown = f"{moment:%m-%d}" if long else f"{moment:%H:%M}"
            marks.append(tag("text", shown, x=f"{self.x(moment):.1f}", y=_HEIGHT - 4, text_anchor=anchor))
        return join(marks)

    def band(self, line: _Line) -> Markup:
        """The field between two edges."""
        edges = (*line.values, *reversed(line.top))
        path = "M" + "L".join(f"{self.x(moment):.1f} {self.y(value):.1f}" for moment, value in edges) + "Z"
        return tag(
            "g",
            tag("title", f"{line.label}: newest {line.newest}"),
            tag("path", d=path, class_="band", fill=line.color),
        )

    def line(self, line: _Line) -> Markup:
        """Points joined in the order of time; a single one would be invisible without its dot."""
        spots = [(self.x(moment), self.y(value)) for moment, value in line.values]
        path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in spots)
        dots = spots if len(spots) <= 40 else spots[-1:]
        title = tag("title", f"{line.label}: newest {line.newest}")
        return tag(
            "g",
            title,
            tag("path", d=path, class_="series", stroke=line.color),
            [tag("circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r=2.4, fill=line.color) for x, y in dots],
        )

    def thresholds(self, thresholds: Sequence[Threshold]) -> list[Markup]:
        """Lines with their names at the right, or at the left where one stands there already."""
        drawn: list[Markup] = []
        at_right: float | None = None
        for each in sorted(thresholds, key=lambda each: each.value):
            y = self._name_of(each)
            left = at_right is not None and abs(at_right - y) < _NAME_HEIGHT
            at_right = at_right if left else y
            drawn.append(self._threshold(each, left=left))
        return drawn

    def _name_of(self, threshold: Threshold) -> float:
        """Where its name stands: under the line where the top of the field is near."""
        y = self.y(threshold.value)
        return y + 11 if y < _TOP + 12 else y - 4

    def _threshold(self, threshold: Threshold, *, left: bool) -> Markup:
        y, beside = self.y(threshold.value), self._name_of(threshold)
        color = _color(threshold.color, 3)
        return tag(
            "g",
            tag("title", f"Threshold {threshold.label or number(threshold.value)}"),
            tag("line", class_="bound", stroke=color, x1=_LEFT, x2=self.width - _RIGHT, y1=f"{y:.1f}", y2=f"{y:.1f}"),
            tag(
                "text",
                _cut(threshold.label, int(self.width / 7)),
                class_="name",
                x=_LEFT + 2 if left else self.width - _RIGHT - 2,
                y=f"{beside:.1f}",
                text_anchor="start" if left else "end",
            ),
            class_="threshold",
        )


def _said(graph: Graph, lines: Sequence[_Line]) -> str:
    """The drawing in words."""
    newest = [f"{each.label}: {f'newest {each.newest}' if each.newest else NO_DATA}" for each in lines]
    drawn = [f"threshold {each.label or number(each.value)}" for each in graph.thresholds]
    return ". ".join([f"{graph.title} ({graph.unit})" if graph.unit else graph.title, *newest, *drawn])


def _legend(graph: Graph, lines: Sequence[_Line]) -> Markup:
    listed = [
        tag(
            "li",
            _swatch(each.color),
            tag("span", each.label, class_="label"),
            tag("b", each.newest) if each.newest else tag("i", NO_DATA),
        )
        for each in lines
    ]
    return tag("ul", listed, class_="legend", aria_label=f"Series of {graph.title}", tabindex="0")


def _swatch(color: str) -> Markup:
    box = tag("rect", width=10, height=10, rx=2, fill=color)
    return tag("svg", box, class_="swatch", viewBox="0 0 10 10", aria_hidden="true")


def _numbers(graph: Graph, lines: Sequence[_Line]) -> Markup:
    shown = [
        tag(
            "div",
            tag("dt", each.label),
            tag("dd", each.newest or tag("i", NO_DATA)),
        )
        for each in lines
    ]
    return tag("dl", shown, class_="figures", aria_label=graph.title)


def _states(widget: AlarmStates, data: Data | None, origin: Origin) -> Markup:
    """What rings first, as CloudWatch shows them; names without the prefix that all of them have."""
    states = {name: data.states.get(name, "") if data else "" for name in widget.names}
    listed = []
    for name, state in sorted(states.items(), key=lambda item: item[1] != "ALARM"):
        word = state.replace("_", " ").lower() if state else "unknown" if data else ""
        listed.append(
            tag(
                "li",
                join(tag("b", word), " ") if word else None,
                tag("span", name.removeprefix(f"{origin.name}-"), title=name),
                class_=f"state {_STATES.get(state, 'unknown')}",
            )
        )
    return tag("ul", listed, class_="states", tabindex="0")


def _markdown(source: str) -> Markup:
    """Headings, paragraphs, emphasis, code and links to http(s); everything else is text as it stands."""
    made: list[Child] = []
    for block in re.split(r"\n\s*\n", source.strip()):
        found = re.match(r"(#{1,6}) +(.*)", block)
        if found:
            made.append(tag("h2" if len(found[1]) <= 2 else "h3", _inline(found[2])))
        rest = block[found.end() :].strip() if found else block
        if rest:
            made.append(tag("p", _inline(rest)))
    return join(made)


def _inline(source: str) -> Markup:
    made: list[Child] = []
    end = 0
    for found in _LINK.finditer(source):
        made.append(source[end : found.start()])
        label, url, strong, emphasis, code = found.groups()
        if url:
            made.append(tag("a", label, href=url, rel="noreferrer"))
        else:
            made.append(tag("b" if strong else "em" if emphasis else "code", strong or emphasis or code))
        end = found.end()
    return join(made, text(source[end:]))


def _value(value: float) -> str:
    """Counts without decimals."""
    return f"{value:,.0f}" if value >= 0 and value.is_integer() else number(value)


def _short(value: float, shown: str) -> str:
    """A tick's number in the room that an axis has."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            return f"{value / (1e3 if unit == 'k' else size):g}{unit}"
    return shown if math.isfinite(value) else ""


def _cut(label: str, most: int) -> str:
    return label if len(label) <= most else f"{label[: most - 1]}\N{HORIZONTAL ELLIPSIS}"


def _span(back: timedelta | None) -> str:
    hours = (back or timedelta()).total_seconds() / 3600
    if hours >= 48 and hours % 24 == 0:
        return f"{hours / 24:g} days"
    return f"{hours:g} hours" if hours != 1 else "1 hour"
