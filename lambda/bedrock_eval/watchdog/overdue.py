"""Whether an evaluation's schedule has kept its word. An age, not a presence: an alarm looks back 7 days at most."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bedrock_eval.errors import UserError
from bedrock_eval.evaluation.definition import Schedule
from bedrock_eval.evaluation.schedules import Rate, last_due, parse_schedule


class OverdueError(UserError, ValueError):
    """It cannot be told since when the schedule counts."""


@dataclass(frozen=True)
class Requirement:
    """A finished run that must be there: its scheduled time is not before `since`.

    Attributes:
        excused: a run that came too early by its rate and was skipped, not before `since`, does as well, where a run
            has finished so long before `since` or later: the one that it was skipped for.
    """

    since: datetime
    excused: timedelta = timedelta()

    @property
    def earliest(self) -> datetime:
        """No run before this time matters."""
        return self.since - self.excused

    def met_by(self, finished: datetime | None, *, skipped: datetime | None = None) -> bool:
        """Whether the newest finished run satisfies it, or the newest that was skipped as too early.

        A run started by hand counts by its time like any other.
        """
        if finished is None:
            return False
        return finished >= self.since or (finished >= self.earliest and skipped is not None and skipped >= self.since)


def requirement(
    schedule: Schedule,
    *,
    first_deployed: str | None,
    now: datetime,
    longest: timedelta = timedelta(),
    changed: bool = False,
) -> Requirement | None:
    """What must have finished by `now`, None while nothing was due for longer than the grace.

    A cron or one-off schedule is due at moments of the clock. A rate is due at once when its schedule is made, and then
    in every interval.

    Args:
        changed: the schedule was changed at `first_deployed`, not made.
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
        return _of_rate(parsed.interval, late=late, deployed=deployed, changed=changed)
    due = last_due(schedule.expression, timezone=schedule.timezone, now=late, since=deployed)
    return None if due is None else Requirement(due)


def _of_rate(interval: timedelta, *, late: datetime, deployed: datetime, changed: bool) -> Requirement | None:
    """AWS does not say whether a schedule that was changed runs at once or keeps its rhythm: it has an interval's time.

    The first run of a new one is left out where the evaluation ran less than half an interval before.
    """
    # Assumption: rate-schedule-first-run
    half = interval / 2
    if late < (deployed + interval if changed else deployed):
        return None
    return Requirement(max(late - interval, deployed - half), excused=half)
