from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedrock_eval.evaluation.schedules import ScheduleError, last_due, parse_schedule, shortest_gap, skipped

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def due(expression: str, now: str, *, timezone: str = "UTC", since: datetime = LONG_AGO) -> str | None:
    moment = last_due(expression, timezone=timezone, now=datetime.fromisoformat(now).replace(tzinfo=UTC), since=since)
    return None if moment is None else moment.strftime("%Y-%m-%d %H:%M")


# 2026-11-23 is a Monday; every date was looked up in a calendar.
CRON = [
    ("cron(0 6 ? * MON *)", "2026-11-23 05:59", "2026-11-16 06:00"),
    ("cron(0 6 ? * MON *)", "2026-11-23 06:00", "2026-11-23 06:00"),
    ("cron(0 6 ? * 2 *)", "2026-11-25 12:00", "2026-11-23 06:00"),
    ("cron(0 6 ? * 1 *)", "2026-11-25 12:00", "2026-11-22 06:00"),
    ("cron(0 6 ? * MON-FRI *)", "2026-11-22 12:00", "2026-11-20 06:00"),
    ("cron(0 6 ? * mon,wed *)", "2026-11-26 00:00", "2026-11-25 06:00"),
    ("cron(0 6 ? * L *)", "2026-11-25 12:00", "2026-11-21 06:00"),
    ("cron(0 6 ? * FRIL *)", "2026-11-25 12:00", "2026-10-30 06:00"),
    ("cron(0 6 ? * 6L *)", "2026-11-27 12:00", "2026-11-27 06:00"),
    ("cron(0 6 ? * TUE#2 *)", "2026-11-25 12:00", "2026-11-10 06:00"),
    ("cron(0 6 ? * 3#5 *)", "2026-11-25 12:00", "2026-09-29 06:00"),
    ("cron(0 6 L * ? *)", "2026-11-25 12:00", "2026-10-31 06:00"),
    ("cron(0 6 L 2 ? *)", "2026-11-25 12:00", "2026-02-28 06:00"),
    ("cron(0 6 L 2 ? *)", "2024-11-25 12:00", "2024-02-29 06:00"),
    # The 15th of November 2026 is a Sunday, the 15th of August a Saturday.
    ("cron(0 6 15W 11 ? *)", "2026-11-25 12:00", "2026-11-16 06:00"),
    ("cron(0 6 15W 8 ? *)", "2026-11-25 12:00", "2026-08-14 06:00"),
    # The 1st of August 2026 is a Saturday: W never leaves the month.
    ("cron(0 6 1W 8 ? *)", "2026-11-25 12:00", "2026-08-03 06:00"),
    # The 31st of May 2026 is a Sunday, June has none.
    ("cron(0 6 31W 5,6 ? *)", "2026-07-25 12:00", "2026-05-29 06:00"),
    ("cron(0/20 8-10 * * ? *)", "2026-11-23 10:50", "2026-11-23 10:40"),
    ("cron(0/20 8-10 * * ? *)", "2026-11-23 07:00", "2026-11-22 10:40"),
    ("cron(5-20/10 8 * * ? *)", "2026-11-23 09:00", "2026-11-23 08:15"),
    ("cron(0 6 1/10 * ? *)", "2026-11-23 09:00", "2026-11-21 06:00"),
    ("cron(0 6 1 JAN-MAR ? *)", "2026-11-23 09:00", "2026-03-01 06:00"),
    ("cron(0 6 1 */6 ? *)", "2026-11-23 09:00", "2026-07-01 06:00"),
    ("cron(0 6 29 2 ? *)", "2026-11-23 09:00", "2024-02-29 06:00"),
    ("cron(0 6 1 1 ? 2025)", "2026-11-23 09:00", "2025-01-01 06:00"),
    ("cron(0 6 1 1 ? 2030)", "2026-11-23 09:00", None),
    ("cron(0 6 30 2 ? *)", "2026-11-23 09:00", None),
]


