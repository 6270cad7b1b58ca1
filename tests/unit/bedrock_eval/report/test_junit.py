"""JUnit XML as continuous integration reads it."""

import io
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from xml.etree.ElementTree import Element, fromstring

import pytest
from lxml import etree

from bedrock_eval.evaluation.definition import Candidate, CustomDefinition, Dataset, Definition, Gate
from bedrock_eval.report.junit import junit, junit_of_failure
from bedrock_eval.results.outcomes import FailureReason, Outcome
from bedrock_eval.results.summarising import summarise
from bedrock_eval.results.summary import Summary

# What the schemas of Ant (windyroad/JUnit-Schema) and of Surefire (junit-10.xsd) both allow, for what we write.
SCHEMA = """
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
  <xs:simpleType name="name"><xs:restriction base="xs:token"><xs:minLength value="1"/></xs:restriction></xs:simpleType>
  <xs:simpleType name="instant"><xs:restriction base="xs:dateTime">
    <xs:pattern value="[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}"/></xs:restriction></xs:simpleType>
  <xs:complexType name="told"><xs:simpleContent><xs:extension base="xs:string">
    <xs:attribute name="message"/><xs:attribute name="type" use="required"/></xs:extension></xs:simpleContent>
  </xs:complexType>
  <xs:complexType name="skipped"><xs:attribute name="message"/></xs:complexType>
  <xs:complexType name="property">
    <xs:attribute name="name" type="name" use="required"/><xs:attribute name="value" use="required"/></xs:complexType>
  <xs:complexType name="properties"><xs:sequence>
    <xs:element name="property" type="property" minOccurs="0" maxOccurs="unbounded"/></xs:sequence></xs:complexType>
  <xs:complexType name="case">
    <xs:choice minOccurs="0">
      <xs:element name="skipped" type="skipped"/><xs:element name="failure" type="told"/>
      <xs:element name="error" type="told"/></xs:choice>
    <xs:attribute name="name" type="name" use="required"/><xs:attribute name="classname" type="name" use="required"/>
    <xs:attribute name="time" type="xs:decimal" use="required"/></xs:complexType>
  <xs:complexType name="suite"><xs:sequence>
      <xs:element name="properties" type="properties"/>
      <xs:element name="testcase" type="case" minOccurs="0" maxOccurs="unbounded"/>
      <xs:element name="system-out"/><xs:element name="system-err"/></xs:sequence>
    <xs:attribute name="name" type="name" use="required"/>
    <xs:attribute name="package" type="name" use="required"/>
    <xs:attribute name="hostname" type="name" use="required"/>
    <xs:attribute name="id" type="xs:int" use="required"/>
    <xs:attribute name="timestamp" type="instant" use="required"/>
    <xs:attribute name="tests" type="xs:int" use="required"/>
    <xs:attribute name="failures" type="xs:int" use="required"/>
    <xs:attribute name="errors" type="xs:int" use="required"/>
    <xs:attribute name="skipped" type="xs:int" use="required"/>
    <xs:attribute name="time" type="xs:decimal" use="required"/>
  </xs:complexType>
  <xs:element name="testsuites"><xs:complexType><xs:sequence>
    <xs:element name="testsuite" type="suite" minOccurs="0" maxOccurs="unbounded"/></xs:sequence></xs:complexType>
  </xs:element>
</xs:schema>
"""
DEFINITION = CustomDefinition(
    application="shop",
    environment="dev",
    evaluation="quality",
    candidates=(Candidate("good", "us.a.good", "arn:good"), Candidate("bad", "us.a.bad", "arn:bad")),
    dataset=Dataset("faq", "bucket", "datasets/faq.jsonl"),
    metrics=("f1_score", "response_length"),
    gates=(Gate("f1_score", min=0.5), Gate("response_length", min=10, max=12)),
)


def summary(definition: Definition = DEFINITION) -> Summary:
    scores = {"good": (0.9, 11.0), "bad": (0.1, 11.4)}
    outcomes = [
        Outcome(
            f"case-{index}", name, "p", scores={"f1_score": f1 + index % 3 / 50, "response_length": words + index % 2}
        )
        for name, (f1, words) in scores.items()
        for index in range(40)
    ]
    times = {"started": datetime(2026, 11, 23, 6, 0, 42, 5, UTC), "finished": datetime(2026, 11, 23, 6, 20, 43, 5, UTC)}
    return summarise(definition, run_id="20261123T060042Z", outcomes=outcomes, **times)


def parsed(text: str) -> Element:
    etree.XMLSchema(etree.parse(io.StringIO(SCHEMA))).assertValid(etree.fromstring(text.encode()))
    return fromstring(text)


