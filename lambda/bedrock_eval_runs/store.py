"""The S3 edge: the only file of this function that calls S3."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from botocore.exceptions import ClientError, HTTPClientError, IncompleteReadError

JSON = "application/json"
JSON_LINES = "application/x-ndjson"
HTML = "text/html; charset=utf-8"

CHUNK_BYTES = 8 * 1024 * 1024
_CONFLICT_TRIES = 5
_READ_TRIES = 3
_MISSING = frozenset({"NoSuchKey", "404", "NotFound"})


@dataclass(frozen=True)
class Stored:
    """An object as read, with the ETag that a conditional write over it needs."""

    body: bytes
    etag: str


@dataclass(frozen=True)
class Version:
    """Which state of an object is meant, and its length in bytes."""

    etag: str
    size: int


@dataclass(frozen=True)
class Store:
    """The results bucket. Writes that may meet another writer are conditional and say who came first.

    Attributes:
        append: adds bytes at the end of a key, where the results are files of one run; None: objects of many.
    """

    client: Any
    bucket: str
    append: Callable[[str, bytes], None] | None = None

    def read(self, key: str) -> Stored | None:
        """The object, None when there is none."""
        try:
            return _whole(lambda: self.client.get_object(Bucket=self.bucket, Key=key))
        except ClientError as error:
            if error_code(error) in _MISSING:
                return None
            raise

    def exists(self, key: str) -> bool:
        try:
            self.client.head_object(Bucket=self.bucket, Key=key)
        except ClientError as error:
            if error_code(error) in _MISSING:
                return False
            raise
        return True

    def put(self, key: str, body: str, *, content_type: str = JSON) -> None:
        """Write whatever stands there."""
        self.client.put_object(Bucket=self.bucket, Key=key, Body=body.encode(), ContentType=content_type)

    def create(self, key: str, body: str, *, content_type: str = JSON) -> bool:
        """Write once; False when something stands there already."""
        return self._conditional(key, body, content_type, IfNoneMatch="*")

    def replace(self, key: str, body: str, *, etag: str) -> bool:
        """Write over exactly the state that was read; False when it has changed or gone."""
        return self._conditional(key, body, JSON, IfMatch=etag)

    def _conditional(self, key: str, body: str, content_type: str, **condition: str) -> bool:
        for attempt in range(_CONFLICT_TRIES):
            try:
                self.client.put_object(
                    Bucket=self.bucket, Key=key, Body=body.encode(), ContentType=content_type, **condition
                )
            except ClientError as error:
                if error_code(error) in {"PreconditionFailed", "412"} | _MISSING:
                    return False
                # Two conditional writes at once: S3 asks the loser to try again.
                if error_code(error) not in {"ConditionalRequestConflict", "409"} or attempt == _CONFLICT_TRIES - 1:
                    raise
                time.sleep(0.05 * 2**attempt)
            else:
                return True
        return False

    def keys(self, prefix: str) -> Iterator[str]:
        """Every key below a prefix, in order."""
        for page in self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix):
            for entry in page.get("Contents", ()):
                yield entry["Key"]

    def folders(self, prefix: str) -> Iterator[str]:
        """The names one level below a prefix, in order, without slash."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix, Delimiter="/")
        for page in pages:
            for entry in page.get("CommonPrefixes", ()):
                yield entry["Prefix"][len(prefix) : -1]


def object_version(client: Any, *, bucket: str, key: str) -> Version:
    """The present state of an object of any bucket."""
    answer = client.head_object(Bucket=bucket, Key=key)
    return Version(answer["ETag"], int(answer["ContentLength"]))


def object_lines(client: Any, *, bucket: str, key: str, version: Version) -> Iterator[bytes]:
    """The lines of an object, read in ranges: one stream held open for a quarter of an hour would be cut by S3.

    Raises:
        ClientError: 412 when the object is no longer the given version.
    """
    rest = b""
    for start in range(0, version.size, CHUNK_BYTES):
        end = min(start + CHUNK_BYTES, version.size) - 1
        asked = {"Bucket": bucket, "Key": key, "Range": f"bytes={start}-{end}", "IfMatch": version.etag}
        *lines, rest = (rest + _whole(partial(client.get_object, **asked)).body).split(b"\n")
        yield from lines
    if rest:
        yield rest


def _whole(get: Callable[[], Any]) -> Stored:
    """An object with its body, which botocore hands over as a stream: one that breaks off is asked for again."""
    for _ in range(_READ_TRIES - 1):
        try:
            answer = get()
            return Stored(answer["Body"].read(), answer["ETag"])
        except (HTTPClientError, IncompleteReadError):
            continue
    answer = get()
    return Stored(answer["Body"].read(), answer["ETag"])


def error_code(error: ClientError) -> str:
    """S3's error code; for HEAD requests, which have no body, the HTTP status."""
    return str(error.response.get("Error", {}).get("Code", ""))
