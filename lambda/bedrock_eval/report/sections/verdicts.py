"""What was decided, first: the worst verdicts on top, each with its reason and the cases it would take."""

from bedrock_eval.report.html.drawing import interval_plot, symbol
from bedrock_eval.report.html.levels import bounds_of, drops_of, gates_on, level_scale
from bedrock_eval.report.html.markup import Markup, tag
from bedrock_eval.report.html.scale import Scale, axis, close_scale
from bedrock_eval.report.html.subjects import chip, measure
from bedrock_eval.results.summary import Summary
from bedrock_eval.verdicts.gates import GateResult, Verdict, bound_text, verdict_tally, verdict_word
from bedrock_eval.wording import count, interval, level, number, p_value, signed, signed_interval


def verdicts(summary: Summary) -> Markup:
    """The section of verdicts."""
    found = sorted(
        ((candidate.name, gate) for candidate in summary.candidates for gate in candidate.gates),
        key=lambda item: -item[1].verdict.number,
    )
    if not found:
        none = "This evaluation has no gate, so it has no verdict. The sections below describe the scores."
        return tag("p", none, class_="note")
    rows = [_gate(summary, candidate, gate) for candidate, gate in found]
    return tag("ol", rows, class_="gates")


def tally(summary: Summary) -> Markup | None:
    """How many gates came out how, as badges."""
    gates = [gate for candidate in summary.candidates for gate in candidate.gates]
    verdicts_of = {verdict_word(gate): gate.verdict for gate in gates}
    badges = [
        tag("li", badge(verdicts_of[word], f"{number_of:,} {word}"))
        for word, number_of in reversed(verdict_tally(gates).items())
    ]
    return tag("ul", badges, class_="tally", aria_label="Verdicts") if badges else None


def badge(verdict: Verdict, word: str) -> Markup:
    """A verdict as symbol, word and colour."""
    return tag("span", symbol(verdict), word, class_=f"word badge {verdict.value}")


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
        tag("div", badge(gate.verdict, verdict_word(gate).capitalize())),
        what,
        _drawn(summary, gate, told=told),
        tag("div", reason, tag("p", _numbers(gate), class_="soft"), class_="told"),
        class_=f"card gate {gate.verdict.value}",
    )


def _drawn(summary: Summary, gate: GateResult, *, told: str) -> Markup:
    """A level on the metric's scale, or a difference beside 0; the bounds dashed."""
    levels = gate.max_drop is None
    scale = level_scale(summary, gate.metric) if levels else _drop_scale(summary, gate.metric)
    plot = interval_plot(
        title=told,
        scale=scale,
        mean=gate.mean,
        low=gate.low,
        high=gate.high,
        kind=gate.verdict.value,
        zero=not levels,
        bounds=bounds_of(gate) if levels else drops_of(gate),
    )
    return tag("div", plot, axis(scale))


def _drop_scale(summary: Summary, metric: str) -> Scale:
    """One for all falls behind the baseline of a metric."""
    gates = [gate for gate in gates_on(summary, metric) if gate.max_drop is not None]
    ends = [value for gate in gates for value in (gate.mean, gate.low, gate.high, *drops_of(gate))]
    return close_scale((*ends, 0.0))


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
        parts.append(f"smallest difference found: {number(gate.minimum_detectable)}")
    return ", ".join(parts)


def _needed(gate: GateResult) -> Markup | None:
    if gate.verdict is not Verdict.INCONCLUSIVE:
        return None
    if gate.needed_n is None:
        return tag("span", " How many cases would decide is unknown.")
    return tag("strong", f" About {gate.needed_n:,} cases would decide.")