def test_a_suite_per_candidate_with_coverage_metrics_and_gates() -> None:
    root = parsed(junit(summary()))
    counts = [{key: suite.get(key) for key in ("name", "tests", "failures", "skipped", "errors")} for suite in root]
    assert counts == [
        {"name": "good", "tests": "5", "failures": "0", "skipped": "0", "errors": "0"},
        {"name": "bad", "tests": "5", "failures": "1", "skipped": "1", "errors": "0"},
    ]
    assert [case.get("classname") for case in root.iter("testcase")] == ["quality.good"] * 5 + ["quality.bad"] * 5
    measured = ["coverage at least 95%", "f1_score", "response_length"]
    assert [case.get("name") for case in root[0].iter("testcase")][:3] == measured
    assert {suite.get("time") for suite in root} == {"1201.000"}


def test_worse_fails_and_undecided_is_skipped_with_its_reason() -> None:
    cases = [case for case in parsed(junit(summary())).iter("testcase") if " at " in str(case.get("name"))]
    cases = [case for case in cases if "coverage" not in str(case.get("name"))]
    assert [[child.tag for child in case] for case in cases] == [[], [], ["failure"], ["skipped"]]
    failure = cases[2].find("failure")
    assert failure is not None
    assert failure.get("message") == "the interval lies below 0.5"
    assert "n: 40" in str(failure.text)
    skipped = cases[3].find("skipped")
    assert skipped is not None
    assert "undecided: the interval spans the bound; about " in str(skipped.get("message"))


def test_the_numbers_of_a_gate_stand_in_the_properties_of_its_suite() -> None:
    whole = summary()
    suite = parsed(junit(whole))[0]
    found = {each.get("name"): each.get("value") for each in suite.iter("property")}
    gate = whole.candidates[0].gates[0]
    assert found["f1_score at least 0.5: n"] == "40"
    assert (found["f1_score at least 0.5: low"], found["f1_score at least 0.5: high"]) == (
        str(gate.low),
        str(gate.high),
    )
    assert found["model"] == "us.a.good"
    assert "f1_score at least 0.5: needed n" not in found


@pytest.mark.parametrize("name", ["<b>&\"'", "]]>", "nul \x00 bell \x07", "half \ud800 pair", "￿"])
def test_any_name_gives_valid_xml(name: str) -> None:
    definition = replace(DEFINITION, application=name, environment=name, evaluation=name)
    suite = parsed(junit(summary(definition)))[0]
    shown = suite.get("hostname")
    assert shown is not None
    assert [char for char in shown if char != "\N{REPLACEMENT CHARACTER}"] == [char for char in name if char in shown]


def test_a_run_without_gates_has_test_cases_too() -> None:
    root = parsed(junit(summary(replace(DEFINITION, gates=()))))
    assert [suite.get("tests") for suite in root] == ["3", "3"]


def answered(*, good: int, of: int, scores: Mapping[str, float | None]) -> Summary:
    """Both candidates are asked `of` cases; `good` answers `good` of them, `bad` all."""
    outcomes = [
        Outcome(f"case-{index}", name, "p", scores=scores)
        if name == "bad" or index < good
        else Outcome(f"case-{index}", name, "p", failure=FailureReason.NO_RESPONSE, detail="down")
        for name in ("good", "bad")
        for index in range(of)
    ]
    moment = datetime(2026, 11, 23, 6, 0, 42, tzinfo=UTC)
    return summarise(DEFINITION, run_id="20261123T060042Z", started=moment, finished=moment, outcomes=outcomes)


def test_too_few_answers_are_an_error() -> None:
    suite = parsed(junit(answered(good=9, of=10, scores={"f1_score": 0.9, "response_length": None})))[0]
    cases = {str(case.get("name")): case for case in suite.iter("testcase")}
    error = cases["coverage at least 95%"].find("error")
    assert error is not None
    assert (error.get("message"), error.text) == ("coverage 90.0% is below 95.0%", "no_response: 1")
    assert [child.tag for name in ("f1_score", "response_length") for child in cases[name]] == ["skipped"]
    assert suite.get("errors") == "1"


def test_without_an_answer_every_metric_is_an_error() -> None:
    root = parsed(junit(answered(good=0, of=10, scores={"f1_score": 0.9, "response_length": 3.0})))
    assert [suite.get("errors") for suite in root] == ["3", "0"]


def test_a_run_without_a_summary_is_all_errors() -> None:
    text = junit_of_failure(
        DEFINITION, run_id="20261123T060042Z", started="2026-11-23T06:00:42+00:00", reason="refused", message="<no>"
    )
    root = parsed(text)
    assert [(suite.get("name"), suite.get("tests"), suite.get("errors")) for suite in root] == [
        ("good", "3", "3"),
        ("bad", "3", "3"),
    ]
    assert {error.get("message") for error in root.iter("error")} == {"<no>"}
