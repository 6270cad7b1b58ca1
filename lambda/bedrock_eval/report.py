"""A run's report as one HTML file: no network, no script, light and dark, every text escaped."""

from html import escape

from bedrock_eval.evidence import Evidence, FailedCase
from bedrock_eval.gates import GateResult, Verdict
from bedrock_eval.metrics import METRICS
from bedrock_eval.summary import CandidateSummary, MetricSummary, Summary

_STYLE = """
:root { color-scheme: light dark; --ink: #16202c; --soft: #5b6876; --line: #d7dde4; --paper: #fff; --band: #f4f6f8;
  --mark: #2563a8; --good: #17693a; --bad: #b3261e; --open: #8a5a00; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6ebf1; --soft: #9aa7b5; --line: #34404d; --paper: #12181f;
  --band: #1a222b; --mark: #7fb3ea; --good: #6fcf97; --bad: #ff9b93; --open: #f2c063; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 62rem; padding: 2rem 1.25rem 4rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .25rem; } h2 { font-size: 1.15rem; margin: 2.25rem 0 .5rem; }
.facts { color: var(--soft); margin: 0; overflow-wrap: anywhere; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: .45rem .75rem .45rem 0; text-align: right; border-bottom: 1px solid var(--line);
  white-space: nowrap; }
th { color: var(--soft); font-weight: 600; font-size: .85rem; } tbody th { color: var(--ink); font-size: 1rem; }
th:first-child, td.text, th.text { text-align: left; } td.text { white-space: normal; }
small { color: var(--soft); font-weight: 400; }
.verdict { font-weight: 700; } .worse { color: var(--bad); } .inconclusive { color: var(--open); }
.not_worse, .better { color: var(--good); }
.bar svg { display: block; width: 200px; height: 20px; }
.bar line { stroke: var(--mark); stroke-width: 2; } .bar circle { fill: var(--mark); }
.bar .axis { stroke: var(--line); stroke-width: 1; } .bar .bound { stroke: var(--bad); stroke-dasharray: 3 2; }
footer { margin-top: 3rem; color: var(--soft); font-size: .9rem; }
"""

_VERDICT_WORDS = {
    Verdict.BETTER: "Better",
    Verdict.NOT_WORSE: "Passes",
    Verdict.INCONCLUSIVE: "Inconclusive",
    Verdict.WORSE: "Fails",
}


_NO_EVIDENCE = Evidence()


