"""Empties a bucket before CloudFormation deletes it: every version, every delete marker, every open upload.

Does something only on Delete, and only while the bucket carries a tag. Delete comes too when the bucket stays and only
this resource goes: an environment that is no longer to be destroyed, or the roll-back of one that was going to be. The
template has taken the tag off by then, since CloudFormation deletes what is left over after all changes.

Properties: Bucket, Tag (the key of that tag).
"""

import logging
import time
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from botocore.exceptions import ClientError

from bedrock_eval_functions.custom_resources.cfn import Request, RequestType, ResourceError, client, error_code, respond

BATCH = 1000
PAUSE_SECONDS = 2.0
EMPTY_LISTINGS = 2
_STOP_SECONDS = 15.0
_SHOWN = 3

logging.getLogger("bedrock_eval_functions").setLevel(logging.INFO)
logger = logging.getLogger(__name__)


def handler(event: Mapping[str, Any], context: Any) -> None:
    """Entry point."""
    respond(event, context, work=work, identify=identify)


def identify(request: Request) -> str:
    return f"emptied/{request.text('Bucket')}"


def work(request: Request) -> None:
    """Empty the bucket if it is to go; one that is gone is empty.

    Raises:
        ResourceError: access is denied, or objects remain when the time is up; the message names some.
    """
    if request.type is not RequestType.DELETE:
        return
    s3, bucket = client("s3"), request.text("Bucket")
    try:
        if _is_tagged(s3, bucket, request.text("Tag")):
            _empty(s3, bucket, request)
        else:
            logger.warning("the bucket is to stay, so nothing is deleted", extra={"bucket": bucket})
    except ClientError as error:
        if error_code(error) != "NoSuchBucket":
            raise


def _is_tagged(s3: Any, bucket: str, key: str) -> bool:
    try:
        tags = s3.get_bucket_tagging(Bucket=bucket)["TagSet"]
    except ClientError as error:
        if error_code(error) == "NoSuchTagSet":
            return False
        raise
    return any(tag["Key"] == key for tag in tags)


def _empty(s3: Any, bucket: str, request: Request) -> None:
    """Until two listings in a row find nothing: log delivery can write between the first and the bucket's end."""
    empty, deleted = 0, 0
    while empty < EMPTY_LISTINGS:
        _abort_uploads(s3, bucket)
        found = False
        versions = _versions(s3, bucket)
        while batch := list(islice(versions, BATCH)):
            found = True
            refused = _delete(s3, bucket, batch)
            deleted += len(batch) - len(refused)
            if request.seconds_left < _STOP_SECONDS:
                raise ResourceError(_remaining(s3, bucket, refused))
        empty = 0 if found else empty + 1
        if empty < EMPTY_LISTINGS:
            time.sleep(PAUSE_SECONDS)
    logger.info("emptied", extra={"bucket": bucket, "deleted": deleted})


def _versions(s3: Any, bucket: str) -> Iterator[dict[str, str]]:
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        for entry in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
            yield {"Key": entry["Key"], "VersionId": entry["VersionId"]}


def _delete(s3: Any, bucket: str, batch: list[dict[str, str]]) -> list[str]:
    """Delete a batch; the error codes of what was refused, to be tried again at the next listing."""
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": batch, "Quiet": True})
    errors = answer.get("Errors", ())
    for error in errors:
        if error.get("Code") == "AccessDenied":
            raise ResourceError(f"bucket {bucket}: {error.get('Key')} may not be deleted: {error.get('Message')}")
    return [str(error.get("Code")) for error in errors]


def _abort_uploads(s3: Any, bucket: str) -> None:
    for page in s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket):
        for upload in page.get("Uploads", ()):
            try:
                s3.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
            except ClientError as error:
                if error_code(error) != "NoSuchUpload":
                    raise


def _remaining(s3: Any, bucket: str, refused: list[str]) -> str:
    """What is left, from one listing page, and why it would not go."""
    rest = list(islice(_versions(s3, bucket), BATCH))
    count = f"{len(rest)}{' or more' if len(rest) == BATCH else ''}"
    shown = ", ".join(entry["Key"] for entry in rest[:_SHOWN])
    why = f"; refused with {', '.join(sorted(set(refused)))}" if refused else ""
    return f"bucket {bucket}: the time is up and {count} object versions remain ({shown}){why}; delete the stack again"
