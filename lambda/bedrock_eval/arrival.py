"""How late metrics and log records come: what is younger need not be complete, and is never shown as if it were."""

from datetime import UTC, datetime, timedelta

from bedrock_eval.wording import count

# AWS says nowhere how long either takes; a minute or two are usually seen. Five minutes are the period of most alarms.
# Assumption: metrics-arrive-late
ALLOWANCE = timedelta(minutes=5)

LAST_MINUTES = f"the last {ALLOWANCE.total_seconds() / 60:g} minutes"
"""What need not be complete, in the words of texts that are written before anybody asks."""


def complete_until(end: datetime, *, now: datetime) -> datetime:
    """Until when what is asked for [.., end) is there, a whole minute in UTC."""
    return min(end, now - ALLOWANCE).astimezone(UTC).replace(second=0, microsecond=0)


def completeness(*, start: datetime, end: datetime, now: datetime) -> str:
    """What a reader of the figures of [start, end) must know of their end."""
    until = complete_until(end, now=now)
    if until <= start:
        minutes = count(round(ALLOWANCE.total_seconds() / 60), "minute")
        return f"none of this time need be complete: a call can take {minutes} to be logged; ask again later"
    if until >= end.astimezone(UTC).replace(second=0, microsecond=0):
        return f"complete until {shown(until)}"
    return f"complete until {shown(until)}; calls of {LAST_MINUTES} may be missing"


def shown(moment: datetime) -> str:
    """A moment for people, in UTC."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
