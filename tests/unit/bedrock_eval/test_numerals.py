"""Numbers are written in the digits 0 to 9."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedrock_eval.evaluation.schedules import ScheduleError, parse_schedule
from bedrock_eval.names import is_run_id
from bedrock_eval.numerals import real, whole

OTHER_DIGITS = "１２３"


@pytest.mark.parametrize("text", ["", " 1", "1 ", "+1", "-1", "1_000", "1.0", OTHER_DIGITS, "²", "9" * 5000, "x"])
def test_what_is_no_whole_number(text: str) -> None:
    assert whole(text) is None


@pytest.mark.parametrize("text", ["", " 1", "1_0.5", "nan", "inf", "-Infinity", "1e999", OTHER_DIGITS, "0x1", "."])
def test_what_is_no_number(text: str) -> None:
    assert real(text) is None


@given(st.integers(min_value=0, max_value=10**200))
def test_whole_numbers_come_through(number: int) -> None:
    assert whole(str(number)) == number


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_come_through(number: float) -> None:
    assert real(repr(number)) == number


@given(st.text())
def test_any_text_is_a_finite_number_or_none(text: str) -> None:
    number = real(text)
    assert number is None or (text.isascii() and abs(number) < float("inf"))


def test_run_ids_and_schedules_have_no_other_digits() -> None:
    assert is_run_id("20261123T060000Z")
    assert not is_run_id("２0261123T060000Z")
    for expression in ("rate(７ days)", "at(２026-12-01T06:00:00)", "cron(0 ６ ? * MON *)", "cron(0 6 ? * ２#1 *)"):
        with pytest.raises(ScheduleError):
            parse_schedule(expression)
