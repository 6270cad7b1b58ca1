"""Checks of form, their parameters, and classification."""

import json
import random
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bedrock_eval import codec
from bedrock_eval.scores import METRICS, Confusion, ParameterError, confusion, score
from bedrock_eval.scores.classification import label_of
from bedrock_eval.scores.text import patterns

LABELS = ["Positive", "Negative", "Very negative", "2"]


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        ('{"a": [1, null, "é"]}', 1.0),
        (" 1\n", 1.0),
        ("9" * 5000, 1.0),
        ('"\\ud83d"', 1.0),
        ("", 0.0),
        ("{'a': 1}", 0.0),
        ('{"a": 1,}', 0.0),
        ('```json\n{"a": 1}\n```', 0.0),
        ('Here it is: {"a": 1}', 0.0),
        ("NaN", 0.0),
        ("[-Infinity]", 0.0),
        ("[" * 100_000, 0.0),
        ("[" * 100_000 + "]" * 100_000, 0.0),
    ],
)
def test_json_is_the_whole_answer_and_strict(response: str, expected: float) -> None:
    assert score("json_valid", response=response) == expected


@given(st.text())
def test_any_answer_can_be_checked(response: str) -> None:
    assert score("json_valid", response=response) in (0.0, 1.0)
    assert score("json_schema_match", response=response, schema={"type": "object"}) in (0.0, 1.0)
    assert score("regex_match", response=response, pattern=".") == float(bool(response.replace("\n", "")))
    distinct = score("distinct_2", response=response)
    assert distinct is None or 0 < distinct <= 1


SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string", "minLength": 1}, "people": {"type": "integer", "minimum": 0}},
    "required": ["city"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"city": "Bonn", "people": 330000}, 1.0),
        ({"city": "Bonn", "people": 3.0}, 1.0),
        ({"city": "Bonn", "people": True}, 0.0),
        ({"city": ""}, 0.0),
        ({"people": 1}, 0.0),
        ({"city": "Bonn", "river": "Rhine"}, 0.0),
        (["Bonn"], 0.0),
    ],
)
def test_an_answer_fits_its_schema(answer: Any, expected: float) -> None:
    assert score("json_schema_match", response=json.dumps(answer), schema=SCHEMA) == expected


def test_an_answer_that_is_no_json_fits_no_schema() -> None:
    assert score("json_schema_match", response="Bonn", schema=True) == 0.0


def test_a_schema_may_refer_to_itself() -> None:
    tree = {"type": "object", "properties": {"children": {"type": "array", "items": {"$ref": "#"}}}}
    fits = '{"children": [{"children": []}]}'
    assert score("json_schema_match", response=fits, schema=tree) == 1.0
    assert score("json_schema_match", response='{"children": [{"children": 1}]}', schema=tree) == 0.0
    assert score("json_schema_match", response="1", schema={"$ref": "#"}) == 0.0


def test_decimal_multiples_are_decimal() -> None:
    tenths = {"multipleOf": 0.1}
    answers = {"0.3": 1.0, "0.35": 0.0, "1e400": 0.0, '"x"': 1.0}
    assert {text: score("json_schema_match", response=text, schema=tenths) for text in answers} == answers


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        (3, "#: 3 is no schema"),
        ({"type": "strng"}, "#/type: 'strng'; allowed: one or a list of null, boolean, integer"),
        ({"properties": {"a": {"minimum": "1"}}}, "#/properties/a/minimum: '1'; allowed: a number"),
        ({"items": {"unevaluatedItems": False}}, "#/items/unevaluatedItems: the keyword is not supported; allowed: "),
        ({"$ref": "https://example.com/s"}, "#/$ref: 'https://example.com/s'; allowed: a place in the same schema"),
        ({"$ref": "#/$defs/a"}, "#/$ref: '#/$defs/a' leads nowhere; '$defs' is not there"),
        ({"allOf": []}, "#/allOf: []; allowed: a list of one or more schemas"),
        ({"pattern": "("}, "#/pattern: '('; allowed: a regular expression"),
        ({"pattern": r"(a)\1"}, "allowed: a regular expression whose time is bounded"),
        ({"patternProperties": {r"(a)\1": True}}, "#/patternProperties: the pattern has a reference to a group"),
        ({"patternProperties": {"(": True}}, "'(' is no regular expression"),
        ({"contains": True, "minContains": -1}, "minContains -1"),
        ({1, 2}, "not JSON"),
    ],
)
def test_a_schema_that_cannot_be_checked_says_where(schema: object, told: str) -> None:
    with pytest.raises(ParameterError) as raised:
        score("json_schema_match", response="1", schema=schema)
    assert told in str(raised.value)
    assert str(raised.value).startswith("metric json_schema_match, parameter 'schema': ")


