"""Action `fail`: the state machine's Catch, as a metric, a message in run.json, and a lock given up."""

import json
import logging
from dataclasses import replace

from bedrock_eval import catalogue
from bedrock_eval.layout import RunLayout
from bedrock_eval.runs.state import RunFailureReason, RunStatus, timestamp
from bedrock_eval_runs import locks
from bedrock_eval_runs.errors import EventError
from bedrock_eval_runs.events import FailEvent
from bedrock_eval_runs.publication import publish_fact
from bedrock_eval_runs.services import Services
from bedrock_eval_runs.states import new_state, saved_state

MESSAGE_LIMIT = 1000

logger = logging.getLogger(__name__)


def fail_run(services: Services, event: FailEvent, *, left: str = "") -> dict[str, object]:
    """Record why a run failed; may be repeated.

    The metric, which rings, does not depend on the bucket, nor the record on CloudWatch.

    Args:
        left: what people must hear of beside the reason; no length of that cuts it off.
    """
    reason, message = reason_and_message(event.error, event.cause)
    message = f"{message[: MESSAGE_LIMIT - len(left)]}{left}"
    run_id = None if event.layout is None else event.layout.run_id
    logger.error("run failed", extra={"evaluation": event.evaluation, "run": run_id, "reason": reason.value})
    trouble = _published(services, event.evaluation)
    if event.layout is not None:
        reason = _record(services, event.layout, event, reason=reason, message=message)
    if trouble is not None:
        raise trouble
    return {"status": "failed", "runId": run_id, "reason": reason.value}


def _published(services: Services, evaluation: str | None) -> Exception | None:
    """What kept the metric from being published, for after the record."""
    try:
        if evaluation is not None:
            publish_fact(services, catalogue.RUN_FAILED, evaluation=evaluation)
    except Exception as error:
        logger.exception("metric not published")
        return error
    return None


def reason_and_message(error: str, cause: str) -> tuple[RunFailureReason, str]:
    """The reason and the sentence out of what Step Functions catches.

    For a function's exception `Cause` is JSON with errorType and errorMessage, else (time-outs, the service's own
    errors) it is plain text.
    """
    try:
        parsed = json.loads(cause)
    except ValueError:
        parsed = None
    details = parsed if isinstance(parsed, dict) else {}
    kind = str(details.get("errorType") or error)
    message = str(details.get("errorMessage") or cause)
    head, colon, sentence = message.partition(": ")
    if colon and head in {reason.value for reason in RunFailureReason}:
        return RunFailureReason(head), sentence[:MESSAGE_LIMIT]
    known = RunFailureReason.INVALID_EVENT if EventError.__name__ in (kind, error) else RunFailureReason.UNEXPECTED
    return known, f"{kind}: {message}"[:MESSAGE_LIMIT]


def _record(
    services: Services, layout: RunLayout, event: FailEvent, *, reason: RunFailureReason, message: str
) -> RunFailureReason:
    store, now = services.store, services.now()
    if event.execution is not None and locks.holder(store, layout, now=now) not in (None, event.execution):
        logger.warning("another execution works on the run; its state stays", extra={"run": layout.run_id})
        return reason
    if store.exists(layout.summary):
        # The results are there; what failed came after.
        reason = RunFailureReason.NOT_PUBLISHED
    state = saved_state(store, layout) or new_state(layout, now=now)
    state = replace(
        state, status=RunStatus.FAILED, updated=timestamp(now), reason=reason.value, message=message or "no message"
    )
    store.put(layout.state, state.to_json())
    locks.release(store, layout, owner=event.execution, now=now)
    return reason
