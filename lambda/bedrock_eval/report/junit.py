"""A run as JUnit XML: a suite per candidate, a test case for its coverage, for each metric and for each gate."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from bedrock_eval.evaluation.definition import Definition
from bedrock_eval.results.summary import CandidateSummary, MetricSummary, Summary
from bedrock_eval.verdicts.gates import GateResult, Verdict, bound_text, thin_coverage, verdict_word
from bedrock_eval.wording import count, level

_SECONDS = len("2026-11-23T06:00:00")
_ERROR, _FAILURE, _SKIPPED = "error", "failure", "skipped"


@dataclass(frozen=True)
class _Case:
    """One test case. `outcome`: the element that it holds, None when it passes; `kind` says what has gone wrong."""

    name: str
    outcome: str | None = None
    message: str = ""
    kind: str = ""
    text: str | None = None


@dataclass(frozen=True)
class _Run:
    """What the suites of a run share."""

    evaluation: str
    environment: str
    started: str
    seconds: float


def junit(summary: Summary) -> str:
    """Write what continuous integration reads: a gate that failed or is worse is a failure, an undecided one is skipped
    with its reason, and cases without an answer are an error.

    The form is what the JUnit schemas of Ant (windyroad) and of Surefire and Jenkins (junit-10.xsd) share: a test case
    has no properties there, so the numbers of a gate are properties of its suite, under the test case's name. Only the
    run took time: every suite carries its duration, every test case 0.
    """
    run = _Run(summary.evaluation, summary.environment, summary.started, summary.duration_seconds)
    return _document(
        _suite(candidate.name, list(_cases(candidate, summary)), run, number=number, facts=_facts(candidate, summary))
        for number, candidate in enumerate(summary.candidates)
    )


def junit_of_failure(definition: Definition, *, run_id: str, started: str, reason: str, message: str) -> str:
    """The same of a run that has no summary: every test case is an error.

    Args:
        started: ISO 8601.
        reason, message: why it ended.
    """
    run = _Run(definition.evaluation, definition.environment, started, 0.0)
    names = [f"coverage at least {level(definition.min_coverage)}", *definition.metrics]
    cases = [_Case(name, _ERROR, message, kind=reason) for name in names]
    return _document(
        _suite(
            candidate.name,
            cases,
            run,
            number=number,
            facts={
                "application": definition.application,
                "run": run_id,
                "dataset": definition.dataset.uri,
                "model": candidate.model_id,
            },
        )
        for number, candidate in enumerate(definition.candidates)
    )


def _document(suites: Iterator[Element]) -> str:
    root = Element("testsuites")
    root.extend(suites)
    indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{tostring(root, encoding="unicode")}\n'


def _suite(name: str, cases: Sequence[_Case], run: _Run, *, number: int, facts: Mapping[str, object]) -> Element:
    outcomes = [case.outcome for case in cases]
    suite = Element(
        "testsuite",
        name=_clean(name),
        package=_clean(run.evaluation),
        id=str(number),
        timestamp=run.started[:_SECONDS],
        hostname=_clean(run.environment),
        tests=str(len(cases)),
        failures=str(outcomes.count(_FAILURE)),
        errors=str(outcomes.count(_ERROR)),
        skipped=str(outcomes.count(_SKIPPED)),
        time=f"{run.seconds:.3f}",
    )
    properties = SubElement(suite, "properties")
    for key, value in facts.items():
        SubElement(properties, "property", name=_clean(key), value=_clean(str(value)))
    suite.extend(_element(case, _clean(f"{run.evaluation}.{name}")) for case in cases)
    SubElement(suite, "system-out")
    SubElement(suite, "system-err")
    return suite


def _facts(candidate: CandidateSummary, summary: Summary) -> dict[str, object]:
    facts: dict[str, object] = {
        "application": summary.application,
        "run": summary.run_id,
        "dataset": summary.dataset,
        "model": candidate.model_id,
        "cases": candidate.cases,
        "scored": candidate.scored,
        "failed": candidate.failed,
    }
    for gate in candidate.gates:
        facts |= {f"{_name(gate)}: {key}": value for key, value in _numbers(gate).items()}
    return facts


def _cases(candidate: CandidateSummary, summary: Summary) -> Iterator[_Case]:
    yield _coverage(candidate, summary)
    for name, metric in candidate.metrics.items():
        yield _metric(name, metric, candidate)
    for gate in candidate.gates:
        yield _gate(gate)


def _coverage(candidate: CandidateSummary, summary: Summary) -> _Case:
    name = f"coverage at least {level(summary.min_coverage)}"
    thin = thin_coverage(candidate.coverage, summary.min_coverage)
    if thin is None:
        return _Case(name)
    if candidate.coverage is None and candidate.cases:
        return _Case(name, _SKIPPED, thin)
    failures = "\n".join(f"{reason}: {times}" for reason, times in candidate.failures.items())
    return _Case(name, _ERROR, thin, kind="coverage", text=failures)


def _metric(name: str, metric: MetricSummary, candidate: CandidateSummary) -> _Case:
    """Passed when it was measured: whether that is good enough is for gates to say."""
    if metric.n or metric.labels:
        return _Case(name)
    if not candidate.scored:
        return _Case(name, _ERROR, "no case was answered", kind="coverage")
    return _Case(name, _SKIPPED, "no answer has a value of it")


def _gate(gate: GateResult) -> _Case:
    if gate.verdict is Verdict.WORSE:
        numbers = "\n".join(f"{name}: {value}" for name, value in _numbers(gate).items())
        return _Case(_name(gate), _FAILURE, gate.reason, kind=gate.verdict.value, text=numbers)
    if gate.verdict is Verdict.INCONCLUSIVE:
        more = f"; about {count(gate.needed_n, 'case')} would decide" if gate.needed_n else ""
        return _Case(_name(gate), _SKIPPED, f"{verdict_word(gate)}: {gate.reason}{more}")
    return _Case(_name(gate))


def _element(case: _Case, class_name: str) -> Element:
    element = Element("testcase", name=_clean(case.name), classname=class_name, time="0")
    if case.outcome is not None:
        held = SubElement(element, case.outcome, message=_clean(case.message))
        if case.kind:
            held.set("type", _clean(case.kind))
        held.text = None if case.text is None else _clean(case.text)
    return element


def _numbers(gate: GateResult) -> Mapping[str, object]:
    """What is known of a gate."""
    numbers = {
        "verdict": gate.verdict.value,
        "n": gate.n,
        "mean": gate.mean,
        "low": gate.low,
        "high": gate.high,
        "confidence": gate.confidence,
        "needed n": gate.needed_n,
    }
    return {name: value for name, value in numbers.items() if value is not None}


def _name(gate: GateResult) -> str:
    return f"{gate.metric} {bound_text(gate)}"


def _clean(text: str) -> str:
    """Text without what XML 1.0 forbids even when escaped."""
    return "".join(char if _allowed(ord(char)) else "\N{REPLACEMENT CHARACTER}" for char in text)


def _allowed(code: int) -> bool:
    control = code < 0x20 and code not in (0x9, 0xA, 0xD)
    return not (control or 0xD800 <= code <= 0xDFFF or code in (0xFFFE, 0xFFFF))
