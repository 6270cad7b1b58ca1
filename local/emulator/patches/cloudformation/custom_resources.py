"""Custom resources of CloudFormation.

Stock ministack waits an hour for the answer of a function that failed before it could answer, and forgets the old
resource when an update returns another physical id. CloudFormation waits too, because it invokes asynchronously; here
a failed invocation fails the resource at once, which is the same outcome sooner. A function that ends without
answering is waited for up to ServiceTimeout, and a replaced physical id is deleted with its old properties. A resource
whose Create failed is deleted when the stack rolls back, by the physical id that it answered, for it may be half made;
stock ministack forgets it.
"""

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ministack.core import responses
from ministack.services import lambda_svc
from ministack.services.cloudformation import custom_resource, handlers, provisioners, stacks

logger = logging.getLogger("cloudformation")

_DEFAULT_TIMEOUT_SECONDS = 3_600
_MAX_ANSWER_BYTES = 4_096

_half_made: dict[tuple[str, str], dict[str, Any]] = {}
"""By stack and logical id: resources whose Create failed, as a stack holds those that it made."""


@dataclass(frozen=True)
class _Request:
    kind: str
    logical_id: str
    resource_type: str
    stack_id: str
    properties: Mapping[str, Any]
    physical_id: str | None = None
    old_properties: Mapping[str, Any] | None = None

    def event(self, token: str) -> dict[str, Any]:
        event = {
            "RequestType": self.kind,
            "RequestId": responses.new_uuid(),
            "StackId": self.stack_id,
            "ResponseURL": custom_resource._response_url(token),
            "ResourceType": self.resource_type,
            "LogicalResourceId": self.logical_id,
            "ServiceToken": self.properties.get("ServiceToken"),
            "ResourceProperties": custom_resource._normalise_resource_properties(self.properties),
        }
        if self.physical_id is not None:
            event["PhysicalResourceId"] = self.physical_id
        if self.old_properties is not None:
            event["OldResourceProperties"] = custom_resource._normalise_resource_properties(self.old_properties)
        return event


def _timeout(properties: Mapping[str, Any]) -> int:
    given = properties.get("ServiceTimeout", _DEFAULT_TIMEOUT_SECONDS)
    try:
        seconds = int(given)
    except (TypeError, ValueError) as error:
        raise ValueError(f"ServiceTimeout must be a number of seconds, not {given!r}") from error
    if not 1 <= seconds <= _DEFAULT_TIMEOUT_SECONDS:
        raise ValueError(f"ServiceTimeout must be from 1 to {_DEFAULT_TIMEOUT_SECONDS} seconds, not {seconds}")
    return seconds


def _ask(request: _Request) -> dict[str, Any]:
    """Invoke the function and return its answer. Raises TimeoutError, RuntimeError or ValueError."""
    service_token = request.properties.get("ServiceToken", "")
    function, config, _ = lambda_svc._get_func_record_for_ref(service_token)
    if function is None or config is None:
        raise ValueError(f"Custom resource {request.logical_id}: there is no function {service_token!r}")
    seconds = _timeout(request.properties)
    token = responses.new_uuid()
    answered = custom_resource.register_token(token)
    try:
        record = lambda_svc._execution_record_for_config(function, config)
        outcome = lambda_svc._execute_function_with_config_scope(record, request.event(token))
        if outcome.get("error") and not answered.is_set():
            raise RuntimeError(f"{service_token} failed before it answered: {_failure(outcome)}")
        if not answered.wait(timeout=seconds):
            raise TimeoutError(
                f"Custom resource {request.logical_id}: no answer within ServiceTimeout ({seconds} seconds)"
            )
        entry = custom_resource._pending.get(token) or {}
        answer: dict[str, Any] = entry.get("result") or {}
        return answer
    finally:
        with custom_resource._lock:
            custom_resource._pending.pop(token, None)


