"""The worst regressions, case by case: both answers side by side, what differs marked."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bedrock_eval.direction import Better
from bedrock_eval.report.html.diff import marked
from bedrock_eval.report.html.markup import Child, Markup, tag
from bedrock_eval.report.html.samples import in_turns, shown
from bedrock_eval.report.html.subjects import chip, colour, measure
from bedrock_eval.results.evidence import MAX_REGRESSIONS, MAX_TEXT, CaseView
from bedrock_eval.results.summary import Summary
from bedrock_eval.wording import count, number, signed


@dataclass(frozen=True)
class Regression:
    """One case of one pair, by all metrics that found it among the worst."""

    views: tuple[CaseView, ...]

    @property
    def first(self) -> CaseView:
        return self.views[0]


def regressions(summary: Summary, views: Sequence[CaseView]) -> Markup:
    """The section of regressions, as many as MAX_CASES and MAX_BYTES allow; how many are left out is said."""
    found = chosen(views)
    if not found:
        return tag("p", "No case was handed over: nothing to compare, or no answer fell behind.", class_="note")
    blocks = list(shown(found, lambda each, first: _case(summary, each, unfold=first)))
    return tag("div", tag("p", _said(len(blocks), len(found)), class_="note"), _pairs(summary, blocks))


def chosen(views: Iterable[CaseView]) -> list[Regression]:
    """Each case of a pair once, in turns over pairs and metrics as given, so that none crowds the others out."""
    found = in_turns(views, queue=lambda view: (view.candidate, view.reference, view.against, view.metric), key=_key)
    return [Regression(together) for together in found]


def _key(view: CaseView) -> tuple[str, str, str, str]:
    return view.candidate, view.reference, view.against, view.case_id


def _said(shown: int, found: int) -> str:
    some = f"{count(shown, 'case')} of {found:,}" if shown < found else f"{count(shown, 'case')}"
    return (
        f"A sample: {some}, worst first. Of each pair and metric the run keeps at most {MAX_REGRESSIONS}; texts are "
        f"cut to {MAX_TEXT:,} characters. All answers lie in the run's results."
    )


def _pairs(summary: Summary, blocks: Iterable[tuple[Regression, Markup]]) -> list[Markup]:
    groups: defaultdict[tuple[str, str, str], list[Markup]] = defaultdict(list)
    for regression, block in blocks:
        view = regression.first
        groups[view.candidate, view.reference, view.against].append(block)
    return [
        tag("div", tag("h3", chip(summary, pair[0]), " behind ", _reference(summary, pair[1], pair[2])), found)
        for pair, found in groups.items()
    ]


def _reference(summary: Summary, name: str, against: str) -> Child:
    return "its baseline" if against == "baseline" else chip(summary, name)


def _case(summary: Summary, regression: Regression, *, unfold: bool) -> Markup:
    view = regression.first
    category = tag("span", view.category, " ") if view.category else None
    head = tag(
        "summary",
        tag("span", " ".join(view.prompt[:200].split()) or "(empty prompt)", class_="ask", dir="auto"),
        tag("span", _fall(summary, view), class_="fall"),
        tag("small", category, tag("code", view.case_id)),
    )
    asked = _block("Prompt", [view.prompt])
    expected = _block("Expected", view.references) if view.references else None
    body = tag("div", _scores(summary, regression.views), asked, expected, _sides(summary, view))
    return tag("details", head, body, class_="card case", open=unfold)


def _fall(summary: Summary, view: CaseView) -> str:
    title = measure(summary, view.metric).title
    return f"{title} {number(view.reference_score)} → {number(view.candidate_score)}"


def gain(summary: Summary, view: CaseView) -> float:
    """The candidate's score less the reference's, in the metric's good direction: below 0 it is worse."""
    difference = view.candidate_score - view.reference_score
    return -difference if measure(summary, view.metric).better is Better.LOWER else difference


def _scores(summary: Summary, views: Sequence[CaseView]) -> Markup:
    items = [tag("li", _fall(summary, view), " ", tag("b", f"({signed(gain(summary, view))})")) for view in views]
    falls = tag("ul", items, class_="falls", aria_label="Scores, reference first; differences in the good direction")
    return tag("div", falls, [_explanations(summary, view) for view in views])


def _explanations(summary: Summary, view: CaseView) -> Markup | None:
    """What a judge said of both answers by one metric."""
    before = "Baseline" if view.against == "baseline" else view.reference
    said = ((before, view.reference_explanation), (view.candidate, view.candidate_explanation))
    known = [tag("p", tag("b", f"{name}: "), explanation) for name, explanation in said if explanation is not None]
    if not known:
        return None
    title = f"The judge on {measure(summary, view.metric).title.lower()}"
    return tag("div", tag("h4", title), tag("div", known, class_="said", dir="auto"), class_="block")


def _block(title: str, passages: Iterable[str]) -> Markup:
    said = [tag("div", passage, class_="said", dir="auto") for passage in passages]
    return tag("div", tag("h4", title), said, class_="block")


def _sides(summary: Summary, view: CaseView) -> Markup:
    reference, candidate = marked(view.reference_answer, view.candidate_answer)
    before = (
        ("Baseline of ", chip(summary, view.reference)) if view.against == "baseline" else chip(summary, view.reference)
    )
    left = tag("h4", before, tag("span", ", words the other lacks are ", tag("del", "marked"), class_="soft"))
    right = tag(
        "h4", chip(summary, view.candidate), tag("span", ", words of its own are ", tag("ins", "marked"), class_="soft")
    )
    return tag(
        "div",
        tag("div", left, tag("div", reference, class_="said", dir="auto"), class_=colour(summary, view.reference)),
        tag("div", right, tag("div", candidate, class_="said", dir="auto"), class_=colour(summary, view.candidate)),
        class_="sides",
    )
