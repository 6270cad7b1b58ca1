"""The schedule of an evaluation."""

from functools import cache
from typing import Annotated
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field

from bedrock_eval.evaluation.schedules import ScheduleError, parse_schedule
from bedrock_eval.wording import suggestion
from configuration.schema.values.base import Strict


@cache
def _timezones() -> frozenset[str]:
    return frozenset(available_timezones())


def _timezone(name: str) -> str:
    if name not in _timezones():
        near = suggestion(name, _timezones())
        raise ValueError(f"{name!r} is not an IANA time zone{near}; allowed: names as UTC or Europe/Berlin")
    return name


def _schedule_expression(text: str) -> str:
    try:
        parse_schedule(text)
    except ScheduleError as error:
        raise ValueError(str(error)) from None
    return text


_SCHEDULE = (
    r"^(rate\([1-9][0-9]* (minutes?|hours?|days?)\)|cron\(\S+( \S+){5}\)"
    r"|at\([0-9]{4}(-[0-9]{2}){2}T[0-9]{2}(:[0-9]{2}){2}\))$"
)


class AnyScheduleConfig(Strict):
    """The schedule of the evaluation, in EventBridge Scheduler."""

    expression: Annotated[str, AfterValidator(_schedule_expression)] = Field(
        description="`rate(7 days)`, `cron(0 6 ? * MON *)` or `at(2026-12-01T06:00:00)`. A rate starts a run "
        "when its schedule is created, at the first deploy, and may start one when it is "
        "changed. A scheduled run that starts less than half a rate after the last one is "
        "skipped.",
        json_schema_extra={"pattern": _SCHEDULE},
    )
    timezone: Annotated[str, AfterValidator(_timezone)] = Field(
        default="UTC",
        description="IANA time zone of cron(...) and at(...). A time that does not exist when clocks go "
        "forward is skipped.",
        json_schema_extra={"pattern": "^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$"},
    )


# Assumption: rate-schedule-first-run
class ScheduleConfig(AnyScheduleConfig):
    """The schedule of the evaluation, in EventBridge Scheduler."""

    grace_hours: float = Field(
        default=6, ge=0.01, le=168, description="Hours after the scheduled time until the run must have finished."
    )


class JobScheduleConfig(AnyScheduleConfig):
    """The schedule of the evaluation, in EventBridge Scheduler."""

    grace_hours: float | None = Field(
        default=None,
        ge=0.01,
        le=2_000,
        description="Hours after the scheduled time until the run must have finished. Default: the longest "
        "time that `deadline_hours` allows.",
    )
