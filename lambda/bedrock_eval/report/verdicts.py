"""What was decided, first: the worst verdicts on top, each with its reason and the cases it would take."""

from collections import Counter

from bedrock_eval.gates import GateResult, Verdict, bound_text
from bedrock_eval.report.drawing import interval_plot, symbol
from bedrock_eval.report.markup import Markup, tag
from bedrock_eval.report.scale import axis, close_scale
from bedrock_eval.report.subjects import chip, measure
from bedrock_eval.summary import Summary
from bedrock_eval.wording import count, interval, level, number

_WORDS = {
    Verdict.BETTER: ("Better", "better"),
    Verdict.NOT_WORSE: ("Passes", "pass"),
    Verdict.INCONCLUSIVE: ("Inconclusive", "inconclusive"),
    Verdict.WORSE: ("Fails", "fail"),
}


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
    alone, several = _WORDS[verdict]
    return f"{number_of:,} {alone.lower() if number_of == 1 else several}"


def _gate(summary: Summary, candidate: str, gate: GateResult) -> Markup:
    definition = measure(summary, gate.metric)
    what = tag(
        "div",
        tag("h3", definition.title, " ", tag("span", bound_text(gate), class_="soft")),
        tag("p", chip(summary, candidate)),
    )
    bounds = [value for value in (gate.min, gate.max) if value is not None]
    told = f"{definition.title} of {candidate}: {_numbers(gate)}; {bound_text(gate)}"
    scale = close_scale((gate.mean, gate.low, gate.high, *bounds), definition)
    plot = interval_plot(
        title=told,
        scale=scale,
        mean=gate.mean,
        low=gate.low,
        high=gate.high,
        kind=gate.verdict.value,
        bounds=bounds,
    )
    reason = tag("p", gate.reason[:1].upper() + gate.reason[1:], ".", _needed(gate))
    numbers = tag("p", _numbers(gate), class_="soft")
    return tag(
        "li",
        tag("div", badge(gate.verdict, _WORDS[gate.verdict][0])),
        what,
        tag("div", plot, axis(scale)),
        tag("div", reason, numbers, class_="told"),
        class_=f"card gate {gate.verdict.value}",
    )


def _numbers(gate: GateResult) -> str:
    return (
        f"mean {number(gate.mean)}, {interval(gate.low, gate.high)} ({level(gate.confidence)}), {count(gate.n, 'case')}"
    )


def _needed(gate: GateResult) -> Markup | None:
    if gate.verdict is not Verdict.INCONCLUSIVE:
        return None
    if gate.needed_n is None:
        return tag("span", " How many cases would decide is unknown.")
    return tag("strong", f" About {gate.needed_n:,} cases would decide.")
