"""Our JSON Schema against the jsonschema package, over generated schemas and values."""

import json
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from bedrock_eval.scores import score
from bedrock_eval.scores.text.json_schema import compile_schema

NUMBERS = st.one_of(st.integers(-4, 9), st.sampled_from([0.5, 1.0, 1.5, 2.0, -1.0]))
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, st.text("ab", max_size=3))
KEYS = st.sampled_from(["a", "b", "ab"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=8,
)
COUNTS = st.integers(0, 3)
PATTERNS = st.sampled_from(["^a", "b$", "a+b", ""])
TYPES = st.sampled_from(["null", "boolean", "integer", "number", "string", "array", "object"])


def _schemas(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    some = st.lists(inner, min_size=1, max_size=2)
    named = st.dictionaries(KEYS, inner, max_size=2)
    return st.fixed_dictionaries(
        {},
        optional={
            "type": st.one_of(TYPES, st.lists(TYPES, min_size=1, max_size=3, unique=True)),
            "properties": named,
            "required": st.lists(KEYS, max_size=2, unique=True),
            "additionalProperties": inner,
            "patternProperties": st.dictionaries(PATTERNS, inner, max_size=1),
            "propertyNames": inner,
            "dependentSchemas": named,
            "dependentRequired": st.dictionaries(KEYS, st.lists(KEYS, max_size=2, unique=True), max_size=1),
            "items": inner,
            "prefixItems": some,
            "contains": inner,
            "minContains": COUNTS,
            "maxContains": COUNTS,
            "allOf": some,
            "anyOf": some,
            "oneOf": some,
            "not": inner,
            "if": inner,
            "then": inner,
            "else": inner,
        },
    )


LEAVES = st.one_of(
    st.booleans(),
    st.fixed_dictionaries({"$ref": st.just("#/$defs/leaf")}),
    st.fixed_dictionaries(
        {},
        optional={
            "type": TYPES,
            "enum": st.lists(VALUES, min_size=1, max_size=3),
            "minimum": NUMBERS,
            "exclusiveMaximum": NUMBERS,
            "multipleOf": st.sampled_from([1, 2, 0.5]),
            "minLength": COUNTS,
            "maxLength": COUNTS,
            "pattern": PATTERNS,
        },
    ),
    st.fixed_dictionaries(
        {},
        optional={
            "const": VALUES,
            "maximum": NUMBERS,
            "exclusiveMinimum": NUMBERS,
            "minItems": COUNTS,
            "maxItems": COUNTS,
            "uniqueItems": st.booleans(),
            "minProperties": COUNTS,
            "maxProperties": COUNTS,
            "title": st.just("a leaf"),
        },
    ),
)
SCHEMAS = st.recursive(LEAVES, _schemas, max_leaves=6)


@given(SCHEMAS, SCHEMAS.filter(lambda schema: "$ref" not in json.dumps(schema)), st.lists(VALUES, max_size=6))
@settings(max_examples=250, deadline=None)
@example({"enum": [1, True]}, True, [1, 1.0, True, False, 0, [1], {"a": True}])
@example({"uniqueItems": True}, True, [[1, True], [0, False], [1, 1.0], [{"a": 1}, {"a": 1.0}], [[1], [True]]])
def test_schemas_decide_as_jsonschema_does(schema: Any, leaf: Any, values: list[Any]) -> None:
    whole = {"allOf": [schema], "$defs": {"leaf": leaf}}
    theirs = Draft202012Validator(whole)
    check = compile_schema(whole)
    assert [check(value) for value in values] == [theirs.is_valid(value) for value in values]


@given(VALUES)
@settings(max_examples=80, deadline=None)
def test_an_answer_is_read_as_json(value: Any) -> None:
    schema = {"type": ["object", "array"]}
    ours = score("json_schema_match", response=f"\n{json.dumps(value)} ", schema=schema)
    assert ours == float(isinstance(value, dict | list))
