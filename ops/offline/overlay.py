"""A folder over a bucket: code that writes into the bucket can run here without changing it."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ops.offline.disk import Disk


class Overlay:
    """As much of boto3's S3 client as reading a run calls: keys below one prefix of one bucket lie in a folder.

    Everything else is read from S3, and never written.
    """

    def __init__(self, s3: Any, *, bucket: str, prefix: str, folder: Path) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._prefix = prefix
        self._disk = Disk({prefix: folder})

    def get_object(self, *, Bucket: str, Key: str, **rest: Any) -> Any:  # noqa: N803 - S3's names, here and below
        return self._place(Bucket, Key).get_object(Bucket=Bucket, Key=Key, **rest)

    def head_object(self, *, Bucket: str, Key: str, **rest: Any) -> Any:  # noqa: N803
        return self._place(Bucket, Key).head_object(Bucket=Bucket, Key=Key, **rest)

    def put_object(self, *, Bucket: str, Key: str, **rest: Any) -> None:  # noqa: N803
        if self._place(Bucket, Key) is self._s3:
            raise ValueError(f"{Key} does not lie below {self._prefix}: the bucket is not written to")
        self._disk.put_object(Key=Key, **rest)

    def get_paginator(self, name: str) -> Any:
        def pages(*, Bucket: str, Prefix: str, **rest: Any) -> Any:  # noqa: N803
            return self._place(Bucket, Prefix).get_paginator(name).paginate(Bucket=Bucket, Prefix=Prefix, **rest)

        return SimpleNamespace(paginate=pages)

    def _place(self, bucket: str, key: str) -> Any:
        return self._disk if bucket == self._bucket and key.startswith(self._prefix) else self._s3
