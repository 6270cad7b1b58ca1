"""The metric-math language on its own: any text either parses or is refused with a reason."""

import contextlib
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.emulator.cloudwatch.metric_math.evaluator import Scope
from local.emulator.cloudwatch.metric_math.functions import FUNCTIONS
from local.emulator.cloudwatch.metric_math.parser import parse
from local.emulator.cloudwatch.metric_math.readings import CONTRARY, Readings, WithoutElse, current, document, read, use
from local.emulator.cloudwatch.metric_math.values import ExpressionError, Series

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
        assert isinstance(known.as_series(known.evaluate(parse(" ".join(words)))), list)


@pytest.mark.parametrize("text", ["(" * 5000 + "1" + ")" * 5000, "-" * 5000 + "1"])
def test_nesting_has_a_limit(text: str) -> None:
    with pytest.raises(ExpressionError, match="nested too deeply"):
        parse(text)


POINTS = st.dictionaries(st.sampled_from(range(0, 300, 60)), st.floats(-1e6, 1e6))
GRID = range(0, 300, 60)
USUAL = Readings()


def points(text: str, readings: Readings = USUAL, **series: dict[int, float]) -> dict[int, float]:
    """What an expression gives, by its start in seconds."""
    known = replace(scope(**series), readings=readings)
    (line,) = known.as_series(known.evaluate(parse(text)))
    return dict(line.points)


@given(a=POINTS, b=POINTS)
def test_a_missing_value_is_0_where_the_other_series_has_one_and_a_fill_closes_every_gap(
    a: dict[int, float], b: dict[int, float]
) -> None:
    either = {t: (a.get(t, 0), b.get(t, 0)) for t in {*a, *b}}
    assert points("a + b", a=a, b=b) == {t: one + other for t, (one, other) in either.items()}
    assert points("a >= b", a=a, b=b) == {t: one >= other for t, (one, other) in either.items()}
    filled = {t: a.get(t, 0) + b.get(t, 0) for t in GRID}
    assert points("FILL(a, 0) + FILL(b, 0)", a=a, b=b) == filled
    assert points("SUM([FILL(a,0), FILL(b,0)])", a=a, b=b) == pytest.approx(filled)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("(m1 < m2)", {0: 0, 60: 0, 120: 1, 180: 0}),
        ("(m1 >= 30)", {0: 1, 60: 0, 120: 0, 180: 0}),
        ("(m1 > 15 AND m2 > 15)", {0: 1, 60: 0, 120: 0, 180: 0}),
    ],
)
def test_comparisons_are_those_of_the_example_of_the_guide(expression: str, expected: dict[int, float]) -> None:
    assert points(expression, m1={0: 30, 60: 20, 120: 0, 180: 0}, m2={0: 20, 120: 20}) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("IF(m1, m2, m3)", {0: 30, 60: 0, 120: 20, 180: 0}),
        ("IF(m1, 5, m3)", {0: 5, 60: 5, 120: 20}),
        ("IF(m1, m2, 5)", {0: 30, 60: 0, 120: 5, 180: 5}),
        ("IF(m1 >= 1, m2, m3)", {0: 30, 60: 0, 120: 20, 180: 0}),
    ],
)
def test_if_is_that_of_the_tables_of_the_guide(expression: str, expected: dict[int, float]) -> None:
    series = {"m1": {0: 1.0, 60: 1.0, 120: 0.0, 180: 0.0}, "m2": {0: 30.0, 120: 0.0, 180: 0.0, 240: 30.0}}
    assert points(expression, **series, m3={0: 0.0, 60: 0.0, 120: 20.0, 240: 20.0}) == expected


@pytest.mark.parametrize(
    ("without_else", "expected"),
    [(WithoutElse.GAP, {60: 7}), (WithoutElse.ZERO, {0: 0, 60: 7}), (WithoutElse.NO_SERIES, {})],
)
def test_if_without_else_is_each_of_what_the_guide_says(without_else: WithoutElse, expected: dict[int, float]) -> None:
    assert points("IF(a > 5, a)", Readings(without_else=without_else), a={0: 1, 60: 7}) == expected
    assert points("IF(a > 5, a, 0)", Readings(without_else=without_else), a={0: 1, 60: 7}) == {0: 0, 60: 7}


@pytest.mark.parametrize(
    ("changed", "expression", "usual", "other"),
    [
        ({"fill_of_empty": False}, "FILL(b, 0)", dict.fromkeys(GRID, 0), {}),
        ({"fill_of_empty": False}, "SUM([FILL(a,0), FILL(b,0)])", {0: 0, 60: 4, **dict.fromkeys(GRID[2:], 0)}, None),
        ({"fill_of_empty": False}, "FILL(a, 1)", {0: 1, 60: 4, **dict.fromkeys(GRID[2:], 1)}, None),
        ({"empty_is_zero": False}, "a + b", {60: 4}, {}),
        ({"empty_is_zero": False}, "a > b", {60: 1}, {}),
        ({"scalar_fills": True}, "a * 2 + 1", {60: 9}, {60: 9, **dict.fromkeys([0, *GRID[2:]], 1)}),
    ],
)
def test_what_the_guide_leaves_open_is_a_reading(
    changed: dict[str, bool], expression: str, usual: dict[int, float], other: dict[int, float] | None
) -> None:
    series: dict[str, dict[int, float]] = {"a": {60: 4}, "b": {}}
    assert points(expression, **series) == usual
    assert points(expression, Readings(**changed), **series) == (usual if other is None else other)  # type: ignore[arg-type]


def test_arrays_take_what_is_there_and_an_average_counts_the_missing_as_0() -> None:
    series = {"a": {0: 4.0, 60: 6.0}, "b": {0: 2.0, 120: 5.0}}
    assert points("MAX([a, b])", **series) == {0: 4, 60: 6, 120: 5}
    assert points("MIN([a, b])", **series) == {0: 2, 60: 6, 120: 5}
    assert points("AVG([a, b])", **series) == {0: 3, 60: 3, 120: 2.5}


def test_the_parts_of_a_time_have_no_gaps() -> None:
    assert points("EPOCH(a)", a={60: 1}) == {t: t for t in GRID}
    assert points("MINUTE(a)", a={60: 1}) == {t: t / 60 for t in GRID}


@pytest.mark.parametrize("readings", Readings.every())
def test_readings_are_told_as_they_are_read(readings: Readings) -> None:
    assert read(json.dumps(document(readings))) == readings
    use(readings)
    try:
        assert current() == scope().readings == readings
    finally:
        use(Readings())


def test_all_readings_are_asked_and_the_contrary_one_is_among_them() -> None:
    every = Readings.every()
    assert (every[0], len(every), len(set(every))) == (Readings(), 24, 24)
    assert CONTRARY in every


@pytest.mark.parametrize("text", ["", "[]", '{"fill": true}', '{"fill_of_empty": 1}', '{"without_else": "none"}'])
def test_other_readings_are_refused_with_what_there_is(text: str) -> None:
    with pytest.raises(ValueError, match=r"without_else .*no series"):
        read(text)


def test_circles_are_named() -> None:
    circular = Scope(
        queries={"x": {"Expression": "y + 1"}, "y": {"Expression": "x"}},
        read=lambda stat: Series({}, 60),
        search=lambda *_: [],
        grid=lambda _: [],
    )
    with pytest.raises(ExpressionError, match="refers to itself"):
        circular.value("x")
