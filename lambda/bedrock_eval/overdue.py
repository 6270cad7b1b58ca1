"""Whether an evaluation's schedule has kept its word. An age, not a presence: an alarm looks back 7 days at most."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bedrock_eval.definition import Schedule
from bedrock_eval.schedules import Rate, last_due, parse_schedule


class OverdueError(ValueError):
    """It cannot be told since when the schedule counts."""


@dataclass(frozen=True)
class Requirement:
    """A finished run that must be there: its scheduled time is not before `since`."""

    since: datetime

    def met_by(self, run_time: datetime | None) -> bool:
        """Whether the newest finished run satisfies it; a run started by hand counts by its time like any other."""
        return run_time is not None and run_time >= self.since


def requirement(
    schedule: Schedule, *, first_deployed: str | None, now: datetime, longest: timedelta = timedelta()
) -> Requirement | None:
    """What must have finished by `now`, None while nothing was due for longer than the grace.

    A cron or one-off schedule is due at moments of the clock. A rate is counted by EventBridge Scheduler from a moment
    that the definition does not know, so what must be there is a run of the last interval plus grace.

    Args:
        longest: how long a run may take whatever the grace: one that is still allowed to go on is not overdue.

    Raises:
        OverdueError: the definition does not say when it was first deployed.
        ScheduleError: the expression is none.
    """
    if first_deployed is None:
        raise OverdueError("definition.first_deployed is missing: deploy the evaluation again")
    deployed = datetime.fromisoformat(first_deployed)
    late = now - max(timedelta(hours=schedule.grace_hours), longest)
    parsed = parse_schedule(schedule.expression)
    if isinstance(parsed, Rate):
        since = late - parsed.interval
        return Requirement(since) if deployed <= since else None
    due = last_due(schedule.expression, timezone=schedule.timezone, now=late, since=deployed)
    return None if due is None else Requirement(due)
