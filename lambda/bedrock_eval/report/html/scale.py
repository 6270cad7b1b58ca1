"""Where a value lies on an axis, in percent of the drawing's width, so that a drawing needs no fixed width."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from bedrock_eval.report.html.markup import Markup, tag
from bedrock_eval.scores.measures import Measure
from bedrock_eval.wording import MINUS

_PAD = 2.0
_TICKS = 4
_ROOM = 0.3


@dataclass(frozen=True)
class Scale:
    """An axis from `low` to `high`, low < high, with a small margin on either side."""

    low: float
    high: float

    def place(self, value: float) -> float:
        """Percent of the width, to one hundredth; what lies outside lies on the edge."""
        share = min(max((value - self.low) / (self.high - self.low), 0.0), 1.0)
        return round(_PAD + (100 - 2 * _PAD) * share, 2)

    def ticks(self) -> dict[float, str]:
        """Round values within the axis, three to six of them, as they are written."""
        rough = (self.high - self.low) / _TICKS
        power = 10.0 ** math.floor(math.log10(rough))
        step = power * min((1, 2, 2.5, 5, 10), key=lambda nice: abs(nice * power - rough))
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        digits = max(0, -math.floor(math.log10(step) + 1e-9) + math.isclose(step, 2.5 * power))
        values = (step * index for index in range(first, last + 1))
        return {value: f"{value + 0.0:,.{digits}f}".replace("-", MINUS) for value in values}


def scale_of(values: Iterable[float | None], *, low: float | None = None, high: float | None = None) -> Scale:
    """An axis that holds all known values, and begins and ends where it is told."""
    known = [value for value in values if value is not None and math.isfinite(value)]
    start = min(known, default=0.0) if low is None else low
    stop = max(known, default=1.0) if high is None else high
    size = max(abs(start), abs(stop), 1.0)
    if stop - start < 1e-9 * size:
        # Half a unit is nothing beside a number of seventeen digits.
        room = max(0.5, 1e-6 * size)
        start, stop = (start - room, stop + room) if low is None else (start, start + 2 * room)
    return Scale(start, stop)


def whole_scale(values: Iterable[float | None], definition: Measure) -> Scale:
    """The metric's whole range where it is closed, else what is seen."""
    return scale_of(values, low=definition.low, high=definition.high)


def close_scale(values: Iterable[float | None], definition: Measure | None = None) -> Scale:
    """What is seen with some room on either side, within the metric's range: intervals are small beside it."""
    seen = scale_of(values)
    room = _ROOM * (seen.high - seen.low)
    low, high = seen.low - room, seen.high + room
    least, most = (None, None) if definition is None else (definition.low, definition.high)
    return Scale(low if least is None else max(low, least), high if most is None else min(high, most))


def upright(scale: Scale, value: float, kind: str, *, y1: str = "0", y2: str = "100%") -> Markup:
    """A vertical line at a value."""
    x = f"{scale.place(value)}%"
    return tag("line", class_=kind, x1=x, x2=x, y1=y1, y2=y2)


def grid(scale: Scale) -> Markup:
    """Faint lines at the ticks."""
    return Markup("".join(upright(scale, value, "tick") for value in scale.ticks()))


def axis(scale: Scale) -> Markup:
    """The ticks' numbers, to stand above or below drawings of the same width."""
    marks = (tag("text", shown, x=f"{scale.place(value)}%", y="11") for value, shown in scale.ticks().items())
    return tag("svg", marks, class_="axis", aria_hidden="true")
