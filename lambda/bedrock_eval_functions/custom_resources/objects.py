"""Objects that a custom resource owns in a bucket, marked with the resource's logical id.

The mark keeps the Delete of a renamed resource from taking the object that its successor has just written: when a
logical id changes, CloudFormation creates the new resource before it deletes the old one.
"""

from typing import Any

from botocore.exceptions import ClientError

from bedrock_eval_functions.custom_resources.cfn import error_code

OWNER = "logical-id"

_GONE = frozenset({"404", "NoSuchKey", "NoSuchBucket", "NotFound"})


def delete_owned(s3: Any, *, bucket: str, key: str, owner: str) -> bool:
    """Delete the object unless it is gone or another resource's; whether it was deleted."""
    try:
        metadata = s3.head_object(Bucket=bucket, Key=key).get("Metadata", {})
        if metadata.get(OWNER, owner) != owner:
            return False
        s3.delete_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if is_gone(error):
            return False
        raise
    return True


def is_gone(error: ClientError) -> bool:
    """Whether the object or its bucket does not exist (HEAD knows only the HTTP status)."""
    return error_code(error) in _GONE
