"""EventBridge Scheduler expressions: parsed, and when one was last due.

Source: EventBridge Scheduler user guide, schedule types (rate, cron with six fields, at).
"""

import re
from calendar import isleap, monthrange
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

_RATE = re.compile(r"rate\((\d+) (minutes?|hours?|days?)\)")
_AT = re.compile(r"at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)")
_CRON = re.compile(r"cron\((.+)\)")
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_LOOK_BACK_DAYS = 4 * 366
_YEARS_OF_GAPS = 5
_ALLOWED = "rate(7 days), cron(0 6 ? * MON *) or at(2026-12-01T06:00:00)"

_DayRule = Callable[[date], bool]


class ScheduleError(ValueError):
    """Not an expression that EventBridge Scheduler would take."""


@dataclass(frozen=True)
class Rate:
    """Every `interval`, counted from the schedule's creation."""

    interval: timedelta


@dataclass(frozen=True)
class At:
    """Once, at a local time."""

    moment: datetime


@dataclass(frozen=True)
class Cron:
    """A cron expression as sets of values and a rule for days."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    months: frozenset[int]
    years: frozenset[int]
    day: _DayRule


def parse_schedule(expression: str) -> Rate | At | Cron:
    """Parse a schedule expression.

    Raises:
        ScheduleError: naming the field and what is allowed.
    """
    if match := _RATE.fullmatch(expression):
        return _parse_rate(expression, int(match[1]), match[2])
    if match := _AT.fullmatch(expression):
        try:
            return At(datetime.fromisoformat(match[1]))
        except ValueError:
            raise ScheduleError(f"{expression!r}: no such time") from None
    if match := _CRON.fullmatch(expression):
        return _parse_cron(expression, match[1].split())
    raise ScheduleError(f"{expression!r} is not a schedule expression; allowed: {_ALLOWED}")


def last_due(expression: str, *, timezone: str, now: datetime, since: datetime) -> datetime | None:
    """The latest moment at or before `now` at which the schedule was due, None when there was none after `since`.

    `since` is when the schedule began to exist: rates count from it.
    """
    schedule = parse_schedule(expression)
    zone = ZoneInfo(timezone)
    if isinstance(schedule, Rate):
        periods = (now - since) // schedule.interval
        due = since + periods * schedule.interval if periods >= 1 else None
    elif isinstance(schedule, At):
        due = schedule.moment.replace(tzinfo=zone)
    else:
        due = _last_cron(schedule, zone=zone, now=now)
    return due.astimezone(UTC) if due is not None and since < due <= now else None


def shortest_gap(expression: str) -> timedelta | None:
    """The shortest time between two moments at which a schedule is due, by the clock of its zone.

    None: it is due once, or never. Of a cron expression its first five years are looked at.

    Raises:
        ScheduleError: the expression is none.
    """
    schedule = parse_schedule(expression)
    if isinstance(schedule, At):
        return None
    return schedule.interval if isinstance(schedule, Rate) else _shortest_gap(schedule)


def _shortest_gap(schedule: Cron) -> timedelta | None:
    times = [timedelta(hours=hour, minutes=minute) for hour in schedule.hours for minute in schedule.minutes]
    days = [
        day
        for year in sorted(schedule.years)[:_YEARS_OF_GAPS]
        for day in (date(year, 1, 1) + timedelta(number) for number in range(366 if isleap(year) else 365))
        if day.month in schedule.months and schedule.day(day)
    ]
    within = [later - earlier for earlier, later in pairwise(times)] if days else []
    overnight = times[-1] - times[0]
    return min((*within, *(later - earlier - overnight for earlier, later in pairwise(days))), default=None)


def _parse_rate(expression: str, number: int, unit: str) -> Rate:
    if number < 1:
        raise ScheduleError(f"{expression!r}: the rate must be at least 1")
    try:
        return Rate(timedelta(**{unit if unit.endswith("s") else f"{unit}s": number}))
    except OverflowError:
        raise ScheduleError(f"{expression!r}: the rate is too long") from None


def _parse_cron(expression: str, fields: list[str]) -> Cron:
    if len(fields) != 6:
        raise ScheduleError(
            f"{expression!r}: {len(fields)} fields, six are needed: minutes hours day-of-month month day-of-week year"
        )
    minutes, hours, days, months, weekdays, years = (field.upper() for field in fields)
    if (days == "?") == (weekdays == "?"):
        raise ScheduleError(f"{expression!r}: exactly one of day-of-month and day-of-week must be ?")
    try:
        day = _weekday_rule(weekdays) if days == "?" else _month_day_rule(days)
        return Cron(
            minutes=tuple(sorted(_values(minutes, 0, 59))),
            hours=tuple(sorted(_values(hours, 0, 23))),
            months=_values(months, 1, 12, names=_MONTHS),
            years=_values(years, 1970, 2199),
            day=day,
        )
    except ValueError as error:
        raise ScheduleError(f"{expression!r}: {error}") from None


def _values(field: str, low: int, high: int, *, names: tuple[str, ...] = ()) -> frozenset[int]:
    """The numbers that a field of `,`, `-`, `*` and `/` stands for."""
    found: set[int] = set()
    for item in field.split(","):
        span, _, step_text = item.partition("/")
        step = int(step_text) if step_text.isdigit() else (1 if not step_text else 0)
        if step < 1:
            raise ValueError(f"{item!r}: the step must be a number of at least 1")
        start_text, dash, end_text = span.partition("-")
        if span == "*":
            start, end = low, high
        else:
            start = _number(start_text, low, high, names)
            end = _number(end_text, low, high, names) if dash else (high if step_text else start)
        if start > end:
            raise ValueError(f"{item!r}: the range runs backwards")
        found.update(range(start, end + 1, step))
    return frozenset(found)


def _number(text: str, low: int, high: int, names: tuple[str, ...]) -> int:
    if text in names:
        return names.index(text) + low
    if not text.isdigit() or not low <= int(text) <= high:
        raise ValueError(f"{text!r} is not between {low} and {high}")
    return int(text)


def _month_day_rule(field: str) -> _DayRule:
    if field == "L":
        return lambda day: day.day == monthrange(day.year, day.month)[1]
    if match := re.fullmatch(r"(\d{1,2})W", field):
        wanted = _number(match[1], 1, 31, ())
        return lambda day: day == _nearest_weekday(day, wanted)
    values = _values(field, 1, 31)
    return lambda day: day.day in values


def _nearest_weekday(day: date, wanted: int) -> date | None:
    last = monthrange(day.year, day.month)[1]
    if wanted > last:
        return None
    target = day.replace(day=wanted)
    if target.weekday() == 5:
        return target - timedelta(1) if wanted > 1 else target + timedelta(2)
    if target.weekday() == 6:
        return target + timedelta(1) if wanted < last else target - timedelta(2)
    return target


def _weekday_rule(field: str) -> _DayRule:
    if match := re.fullmatch(r"(\w+)#([1-5])", field):
        weekday, week = _number(match[1], 1, 7, _WEEKDAYS), int(match[2])
        return lambda day: _cron_weekday(day) == weekday and (day.day - 1) // 7 + 1 == week
    if match := re.fullmatch(r"(\w+)L", field):
        weekday = _number(match[1], 1, 7, _WEEKDAYS)
        return lambda day: _cron_weekday(day) == weekday and day.day + 7 > monthrange(day.year, day.month)[1]
    values = _values("7" if field == "L" else field, 1, 7, names=_WEEKDAYS)
    return lambda day: _cron_weekday(day) in values


def _cron_weekday(day: date) -> int:
    """1 is Sunday, 7 is Saturday."""
    return day.isoweekday() % 7 + 1


def _last_cron(schedule: Cron, *, zone: ZoneInfo, now: datetime) -> datetime | None:
    local = now.astimezone(zone)
    for back in range(_LOOK_BACK_DAYS):
        day = local.date() - timedelta(back)
        if day.month not in schedule.months or day.year not in schedule.years or not schedule.day(day):
            continue
        times = (
            datetime(day.year, day.month, day.day, h, m, tzinfo=zone) for h in schedule.hours for m in schedule.minutes
        )
        past = [moment for moment in times if moment <= now]
        if past:
            return max(past)
    return None
