"""Objects of the emulator's S3 by their URI."""

import re

from ministack.services import s3

from local.simulator.protocol.errors import invalid

_S3_URI = re.compile(r"s3://([^/]+)/?(.*)")


def split(uri: str) -> tuple[str, str]:
    """Bucket and key of an S3 URI."""
    match = _S3_URI.fullmatch(uri)
    if match is None:
        raise invalid(f"{uri} is not an S3 URI.")
    return match[1], match[2]


def read_object(uri: str) -> bytes | None:
    """An object of the emulator's S3, None when there is none."""
    bucket, key = split(uri)
    body: bytes | None = s3._get_object_data(bucket, key)
    return body


def write_object(bucket: str, *, key: str, body: bytes) -> None:
    """Put an object into the emulator's S3."""
    s3._put_object(bucket, key, body, {"content-type": "application/octet-stream"})
