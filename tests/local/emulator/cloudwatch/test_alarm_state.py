"""The state rules, on the examples of the CloudWatch user guide and on their consequences."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.emulator.cloudwatch.alarm_state import ALARM, INSUFFICIENT_DATA, OK, decide

POLICIES = ("missing", "ignore", "breaching", "notBreaching")


def state(drawn: str, *, n: int, m: int, missing: str, current: str) -> str:
    """``drawn`` is oldest first as in the guide: 0 fine, X breaching, - missing."""
    values = [{"0": False, "X": True, "-": None}[mark] for mark in reversed(drawn)]
    return decide(values, evaluation_periods=n, datapoints_to_alarm=m, missing=missing, current=current)


@pytest.mark.parametrize(
    ("drawn", "m", "expected"),
    [
        ("0-X-X", 3, (OK, OK, OK, OK)),
        ("----0", 3, (OK, OK, OK, OK)),
        ("-----", 3, (INSUFFICIENT_DATA, "kept", ALARM, OK)),
        ("0XX-X", 3, (ALARM, ALARM, ALARM, ALARM)),
        ("--X--", 3, (ALARM, "kept", ALARM, OK)),
        ("0-X-X", 2, (ALARM, ALARM, ALARM, ALARM)),
        ("00X0X", 2, (ALARM, ALARM, ALARM, ALARM)),
        ("----0", 2, (OK, OK, ALARM, OK)),
        ("---X-", 2, (ALARM, "kept", ALARM, OK)),
    ],
)
def test_examples_of_the_user_guide(drawn: str, m: int, expected: tuple[str, ...]) -> None:
    found = tuple(state(drawn, n=3, m=m, missing=policy, current="kept") for policy in POLICIES)
    assert found == expected


@pytest.mark.parametrize("drawn", ["----X", "---X-"])
def test_one_late_breach_does_not_alarm_before_its_time(drawn: str) -> None:
    assert state(drawn, n=3, m=3, missing="missing", current=OK) == OK


MARKS = st.text(alphabet="0X-", min_size=3, max_size=7)


@given(drawn=MARKS, m=st.integers(1, 3), missing=st.sampled_from(POLICIES))
def test_enough_values_leave_nothing_to_the_policy(drawn: str, m: int, missing: str) -> None:
    values = drawn.replace("-", "")
    if len(values) >= 3:
        expected = ALARM if values[-3:].count("X") >= m else OK
        assert state(drawn, n=3, m=m, missing=missing, current="kept") == expected


@given(drawn=MARKS, m=st.integers(1, 3))
def test_more_breaches_never_calm_an_alarm(drawn: str, m: int) -> None:
    for policy in POLICIES:
        if state(drawn, n=3, m=m, missing=policy, current=OK) == ALARM:
            worse = drawn.replace("0", "X")
            assert state(worse, n=3, m=m, missing=policy, current=OK) == ALARM
