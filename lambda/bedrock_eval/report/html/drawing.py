"""The small drawings: symbols, and intervals on an axis."""

from collections.abc import Iterable

from bedrock_eval.report.html.markup import Markup, tag
from bedrock_eval.report.html.scale import Scale, grid, upright
from bedrock_eval.verdicts.gates import Verdict

# Drawn in a square of 16: a font's glyphs differ between systems, and some turn into coloured emoji.
_SHAPES = {
    Verdict.BETTER: "M8 12.5V4M4.2 7.6 8 3.8l3.8 3.8",
    Verdict.NOT_WORSE: "M3.5 8.5 6.7 11.6 12.5 4.8",
    Verdict.INCONCLUSIVE: "M3.6 8h.9M7.55 8h.9M11.5 8h.9",
    Verdict.WORSE: "M4.5 4.5l7 7M11.5 4.5l-7 7",
}


def symbol(verdict: Verdict) -> Markup:
    """The sign of a verdict; its word stands beside it."""
    return tag("svg", tag("path", d=_SHAPES[verdict]), class_="symbol", viewBox="0 0 16 16", aria_hidden="true")


def interval_plot(  # noqa: PLR0913 - one drawing, all by keyword
    *,
    title: str,
    scale: Scale,
    mean: float | None,
    low: float | None,
    high: float | None,
    kind: str = "",
    zero: bool = False,
    bounds: Iterable[float] = (),
) -> Markup:
    """A mean with its interval, beside a zero line and dashed bounds."""
    marks = [grid(scale)]
    marks += [upright(scale, 0.0, "zero")] if zero else []
    marks += [upright(scale, value, "bound") for value in bounds]
    if low is not None and high is not None:
        ends = {"x1": f"{scale.place(low)}%", "x2": f"{scale.place(high)}%"}
        marks.append(tag("line", class_="span", y1="50%", y2="50%", **ends))
    if mean is not None:
        marks.append(tag("circle", class_="mean", cx=f"{scale.place(mean)}%", cy="50%", r="4"))
    return tag("svg", tag("title", title), marks, class_=f"plot {kind}".rstrip(), role="img")
