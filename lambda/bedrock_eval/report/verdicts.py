"""What was decided, first: the worst verdicts on top, each with its reason and the cases it would take."""

from collections import Counter

from bedrock_eval.gates import GateResult, Verdict, bound_text
from bedrock_eval.measures import Measure
from bedrock_eval.report.drawing import interval_plot, symbol
from bedrock_eval.report.markup import Markup, tag
from bedrock_eval.report.scale import axis, close_scale
from bedrock_eval.report.subjects import chip, measure
from bedrock_eval.summary import Summary
from bedrock_eval.wording import count, interval, level, number, p_value, signed, signed_interval

_WORDS = {
    Verdict.BETTER: "Better",
    Verdict.NOT_WORSE: "Passes",
    Verdict.INCONCLUSIVE: "Inconclusive",
    Verdict.WORSE: "Fails",
}
_SEVERAL = {Verdict.NOT_WORSE: "pass", Verdict.WORSE: "fail"}


def verdicts(summary: Summary) -> Markup:
    """The section of verdicts."""
    found = sorted(
        ((candidate.name, gate) for candidate in summary.candidates for gate in candidate.gates),
        key=lambda item: -item[1].verdict.number,
    )
    if not found:
        none = "No gate is declared for this evaluation: nothing is decided here, what follows describes."
        return tag("p", none, class_="note")
    rows = [_gate(summary, candidate, gate) for candidate, gate in found]
    return tag("ol", rows, class_="gates")


def tally(summary: Summary) -> Markup | None:
    """How many gates came out how, as badges."""
    counts = Counter(gate.verdict for candidate in summary.candidates for gate in candidate.gates)
    badges = [
        tag("li", badge(verdict, _counted(verdict, counts[verdict])))
        for verdict in reversed(Verdict)
        if counts[verdict]
    ]
    return tag("ul", badges, class_="tally", aria_label="Verdicts") if badges else None


def badge(verdict: Verdict, word: str) -> Markup:
    """A verdict as symbol, word and colour."""
    return tag("span", symbol(verdict), word, class_=f"word badge {verdict.value}")


def _counted(verdict: Verdict, number_of: int) -> str:
    word = _WORDS[verdict].lower()
    return f"{number_of:,} {word if number_of == 1 else _SEVERAL.get(verdict, word)}"


def _gate(summary: Summary, candidate: str, gate: GateResult) -> Markup:
    title = measure(summary, gate.metric).title
    what = tag(
        "div",
        tag("h3", title),
        tag("p", chip(summary, candidate), " ", tag("span", bound_text(gate), class_="soft")),
    )
    told = f"{title} of {candidate}: {_numbers(gate)}; {bound_text(gate)}"
    reason = tag("p", gate.reason[:1].upper() + gate.reason[1:], ".", _needed(gate))
    return tag(
        "li",
        tag("div", badge(gate.verdict, _WORDS[gate.verdict])),
        what,
        _drawn(gate, measure(summary, gate.metric), told=told),
        tag("div", reason, tag("p", _numbers(gate), class_="soft"), class_="told"),
        class_=f"card gate {gate.verdict.value}",
    )


def _drawn(gate: GateResult, definition: Measure, *, told: str) -> Markup:
    """A level on the metric's own scale, or a difference beside 0; the bounds dashed."""
    ends = (gate.mean, gate.low, gate.high)
    if gate.max_drop is None:
        bounds = [value for value in (gate.min, gate.max) if value is not None]
        scale = close_scale((*ends, *bounds), definition)
    else:
        bounds = [-gate.max_drop]
        scale = close_scale((*ends, *bounds, 0.0))
    plot = interval_plot(
        title=told,
        scale=scale,
        mean=gate.mean,
        low=gate.low,
        high=gate.high,
        kind=gate.verdict.value,
        zero=gate.max_drop is not None,
        bounds=bounds,
    )
    return tag("div", plot, axis(scale))


def _numbers(gate: GateResult) -> str:
    at = level(gate.confidence)
    if gate.max_drop is None:
        return f"mean {number(gate.mean)}, {interval(gate.low, gate.high)} ({at}), {count(gate.n, 'case')}"
    parts = [
        f"difference {signed(gate.mean)}, {signed_interval(gate.low, gate.high)} ({at})",
        f"{count(gate.n, 'pair')}, {gate.unpaired or 0:,} unpaired",
        f"Holm p {p_value(gate.holm_p_value)}",
    ]
    if gate.minimum_detectable is not None:
        parts.append(f"finds differences from {number(gate.minimum_detectable)} on")
    return ", ".join(parts)


def _needed(gate: GateResult) -> Markup | None:
    if gate.verdict is not Verdict.INCONCLUSIVE:
        return None
    if gate.needed_n is None:
        return tag("span", " How many cases would decide is unknown.")
    return tag("strong", f" About {gate.needed_n:,} cases would decide.")
