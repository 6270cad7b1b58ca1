"""Copies a dataset of the repository from the deploy's assets to the dataset bucket.

Properties: SourceBucket, SourceKey, Bucket, Key, Retain ("true": Delete leaves the copy).
"""

import logging
from collections.abc import Mapping
from typing import Any

from bedrock_eval_functions.custom_resources.cfn import Request, RequestType, client, respond
from bedrock_eval_functions.custom_resources.objects import OWNER, delete_owned

logging.getLogger("bedrock_eval_functions").setLevel(logging.INFO)


def handler(event: Mapping[str, Any], context: Any) -> None:
    """Entry point."""
    respond(event, context, work=work, identify=identify)


def identify(request: Request) -> str:
    return f"s3://{request.text('Bucket')}/{request.text('Key')}"


def work(request: Request) -> dict[str, str]:
    """Copy, or delete the copy. Encryption is the target bucket's own."""
    bucket, key = request.text("Bucket"), request.text("Key")
    retain = request.text("Retain", allowed=("true", "false"), default="false") == "true"
    if request.type is not RequestType.DELETE:
        client("s3").copy_object(
            Bucket=bucket,
            Key=key,
            CopySource={"Bucket": request.text("SourceBucket"), "Key": request.text("SourceKey")},
            ContentType="application/x-ndjson",
            Metadata={OWNER: request.logical_id},
            MetadataDirective="REPLACE",
        )
    elif not retain:
        delete_owned(client("s3"), bucket=bucket, key=key, owner=request.logical_id)
    return {"Key": key}
