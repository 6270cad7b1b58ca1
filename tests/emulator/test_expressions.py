"""The metric-math language on its own: any text either parses or is refused with a reason."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.emulator.expressions import FUNCTIONS, ExpressionError, Scope, Series, evaluate, parse

WORDS = ["a", "b", "1", "0", "2.5", "(", ")", "[", "]", ",", "+", "-", "*", "/", "^", ">", "==", "AND", "OR", "'x'"]


def scope(**series: dict[int, float]) -> Scope:
    return Scope(
        queries={name: {"MetricStat": {"Metric": {"MetricName": name}, "Period": 60}} for name in series},
        read=lambda stat: Series(series[stat["Metric"]["MetricName"]], 60),
        search=lambda _query, _statistic, _period: [],
        grid=lambda period: range(0, 300, period),
    )


@given(text=st.text())
def test_any_text_parses_or_is_refused(text: str) -> None:
    # Only the refusal is expected: any other exception fails the test.
    with contextlib.suppress(ExpressionError):
        assert parse(text).kind


@given(words=st.lists(st.sampled_from([*WORDS, *(f"{name}(" for name in FUNCTIONS)]), max_size=12))
def test_any_expression_evaluates_or_is_refused(words: list[str]) -> None:
    known = scope(a={0: 1.0, 60: 0.0}, b={60: 3.0})
    with contextlib.suppress(ExpressionError):
        assert isinstance(known.as_series(evaluate(parse(" ".join(words)), known)), list)


@pytest.mark.parametrize("text", ["(" * 5000 + "1" + ")" * 5000, "-" * 5000 + "1"])
def test_nesting_has_a_limit(text: str) -> None:
    with pytest.raises(ExpressionError, match="nested too deeply"):
        parse(text)


@given(
    a=st.dictionaries(st.sampled_from(range(0, 300, 60)), st.floats(-1e6, 1e6)),
    b=st.dictionaries(st.sampled_from(range(0, 300, 60)), st.floats(-1e6, 1e6)),
)
def test_arithmetic_needs_both_and_a_fill_closes_every_gap(a: dict[int, float], b: dict[int, float]) -> None:
    known = scope(a=a, b=b)
    both = evaluate(parse("a + b"), known)
    assert isinstance(both, Series)
    assert both.points == {t: a[t] + b[t] for t in a if t in b}
    filled = evaluate(parse("FILL(a, 0) + FILL(b, 0)"), known)
    assert isinstance(filled, Series)
    assert filled.points == {t: a.get(t, 0) + b.get(t, 0) for t in range(0, 300, 60)}


def test_circles_are_named() -> None:
    circular = Scope(
        queries={"x": {"Expression": "y + 1"}, "y": {"Expression": "x"}},
        read=lambda stat: Series({}, 60),
        search=lambda *_: [],
        grid=lambda _: [],
    )
    with pytest.raises(ExpressionError, match="refers to itself"):
        circular.value("x")