def _failure(outcome: Mapping[str, Any]) -> str:
    body = outcome.get("body")
    if isinstance(body, dict):
        return f"{body.get('errorType', 'Error')}: {body.get('errorMessage', body.get('message', ''))}"
    return str(body)


def invoke(  # noqa: PLR0913, PLR0917
    request_type: str,
    logical_id: str,
    props: dict[str, Any],
    _stack_name: str,
    stack_id: str,
    resource_type: str,
    physical_id: str | None = None,
    old_props: dict[str, Any] | None = None,
) -> tuple[str, dict[str, Any]]:
    """Send one request to a custom resource's function; returns (physical id, attributes).

    The signature is ministack's. Raises RuntimeError when the function reports or has a failure, TimeoutError when it
    does not answer within ServiceTimeout, ValueError when it does not exist.
    """
    request = _Request(request_type, logical_id, resource_type, stack_id, props, physical_id, old_props)
    if request_type == "Create":
        _half_made[stack_id, logical_id] = _as_made(request, f"{_stack_name}-{logical_id}-{responses.new_uuid()[:12]}")
    answer = _ask(request)
    if request_type == "Create" and answer.get("PhysicalResourceId"):
        _half_made[stack_id, logical_id] = _as_made(request, str(answer["PhysicalResourceId"]))
    if answer.get("Status") != "SUCCESS":
        raise RuntimeError(answer.get("Reason") or "the function reported FAILED without a Reason")
    if len(json.dumps(answer)) > _MAX_ANSWER_BYTES:
        raise RuntimeError(f"Response object is too long: an answer may have {_MAX_ANSWER_BYTES} bytes")
    if not answer.get("PhysicalResourceId"):
        raise RuntimeError("Invalid PhysicalResourceId: the answer has none")
    _half_made.pop((stack_id, logical_id), None)
    return str(answer["PhysicalResourceId"]), answer.get("Data") or {}


def _as_made(request: _Request, physical_id: str) -> dict[str, Any]:
    return {
        "PhysicalResourceId": physical_id,
        "ResourceType": request.resource_type,
        "ResourceStatus": "CREATE_FAILED",
        "LogicalResourceId": request.logical_id,
        "Properties": dict(request.properties),
        "Attributes": {},
        "Timestamp": responses.now_iso(),
    }


def _rolling_back(stock: Callable[..., Any]) -> Callable[..., Any]:
    """Hand what is half made to the roll-back, which deletes it before all else, as the last that was begun."""

    async def roll_back(
        stack_name: str, stack_id: str, stack: dict[str, Any], operation: dict[str, Any], *rest: Any, **named: Any
    ) -> None:
        for key in [key for key in _half_made if key[0] == stack_id]:
            stack.setdefault("_resources", {})[key[1]] = _half_made.pop(key)
            operation["created"] = [*operation.get("created", []), key[1]]
        await stock(stack_name, stack_id, stack, operation, *rest, **named)

    return roll_back


def _replacing(stock: Callable[..., tuple[str, dict[str, Any]]]) -> Callable[..., tuple[str, dict[str, Any]]]:
    def update(
        physical_id: str, old: dict[str, Any], new: dict[str, Any], stack: str, **named: Any
    ) -> tuple[str, dict[str, Any]]:
        made, attributes = stock(physical_id, old, new, stack, **named)
        if made != physical_id:
            try:
                provisioners._custom_resource_delete(physical_id, old, stack_name=stack, **named)
            except (RuntimeError, TimeoutError, ValueError):
                logger.exception("the replaced custom resource %s was not deleted", physical_id)
        return made, attributes

    return update


def apply() -> None:
    """Replace the invocation, and delete what an update replaced and what a failed Create left."""
    custom_resource.invoke_custom_resource = invoke
    stacks._roll_back_operation = handlers._roll_back_operation = _rolling_back(stacks._roll_back_operation)
    provisioners._custom_resource_update = _replacing(provisioners._custom_resource_update)
