"""The three events of the state machine, parsed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bedrock_eval.layout import RunLayout
from bedrock_eval.names import (
    NAME_RULE,
    RunIdError,
    is_name,
    is_run_id,
    parse_scheduled_time,
    retry_id,
    run_id,
)
from bedrock_eval_runs.errors import EventError

ACTIONS = ("slice", "publish", "fail")


@dataclass(frozen=True)
class SliceEvent:
    """Work on a run until it is done or the time is up. `execution` owns the lock.

    Attributes:
        retry_of: the finished run whose failed cases are asked again.
        resumed: somebody has started the run again: its failed cases have another round. True also where the lock is
            taken anew.
    """

    layout: RunLayout
    execution: str
    retry_of: str | None = None
    resumed: bool = False


@dataclass(frozen=True)
class PublishEvent:
    """Publish the metrics of a finished run."""

    layout: RunLayout


@dataclass(frozen=True)
class FailEvent:
    """Record why a run failed. The evaluation and the run are None when the input itself was at fault."""

    evaluation: str | None
    layout: RunLayout | None
    execution: str | None
    error: str
    cause: str


def parse_event(event: object) -> SliceEvent | PublishEvent | FailEvent:
    """Read the function's event.

    Raises:
        EventError: naming the key and what is allowed.
    """
    if not isinstance(event, Mapping):
        raise EventError(f"event: {type(event).__name__} is not an object; needed: action, input")
    action = event.get("action")
    if action not in ACTIONS:
        raise EventError(f"action: {action!r} is not known; allowed: {', '.join(ACTIONS)}")
    if action == "fail":
        return _fail_event(event)
    given = _object(event, "input")
    layout = _layout(given)
    if action == "publish":
        return PublishEvent(layout)
    return SliceEvent(layout, _text(event, "execution"), retry_of=given.get("retryOf"))


def _layout(value: Mapping[str, Any]) -> RunLayout:
    evaluation = _text(value, "evaluation")
    if not is_name(evaluation):
        raise EventError(f"input.evaluation: {evaluation!r} is not a name; needed: {NAME_RULE}")
    try:
        return RunLayout(evaluation, _retry_id(value) if "retryOf" in value else _run_id(value))
    except RunIdError as error:
        raise EventError(f"input.{error}") from None


def _run_id(value: Mapping[str, Any]) -> str:
    manual = value.get("manual")
    if manual is not None and not isinstance(manual, str):
        raise EventError(f"input.manual: {manual!r} is not text; needed: 4 hexadecimal digits, or no such key")
    return run_id(parse_scheduled_time(value.get("scheduledTime")), manual=manual)


def _retry_id(value: Mapping[str, Any]) -> str:
    """The id of a retry is made of the run's that it names, so its time is not given again."""
    both = sorted({"scheduledTime", "manual"} & set(value))
    if both:
        raise EventError(f"input.{both[0]}: not together with retryOf; allowed: evaluation, retryOf, retry")
    retry_of = _text(value, "retryOf")
    if not is_run_id(retry_of):
        raise EventError(f"input.retryOf: {retry_of!r} is not a run id")
    return retry_id(retry_of, mark=_text(value, "retry"))


def _fail_event(event: Mapping[str, Any]) -> FailEvent:
    """Lenient about the input, which may be what failed; strict about the error, which the state machine writes."""
    error = _object(event, "error")
    execution = event.get("execution")
    try:
        layout = _layout(_object(event, "input"))
    except EventError:
        layout = None
    return FailEvent(
        evaluation=_evaluation(event.get("input")),
        layout=layout,
        execution=execution if isinstance(execution, str) else None,
        error=str(error.get("Error", "")),
        cause=str(error.get("Cause", "")),
    )


def _evaluation(value: object) -> str | None:
    name = value.get("evaluation") if isinstance(value, Mapping) else None
    return name if isinstance(name, str) and is_name(name) else None


def _object(value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = value.get(key)
    if not isinstance(found, Mapping):
        raise EventError(f"{key}: {'missing' if key not in value else f'{found!r} is not an object'}")
    return found


def _text(value: Mapping[str, Any], key: str) -> str:
    found = value.get(key)
    if not isinstance(found, str) or not found:
        raise EventError(f"{key}: {'missing' if key not in value else f'{found!r} is not text'}; needed: text")
    return found
