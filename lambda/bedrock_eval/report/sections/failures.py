"""Cases without a usable answer: how many, for which reason, and examples."""

from collections import defaultdict
from collections.abc import Iterable

from bedrock_eval.report.html.markup import Child, Markup, tag
from bedrock_eval.report.html.subjects import chip
from bedrock_eval.report.html.tables import Body, Column, Kind, table
from bedrock_eval.results.evidence import MAX_FAILURES, FailedCase
from bedrock_eval.results.summary import Summary
from bedrock_eval.wording import count, percent

_DETAIL = 300
"""Characters of a failure's detail."""


def failures(summary: Summary, cases: Iterable[FailedCase]) -> Markup:
    """The section of failures."""
    reasons = sorted({reason for candidate in summary.candidates for reason in candidate.failures})
    if not reasons:
        asked = sum(candidate.cases for candidate in summary.candidates)
        if asked and any(candidate.coverage is None for candidate in summary.candidates):
            return tag(
                "p", f"None among the {count(asked, 'answer')}; how many cases were sent is unknown.", class_="note"
            )
        return tag("p", f"None: {count(asked, 'answer')} of {asked:,}.", class_="note")
    columns = (
        Column("Candidate", Kind.TEXT),
        Column("Cases", label="cases"),
        Column("Answered", label="answered"),
        Column("Coverage", label="coverage"),
        *(Column(named(reason), label=named(reason)) for reason in reasons),
    )
    rows: list[tuple[Child, ...]] = [
        (
            chip(summary, candidate.name),
            candidate.cases,
            candidate.scored,
            percent(candidate.coverage, digits=1),
            *(candidate.failures.get(reason, 0) for reason in reasons),
        )
        for candidate in summary.candidates
    ]
    counts = tag("div", table(columns, [Body(rows)], caption="Failed cases by candidate and reason"), class_="card")
    return tag("div", counts, _examples(summary, cases))


def named(reason: str) -> str:
    """A failure reason as words."""
    return reason.replace("_", " ")


def _examples(summary: Summary, cases: Iterable[FailedCase]) -> Markup | None:
    groups: defaultdict[tuple[str, str], list[FailedCase]] = defaultdict(list)
    for case in cases:
        groups[case.candidate, case.reason].append(case)
    if not groups:
        return None
    columns = (Column("Case", Kind.TEXT), Column("Message", Kind.TEXT))
    bodies = [
        Body(
            [(tag("code", case.case_id), tag("span", case.detail[:_DETAIL], class_="said")) for case in found],
            title=(chip(summary, candidate), " ", named(reason)),
        )
        for (candidate, reason), found in groups.items()
    ]
    shown = table(columns, bodies, caption="Examples of failed cases")
    title = tag("summary", f"Examples, at most {MAX_FAILURES} of each reason")
    return tag("details", title, tag("div", shown, class_="card"), class_="more")
