"""Entry point: the same three actions of the state machine as the custom evaluator's."""

import logging
from typing import Any

from bedrock_eval_runs.events import FailEvent, PublishEvent, SliceEvent, parse_event
from bedrock_eval_runs.failures import fail_run
from bedrock_eval_runs.jobs.polling import look
from bedrock_eval_runs.jobs.remains import clear_up, going_on
from bedrock_eval_runs.jobs.services import services
from bedrock_eval_runs.publication import publish_run
from bedrock_eval_runs.transient import passing_errors

logging.getLogger("bedrock_eval_functions").setLevel(logging.INFO)
logging.getLogger("bedrock_eval_runs").setLevel(logging.INFO)


def handler(event: object, context: Any) -> dict[str, object]:
    """Look at the jobs of a run, publish a finished run or record a failed one, and prune old jobs after either.

    Raises:
        EventError: the event is not one of the three.
        RunFailed: the run cannot go on; the message is `<reason>: <sentence>`.
        PassingError: a service is in trouble; the state machine tries again.
    """
    parsed = parse_event(event)
    with passing_errors():
        return _act(parsed, context)


def _act(parsed: SliceEvent | PublishEvent | FailEvent, context: Any) -> dict[str, object]:
    if isinstance(parsed, SliceEvent):
        remaining = context.get_remaining_time_in_millis() / 1000
        return look(services(), parsed, remaining_seconds=remaining).to_json()
    found, layout = services(), parsed.layout
    if isinstance(parsed, PublishEvent):
        publish_run(found.runs, parsed.layout)
        clear_up(found, layout)
        return {"status": "published", "runId": parsed.layout.run_id}
    left = "" if layout is None else going_on(found.runs.store, layout)
    recorded = fail_run(found.runs, parsed, left=left)
    # An evaluation whose runs all fail leaves jobs too.
    clear_up(found, layout)
    return recorded