@pytest.mark.parametrize(("expression", "now", "expected"), CRON)
def test_cron_is_due_when_the_calendar_says(expression: str, now: str, expected: str | None) -> None:
    assert due(expression, now) == expected


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-07-01 03:59", "2026-06-30 04:00"),
        ("2026-07-01 04:00", "2026-07-01 04:00"),
        ("2026-12-01 04:59", "2026-11-30 05:00"),
        ("2026-12-01 05:00", "2026-12-01 05:00"),
    ],
)
def test_the_time_zone_moves_with_summer_time(now: str, expected: str) -> None:
    assert due("cron(0 6 * * ? *)", now, timezone="Europe/Berlin") == expected


def test_in_the_hour_that_comes_twice_the_first_counts() -> None:
    # Berlin, 25 October 2026: 02:30 comes at 00:30 and at 01:30 UTC.
    assert due("cron(30 2 25 10 ? *)", "2026-10-25 12:00", timezone="Europe/Berlin") == "2026-10-25 00:30"


def test_the_local_date_counts_and_not_that_of_utc() -> None:
    assert due("cron(0 8 ? * MON *)", "2026-11-22 23:30", timezone="Asia/Tokyo") == "2026-11-22 23:00"


@pytest.mark.parametrize(
    ("now", "expected"),
    [("2026-12-01 04:59", None), ("2026-12-01 05:00", "2026-12-01 05:00"), ("2028-01-01 00:00", "2026-12-01 05:00")],
)
def test_at_is_due_once_in_its_zone(now: str, expected: str | None) -> None:
    assert due("at(2026-12-01T06:00:00)", now, timezone="Europe/Berlin") == expected


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-11-23 05:59", None),
        ("2026-11-23 06:00", "2026-11-23 06:00"),
        ("2026-11-23 06:59", "2026-11-23 06:00"),
        ("2026-11-23 07:00", "2026-11-23 07:00"),
        ("2026-11-23 09:30", "2026-11-23 09:00"),
    ],
)
def test_a_rate_is_due_at_its_beginning_and_counts_from_there(now: str, expected: str | None) -> None:
    since = datetime(2026, 11, 23, 6, tzinfo=UTC)
    assert due("rate(1 hour)", now, since=since) == expected


def test_what_was_due_before_the_schedule_began_is_not_due() -> None:
    since = datetime(2026, 11, 23, 7, tzinfo=UTC)
    assert due("cron(0 6 ? * MON *)", "2026-11-29 00:00", since=since) is None
    assert due("cron(0 6 ? * MON *)", "2026-11-30 06:00", since=since) == "2026-11-30 06:00"
    assert due("at(2026-11-23T06:00:00)", "2026-11-29 00:00", since=since) is None


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ("weekly", "is not a schedule expression"),
        ("rate(7)", "is not a schedule expression"),
        ("rate(1.5 hours)", "is not a schedule expression"),
        ("rate(0 days)", "the rate must be at least 1"),
        ("rate(9999999999 days)", "the rate is too long"),
        ("cron(0 6 * * *)", "5 fields, six are needed"),
        ("cron(0 6 * * * *)", "exactly one of day-of-month and day-of-week must be ?"),
        ("cron(0 6 ? * ? *)", "exactly one of day-of-month and day-of-week must be ?"),
        ("cron(60 6 * * ? *)", "'60' is not between 0 and 59"),
        ("cron(0 24 * * ? *)", "'24' is not between 0 and 23"),
        ("cron(0 6 0 * ? *)", "'0' is not between 1 and 31"),
        ("cron(0 6 ? * 8 *)", "'8' is not between 1 and 7"),
        ("cron(0 6 ? FOO MON *)", "'FOO' is not between 1 and 12"),
        ("cron(0 6 * * ? 1969)", "'1969' is not between 1970 and 2199"),
        ("cron(5-1 6 * * ? *)", "'5-1': the range runs backwards"),
        ("cron(0/0 6 * * ? *)", "'0/0': the step must be a number of at least 1"),
        ("cron(0/x 6 * * ? *)", "'0/X': the step must be a number of at least 1"),
        ("cron(0 6 32W * ? *)", "'32' is not between 1 and 31"),
        ("cron(, 6 * * ? *)", "'' is not between 0 and 59"),
        ("at(2026-13-01T06:00:00)", "no such time"),
        ("at(0001-01-01T00:00:00)", "year 1; allowed: 1970 to 2199"),
        ("at(9999-12-31T23:59:59)", "year 9999; allowed: 1970 to 2199"),
        ("at(2026-12-01 06:00)", "is not a schedule expression"),
    ],
)
def test_what_is_no_schedule_says_why(expression: str, told: str) -> None:
    with pytest.raises(ScheduleError) as raised:
        parse_schedule(expression)
    assert str(raised.value).startswith(repr(expression))
    assert told in str(raised.value)


