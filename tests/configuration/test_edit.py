"""Single values are changed, and every other character stays."""

import difflib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configuration.document.edit import EditError, Scalar, edit
from configuration.document.reading import Path as DocumentPath
from configuration.document.reading import read_document
from tests.support.frozen import ENVIRONMENTS, NAMES

TEXT = """\
# a comment above
application: shop   # and one beside

models:
    small: # four blanks here
        id: amazon.nova-lite-v1:0
        rates:
            input: 0.06 # checked by hand
            output: 0.24

    # about the large one
    large: {id: us.anthropic.claude-haiku-5-5, rates: {input: 1.0}}
    last:
        id: 'quoted'

evaluations: {}
gates:
  - metric: f1_score # the first
    min: 0.5 # by hand
  - {metric: rouge_l, min: 0.2}
tail: |
  text
  more
"""


def changed(text: str, after: str) -> list[str]:
    """The lines that go (-) and come (+)."""
    lines = difflib.unified_diff(text.splitlines(), after.splitlines(), n=0, lineterm="")
    return [line for line in lines if not line.startswith(("---", "+++", "@@"))]


@pytest.mark.parametrize(
    ("path", "value", "lines"),
    [
        (
            ("models", "small", "rates", "input"),
            0.0633,
            ["-            input: 0.06 # checked by hand", "+            input: 0.0633 # checked by hand"],
        ),
        (("models", "small", "rates", "cache_read"), 0.015, ["+            cache_read: 0.015"]),
        (
            ("models", "large", "rates", "output"),
            5.0,
            [
                "-    large: {id: us.anthropic.claude-haiku-5-5, rates: {input: 1.0}}",
                "+    large: {id: us.anthropic.claude-haiku-5-5, rates: {input: 1.0, output: 5}}",
            ],
        ),
        (("models", "last", "rates", "input"), 1, ["+        rates:", "+          input: 1"]),
        (("models", "last", "id"), "plain", ["-        id: 'quoted'", "+        id: plain"]),
        (
            ("evaluations", "quality", "baseline"),
            "20261123T060000Z",
            ["-evaluations: {}", '+evaluations: {quality: {baseline: "20261123T060000Z"}}'],
        ),
        (("owner",), "true", ['+owner: "true"']),
        (("models", "small", "verified_until"), "2026-12-31", ["+        verified_until: 2026-12-31"]),
        (("gates", 0, "min"), 0.25, ["-    min: 0.5 # by hand", "+    min: 0.25 # by hand"]),
        (("gates", 0, "max_drop"), 0.1, ["+    max_drop: 0.1"]),
        (
            ("gates", 1, "max_drop"),
            0.1,
            ["-  - {metric: rouge_l, min: 0.2}", "+  - {metric: rouge_l, min: 0.2, max_drop: 0.1}"],
        ),
    ],
)
def test_one_value(path: DocumentPath, value: Scalar, lines: list[str]) -> None:
    assert changed(TEXT, edit(TEXT, {path: value})) == lines


def test_several_values_and_the_place_of_new_ones() -> None:
    after = edit(TEXT, {("models", "small", "rates", "cache_read"): 0.01, ("models", "small", "profile"): True})
    lines = after.splitlines()
    at = lines.index("            output: 0.24")
    assert lines[at + 1 : at + 4] == ["            cache_read: 0.01", "        profile: true", ""]


def test_line_ends_are_kept() -> None:
    text = "a: 1\r\nb:\r\n  c: 2\r\n"
    assert edit(text, {("b", "d"): 3}) == "a: 1\r\nb:\r\n  c: 2\r\n  d: 3\r\n"
    assert edit("a: 1", {("b",): 2}) == "a: 1\nb: 2"
    assert edit("a:\nb: 1\n", {("a",): 2}) == "a: 2\nb: 1\n"


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("a:\n  b: # later\nc: 1\n", "a:\n  b: # later\n    d: 2\nc: 1\n"),
        ("a:\n  b: ~ # none known\n", "a:\n  b: # none known\n    d: 2\n"),
        ("a:\r\n  b:\r\nc: 1\r\n", "a:\r\n  b:\r\n    d: 2\r\nc: 1\r\n"),
        ("a: {b: , c: 1}\n", "a: {b: {d: 2} , c: 1}\n"),
        ("a:\n", "a:\n  b:\n    d: 2\n"),
        # Below a mapping whose last value is nothing yet.
        ("a:\n  b:\n    e:\n  c: 1\n", "a:\n  b:\n    e:\n    d: 2\n  c: 1\n"),
    ],
)
def test_nothing_is_filled(text: str, after: str) -> None:
    assert edit(text, {("a", "b", "d"): 2}) == after


@pytest.mark.parametrize(
    ("text", "path", "told"),
    [
        ("a: &x 1\nb: *x\n", ("a",), "a: the change would affect other values"),
        ("a: &x {b: 1}\nc: *x\n", ("c", "b"), "would affect other values"),
        ("a: [1]\n", ("a", "b"), "no mapping|single value"),
        ("a: {b: 1}\n", ("a",), "is not a single value"),
        ("a: [\n", ("a",), "line 2: not YAML"),
        ("a: 1\n", ("a", "b"), "no mapping|single value"),
        ("a: [{b: 1}]\n", ("a", 1, "b"), "no mapping|single value"),
    ],
)
def test_what_cannot_be_changed_alone_is_refused(text: str, path: DocumentPath, told: str) -> None:
    with pytest.raises(EditError, match=told):
        edit(text, {path: 2})


@given(
    st.one_of(
        st.text(max_size=20).filter(str.isprintable),
        st.booleans(),
        st.integers(),
        st.integers(0, 10**9).map(lambda n: n / 1000),
    )
)
def test_every_value_is_read_back(value: Scalar) -> None:
    after = edit("a: 1\nb: 2\n", {("a",): value})
    assert read_document(after).data == {"a": value, "b": 2}


@pytest.mark.parametrize("name", NAMES)
def test_shipped_files_take_rates(name: str) -> None:
    text = (ENVIRONMENTS / f"{name}.yaml").read_text("utf-8")
    after = edit(text, {("models", "nova", "rates", "input"): 77.5, ("models", "nova", "rates", "output"): 78.5})
    assert all(line.startswith("+") or "put: " in line for line in changed(text, after))
    rates = read_document(after).data["models"]["nova"]["rates"]
    assert (rates["input"], rates["output"]) == (77.5, 78.5)
