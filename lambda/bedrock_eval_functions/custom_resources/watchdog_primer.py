"""Writes what the watchdog is to look at, and calls it once, so that its alarms have a first data point.

For some of them silence is an alarm. Properties: FunctionName, Application, Bucket, WatchList (JSON text); any other
property that changes makes it call again.
"""

import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from bedrock_eval import catalogue
from bedrock_eval.codec import DecodeError
from bedrock_eval.layout import WATCH_LIST
from bedrock_eval.sdk import fitting
from bedrock_eval.watchdog.watch_list import read_watch_list
from bedrock_eval_functions.custom_resources.cfn import Request, RequestType, ResourceError, client, respond
from bedrock_eval_functions.custom_resources.objects import OWNER, delete_owned
from bedrock_eval_functions.custom_resources.patience import patiently

logging.getLogger("bedrock_eval_functions").setLevel(logging.INFO)
logger = logging.getLogger(__name__)

_HEARTBEAT_SECONDS = 150.0
"""Kept of the function's time for the datapoint."""


@cache
def functions() -> Any:
    """The Lambda client: a call is not repeated behind our back, and may take as long as the watchdog."""
    config = Config(retries={"mode": "standard", "total_max_attempts": 1}, connect_timeout=5, read_timeout=120)
    return fitting(boto3.client("lambda", config=config))


@cache
def cloudwatch() -> Any:
    config = Config(retries={"mode": "standard", "total_max_attempts": 5}, connect_timeout=5, read_timeout=30)
    return fitting(boto3.client("cloudwatch", config=config))


def handler(event: Mapping[str, Any], context: Any) -> None:
    """Entry point."""
    respond(event, context, work=work, identify=identify)


def identify(request: Request) -> str:
    return f"primed/{request.text('FunctionName')}"


def work(request: Request) -> None:
    """Write the watch list, call the function, and wait for its answer and for its heartbeat in CloudWatch.

    Its fresh role may need a minute, so a failure is tried again; and a datapoint of a new metric is not readable at
    once, while an alarm made before that would ring.

    Raises:
        ResourceError: the watch list is none, or the function's own error message.
    """
    s3, bucket = client("s3"), request.text("Bucket")
    if request.type is RequestType.DELETE:
        delete_owned(s3, bucket=bucket, key=WATCH_LIST, owner=request.logical_id)
        return
    s3.put_object(
        Bucket=bucket,
        Key=WATCH_LIST,
        Body=_watch_list(request).encode(),
        ContentType="application/json",
        Metadata={OWNER: request.logical_id},
    )
    name, application = request.text("FunctionName"), request.text("Application")
    # Assumption: lambda-concurrency
    until = request.seconds_left - _HEARTBEAT_SECONDS
    patiently(
        lambda: patiently(lambda: _invoke(name), again=_other_than_full, seconds_left=request.seconds_left),
        again=_full,
        seconds_left=until,
        wait_seconds=until,
    )
    try:
        patiently(lambda: _see_heartbeat(application), again=_not_yet, seconds_left=request.seconds_left)
    except LookupError:
        # The watchdog works; an alarm that rings once and recovers is less than a deploy that fails.
        logger.warning("the heartbeat is not readable yet", extra={"function": name})


def _watch_list(request: Request) -> str:
    text = request.text("WatchList")
    try:
        read_watch_list(text, name="property WatchList")
    except DecodeError as error:
        raise ResourceError(str(error)) from None
    return text


def _invoke(name: str) -> None:
    answer = functions().invoke(FunctionName=name, InvocationType="RequestResponse", Payload=b"{}")
    if "FunctionError" in answer:
        raise ResourceError(f"function {name} failed: {_message(answer['Payload'].read())}")


def _full(error: Exception) -> bool:
    """The account's concurrency: slices of evaluations hold theirs for up to a quarter of an hour."""
    return isinstance(error, ClientError) and error.response.get("Error", {}).get("Code") == "TooManyRequestsException"


def _other_than_full(error: Exception) -> bool:
    return not _full(error)


def _not_yet(error: Exception) -> bool:
    return isinstance(error, LookupError)


def _see_heartbeat(application: str) -> None:
    metric, now = catalogue.WATCHDOG_HEARTBEAT, datetime.now(UTC)
    answer = cloudwatch().get_metric_statistics(
        Namespace=metric.namespace,
        MetricName=metric.name,
        Dimensions=[{"Name": catalogue.APPLICATION, "Value": application}],
        StartTime=now - timedelta(minutes=10),
        EndTime=now + timedelta(minutes=1),
        Period=60,
        Statistics=[metric.statistic],
    )
    if not answer.get("Datapoints"):
        raise LookupError(metric.name)


def _message(payload: bytes) -> str:
    try:
        value = json.loads(payload)
    except ValueError:
        return payload.decode(errors="replace")
    return str(value.get("errorMessage", value)) if isinstance(value, dict) else str(value)