@pytest.mark.parametrize(
    ("name", "parameters", "told"),
    [
        ("f1_score", {"pattern": "x"}, "metric f1_score takes no parameter 'pattern'; allowed: none"),
        ("regex_match", {"patern": "x"}, "metric regex_match takes no parameter 'patern'; allowed: pattern"),
        ("regex_match", {}, "metric regex_match needs the parameter 'pattern'"),
        ("regex_match", {"pattern": "("}, "'(' is no regular expression: "),
        ("regex_match", {"pattern": 3}, "3 is no regular expression"),
        ("regex_match", {"pattern": "a{99999999999}"}, "is no regular expression: the repetition number is too large"),
        ("regex_match", {"pattern": "(" * 2000 + ")" * 2000}, "is nested too deeply"),
        ("regex_match", {"pattern": r"(['\"]).*\1"}, "the pattern has a reference to a group, whose time has no bound"),
        ("regex_match", {"pattern": "(?>a+)b"}, "an atomic group"),
        ("regex_match", {"pattern": "a++b"}, "a possessive repeat"),
        ("regex_match", {"pattern": "(a)?(?(1)b|c)"}, "a condition on a group"),
        ("regex_match", {"pattern": "(((a{100}){100}){100}){100}"}, "the pattern repeats too much"),
        ("regex_match", {"pattern": "((){30000}){30000}"}, "the pattern repeats too much"),
        ("json_schema_match", {}, "metric json_schema_match needs the parameter 'schema'"),
        ("truncated", {"stop_reason": 1}, "1 is no stop reason"),
        ("classification_accuracy", {"labels": "yes"}, "'yes' is no list of labels"),
        ("classification_accuracy", {"labels": []}, "the list of labels is empty"),
        ("classification_accuracy", {"labels": ["a", " "]}, "' ' is no label"),
        ("classification_accuracy", {"labels": ["Yes", "yes!"]}, "'yes!' and 'Yes' are one label"),
    ],
)
def test_a_wrong_parameter_is_one_clear_error(name: str, parameters: dict[str, Any], told: str) -> None:
    with pytest.raises(ParameterError) as raised:
        score(name, response="x", references=["x"], **parameters)
    assert told in str(raised.value)


def test_two_metrics_need_parameters_that_an_evaluation_sets() -> None:
    assert {name for name, metric in METRICS.items() if metric.required} == {
        "json_schema_match",
        "regex_match",
    }


def test_contains_is_letter_by_letter() -> None:
    assert score("contains", response="Order #42 is late", references=["#42"]) == 1.0
    assert score("contains", response="order", references=["Order"]) == 0.0
    assert score("contains", response="b", references=["a", "b"]) == 1.0
    assert score("contains", response="b") is None


def test_a_pattern_may_be_anchored() -> None:
    assert score("regex_match", response="order 4711", pattern=r"\d{4}") == 1.0
    assert score("regex_match", response="order 4711", pattern=r"\A\d{4}\Z") == 0.0


SLOW = [
    "(a|aa)+$",
    "(a+)+$",
    "(a*)*b",
    "a*a*a*a*b",
    "(a|a)*b",
    "(.*)(.*)(.*)x",
    r"(\w+\s?)+!$",
    "(?=(a+)+$)b",
    "(?!(a|aa)+$)b",
]


@pytest.mark.parametrize("pattern", SLOW)
def test_no_pattern_takes_longer_than_its_text_is_long(pattern: str) -> None:
    """Python's re takes years for some of these."""
    answer = "a" * 20_000 + "?"
    assert score("regex_match", response=answer, pattern=pattern) == 0.0
    told = {"pattern": pattern}
    assert score("json_schema_match", response=json.dumps(answer), schema=told) == 0.0
    named = {"patternProperties": {pattern: False}}
    assert score("json_schema_match", response=json.dumps({answer: 1}), schema=named) == 1.0


def test_what_would_take_too_long_all_the_same_is_not_applicable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patterns, "_MOST_WORK", 20_000)
    rng = random.Random(1)
    answer = "".join(rng.choices("ab", k=3_000))
    pattern = "(a|b)*a(a|b){90}c"
    assert score("regex_match", response=answer, pattern=pattern) is None
    assert score("json_schema_match", response=json.dumps(answer), schema={"pattern": pattern}) is None


ITEMS = st.sampled_from(
    re.findall(
        r"\S+",
        r"a b [ab] [^a] . \w \b \B ^ $ \d \s \A \Z é \n (?i:A) (?s:.) (?=a) (?!b) (?<=a) (?<!b) (?<=ab) (?=a*b) (?!.*a)"
        r" (?m:^) (?m:$) (?:) (?!) (?i:É)",
    )
)
PATTERNS = st.recursive(
    ITEMS,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("".join),
        st.tuples(inner, inner).map(lambda two: f"(?:{two[0]}|{two[1]})"),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "*?", "+?", "??", "{2}", "{1,3}", "{,2}", "{2,}"])).map(
            lambda two: f"({two[0]}){two[1]}"
        ),
        inner.map(lambda each: f"(?={each})"),
        inner.map(lambda each: f"(?!{each})"),
    ),
    max_leaves=8,
)


