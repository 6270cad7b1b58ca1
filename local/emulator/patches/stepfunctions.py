"""Step Functions: metrics, the time limit of a state machine, throttled functions.

Stock ministack publishes no AWS/States metrics, never times an execution out, lets a late task turn an aborted
execution into a failed one, goes on calling the function of a stopped execution as long as its state retries, calls a
throttled function Lambda.Unknown, and refuses a repeated StartExecution even with the same input. Step Functions does
each of these right (StartExecution is idempotent while the execution runs).
"""

import contextvars
import json
import threading
from collections.abc import Callable
from typing import Any

from ministack.core import responses
from ministack.services import cloudwatch, stepfunctions

Execution = dict[str, Any]
Answer = tuple[int, dict[str, str], bytes]

_METRICS = {
    "RUNNING": "ExecutionsStarted",
    "SUCCEEDED": "ExecutionsSucceeded",
    "FAILED": "ExecutionsFailed",
    "TIMED_OUT": "ExecutionsTimedOut",
    "ABORTED": "ExecutionsAborted",
}
_MAX_TIMEOUT_SECONDS = 99_999_999


# The execution of the task that this thread works on.
_execution: contextvars.ContextVar[Execution | None] = contextvars.ContextVar("execution", default=None)


class StoppedError(Exception):
    """The execution has ended meanwhile; no Retry and no Catch knows this error."""


def _publish(execution: Execution) -> None:
    dimensions = {"StateMachineArn": execution["stateMachineArn"]}
    for status, name in _METRICS.items():
        reached = status == execution["status"]
        # Step Functions sends zeros for the other ends, so that their alarms have data.
        if reached or (execution["status"] != "RUNNING" and status != "RUNNING"):
            cloudwatch.record_metric("AWS/States", name, float(reached), "Count", dimensions)
    started = stepfunctions._iso_to_epoch_ms(execution.get("startDate"))
    ended = stepfunctions._iso_to_epoch_ms(execution.get("stopDate"))
    if started and ended:
        cloudwatch.record_metric("AWS/States", "ExecutionTime", float(ended - started), "Milliseconds", dimensions)


def _time_out(execution: Execution) -> None:
    if execution["status"] != "RUNNING":
        return
    execution.update(status="TIMED_OUT", stopDate=responses.now_iso(), error="States.Timeout")
    stepfunctions._add_event(
        execution, "ExecutionTimedOut", {"executionTimedOutEventDetails": {"error": "States.Timeout"}}
    )
    stepfunctions._emit_execution_status_event(execution)


def _start_clock(execution: Execution) -> None:
    machine = stepfunctions._state_machines.get(execution["stateMachineArn"]) or {}
    try:
        limit = json.loads(machine.get("definition", "{}")).get("TimeoutSeconds")
    except ValueError:
        return
    if limit is None:
        return
    timer = threading.Timer(
        min(float(limit), _MAX_TIMEOUT_SECONDS, threading.TIMEOUT_MAX),
        contextvars.copy_context().run,
        args=(_time_out, execution),
    )
    timer.daemon = True
    timer.start()


def _status_event(stock: Callable[[Execution], None]) -> Callable[[Execution], None]:
    def emit(execution: Execution) -> None:
        if not execution.get("sync"):
            _publish(execution)
            if execution["status"] == "RUNNING":
                _start_clock(execution)
        stock(execution)

    return emit


def _fail_once(stock: Callable[..., None]) -> Callable[..., None]:
    def fail(execution: Execution, error: str, cause: str) -> None:
        if execution["status"] == "RUNNING":
            stock(execution, error, cause)

    return fail


def _known_execution(stock: Callable[..., Any]) -> Callable[..., Any]:
    def execute(state: Any, raw_input: Any, execution: Execution, context: Any) -> Any:
        _execution.set(execution)
        return stock(state, raw_input, execution, context)

    return execute


def _call_lambda(stock: Callable[[str, Any], Any]) -> Callable[[str, Any], Any]:
    def call(reference: str, event: Any) -> Any:
        execution = _execution.get()
        if execution is not None and execution["status"] != "RUNNING":
            raise StoppedError(execution["status"])
        try:
            return stock(reference, event)
        except stepfunctions._ExecutionError as error:
            if error.error == "Lambda.Unknown" and "TooManyRequestsException" in str(error.cause):
                raise stepfunctions._ExecutionError("Lambda.TooManyRequestsException", error.cause) from error
            raise

    return call


def _start_execution(stock: Callable[[dict[str, Any]], Answer]) -> Callable[[dict[str, Any]], Answer]:
    def start(data: dict[str, Any]) -> Answer:
        name = data.get("name")
        machine = stepfunctions._resolve_state_machine_arn(data.get("stateMachineArn", ""))
        if name and machine:
            known = stepfunctions._executions.get(f"{machine.replace(':stateMachine:', ':execution:')}:{name}")
            if known and known["status"] == "RUNNING" and known["input"] == data.get("input", "{}"):
                answer: Answer = responses.json_response(
                    {"executionArn": known["executionArn"], "startDate": known["startDate"]}
                )
                return answer
        return stock(data)

    return start


def apply() -> None:
    """Wrap the life cycle of executions."""
    stepfunctions._emit_execution_status_event = _status_event(stepfunctions._emit_execution_status_event)
    stepfunctions._fail_execution = _fail_once(stepfunctions._fail_execution)
    stepfunctions._execute_task = _known_execution(stepfunctions._execute_task)
    stepfunctions._call_lambda = _call_lambda(stepfunctions._call_lambda)
    stepfunctions._start_execution = _start_execution(stepfunctions._start_execution)
