"""A finished run as JUnit XML: one suite per candidate, one test case per gate."""

from collections.abc import Mapping
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from bedrock_eval.gates import GateResult, Verdict, bound_text
from bedrock_eval.summary import CandidateSummary, Summary

_SECONDS = len("2026-11-23T06:00:00")


def junit(summary: Summary) -> str:
    """What continuous integration reads: worse is a failure, inconclusive is skipped with its reason.

    The form is what the JUnit schemas of Ant (windyroad) and of Surefire and Jenkins (junit-10.xsd) share: a test case
    has no properties there, so the numbers of a gate are properties of its suite, under the test case's name. Only the
    run took time: every suite carries its duration, every test case 0.
    """
    root = Element("testsuites")
    root.extend(_suite(candidate, summary, number=number) for number, candidate in enumerate(summary.candidates))
    indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{tostring(root, encoding="unicode")}\n'


def _suite(candidate: CandidateSummary, summary: Summary, *, number: int) -> Element:
    verdicts = [gate.verdict for gate in candidate.gates]
    suite = Element(
        "testsuite",
        name=_clean(candidate.name),
        package=_clean(summary.evaluation),
        id=str(number),
        timestamp=summary.started[:_SECONDS],
        hostname=_clean(summary.environment),
        tests=str(len(verdicts)),
        failures=str(verdicts.count(Verdict.WORSE)),
        errors="0",
        skipped=str(verdicts.count(Verdict.INCONCLUSIVE)),
        time=f"{summary.duration_seconds:.3f}",
    )
    _properties(suite, candidate, summary)
    class_name = _clean(f"{summary.evaluation}.{candidate.name}")
    suite.extend(_case(gate, class_name) for gate in candidate.gates)
    SubElement(suite, "system-out")
    SubElement(suite, "system-err")
    return suite


def _properties(suite: Element, candidate: CandidateSummary, summary: Summary) -> None:
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
    found = SubElement(suite, "properties")
    for name, value in facts.items():
        SubElement(found, "property", name=_clean(name), value=_clean(str(value)))


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


def _case(gate: GateResult, class_name: str) -> Element:
    case = Element("testcase", name=_clean(_name(gate)), classname=class_name, time="0")
    if gate.verdict is Verdict.WORSE:
        failure = SubElement(case, "failure", type=gate.verdict.value, message=_clean(gate.reason))
        failure.text = "\n".join(_clean(f"{name}: {value}") for name, value in _numbers(gate).items())
    elif gate.verdict is Verdict.INCONCLUSIVE:
        more = f"; about {gate.needed_n:,} cases would decide" if gate.needed_n else ""
        SubElement(case, "skipped", message=_clean(f"inconclusive: {gate.reason}{more}"))
    return case


def _name(gate: GateResult) -> str:
    return f"{gate.metric} {bound_text(gate)}"


def _clean(text: str) -> str:
    """Text without what XML 1.0 forbids even when escaped."""
    return "".join(char if _allowed(ord(char)) else "\N{REPLACEMENT CHARACTER}" for char in text)


def _allowed(code: int) -> bool:
    control = code < 0x20 and code not in (0x9, 0xA, 0xD)
    return not (control or 0xD800 <= code <= 0xDFFF or code in (0xFFFE, 0xFFFF))
