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
            "A case is scored, or failed, or for one metric not applicable. n counts scored cases; a failed case is in "
            "no mean. Coverage is answered of asked. What a guardrail or filter has put in the place of an answer is "
            "none. Leading thoughts in <think> tags are set aside, unless the evaluation scores them.",
        ),
        (
            "Calls and cost",
            "Calls are those that Bedrock took, whatever came back. One whose tokens nobody has told, because its "
            "answer came too late or its record was lost, is in no cost: the cost is then at least so much.",
        ),
        (
            "Intervals",
            f"At {level(summary.confidence)}: Wilson's for metrics of 0 and 1, Student's t for the others, the rule of "
            "three where all values are the same. The interval covers the mean of all cases like these, not the next "
            "answer.",
        ),
        (
            "Differences",
            "Paired by case: only cases with the same id, prompt and references that both sides answered; the others "
            "are counted as unpaired. Tango's score "
            "interval for metrics of 0 and 1, paired t for the others. Always in the metric's good direction: above 0 "
            "the candidate is better. Neutral metrics have none.",
        ),
        (
            "Verdicts",
            f"By the interval at 1 - (1 - {level(summary.confidence)}) / k, with k the gates of the run (Bonferroni): "
            f"{k}. Passed: the interval keeps the bound; failed: it lies wholly beyond. Of a fall behind the baseline: "
            "better, the whole difference lies above 0; not worse, a drop of more than max_drop is excluded; worse, "
            f"the whole difference lies below 0. Undecided: none of these, or under {MIN_SAMPLE} cases, or under "
            f"{percent(summary.min_coverage)} of the cases answered.",
        ),
        (
            "Holm p-values",
            "Of no difference, adjusted for all comparisons of the run. They stand beside and decide nothing.",
        ),
        ("Cases it takes", "With which four of five runs would decide (power 80%), from the spread seen here."),
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