def render(summary: Summary, evidence: Evidence = _NO_EVIDENCE) -> str:
    """The report of a finished run; `evidence` adds the single cases."""
    title = f"{summary.evaluation}: {summary.application}, {summary.environment}"
    sections = [
        _gates(summary),
        _cases(summary),
        *(_metric(summary, name) for name in summary.candidates[0].metrics),
        _failed_cases(evidence.failures),
        _method(summary),
    ]
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>{_STYLE}</style>
</head>
<body>
<main>
<h1>{escape(summary.evaluation)}</h1>
<p class="facts">{escape(summary.application)} in {escape(summary.environment)}, run {escape(summary.run_id)},
{_duration(summary.duration_seconds)}, dataset {escape(summary.dataset)}</p>
{"".join(sections)}
</main>
</body>
</html>
"""


def number(value: float | None) -> str:
    """A number for people: about four significant digits, and `unknown` for what is not known."""
    if value is None:
        return "unknown"
    if value == 0 or 0.001 <= abs(value) < 1000:
        return f"{value:.3f}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.2e}"


def interval(low: float | None, high: float | None) -> str:
    """An interval for people."""
    return "interval unknown" if low is None or high is None else f"{number(low)} to {number(high)}"


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"took {seconds:.3g} s"
    return f"took {seconds / 60:.0f} min"


_TEXT_HEADS = frozenset({"Candidate", "Metric", "Verdict", "Why", "Failures by reason", "Mean and interval"})


def _table(heads: list[str], rows: list[str]) -> str:
    cells = "".join(
        f'<th scope="col"{" class=text" if head in _TEXT_HEADS else ""}>{escape(head)}</th>' for head in heads
    )
    return f'<div class="wide"><table><thead><tr>{cells}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'


def _gates(summary: Summary) -> str:
    rows = [_gate_row(candidate, gate) for candidate in summary.candidates for gate in candidate.gates]
    if not rows:
        return "<h2>Verdicts</h2><p>No gate is declared for this evaluation.</p>"
    heads = ["Candidate", "Metric", "Verdict", "Bound", "Mean", "Interval", "n", "Why"]
    return f"<h2>Verdicts</h2>{_table(heads, rows)}"


def _gate_row(candidate: CandidateSummary, gate: GateResult) -> str:
    bounds = [f"at least {gate.min:g}"] if gate.min is not None else []
    bounds += [f"at most {gate.max:g}"] if gate.max is not None else []
    more = f"; about {gate.needed_n:,} cases would decide" if gate.needed_n else ""
    return (
        f'<tr><th scope="row">{escape(candidate.name)}</th><td class="text">{escape(METRICS[gate.metric].title)}</td>'
        f'<td class="text verdict {gate.verdict.value}">{_VERDICT_WORDS[gate.verdict]}</td>'
        f"<td>{' and '.join(bounds)}</td><td>{number(gate.mean)}</td>"
        f"<td>{interval(gate.low, gate.high)} <small>({gate.confidence:.1%})</small></td><td>{gate.n:,}</td>"
        f'<td class="text">{escape(gate.reason + more)}</td></tr>'
    )


def _cases(summary: Summary) -> str:
    rows = [
        f'<tr><th scope="row">{escape(candidate.name)} <small>{escape(candidate.model_id)}</small></th>'
        f"<td>{candidate.cases:,}</td><td>{candidate.scored:,}</td><td>{candidate.failed:,}</td>"
        f'<td class="text">{escape(_failures(candidate))}</td>'
        f"<td>{candidate.usage.input_tokens:,}</td><td>{candidate.usage.output_tokens:,}</td></tr>"
        for candidate in summary.candidates
    ]
    heads = ["Candidate", "Cases", "Scored", "Failed", "Failures by reason", "Input tokens", "Output tokens"]
    return f"<h2>Cases</h2>{_table(heads, rows)}"


def _failures(candidate: CandidateSummary) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in candidate.failures.items()) or "none"


def _failed_cases(cases: tuple[FailedCase, ...]) -> str:
    if not cases:
        return ""
    rows = [
        f'<tr><th scope="row">{escape(case.case_id)}</th><td>{escape(case.candidate)}</td>'
        f'<td>{escape(case.reason)}</td><td class="text">{escape(case.detail)}</td></tr>'
        for case in cases
    ]
    return f"<h2>Examples of failures</h2>{_table(['Case', 'By', 'Reason', 'Why'], rows)}"


def _metric(summary: Summary, name: str) -> str:
    definition = METRICS[name]
    found = [candidate.metrics[name] for candidate in summary.candidates]
    scale = _scale(found, definition.low, definition.high)
    rows = [
        _metric_row(candidate, candidate.metrics[name], scale=scale, gates=candidate.gates, name=name)
        for candidate in summary.candidates
    ]
    heads = ["Candidate", "n", "Mean", f"{summary.confidence:.0%} interval", "Median", "Mean and interval"]
    direction = {"higher": "higher is better", "lower": "lower is better", "neutral": "neither direction is better"}
    note = f"<small>{escape(definition.unit)}, {direction[definition.better.value]}</small>"
    return f"<h2>{escape(definition.title)} {note}</h2>{_table(heads, rows)}"


def _scale(found: list[MetricSummary], low: float | None, high: float | None) -> tuple[float, float]:
    ends = [end for metric in found for end in (metric.low, metric.high, metric.mean) if end is not None]
    start = low if low is not None else min(ends, default=0.0)
    stop = high if high is not None else max(ends, default=1.0) * 1.05
    return start, stop if stop > start else start + 1


def _metric_row(
    candidate: CandidateSummary,
    metric: MetricSummary,
    *,
    scale: tuple[float, float],
    gates: tuple[GateResult, ...],
    name: str,
) -> str:
    bounds = [bound for gate in gates if gate.metric == name for bound in (gate.min, gate.max) if bound is not None]
    missing = f" <small>({metric.not_applicable:,} not applicable)</small>" if metric.not_applicable else ""
    return (
        f'<tr><th scope="row">{escape(candidate.name)}</th><td>{metric.n:,}{missing}</td><td>{number(metric.mean)}</td>'
        f"<td>{interval(metric.low, metric.high)}</td><td>{number(metric.median)}</td>"
        f'<td class="bar">{_bar(metric, scale=scale, bounds=bounds)}</td></tr>'
    )


def _bar(metric: MetricSummary, *, scale: tuple[float, float], bounds: list[float]) -> str:
    if metric.mean is None:
        return ""

    def place(value: float) -> float:
        return 4 + 192 * min(max((value - scale[0]) / (scale[1] - scale[0]), 0), 1)

    label = f"mean {number(metric.mean)}, {interval(metric.low, metric.high)}"
    marks = [f'<line class="bound" x1="{place(b):.1f}" x2="{place(b):.1f}" y1="1" y2="19"/>' for b in bounds]
    if metric.low is not None and metric.high is not None:
        marks.append(f'<line x1="{place(metric.low):.1f}" x2="{place(metric.high):.1f}" y1="10" y2="10"/>')
    return (
        f'<svg viewBox="0 0 200 20" role="img" aria-label="{escape(label)}">'
        f'<line class="axis" x1="4" x2="196" y1="10" y2="10"/>{"".join(marks)}'
        f'<circle cx="{place(metric.mean):.1f}" cy="10" r="4"/></svg>'
    )


def _method(summary: Summary) -> str:
    return (
        "<footer><p>n counts scored cases; a failed case is in no mean. Intervals are at "
        f"{summary.confidence:.0%}: Student's t, and Wilson's for metrics of 0 and 1. A verdict uses the wider "
        "interval that its number of gates asks for (Bonferroni). A bound is drawn dashed.</p></footer>"
    )