@given(st.text(alphabet="cronateday s()?*L#W/,-0123456789MONJAN²", max_size=30))
def test_any_text_is_a_schedule_or_a_schedule_error(text: str) -> None:
    for expression in (text, f"cron({text})", f"cron(0 6 ? * {text} *)", f"cron(0 6 {text} * ? *)", f"rate({text})"):
        try:
            parse_schedule(expression)
        except ScheduleError as error:
            assert str(error)  # noqa: PT017 - most texts raise, some do not


MOMENTS = st.datetimes(datetime(2021, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"])
WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")


@given(MOMENTS, ZONES, st.integers(0, 59), st.integers(0, 23), st.integers(0, 6))
def test_a_weekly_cron_was_due_at_most_a_week_ago_and_on_its_day(
    now: datetime, timezone: str, minute: int, hour: int, weekday: int
) -> None:
    expression = f"cron({minute} {hour} ? * {WEEKDAYS[weekday]} *)"
    moment = last_due(expression, timezone=timezone, now=now, since=LONG_AGO)
    assert moment is not None
    # A change of the clocks makes a week an hour longer or shorter.
    assert timedelta() <= now - moment < timedelta(days=7, hours=1)
    local = moment.astimezone(ZoneInfo(timezone))
    gap = local.utcoffset() != (local - timedelta(hours=2)).astimezone(UTC).astimezone(ZoneInfo(timezone)).utcoffset()
    if not gap:
        assert (local.minute, local.hour, local.isoweekday() % 7) == (minute, hour, weekday)


@given(MOMENTS, MOMENTS, st.integers(1, 1000), st.sampled_from(["minutes", "hours", "days"]))
def test_a_rate_is_due_at_its_beginning_and_whole_intervals_later(
    since: datetime, now: datetime, number: int, unit: str
) -> None:
    interval = timedelta(**{unit: number})
    moment = last_due(f"rate({number} {unit})", timezone="UTC", now=now, since=since)
    if moment is None:
        assert now < since
    else:
        assert (moment - since) % interval == timedelta()
        assert moment <= now < moment + interval


@pytest.mark.parametrize(
    ("expression", "hours"),
    [
        ("rate(7 days)", 168),
        ("rate(90 minutes)", 1.5),
        ("cron(0 6 ? * MON *)", 168),
        ("cron(0 6 ? * MON,THU *)", 72),
        ("cron(0 6 * * ? *)", 24),
        ("cron(0 6,8 * * ? *)", 2),
        ("cron(15,30 6,22 * * ? *)", 0.25),
        # Overnight.
        ("cron(0 6,23 * * ? *)", 7),
        # The last of a month and the first of the next.
        ("cron(0 6 1,31 * ? *)", 24),
        ("cron(0 6 1 * ? *)", 28 * 24),
        ("cron(0 6 L 2 ? *)", 365 * 24),
        # One day of one year, twice.
        ("cron(0 6,18 1 1 ? 2027)", 12),
        ("cron(0 6 1 1 ? 2027)", None),
        ("cron(0 6,18 30 2 ? *)", None),
        ("at(2026-12-01T06:00:00)", None),
    ],
)
def test_the_shortest_time_between_two_runs(expression: str, hours: float | None) -> None:
    assert shortest_gap(expression) == (None if hours is None else timedelta(hours=hours))


@given(st.sets(st.integers(0, 23), min_size=1), st.sets(st.integers(0, 59), min_size=1, max_size=5))
def test_no_two_runs_are_closer_than_the_shortest_time(hours: set[int], minutes: set[int]) -> None:
    expression = f"cron({','.join(map(str, minutes))} {','.join(map(str, hours))} * * ? *)"
    day = [timedelta(hours=hour, minutes=minute) for hour in hours for minute in minutes]
    moments = sorted([*day, *(moment + timedelta(days=1) for moment in day)])
    assert shortest_gap(expression) == min(later - earlier for earlier, later in pairwise(moments))


# Zones whose clocks do unlike things: half an hour, at midnight, a minute after it, for Ramadan, a whole day.
CLOCKS = (
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "America/Santiago",
    "America/Havana",
    "Asia/Beirut",
    "America/St_Johns",
    "Atlantic/Azores",
    "Antarctica/Troll",
    "Pacific/Apia",
    "Asia/Kolkata",
    "UTC",
)


@pytest.mark.parametrize(
    ("expression", "timezone", "now", "expected"),
    [
        # Berlin, 29 March 2026: 02:00 to 02:59 do not exist.
        ("cron(30 2 ? * SUN *)", "Europe/Berlin", "2026-03-29 12:00", "2026-03-22 01:30"),
        ("cron(30 2,3 ? * SUN *)", "Europe/Berlin", "2026-03-29 12:00", "2026-03-29 01:30"),
        ("cron(0 * * * ? *)", "Europe/Berlin", "2026-03-29 00:59", "2026-03-29 00:00"),
        ("cron(0 * * * ? *)", "Europe/Berlin", "2026-03-29 01:00", "2026-03-29 01:00"),
        ("cron(* * * * ? *)", "Europe/Berlin", "2026-03-29 01:00", "2026-03-29 01:00"),
        # It is due in that hour alone, and so never.
        ("cron(30 2 ? 3 SUNL *)", "Europe/Berlin", "2026-11-29 00:00", None),
        # Lord Howe, 4 October 2026: 02:00 to 02:29 do not exist.
        ("cron(15 2 * * ? *)", "Australia/Lord_Howe", "2026-10-03 23:00", "2026-10-02 15:45"),
        ("cron(30 2 * * ? *)", "Australia/Lord_Howe", "2026-10-03 23:00", "2026-10-03 15:30"),
        # Santiago, 6 September 2026 has no midnight hour.
        ("cron(0 0 ? * SUN *)", "America/Santiago", "2026-09-06 12:00", "2026-08-30 04:00"),
        # Apia went over the date line: 30 December 2011 was no day there.
        ("cron(0 6 30 12 ? *)", "Pacific/Apia", "2012-06-01 00:00", "2010-12-30 16:00"),
        # The clocks of St John's went back from a minute past midnight: the new day had begun already.
        ("cron(0 0 ? * * *)", "America/St_Johns", "2010-11-07 02:45", "2010-11-07 02:30"),
        # Berlin, 25 October 2026: 02:00 to 02:59 come twice, and the schedule runs once.
        ("cron(0/30 2 ? * SUN *)", "Europe/Berlin", "2026-10-25 01:45", "2026-10-25 00:30"),
        ("cron(0 * * * ? *)", "Europe/Berlin", "2026-10-25 01:59", "2026-10-25 00:00"),
        ("at(2027-03-28T02:30:00)", "Europe/Berlin", "2027-06-01 00:00", None),
        ("at(2026-10-25T02:30:00)", "Europe/Berlin", "2027-06-01 00:00", "2026-10-25 00:30"),
    ],
)
def test_a_time_that_does_not_exist_is_not_due_and_one_that_comes_twice_once(
    expression: str, timezone: str, now: str, expected: str | None
) -> None:
    since = datetime(2009, 1, 1, tzinfo=UTC)
    assert due(expression, now, timezone=timezone, since=since) == expected


def changes_of(timezone: str, year: int) -> list[date]:
    """Days of a year within which a zone's distance from UTC changes."""
    zone = ZoneInfo(timezone)
    days = [date(year, 1, 1) + timedelta(number) for number in range(366)]
    offsets = [datetime.combine(day, time(), zone).utcoffset() for day in days]
    return [day for day, (before, after) in zip(days, pairwise(offsets), strict=False) if before != after]


@given(
    st.sampled_from(CLOCKS),
    st.tuples(st.integers(1988, 2036), st.integers(0, 3)),
    st.sets(st.integers(0, 23), min_size=1),
    st.sets(st.sampled_from([0, 1, 15, 29, 30, 59]), min_size=1),
    st.integers(0, 2 * 1440),
)
def test_around_a_change_of_the_clocks_it_is_due_when_a_clock_on_the_wall_first_shows_its_time(
    timezone: str, change: tuple[int, int], hours: set[int], minutes: set[int], minute: int
) -> None:
    year, which = change
    changes = changes_of(timezone, year) or [date(year, 6, 1)]
    day = changes[which % len(changes)]
    begin = datetime.combine(day, time(), UTC) - timedelta(days=3)
    now = begin + timedelta(days=2, minutes=minute)
    zone, shown, first = ZoneInfo(timezone), set(), None
    moment = begin
    while moment <= now:
        wall = moment.astimezone(zone).replace(tzinfo=None)
        if wall not in shown and wall.hour in hours and wall.minute in minutes:
            first = moment
        shown.add(wall)
        moment += timedelta(minutes=1)
    expression = f"cron({','.join(map(str, minutes))} {','.join(map(str, hours))} * * ? *)"
    assert last_due(expression, timezone=timezone, now=now, since=begin) == first


class TestSkipped:
    SINCE = date(2026, 11, 29)

    def told(self, expression: str, timezone: str = "Europe/Berlin", since: date = SINCE) -> list[tuple[str, ...]]:
        found = skipped(expression, timezone=timezone, since=since)
        return [tuple("never" if each is None else f"{each:%Y-%m-%d %H:%M}" for each in (
            lost.first, lost.instead, lost.following)) for lost in found]  # fmt: skip

    def test_a_week_is_lost_in_spring(self) -> None:
        assert self.told("cron(30 2 ? * SUN *)") == [("2027-03-28 02:30", "2027-03-28 03:30", "2027-04-04 02:30")]

    @pytest.mark.parametrize(
        "expression",
        [
            "cron(0 6 ? * SUN *)",
            "cron(30 2 ? * MON *)",
            "cron(30 2,3 ? * SUN *)",
            "cron(0 * * * ? *)",
            "rate(7 days)",
            "at(2027-03-28T03:30:00)",
        ],
    )
    def test_of_others_nothing(self, expression: str) -> None:
        assert self.told(expression) == []

    def test_nothing_in_autumn_nor_without_summer_time(self) -> None:
        assert self.told("cron(30 2 ? 10 SUN *)") == []
        assert self.told("cron(30 2 ? * SUN *)", "Asia/Kolkata") == []

    def test_a_schedule_that_is_due_in_that_hour_alone(self) -> None:
        assert self.told("cron(30 2 ? 3 SUNL *)") == [("2027-03-28 02:30", "2027-03-28 03:30", "never")]

    def test_once(self) -> None:
        lost = ("2027-03-28 02:30", "2027-03-28 03:30", "never")
        assert self.told("at(2027-03-28T02:30:00)") == [lost]
        assert self.told("at(2011-12-30T12:00:00)", "Pacific/Apia") == [
            ("2011-12-30 12:00", "2011-12-31 12:00", "never")
        ]

    def test_a_midnight_and_half_an_hour(self) -> None:
        assert self.told("cron(0 0 ? * SUN *)", "America/Santiago") == [
            ("2027-09-05 00:00", "2027-09-05 01:00", "2027-09-12 00:00")
        ]
        assert self.told("cron(15 2 ? * SUN *)", "Australia/Lord_Howe") == [
            ("2027-10-03 02:15", "2027-10-03 02:45", "2027-10-10 02:15")
        ]
