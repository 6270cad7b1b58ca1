"""EventBridge Scheduler expressions: parsed, when one was last due, and which of its times a zone leaves out.

Source: EventBridge Scheduler user guide, schedule types (rate, cron with six fields, at). When clocks change, it says,
a time that does not exist is skipped, and one that comes twice runs once. That this is the first of the two is our
reading; a run at the second satisfies it as well.
"""

import re
from calendar import isleap, monthrange
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from bedrock_eval.errors import UserError
from bedrock_eval.numerals import whole

_RATE = re.compile(r"rate\(([0-9]+) (minutes?|hours?|days?)\)")
_AT = re.compile(r"at\(([0-9]{4}-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9])\)")
_CRON = re.compile(r"cron\((.+)\)")
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_LOOK_DAYS = 4 * 366
_YEARS_OF_GAPS = 5
_YEARS = range(1970, 2200)
_ALLOWED = "rate(7 days), cron(0 6 ? * MON *) or at(2026-12-01T06:00:00)"

_DayRule = Callable[[date], bool]


class ScheduleError(UserError, ValueError):
    """Not an expression that EventBridge Scheduler would take."""


@dataclass(frozen=True)
class Rate:
    """At once when the schedule is made, and then every `interval`."""

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
        return _parse_at(expression, match[1])
    if match := _CRON.fullmatch(expression):
        return _parse_cron(expression, match[1].split())
    raise ScheduleError(f"{expression!r} is not a schedule expression; allowed: {_ALLOWED}")


def last_due(expression: str, *, timezone: str, now: datetime, since: datetime) -> datetime | None:
    """The latest moment at or before `now` at which the schedule was due, None when there was none after `since`.

    `since` is when the schedule began to exist: a rate is due then and counts from there. What the clocks of the zone
    leave out is never due.
    """
    schedule = parse_schedule(expression)
    zone = ZoneInfo(timezone)
    if isinstance(schedule, Rate):
        periods = (now - since) // schedule.interval
        return (since + periods * schedule.interval).astimezone(UTC) if periods >= 0 else None
    due = _instant(schedule.moment, zone) if isinstance(schedule, At) else _last_cron(schedule, zone=zone, now=now)
    return due.astimezone(UTC) if due is not None and since < due <= now else None


@dataclass(frozen=True)
class Skipped:
    """Times of one day that are due by the expression, and that the clocks of the zone leave out.

    Attributes:
        first: the first of them, local.
        instead: what the clocks show when it would have come, had they not gone forward.
        following: when the schedule is due next, local; None: never again as far as was looked.
    """

    first: datetime
    instead: datetime
    following: datetime | None = None


def skipped(expression: str, *, timezone: str, since: date, days: int = 366) -> tuple[Skipped, ...]:
    """Days from `since` on whose every due time falls into a span that the clocks leave out.

    A day on which another time remains is not among them. An at() expression counts whatever its date.

    Raises:
        ScheduleError: the expression is none.
    """
    schedule = parse_schedule(expression)
    zone = ZoneInfo(timezone)
    if isinstance(schedule, Rate):
        return ()
    if isinstance(schedule, At):
        local = schedule.moment
        return () if _instant(local, zone) else (Skipped(local, _shown(local, zone)),)
    return tuple(
        Skipped(first, _shown(first, zone), _next(schedule, day, zone))
        for day in _days_of_other_length(zone, since, since + timedelta(days))
        if _is_due(schedule, day) and not any(_instants(schedule, day, zone))
        for first in _local_times(schedule, day)[:1]
    )


def _days_of_other_length(zone: ZoneInfo, first: date, last: date) -> Iterator[date]:
    """Days within which the zone's distance from UTC changes; a day that the zone leaves out lies between two."""

    def offset(day: date) -> timedelta | None:
        return datetime.combine(day, time(), zone).utcoffset()

    day, before = first, offset(first)
    while day <= last:
        after = offset(day + timedelta(1))
        if after != before:
            yield day
        day, before = day + timedelta(1), after


def _next(schedule: Cron, day: date, zone: ZoneInfo) -> datetime | None:
    """The first due time after a day, local."""
    for ahead in range(1, _LOOK_DAYS):
        later = day + timedelta(ahead)
        if _is_due(schedule, later) and (moments := list(_instants(schedule, later, zone))):
            return min(moments).astimezone(zone).replace(tzinfo=None)
    return None


def _instant(local: datetime, zone: ZoneInfo) -> datetime | None:
    """The instant of a local time, the first of two; None: the zone has no such time, as its clocks go forward."""
    return local.replace(tzinfo=zone).astimezone(UTC) if _shown(local, zone) == local else None


def _shown(local: datetime, zone: ZoneInfo) -> datetime:
    """What the clocks of the zone show at a local time: of one that they leave out, as much later as they jump."""
    return local.replace(tzinfo=zone).astimezone(UTC).astimezone(zone).replace(tzinfo=None)


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


def _parse_at(expression: str, text: str) -> At:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ScheduleError(f"{expression!r}: no such time") from None
    # In every zone the neighbours of these years are in the calendar, too.
    if moment.year not in _YEARS:
        raise ScheduleError(f"{expression!r}: year {moment.year}; allowed: {_YEARS[0]} to {_YEARS[-1]}")
    return At(moment)


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
            years=_values(years, _YEARS[0], _YEARS[-1]),
            day=day,
        )
    except ValueError as error:
        raise ScheduleError(f"{expression!r}: {error}") from None


def _values(field: str, low: int, high: int, *, names: tuple[str, ...] = ()) -> frozenset[int]:
    """The numbers that a field of `,`, `-`, `*` and `/` stands for."""
    found: set[int] = set()
    for item in field.split(","):
        span, _, step_text = item.partition("/")
        step = 1 if not step_text else whole(step_text) or 0
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
    number = whole(text)
    if number is None or not low <= number <= high:
        raise ValueError(f"{text!r} is not between {low} and {high}")
    return number


def _month_day_rule(field: str) -> _DayRule:
    if field == "L":
        return lambda day: day.day == monthrange(day.year, day.month)[1]
    if match := re.fullmatch(r"([0-9]{1,2})W", field):
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
    # Where clocks go back over midnight, times of tomorrow's date have been already.
    newest = now.astimezone(zone).date() + timedelta(1)
    for back in range(_LOOK_DAYS):
        day = newest - timedelta(back)
        if _is_due(schedule, day):
            past = [moment for moment in _instants(schedule, day, zone) if moment <= now]
            if past:
                return max(past)
    return None


def _is_due(schedule: Cron, day: date) -> bool:
    return day.month in schedule.months and day.year in schedule.years and schedule.day(day)


def _instants(schedule: Cron, day: date, zone: ZoneInfo) -> Iterator[datetime]:
    """When it is due on a day on which it is, in UTC."""
    return filter(None, (_instant(local, zone) for local in _local_times(schedule, day)))


def _local_times(schedule: Cron, day: date) -> list[datetime]:
    return [datetime.combine(day, time(hour, minute)) for hour in schedule.hours for minute in schedule.minutes]
