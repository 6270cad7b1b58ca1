"""A mistake of YAML is told where it begins."""

import warnings

import pytest

from configuration.document.reading import DocumentError, read_document

TEXT = """\
application: shop
account: "111111111111"
region: us-east-1
owner: team
models:
  small:
    id: amazon.nova-lite-v1:0
  large:
    id: amazon.nova-pro-v1:0
evaluations:
  quality:
    candidates: [small, large]
    gates:
      - metric: relevance_score
        min: 0.5
tags: {a: b, c: d}
"""

MISTAKES = [
    (("owner: team", 'owner: "team'), 4, "a quote is opened here and never closed"),
    (("owner: team", "owner: 'team"), 4, "a quote is opened here and never closed"),
    (("application: shop", 'application: "shop'), 1, "a quote is opened here and closed by the next quote, in line 2"),
    (('"111111111111"', '"111111111111'), 2, "a quote is opened here and never closed"),
    (("region: us", 'region: "us'), 3, "a quote is opened here and never closed"),
    (("small, large]", '"small, large]'), 12, "a quote is opened here and never closed"),
    (("owner: team", 'owner: "te\\qam"'), 4, "\\q is no escape in double quotes; needed: single quotes, or \\\\q"),
    (("owner: team", "owner: 'team's'"), 4, "the line does not continue the lines before it"),
    (("small, large]", "small, large"), 12, "[ is opened here and never closed"),
    (("c: d}", "c: d"), 16, "{ is opened here and never closed"),
    (("{a: b", "a: b"), 16, "a colon where no key can be"),
    (("  large:", "\tlarge:"), 8, "a tab where YAML allows spaces only"),
    (("    id: amazon.nova-pro", "\t\tid: amazon.nova-pro"), 9, "a tab where YAML allows spaces only"),
    (("  large:", " large:"), 8, "the line does not continue the lines before it"),
    (("  large:", "   large:"), 8, "the line does not continue the lines before it"),
    (("        min:", "       min:"), 15, "the line does not continue the lines before it"),
    (("        min:", "         min:"), 15, "a colon where no key can be"),
    (("owner: team", "owner: team: a"), 4, "a colon where no key can be"),
    (("owner: team", "owner team"), 4, "a line without a colon and a space after a key"),
    (("owner: team", "owner:team"), 4, "a line without a colon and a space after a key"),
    (("  small:", "  small"), 6, "a line without a colon and a space after a key"),
    (("- metric", "-metric"), 14, "without a space after a dash"),
    (("owner: team", "owner: @team"), 4, "text that begins with @ needs quotes"),
    (("owner: team", "owner: %team"), 4, "text that begins with % needs quotes"),
    (("owner: team", "owner: `team`"), 4, "text that begins with ` needs quotes"),
    (
        ("owner: team", "owner: *team"),
        4,
        "*team refers to an anchor &team, which does not exist; put text that begins with *",
    ),
    (("owner: team", "owner: |\n  team\n more"), 6, "the line does not continue the lines before it"),
    (("owner: team", "owner: |x\n  team"), 4, "expected chomping or indentation indicators"),
    (("owner: team", "owner: te\x07am"), 4, "the character U+0007 is not allowed in YAML"),
    (("owner: team", "owner: team\n---"), 5, "a second YAML document begins"),
]


@pytest.mark.parametrize(("change", "line", "told"), MISTAKES)
def test_a_mistake_of_yaml_is_told_where_it_begins(change: tuple[str, str], line: int, told: str) -> None:
    assert TEXT.count(change[0]) == 1
    with pytest.raises(DocumentError) as raised:
        read_document(TEXT.replace(*change))
    assert told in str(raised.value)
    assert raised.value.line == line
    assert str(raised.value).startswith("not YAML: ")


def test_two_anchors_of_one_name_are_one_mistake_and_no_warning_of_a_library() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        document = read_document("a: &x 1\nb: [&y 2, *x]\nc: &x 3\nd: *x\n")
    (mistake,) = document.mistakes
    assert (mistake.path, mistake.line) == (("c",), 3)
    assert mistake.message == "anchor 'x' is already defined in line 1; needed: another name"
    assert not read_document("a: &x {b: 1}\nc: *x\nd: *x\n").mistakes


def test_a_byte_order_mark_before_a_value_is_no_text() -> None:
    assert read_document('a: "\\ufeffb"\n').data == {"a": "b"}


def test_digits_of_other_scripts_are_no_number() -> None:
    (mistake,) = read_document("a: !!int １２\n").mistakes
    assert "looks like a number but is not one" in mistake.message