@given(PATTERNS, st.lists(st.text(alphabet="abAB é1\n", max_size=8), max_size=4))
@settings(max_examples=200)
def test_a_pattern_means_what_it_means_to_python(pattern: str, answers: list[str]) -> None:
    for answer in answers:
        assert score("regex_match", response=answer, pattern=pattern) == float(bool(re.search(pattern, answer)))


def test_many_items_are_told_apart_in_one_pass() -> None:
    unique = {"uniqueItems": True}
    items = [*range(30_000), True, False, None, "1", [1], [1.5], {"a": 1}, {"a": True}]
    assert score("json_schema_match", response=json.dumps(items), schema=unique) == 1.0
    for again in (1.0, [1.0], {"a": 1.0}, True, "1"):
        assert score("json_schema_match", response=json.dumps([*items, again]), schema=unique) == 0.0


@pytest.mark.parametrize(
    ("stop_reason", "expected"),
    [("max_tokens", 1.0), ("model_context_window_exceeded", 1.0), ("end_turn", 0.0), (None, None)],
)
def test_truncation_is_told_by_the_stop_reason(stop_reason: str | None, expected: float | None) -> None:
    assert score("truncated", response="x", stop_reason=stop_reason) == expected
    assert score("truncated", response="x") is None


def test_repetition_lowers_the_share_of_distinct_pairs() -> None:
    assert score("distinct_2", response="a b a b a") == 0.5
    assert score("distinct_2", response="one two three") == 1.0
    assert score("distinct_2", response="one") is None


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        ("Positive", "Positive"),
        ("The review is NEGATIVE.", "Negative"),
        ("**Very negative**, not positive", "Very negative"),
        ("The answer is 2.", "2"),
        ("The answer is 2.5", None),
        ("positively", None),
        ("", None),
    ],
)
def test_the_first_label_in_the_answer_counts(response: str, expected: str | None) -> None:
    assert label_of(response, LABELS) == expected


@pytest.mark.parametrize("labels", [["Very", "Very negative"], ["Very negative", "Very"]])
def test_of_labels_that_begin_at_one_place_the_longest_counts(labels: list[str]) -> None:
    assert label_of("Very negative.", labels) == "Very negative"
    assert label_of("Very positive.", labels) == "Very"


@pytest.mark.parametrize(
    ("response", "reference", "labels", "expected"),
    [
        ("I would say: negative", "Negative", LABELS, 1.0),
        ("very negative", "Negative", LABELS, 0.0),
        ("no idea", "Negative", LABELS, 0.0),
        ("Negative, and that is all", "negative", None, 1.0),
        ("I would say: negative", "negative", None, 0.0),
        ("", "negative", None, 0.0),
        ("negative", "", None, None),
    ],
)
def test_accuracy_of_one_case(response: str, reference: str, labels: Any, expected: float | None) -> None:
    parameters = {} if labels is None else {"labels": labels}
    assert score("classification_accuracy", response=response, references=[reference], **parameters) == expected


def test_measures_of_a_run() -> None:
    # Eight a: six right, one b, one without a label. Two b: one right.
    run = Confusion.of([*[("a", "a")] * 6, ("a", "b"), ("a", None), ("b", "b"), ("b", "a")])
    assert (run.n, run.labels) == (10, ("a", "b"))
    assert run.accuracy == 0.7
    assert run.recall == run.balanced_accuracy == (6 / 8 + 1 / 2) / 2
    assert run.precision == pytest.approx((6 / 7 + 1 / 2) / 2)
    assert (run.recall_of("b"), run.precision_of("b"), run.precision_of("c")) == (0.5, 0.5, None)


def test_measures_of_nothing_are_unknown() -> None:
    empty = Confusion()
    assert (empty.n, empty.accuracy, empty.balanced_accuracy, empty.precision, empty.recall) == (0, *[None] * 4)


def test_answers_are_counted_by_their_labels() -> None:
    run = confusion([("It is positive!", "positive"), ("2", "Negative"), ("?", "Negative")], labels=LABELS)
    assert run == Confusion.of([("Positive", "Positive"), ("Negative", "2"), ("Negative", None)])
    with pytest.raises(ValueError, match="the list of labels is empty"):
        confusion([], labels=[])


CASES = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["a", "b", "c", None])), max_size=30)


@given(CASES, CASES, CASES)
def test_parts_add_up_to_the_whole_in_any_order(first: Any, second: Any, third: Any) -> None:
    whole = Confusion.of([*first, *second, *third])
    assert Confusion.of(third) + (Confusion.of(first) + Confusion.of(second)) == whole
    assert codec.decode(Confusion, codec.encode(whole), "confusion") == whole
