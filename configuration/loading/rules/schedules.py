"""When a schedule does not run: its time does not exist, or is past."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from bedrock_eval.evaluation.schedules import Skipped, last_due, skipped
from configuration.document.reading import Mistake
from configuration.loading.rules.parts import EvaluationParts, Parts, of_evaluation
from configuration.schema.evaluations.schedules import AnyScheduleConfig

_PATH = ("schedule", "expression")
_EVER = datetime.min.replace(tzinfo=UTC)


def mistakes(parts: Parts, *, deployed: datetime | None) -> Iterator[Mistake]:
    """An at() whose time does not exist or, where something is deployed, is past."""
    for name, evaluation in parts.evaluations.items():
        yield from of_evaluation(name, _missing_time(evaluation))
    if deployed is not None:
        yield from _past_runs(parts, deployed=deployed)


def _missing_time(evaluation: EvaluationParts) -> Iterator[Mistake]:
    """An at() whose time does not exist: a mistake, as that run may never come."""
    schedule = evaluation.schedule
    if schedule is None or not schedule.expression.startswith("at("):
        return
    for lost in skipped(schedule.expression, timezone=schedule.timezone, since=date.min):
        yield Mistake(
            _PATH, f"{_why(schedule, lost)}; allowed: a time that exists, as at({lost.instead:%Y-%m-%dT%H:%M:%S})"
        )


def _past_runs(parts: Parts, *, deployed: datetime) -> Iterator[Mistake]:
    """An at() that is past when its schedule is made: AWS does not say whether such a run is refused, comes or not."""
    # Assumption: past-at-and-redelivery
    for name, evaluation in parts.evaluations.items():
        schedule = evaluation.schedule
        if schedule is None or not schedule.expression.startswith("at("):
            continue
        if skipped(schedule.expression, timezone=schedule.timezone, since=date.min):
            continue  # reported already
        # Assumption: past-at-and-redelivery
        past = last_due(schedule.expression, timezone=schedule.timezone, now=deployed, since=_EVER)
        if past is not None:
            yield Mistake(
                ("evaluations", name, *_PATH),
                f"{schedule.expression!r} is in the past ({_shown(past)} UTC); needed: a time in the future, or no "
                "schedule",
            )


def notes(parts: Parts, *, today: date) -> Iterator[Mistake]:
    """A cron that loses a run in the coming year: a warning. One that runs again on the next day loses little."""
    for name, evaluation in parts.evaluations.items():
        schedule = evaluation.schedule
        if schedule is None or schedule.expression.startswith("at("):
            continue
        for lost in skipped(schedule.expression, timezone=schedule.timezone, since=today):
            if lost.following is None or lost.following - lost.first > timedelta(days=1):
                then = "no run follows" if lost.following is None else f"the next run is on {_shown(lost.following)}"
                yield Mistake(
                    ("evaluations", name, *_PATH),
                    f"{_why(schedule, lost)}, so EventBridge Scheduler skips the run; {then}; "
                    f"use an hour that exists on every day, as {lost.instead + timedelta(hours=1):%H}",
                )
                break


def _why(schedule: AnyScheduleConfig, lost: Skipped) -> str:
    when = f"{lost.first:%H:%M} on {lost.first:%Y-%m-%d}"
    return f"{schedule.expression!r}: {when} does not exist in {schedule.timezone}, where clocks go forward"


def _shown(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d at %H:%M}"
