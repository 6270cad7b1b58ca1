"""Entry point: one function, three actions of the state machine."""

import logging
from typing import Any

from bedrock_eval_runs.custom.slices import run_slice
from bedrock_eval_runs.events import FailEvent, PublishEvent, SliceEvent, parse_event
from bedrock_eval_runs.failures import fail_run
from bedrock_eval_runs.publication import publish_run
from bedrock_eval_runs.services import services
from bedrock_eval_runs.transient import passing_errors

logging.getLogger("bedrock_eval_functions").setLevel(logging.INFO)
logging.getLogger("bedrock_eval_runs").setLevel(logging.INFO)


def handler(event: object, context: Any) -> dict[str, object]:
    """Run a slice, publish a finished run, or record a failed one.

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
        return run_slice(services(), parsed, remaining_seconds=remaining).to_json()
    if isinstance(parsed, PublishEvent):
        publish_run(services(), parsed.layout)
        return {"status": "published", "runId": parsed.layout.run_id}
    return fail_run(services(), parsed)
