"""A scheduled run that comes too early. A rate runs at once when its schedule is made, and may when it is changed."""

from collections.abc import Iterator

from bedrock_eval.evaluation.definition import Schedule
from bedrock_eval.evaluation.schedules import Rate, parse_schedule
from bedrock_eval.layout import RunLayout, evaluation_prefix
from bedrock_eval.names import is_scheduled, run_time
from bedrock_eval.runs.state import RunStatus
from bedrock_eval_runs.states import has_begun, saved_state
from bedrock_eval_runs.store import Store


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
