"""Entry point: the same three actions of the state machine as the custom evaluator's."""

import logging
from typing import Any

from bedrock_eval.jobs.request import evaluation_mark, settings
from bedrock_eval.layout import RunLayout
from custom_evaluator.events import FailEvent, PublishEvent, SliceEvent, parse_event
from custom_evaluator.failures import fail_run
from custom_evaluator.passing import passing_errors
from custom_evaluator.publication import publish_run
from custom_evaluator.slices import begun_definition
from evaluation_jobs.control import Control
from evaluation_jobs.looks import look
from evaluation_jobs.services import JobServices, services

logging.getLogger("evaluation_jobs").setLevel(logging.INFO)
logger = logging.getLogger(__name__)


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
    if isinstance(parsed, PublishEvent):
        publish_run(services().runs, parsed.layout)
        _prune(services(), parsed.layout)
        return {"status": "published", "runId": parsed.layout.run_id}
    recorded = fail_run(services().runs, parsed)
    # An evaluation whose runs all fail leaves jobs too.
    _prune(services(), parsed.layout)
    return recorded


def _prune(found: JobServices, layout: RunLayout | None) -> None:
    """After everything else: a job that stays is a line in a list, a run that fails over it is an alarm."""
    if layout is None:
        return
    try:
        definition = begun_definition(found.runs.store, layout)
        if definition is None:
            return
        keep = settings(definition).keep_jobs
        deleted = Control(found.bedrock).prune(containing=evaluation_mark(definition), keep=keep)
    except Exception:  # any error: see above
        logger.exception("jobs not pruned", extra={"evaluation": layout.evaluation})
        return
    if deleted:
        logger.info("jobs pruned", extra={"evaluation": layout.evaluation, "deleted": deleted})
