"""run.json: how the state of a run is read, and what it is before the run has one."""

from datetime import datetime

from bedrock_eval.codec import DecodeError
from bedrock_eval.layout import RunLayout
from bedrock_eval.runs.state import RunState, RunStatus, read_state, timestamp
from bedrock_eval_runs.store import Store


def saved_state(store: Store, layout: RunLayout) -> RunState | None:
    """run.json, None when there is none that can be read."""
    stored = store.read(layout.state)
    try:
        return None if stored is None else read_state(stored.body)
    except DecodeError:
        return None


def has_begun(state: RunState | None) -> bool:
    """Whether a run has taken place, or takes place; one that was skipped has not."""
    return state is not None and state.status is not RunStatus.SKIPPED


def new_state(layout: RunLayout, *, now: datetime) -> RunState:
    """What run.json says of a run that begins now."""
    moment = timestamp(now)
    return RunState(
        evaluation=layout.evaluation,
        run_id=layout.run_id,
        status=RunStatus.RUNNING,
        started=moment,
        updated=moment,
    )
