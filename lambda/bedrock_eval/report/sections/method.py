"""How the numbers were made."""

from bedrock_eval.report.html.markup import Child, Markup, join, tag
from bedrock_eval.report.html.subjects import measure, metric_names
from bedrock_eval.results.summary import Summary
from bedrock_eval.scores import METRICS
from bedrock_eval.scores.job_measures import about
from bedrock_eval.verdicts.gates import MIN_SAMPLE
from bedrock_eval.wording import count, instant, level, percent, seconds


def method(summary: Summary) -> Markup:
    """The section on how it was computed."""
    facts = tag("dl", [_fact(term, told) for term, told in _facts(summary)], class_="method")
    return tag("div", facts, _formulas(summary), class_="card")


def _fact(term: str, told: Child) -> Markup:
    return join(tag("dt", term), tag("dd", told))


def _facts(summary: Summary) -> list[tuple[str, Child]]:
    gates = [gate for candidate in summary.candidates for gate in candidate.gates]
    levels = sorted({level(gate.confidence) for gate in gates})
    k = f"k = {len(gates)}, so each at {' and '.join(levels)}" if gates else "none here"
    return [
        ("Run", f"{summary.run_id}, {instant(summary.started)}, took {seconds(summary.duration_seconds)}"),
        ("Dataset", tag("code", summary.dataset)),
        (
            "What is counted",
            "A case is scored, failed, or not applicable for one metric. n counts the scored cases; means leave out "
            "failed cases. Coverage is answered cases divided by cases sent. A text that a guardrail or filter "
            "returned in place of an answer is not an answer. A leading <think> part is not scored, unless the "
            "evaluation says so.",
        ),
        (
            "Calls and cost",
            "Every call that Bedrock accepted is counted. A call whose answer came too late, or whose record was "
            "lost, has an unknown cost; the report then shows the known cost with 'at least'.",
        ),
        (
            "Intervals",
            f"At {level(summary.confidence)}: Wilson for metrics of 0 and 1, Student's t for the others, the rule of "
            "three if all values are equal. The interval is about the mean of all cases like these, not about the "
            "next answer.",
        ),
        (
            "Differences",
            "Paired by case: a pair has the same id, prompt and references, and both sides answered it. Other cases "
            "are counted as unpaired. Tango's score "
            "interval for metrics of 0 and 1, paired t for the others. Above 0 the candidate is better, whichever "
            "direction the metric has. Metrics without a better direction are not compared.",
        ),
        (
            "Verdicts",
            f"By the interval at 1 - (1 - {level(summary.confidence)}) / k, with k the gates of the run (Bonferroni): "
            f"{k}. Bounds: passed, the whole interval is within the bound; failed, the whole interval is beyond it. "
            "Comparisons with the baseline: better, the whole interval is above 0; not worse, it excludes a drop of "
            "more than max_drop; worse, the whole interval is below 0. Undecided: none of these, or under "
            f"{MIN_SAMPLE} cases, or under "
            f"{percent(summary.min_coverage)} of the cases answered.",
        ),
        (
            "Holm p-values",
            "p-values for 'no difference', adjusted for all comparisons of the run. They decide nothing.",
        ),
        (
            "How many cases would decide",
            "With this many cases four of five runs would decide (power 80%), given the spread in this run.",
        ),
        ("Form", f"summary.json, schema version {summary.schema_version}; percentiles of latency by nearest rank"),
    ]


def _formulas(summary: Summary) -> Markup | None:
    known = {name: text for name in metric_names(summary) if (text := _doc(name)) is not None}
    if not known:
        return None
    docs = [
        _fact(
            measure(summary, name).title, (tag("code", _named(summary, name)), tag("div", _plain(text), class_="doc"))
        )
        for name, text in known.items()
    ]
    title = tag("summary", f"Formula and source of {count(len(known), 'metric')}")
    return tag("details", title, tag("dl", docs, class_="method"), class_="more")


def _named(summary: Summary, name: str) -> str:
    version = measure(summary, name).version
    return name if version is None else f"{name}, version {version}"


def _doc(name: str) -> str | None:
    return METRICS[name].doc if name in METRICS else about(name)


def _plain(doc: str) -> str:
    """A docstring without its indentation."""
    return "\n".join(line.strip() for line in doc.strip().splitlines())
