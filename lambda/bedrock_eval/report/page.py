"""The page: what it holds and in which order."""

from collections.abc import Callable
from dataclasses import dataclass

from bedrock_eval.report.html.markup import Child, Markup, tag
from bedrock_eval.report.html.style import STYLE
from bedrock_eval.report.html.subjects import chip
from bedrock_eval.report.sections.categories import categories
from bedrock_eval.report.sections.differences import differences
from bedrock_eval.report.sections.distributions import distributions
from bedrock_eval.report.sections.efficiency import efficiency
from bedrock_eval.report.sections.explanations import explanations
from bedrock_eval.report.sections.failures import failures
from bedrock_eval.report.sections.method import method
from bedrock_eval.report.sections.planning import planning
from bedrock_eval.report.sections.regressions import regressions
from bedrock_eval.report.sections.scores import scores
from bedrock_eval.report.sections.verdicts import tally, verdicts
from bedrock_eval.report.words.conclusion import conclusion
from bedrock_eval.report.words.remarks import remarks
from bedrock_eval.results.evidence import Evidence
from bedrock_eval.results.summary import CandidateSummary, Summary
from bedrock_eval.wording import count, instant, seconds

_NO_EVIDENCE = Evidence()

# No script, no network, whatever an answer says; the icon keeps a browser from asking the server for one.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"


@dataclass(frozen=True)
class _Section:
    key: str
    title: str
    make: Callable[[Summary, Evidence], Markup | None]


_SECTIONS = (
    _Section("verdicts", "Verdicts", lambda summary, _: verdicts(summary)),
    _Section("differences", "Paired differences", lambda summary, _: differences(summary)),
    _Section("scores", "Scores", lambda summary, _: scores(summary)),
    _Section("distributions", "Distributions", lambda summary, _: distributions(summary)),
    _Section("categories", "Categories", lambda summary, _: categories(summary)),
    _Section("efficiency", "Cost and latency", efficiency),
    _Section("regressions", "Worst regressions", lambda summary, evidence: regressions(summary, evidence.regressions)),
    _Section(
        "explanations",
        "Explanations of the judge",
        lambda summary, evidence: explanations(summary, evidence.explained),
    ),
    _Section("failures", "Failures", lambda summary, evidence: failures(summary, evidence.failures)),
    _Section("method", "Method", lambda summary, _: method(summary)),
    _Section("planning", "How many cases would decide", lambda summary, _: planning(summary)),
)


def render(summary: Summary, evidence: Evidence = _NO_EVIDENCE) -> str:
    """The report of a finished run; `evidence` adds the single cases and the latencies."""
    made = [(section, section.make(summary, evidence)) for section in _SECTIONS]
    shown = [(section, content) for section, content in made if content is not None]
    title = f"{summary.evaluation}: {summary.application}, {summary.environment}"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        tag("meta", name="color-scheme", content="light dark"),
        tag("link", rel="icon", href="data:,"),
        tag("title", title),
        tag("style", Markup(STYLE)),
    )
    body = tag(
        "body",
        tag("a", "Skip to the verdicts", class_="skip", href="#verdicts"),
        tag(
            "div",
            _header(summary),
            _navigation([section for section, _ in shown]),
            tag("main", [_section(section, content) for section, content in shown]),
            tag("footer", tag("p", f"{summary.application}, {summary.environment}, run {summary.run_id}")),
            class_="page",
        ),
    )
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


def _section(section: _Section, content: Markup) -> Markup:
    key = f"{section.key}-title"
    return tag("section", tag("h2", section.title, id=key), content, id=section.key, aria_labelledby=key)


def _navigation(sections: list[_Section]) -> Markup:
    links = [tag("li", tag("a", section.title, href=f"#{section.key}")) for section in sections]
    return tag("nav", tag("ul", links), aria_label="Sections")


def _header(summary: Summary) -> Markup:
    return tag(
        "header",
        tag("p", f"{summary.application} / {summary.environment}", class_="eyebrow"),
        tag("h1", summary.evaluation),
        tag("p", conclusion(summary), class_="lead"),
        tally(summary),
        tag("ul", [_model(summary, candidate) for candidate in summary.candidates], class_="facts models"),
        tag("dl", [tag("div", tag("dt", term), tag("dd", told)) for term, told in _facts(summary)], class_="facts"),
    )


def _model(summary: Summary, candidate: CandidateSummary) -> Markup:
    noted = "; ".join(remarks(candidate))
    return tag(
        "li", chip(summary, candidate.name), " ", candidate.model_id, tag("small", f" {noted}") if noted else None
    )


def _facts(summary: Summary) -> list[tuple[str, Child]]:
    asked = sum(candidate.cases for candidate in summary.candidates)
    failed = sum(candidate.failed for candidate in summary.candidates)
    held = summary.baseline
    baseline = "none pinned" if held is None else f"{held.run_id}{f' ({held.missing})' if held.missing else ''}"
    judged = "" if summary.answers is None else f", answers of {summary.answers}"
    retried = "" if summary.retry_of is None else f", the other answers from {summary.retry_of}"
    return [
        ("Run", f"{instant(summary.started)}, took {seconds(summary.duration_seconds)}"),
        ("Answers", f"{count(asked, 'case')} sent, {failed:,} failed{judged}{retried}"),
        ("Baseline", baseline),
    ]
