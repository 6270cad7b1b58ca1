"""What a slice of a run returns to the state machine, and when a scheduled run does not take place.

A rate runs at once when its schedule is made, and may when it is changed: such a run comes too early.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from bedrock_eval import catalogue
from bedrock_eval.evaluation.definition import Schedule
from bedrock_eval.evaluation.schedules import Rate, parse_schedule
from bedrock_eval.layout import RunLayout, evaluation_prefix
from bedrock_eval.names import is_scheduled, run_time
from bedrock_eval.runs.state import TOO_EARLY, RunState, RunStatus, timestamp
from bedrock_eval_runs import locks
from bedrock_eval_runs.events import SliceEvent
from bedrock_eval_runs.publication import publish_fact
from bedrock_eval_runs.services import Services
from bedrock_eval_runs.states import has_begun, new_state, saved_state
from bedrock_eval_runs.store import Store

logger = logging.getLogger(__name__)


class SliceStatus(StrEnum):
    """What the state machine's choice goes by."""

    RUNNING = "running"
    WAITING = "waiting"
    FINISHED = "finished"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class SliceResult:
    """What a slice returns to the state machine.

    Attributes:
        completed, total: cases over all candidates.
        pause_seconds: with WAITING, how long the state machine waits before the next slice.
    """

    status: SliceStatus
    run_id: str
    completed: int = 0
    total: int | None = None
    reason: str | None = None
    pause_seconds: int = 0

    def to_json(self) -> dict[str, object]:
        value: dict[str, object] = {
            "status": self.status.value,
            "runId": self.run_id,
            "completed": self.completed,
            "total": self.total,
            "pauseSeconds": self.pause_seconds,
        }
        return value if self.reason is None else {**value, "reason": self.reason}


def finished(layout: RunLayout, state: RunState | None) -> SliceResult:
    """The result of a run that has its summary."""
    completed, total = (state.completed, state.total) if state is not None else (0, None)
    return SliceResult(SliceStatus.FINISHED, layout.run_id, completed, total)


def leave_out(services: Services, event: SliceEvent, schedule: Schedule | None, *, now: datetime) -> SliceResult | None:
    """The result of a run that does not take place, counted and with a word in run.json; None: it does.

    By its rate it comes too early, or an earlier run of the evaluation is not finished.
    """
    store, layout = services.store, event.layout
    reason, message = TOO_EARLY, too_early(store, layout, schedule)
    if message is None:
        earlier = locks.run_at_work(store, layout, now=now)
        if earlier is None:
            return None
        reason, message = "overlap", f"run {earlier} of the same evaluation is not finished"
    state = saved_state(store, layout) or new_state(layout, now=now)
    state = replace(state, status=RunStatus.SKIPPED, updated=timestamp(now), reason=reason, message=message)
    store.put(layout.state, state.to_json())
    locks.release(store, layout, owner=event.execution, now=now)
    return skipped(services, layout, message)


def skipped(services: Services, layout: RunLayout, reason: str) -> SliceResult:
    """The result of a run that does not take place, counted."""
    publish_fact(services, catalogue.RUN_SKIPPED, evaluation=layout.evaluation)
    logger.warning("run skipped", extra={"evaluation": layout.evaluation, "run": layout.run_id, "reason": reason})
    return SliceResult(SliceStatus.SKIPPED, layout.run_id, reason=reason)


def too_early(store: Store, layout: RunLayout, schedule: Schedule | None) -> str | None:
    """Why a scheduled run is left out: less than half of its rate has gone by since the last one. None: it is due.

    One that has begun goes on. A run that failed counts: it is started again under its own time, and keeps its answers.
    """
    if schedule is None or not is_scheduled(layout.run_id):
        return None
    rate = parse_schedule(schedule.expression)
    if not isinstance(rate, Rate) or has_begun(saved_state(store, layout)):
        return None
    # Assumption: rate-schedule-first-run, past-at-and-redelivery
    earlier = next(_earlier(store, layout), None)
    if earlier is None or 2 * (run_time(layout.run_id) - run_time(earlier)) >= rate.interval:
        return None
    return (
        f"{schedule.expression}: scheduled run {earlier} was less than half of that before, as when the schedule is "
        "made anew or changed; start the evaluation by hand to run it nevertheless"
    )


def _earlier(store: Store, layout: RunLayout) -> Iterator[str]:
    """Scheduled runs before this one that took place, the newest first."""
    for run in sorted(store.folders(evaluation_prefix(layout.evaluation)), reverse=True):
        if run < layout.run_id and is_scheduled(run):
            state = saved_state(store, RunLayout(layout.evaluation, run))
            if state is None or state.status is not RunStatus.SKIPPED:
                yield run
