"""Until when figures are complete."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from bedrock_eval.arrival import ALLOWANCE, complete_until, completeness

NOW = datetime(2026, 11, 23, 13, 20, 30, tzinfo=UTC)
NOTHING = "none of this time need be complete: a call can take 5 minutes to be logged; ask again later"


def test_the_newest_minutes_are_not_complete() -> None:
    assert complete_until(NOW, now=NOW) == datetime(2026, 11, 23, 13, 15, tzinfo=UTC)


def test_what_ended_before_is_complete() -> None:
    end = NOW - timedelta(hours=3)
    assert complete_until(end, now=NOW) == datetime(2026, 11, 23, 10, 20, tzinfo=UTC)


def test_it_is_told_in_utc() -> None:
    berlin = timezone(timedelta(hours=1))
    assert complete_until(NOW.astimezone(berlin), now=NOW.astimezone(berlin)).utcoffset() == timedelta()


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        (
            NOW - timedelta(hours=24),
            NOW,
            "complete until 2026-11-23 13:15 UTC; calls of the last 5 minutes may be missing",
        ),
        (NOW - timedelta(hours=24), NOW - timedelta(hours=1), "complete until 2026-11-23 12:20 UTC"),
        (
            NOW - timedelta(minutes=3),
            NOW,
            NOTHING,
        ),
        (
            NOW - ALLOWANCE,
            NOW,
            NOTHING,
        ),
    ],
    ids=["until now", "of the past", "of the last minutes", "of the allowance"],
)
def test_what_a_reader_is_told(start: datetime, end: datetime, said: str) -> None:
    assert completeness(start=start, end=end, now=NOW) == said
