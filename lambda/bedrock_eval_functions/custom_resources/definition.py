"""Writes `definitions/<evaluation>.json`. Properties: Bucket, Definition."""

import json
import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from bedrock_eval.codec import DecodeError
from bedrock_eval.evaluation.definition import Definition, read_definition
from bedrock_eval.layout import definition_key
from bedrock_eval.runs.state import timestamp
from bedrock_eval_functions.custom_resources.cfn import Request, RequestType, ResourceError, client, respond
from bedrock_eval_functions.custom_resources.objects import OWNER, delete_owned, is_gone
from bedrock_eval_functions.custom_resources.patience import patiently

logging.getLogger("bedrock_eval_functions").setLevel(logging.INFO)


def handler(event: Mapping[str, Any], context: Any) -> None:
    """Entry point."""
    respond(event, context, work=work, identify=identify)


def identify(request: Request) -> str:
    return f"definition/{_definition(request).evaluation}"


def work(request: Request) -> dict[str, str]:
    """Write the definition, or delete it.

    The time of the first deploy is kept while the schedule stays the same: a new schedule has had no chance yet to be
    overdue.

    Raises:
        ResourceError: the definition does not decode; the message names the path.
    """
    s3, bucket = client("s3"), request.text("Bucket")
    if request.type is RequestType.DELETE:
        return _delete(s3, bucket, request)
    definition = _definition(request)
    key = definition_key(definition.evaluation)
    standing = _standing(s3, bucket=bucket, key=key, seconds_left=request.seconds_left)
    definition = _since(definition, standing)
    s3.put_object(
        Bucket=bucket,
        Key=key,
        Body=json.dumps(definition.to_json(), indent=1).encode(),
        ContentType="application/json",
        Metadata={OWNER: request.logical_id},
    )
    return {"Key": key}


def _since(definition: Definition, standing: Definition | None) -> Definition:
    """With the time from which its schedule counts."""
    if standing is not None and standing.schedule == definition.schedule and standing.first_deployed:
        first, changed = standing.first_deployed, standing.schedule_changed
    else:
        first, changed = timestamp(datetime.now(UTC)), standing is not None and standing.schedule is not None
    return replace(definition, first_deployed=first, schedule_changed=changed)


def _delete(s3: Any, bucket: str, request: Request) -> dict[str, str]:
    """What never was a definition was never written."""
    try:
        key = definition_key(_definition(request).evaluation)
    except ResourceError:
        return {}
    delete_owned(s3, bucket=bucket, key=key, owner=request.logical_id)
    return {"Key": key}


def _definition(request: Request) -> Definition:
    try:
        return read_definition(request.properties.get("Definition") or {})
    except DecodeError as error:
        raise ResourceError(str(error)) from None


def _standing(s3: Any, *, bucket: str, key: str, seconds_left: float) -> Definition | None:
    """The definition as deployed before; one of another schema counts as none."""

    def read() -> bytes:
        body: bytes = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        return body

    try:
        # boto3 tries a request again, and not a body that ends too early.
        body = patiently(read, again=lambda error: isinstance(error, BotoCoreError), seconds_left=seconds_left)
        return read_definition(body)
    except ClientError as error:
        if is_gone(error):
            return None
        raise
    except DecodeError:
        return None
