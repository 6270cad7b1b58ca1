"""What a judge said of the worst answers: prompt, answer, and by each metric the score and its reason."""

from collections.abc import Sequence

from bedrock_eval.direction import Better
from bedrock_eval.report.html.markup import Markup, tag
from bedrock_eval.report.html.samples import in_turns, shown
from bedrock_eval.report.html.subjects import chip, measure
from bedrock_eval.results.evidence import MAX_EXPLAINED, MAX_TEXT, ExplainedCase
from bedrock_eval.results.summary import Summary
from bedrock_eval.wording import count, number


def explanations(summary: Summary, cases: Sequence[ExplainedCase]) -> Markup | None:
    """The section of explanations, None without any; how many cases are left out is said."""
    found = in_turns(
        cases,
        queue=lambda case: (case.candidate, case.metric),
        key=lambda case: (case.candidate, case.case_id),
    )
    if not found:
        return None
    blocks = list(shown(found, lambda each, first: _case(summary, each, unfold=first)))
    some = count(len(blocks), "case") + (f" of {len(found):,}" if len(blocks) < len(found) else "")
    note = (
        f"A sample: {some}, worst first. Of each candidate and metric the run keeps at most {MAX_EXPLAINED} that could "
        f"have been better; texts are cut to {MAX_TEXT:,} characters. A judge errs too: read some of it."
    )
    return tag("div", tag("p", note, class_="note"), [block for _, block in blocks])


def _case(summary: Summary, views: Sequence[ExplainedCase], *, unfold: bool) -> Markup:
    first = views[0]
    head = tag(
        "summary",
        tag("span", " ".join(first.prompt[:200].split()) or "(empty prompt)", class_="ask", dir="auto"),
        tag("span", _score(summary, first), class_="fall"),
        tag(
            "small",
            chip(summary, first.candidate),
            " ",
            tag("span", first.category, " ") if first.category else None,
            tag("code", first.case_id),
        ),
    )
    body = tag(
        "div",
        _block("Prompt", first.prompt),
        [_block("Expected", reference) for reference in first.references],
        _block("Answer", first.answer),
        [_block(f"The judge: {_score(summary, view)}", view.explanation) for view in views],
    )
    return tag("details", head, body, class_="card case", open=unfold)


def _score(summary: Summary, view: ExplainedCase) -> str:
    found = measure(summary, view.metric)
    lower = ", lower is better" if found.better is Better.LOWER else ""
    return f"{found.title} {number(view.score)}{lower}"


def _block(title: str, text: str) -> Markup:
    return tag("div", tag("h4", title), tag("div", text, class_="said", dir="auto"), class_="block")
