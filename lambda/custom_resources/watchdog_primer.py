"""Calls the watchdog once at deploy, so that its alarms, for which silence is an alarm, have a first data point.

Property: FunctionName; any other property that changes makes it call again.
"""

import json
import logging
from collections.abc import Mapping
from functools import cache
from typing import Any

import boto3
from botocore.config import Config

from custom_resources.cfn import Request, RequestType, ResourceError, respond
from custom_resources.patience import patiently

logging.getLogger("custom_resources").setLevel(logging.INFO)


@cache
def functions() -> Any:
    """The Lambda client: a call is not repeated behind our back, and may take as long as the watchdog."""
    config = Config(retries={"mode": "standard", "total_max_attempts": 1}, connect_timeout=5, read_timeout=120)
    return boto3.client("lambda", config=config)


def handler(event: Mapping[str, Any], context: Any) -> None:
    """Entry point."""
    respond(event, context, work=work, identify=identify)


def identify(request: Request) -> str:
    return f"primed/{request.text('FunctionName')}"


def work(request: Request) -> None:
    """Call the function and wait for its answer; its fresh role may need a minute, so a failure is tried again.

    Raises:
        ResourceError: the function's own error message.
    """
    if request.type is RequestType.DELETE:
        return
    name = request.text("FunctionName")
    patiently(lambda: _invoke(name), again=lambda _error: True, seconds_left=request.seconds_left)


def _invoke(name: str) -> None:
    answer = functions().invoke(FunctionName=name, InvocationType="RequestResponse", Payload=b"{}")
    if "FunctionError" in answer:
        raise ResourceError(f"function {name} failed: {_message(answer['Payload'].read())}")


def _message(payload: bytes) -> str:
    try:
        value = json.loads(payload)
    except ValueError:
        return payload.decode(errors="replace")
    return str(value.get("errorMessage", value)) if isinstance(value, dict) else str(value)
