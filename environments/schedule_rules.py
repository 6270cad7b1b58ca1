"""When a schedule does not run, as its clocks leave the time out or it is past; and that a rate runs at once."""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta

from bedrock_eval.evaluation.schedules import Skipped, last_due, skipped
from environments.document import Mistake
from environments.evaluation_schema import AnyScheduleConfig
from environments.parts import EvaluationParts, Parts
from environments.schema import Environment

_PATH = ("schedule", "expression")
_EVER = datetime.min.replace(tzinfo=UTC)


def missing_time(evaluation: EvaluationParts, _parts: Parts) -> Iterator[Mistake]:
    """An at() whose time does not exist: a mistake, as that run may never come."""
    schedule = evaluation.schedule
    if schedule is None or not schedule.expression.startswith("at("):
        return
    for lost in skipped(schedule.expression, timezone=schedule.timezone, since=date.min):
        yield Mistake(
            _PATH, f"{_why(schedule, lost)}; allowed: a time that exists, as at({lost.instead:%Y-%m-%dT%H:%M:%S})"
        )


def past_runs(parts: Parts, *, deployed: datetime) -> Iterator[Mistake]:
    """An at() that is past when its schedule is made: AWS does not say whether such a run is refused, comes or not."""
    # Assumption: past-at-and-redelivery
    for name, evaluation in parts.evaluations.items():
        schedule = evaluation.schedule
        if schedule is None or not schedule.expression.startswith("at("):
            continue
        if skipped(schedule.expression, timezone=schedule.timezone, since=date.min):
            continue  # told already
        # Assumption: past-at-and-redelivery
        past = last_due(schedule.expression, timezone=schedule.timezone, now=deployed, since=_EVER)
        if past is not None:
            yield Mistake(
                ("evaluations", name, *_PATH),
                f"{schedule.expression!r} is past ({_shown(past)} UTC); allowed: a time that is still to come, or no "
                "schedule",
            )


def skipped_runs(parts: Parts, *, today: date) -> Iterator[Mistake]:
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
                    f"{_why(schedule, lost)}, so that EventBridge Scheduler skips the run; {then}; "
                    f"an hour that every day has, as {lost.instead + timedelta(hours=1):%H}, avoids it",
                )
                break


def first_runs(environment: Environment) -> str | None:
    """What the first deploy runs at once; None without a schedule by a rate."""
    rates = {
        name: config.schedule.expression
        for name, config in environment.evaluations.items()
        if config.schedule is not None and config.schedule.expression.startswith("rate(")
    }
    if not rates:
        return None
    named = ", ".join(f"{name} ({expression})" for name, expression in rates.items())
    runs, waits = ("runs", "its schedule is") if len(rates) == 1 else ("run", "their schedules are")
    return (
        f"{environment.name}: {named} {runs} at once at the first deploy, as soon as {waits} made and before the "
        f"monitoring stack is; cron(...) and at(...) wait for their time{_too_soon_to_judge(environment, rates)}"
    )


def _too_soon_to_judge(environment: Environment, rates: Iterable[str]) -> str:
    """A run that judges the answers of another evaluation needs a run of that."""
    sources = {name: getattr(environment.evaluations[name], "answers_from", None) for name in rates}
    judging = "".join(f"; {name} then fails, as no run of {of} is published yet" for name, of in sources.items() if of)
    return f"{judging}: give it a cron(...) some hours after that one's" if judging else ""


def _why(schedule: AnyScheduleConfig, lost: Skipped) -> str:
    when = f"{lost.first:%H:%M} on {lost.first:%Y-%m-%d}"
    return f"{schedule.expression!r}: {when} does not exist in {schedule.timezone}, whose clocks go forward there"


def _shown(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d at %H:%M}"
