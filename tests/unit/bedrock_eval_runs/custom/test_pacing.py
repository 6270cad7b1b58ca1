"""The pace of one model against services that take so much and no more, in a clock of their own."""

import random
from collections import deque

import pytest

from bedrock_eval_runs.custom.pacing import LEAST_RATE, Pace


def asked(pace: Pace, *, cases: int, per_second: int, closed_until: float = 0.0) -> tuple[float, int]:
    """Seconds and calls that it takes until every case has had room; calls take no time."""
    now, calls, room = 0.0, 0, deque[float]()
    while cases:
        now = max(now, now + pace.wait(now))
        pace.begin(now)
        calls += 1
        while room and room[0] <= now - 1:
            room.popleft()
        if now < closed_until or len(room) >= per_second:
            pace.refused(begun=now, now=now)
        else:
            room.append(now)
            cases -= 1
            pace.answered(now)
        assert now < 3600
        now += 0.001
    return now, calls


def pace() -> Pace:
    chance = random.Random(1)
    return Pace(jitter=lambda: chance.uniform(0.8, 1.2))


@pytest.mark.parametrize(("per_second", "cases"), [(40, 1000), (1, 60), (200, 5000)])
def test_it_finds_the_rate_that_a_service_takes(per_second: int, cases: int) -> None:
    seconds, calls = asked(pace(), cases=cases, per_second=per_second)
    # At least half of what there is room for, and few calls in vain.
    assert seconds < 2 * cases / per_second
    assert calls < 1.5 * cases


def test_a_service_that_takes_nothing_is_asked_now_and_then_and_the_rate_comes_back() -> None:
    found = pace()
    asked(found, cases=400, per_second=40)
    seconds, calls = asked(found, cases=400, per_second=40, closed_until=60)
    assert calls < 400 + 60 * 3
    assert seconds < 60 + 45


def test_without_a_refusal_nothing_waits() -> None:
    found = pace()
    for now in range(100):
        assert found.wait(now) <= 0
        found.begin(now)
        found.answered(now)
    assert found.rate is None


def test_calls_that_were_under_way_when_the_rate_fell_count_once() -> None:
    found = pace()
    for _ in range(32):
        found.begin(0.0)
    for _ in range(20):
        found.answered(0.1)
    found.refused(begun=0.0, now=0.1)
    rate = found.rate
    for _ in range(11):
        found.refused(begun=0.0, now=0.1)
    assert found.rate == rate == pytest.approx(16)


def test_what_the_service_asks_to_wait_is_waited() -> None:
    found = pace()
    found.begin(0.0)
    found.refused(begun=0.0, now=0.0, retry_after=7.0)
    assert found.wait(0.0) >= 7.0
    assert found.rate == LEAST_RATE
