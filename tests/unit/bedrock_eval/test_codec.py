from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedrock_eval.codec import DecodeError, decode, encode


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True)
class Inner:
    number: int
    share: float = 0.5


@dataclass(frozen=True)
class Outer:
    name: str
    inner: Inner
    flag: bool = False
    note: str | None = None
    colour: Colour = Colour.RED
    items: tuple[Inner, ...] = ()
    pair: tuple[int, str] | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    free: Any = None


FULL = Outer(
    "n", Inner(1), True, "t", Colour.BLUE, (Inner(2), Inner(3, 0.25)), (4, "x"), {"a": 5}, {"any": [1, None, "x"]}
)


def as_cloudformation(value: Any) -> Any:
    """Every scalar as the string that a custom resource gets."""
    if isinstance(value, dict):
        return {key: as_cloudformation(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_cloudformation(item) for item in value]
    return str(value).lower() if isinstance(value, bool) else str(value)


def test_a_value_comes_back_as_it_was() -> None:
    assert decode(Outer, encode(FULL)) == FULL


def test_a_value_comes_back_through_cloudformation_too() -> None:
    raw = {key: value for key, value in encode(FULL).items() if key != "free"}
    assert encode(decode(Outer, as_cloudformation(raw))) == raw


def test_what_is_none_is_left_out() -> None:
    assert encode(Outer("n", Inner(1))) == {
        "name": "n",
        "inner": {"number": 1, "share": 0.5},
        "flag": False,
        "colour": "red",
        "items": [],
        "counts": {},
    }


RIGHT = {"name": "n", "inner": {"number": 1}}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"inner": {}}, "$.inner: key 'number' is missing"),
        ({"inner": {"number": 1, "x": 2}}, "$.inner: unknown key 'x'; allowed: number, share"),
        ({"inner": []}, "$.inner: [] is not an object"),
        ({"inner": {"number": "one"}}, "$.inner.number: 'one' is not a whole number"),
        ({"inner": {"number": 1.5}}, "$.inner.number: 1.5 is not a whole number"),
        ({"inner": {"number": "１２"}}, "$.inner.number: '１２' is not a whole number"),
        ({"inner": {"number": "1_0"}}, "$.inner.number: '1_0' is not a whole number"),
        ({"inner": {"number": 1, "share": " .5"}}, "$.inner.share: ' .5' is not a number"),
        ({"inner": {"number": True}}, "$.inner.number: True is not a whole number"),
        ({"inner": {"number": 1, "share": None}}, "$.inner.share: None is not a number"),
        ({"name": 5}, "$.name: 5 is not text"),
        ({"flag": "yes"}, "$.flag: 'yes' is not true or false"),
        ({"flag": 1}, "$.flag: 1 is not true or false"),
        ({"colour": "green"}, "$.colour: 'green' is not allowed; allowed: red, blue"),
        ({"items": {}}, "$.items: {} is not a list"),
        ({"items": [{"number": 1}, {"number": None}]}, "$.items[1].number: None is not a whole number"),
        ({"pair": [1]}, "$.pair: 1 items, 2 are needed"),
        ({"counts": {"a": "b"}}, "$.counts.a: 'b' is not a whole number"),
        ({"counts": []}, "$.counts: [] is not an object"),
        ({"note": ["x" * 100]}, "$.note: ['" + "x" * 55 + "... is not text"),
    ],
)
def test_what_does_not_fit_is_told_with_its_path(changes: dict[str, object], told: str) -> None:
    with pytest.raises(DecodeError) as raised:
        decode(Outer, RIGHT | changes)
    assert str(raised.value) == told


def test_a_whole_number_beyond_floats_is_no_number() -> None:
    with pytest.raises(DecodeError, match=r"^\$.share: 1000.* is not a number$"):
        decode(Inner, {"number": 1, "share": 10**400})


def test_infinite_is_no_whole_number() -> None:
    for value in (float("inf"), float("nan")):
        with pytest.raises(DecodeError, match="is not a whole number"):
            decode(Inner, {"number": value})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(JSON | st.fixed_dictionaries(dict.fromkeys(["name", "inner", "items", "counts", "colour"], JSON)))
def test_any_json_is_a_value_or_a_decode_error(value: object) -> None:
    try:
        decode(Outer, value)
    except DecodeError as error:
        assert str(error).startswith("$")  # noqa: PT017 - nearly all raise, some need not


@given(st.builds(Inner, number=st.integers(), share=st.floats(allow_nan=False, allow_infinity=False)))
def test_numbers_come_back_exactly(value: Inner) -> None:
    assert decode(Inner, encode(value)) == value
    assert decode(Inner, as_cloudformation(encode(value))) == value
