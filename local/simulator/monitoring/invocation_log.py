"""ModelInvocationLog records, delivered to wherever the account's logging setting says.

A body over 100 KB goes to the large-data bucket (`inputBodyS3Path`, `outputBodyS3Path`), or nowhere without one. With
text delivery off the counts stay and the bodies are gone. A failed call leaves ids, identity and `errorCode` only.
"""

import gzip
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ministack.services import s3

from local.simulator.models.identifiers import Scope, Target
from local.simulator.models.known import GLOBAL, PROFILE_DESTINATIONS, split_profile
from local.simulator.monitoring import logging_configuration, metrics
from local.simulator.permissions.buckets import delivery_folder
from local.simulator.replay.faults import draw
from local.simulator.replay.turns import Turn
from local.simulator.settings.state import SIMULATOR

LARGEST_INLINE_BODY = 100 * 1024
_JSON = "application/json"


@dataclass(frozen=True)
class Call:
    """One request as the log identifies it. `model_id` is what the caller wrote."""

    operation: str
    model_id: str
    request_id: str
    identity_arn: str
    scope: Scope


def log_turn(call: Call, *, request: Mapping[str, Any], target: Target, turn: Turn) -> None:
    """Deliver the record of a call that was answered."""
    configuration = logging_configuration.current()
    if configuration is None:
        return
    record = _identity(call)
    if request.get("requestMetadata"):
        record["requestMetadata"] = request["requestMetadata"]
    bodies = {"input": request, "output": turn.converse_body()}
    tokens = {"input": turn.input_tokens, "output": turn.output_tokens}
    for side, body in bodies.items():
        record[side] = {
            f"{side}ContentType": _JSON,
            f"{side}TokenCount": tokens[side],
            **_body(call, configuration, side=side, body=body),
        }
    record["inferenceRegion"] = _inference_region(call, target)
    _deliver(call, configuration, record)


def log_error(call: Call, error_code: str) -> None:
    """Deliver the record of a call that failed."""
    configuration = logging_configuration.current()
    if configuration is not None and SIMULATOR.config.publishing.failures_logged:
        _deliver(call, configuration, {**_identity(call), "errorCode": error_code})


def _identity(call: Call) -> dict[str, Any]:
    return {
        "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "accountId": call.scope.account,
        "identity": {"arn": call.identity_arn},
        "region": call.scope.region,
        "requestId": call.request_id,
        "operation": call.operation,
        "modelId": call.model_id,
        "schemaType": "ModelInvocationLog",
        "schemaVersion": "1.0",
    }


def _body(call: Call, configuration: Mapping[str, Any], *, side: str, body: Mapping[str, Any]) -> dict[str, Any]:
    if configuration.get("textDataDeliveryEnabled") is False:
        return {}
    encoded = json.dumps(body).encode()
    if len(encoded) <= LARGEST_INLINE_BODY:
        return {f"{side}BodyJson": body}
    bucket = (configuration.get("cloudWatchConfig") or {}).get("largeDataDeliveryS3Config")
    if not bucket:
        return {}
    key = _key(call, bucket, f"data/{call.request_id}_{side}.json.gz")
    metrics.publish_delivery("LargeDataS3", delivered=_put_object(bucket["bucketName"], key, encoded))
    return {f"{side}BodyS3Path": f"s3://{bucket['bucketName']}/{key}"}


def _deliver(call: Call, configuration: Mapping[str, Any], record: Mapping[str, Any]) -> None:
    message = json.dumps(record)
    cloud_watch, bucket = configuration.get("cloudWatchConfig"), configuration.get("s3Config")
    if cloud_watch:
        delivered = logging_configuration.write_log_event(cloud_watch["logGroupName"], message)
        metrics.publish_delivery("CloudWatch", delivered=delivered)
    if bucket:
        # AWS gathers the records of some minutes in a file; here each has a file of its own.
        key = _key(call, bucket, f"{call.request_id}.json.gz")
        metrics.publish_delivery("S3", delivered=_put_object(bucket["bucketName"], key, message.encode()))


def _key(call: Call, bucket: Mapping[str, Any], name: str) -> str:
    hour = time.strftime("%Y/%m/%d/%H", time.gmtime())
    return f"{delivery_folder(bucket.get('keyPrefix'))}/{call.scope.region}/{hour}/{name}"


def _put_object(bucket: str, key: str, content: bytes) -> bool:
    status: int = s3._put_object(bucket, key, gzip.compress(content, mtime=0), {"content-type": "application/gzip"})[0]
    return status < 400


def _inference_region(call: Call, target: Target) -> str:
    geography, _ = split_profile(target.name)
    destinations = PROFILE_DESTINATIONS.get(geography or GLOBAL, ())
    if not destinations:
        return call.scope.region
    position = draw(seed=0, model=target.name, prompt=call.request_id, attempt=1)
    return destinations[int(position * len(destinations))]
