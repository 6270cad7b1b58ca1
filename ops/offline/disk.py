"""Files in the place of the results bucket: a run in a folder, by the code of the deployed evaluator."""

import hashlib
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ClientError

_NOT_FOUND = 404
_PRECONDITION_FAILED = 412


class Disk:
    """As much of boto3's S3 client as the evaluator calls, over files, with S3's errors and conditions.

    A write is whole or not there. Conditions need no lock of their own: one process at a time works in a folder.

    Args:
        mounts: the folder that a prefix of keys stands for; a whole key may stand for a file. Other keys do not exist.
    """

    def __init__(self, mounts: Mapping[str, Path]) -> None:
        self._mounts = dict(mounts)
        self._etags: dict[tuple[Path, int, int], str] = {}

    def get_object(self, *, Key: str, Range: str | None = None, IfMatch: str | None = None, **_: Any) -> Any:  # noqa: N803 - S3's names, here and below
        path = self._existing(Key, "NoSuchKey")
        etag = self._etag(path)
        if IfMatch not in (None, etag):
            raise _error("PreconditionFailed", Key, status=_PRECONDITION_FAILED)
        if Range is None:
            return {"Body": io.BytesIO(path.read_bytes()), "ETag": etag}
        first, _dash, last = Range.removeprefix("bytes=").partition("-")
        with path.open("rb") as file:
            file.seek(int(first))
            return {"Body": io.BytesIO(file.read(int(last) - int(first) + 1)), "ETag": etag}

    def head_object(self, *, Key: str, **_: Any) -> dict[str, Any]:  # noqa: N803
        path = self._existing(Key, "404")
        return {"ETag": self._etag(path), "ContentLength": path.stat().st_size}

    def put_object(
        self,
        *,
        Key: str,  # noqa: N803
        Body: bytes,  # noqa: N803
        IfNoneMatch: str | None = None,  # noqa: N803
        IfMatch: str | None = None,  # noqa: N803
        **_: Any,
    ) -> None:
        path = self._path(Key)
        if path is None:
            raise _error("NoSuchBucket", Key, status=_NOT_FOUND)
        if IfNoneMatch is not None and path.exists():
            raise _error("PreconditionFailed", Key, status=_PRECONDITION_FAILED)
        if IfMatch is not None and IfMatch != self._etag(self._existing(Key, "NoSuchKey")):
            raise _error("PreconditionFailed", Key, status=_PRECONDITION_FAILED)
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f".{path.name}.unfinished")
        unfinished.write_bytes(Body)
        unfinished.replace(path)

    def append(self, key: str, body: bytes) -> None:
        """Add to a file at once, so that a process that is killed leaves what it has had."""
        path = self._path(key)
        if path is None:
            raise _error("NoSuchBucket", key, status=_NOT_FOUND)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.write(body)

    def get_paginator(self, name: str) -> Any:
        return {"list_objects_v2": SimpleNamespace(paginate=self._pages)}[name]

    def _pages(self, *, Prefix: str, Delimiter: str = "", **_: Any) -> Iterator[dict[str, Any]]:  # noqa: N803
        keys = sorted(key for key in self._keys() if key.startswith(Prefix))
        if not Delimiter:
            yield {"Contents": [{"Key": key} for key in keys]}
            return
        folders = {key[len(Prefix) :].split(Delimiter)[0] for key in keys if Delimiter in key[len(Prefix) :]}
        yield {"CommonPrefixes": [{"Prefix": f"{Prefix}{folder}{Delimiter}"} for folder in sorted(folders)]}

    def _keys(self) -> Iterator[str]:
        for prefix, root in self._mounts.items():
            if root.is_file():
                yield prefix
            for path in root.rglob("*"):
                if path.is_file() and not path.name.startswith("."):
                    yield prefix + path.relative_to(root).as_posix()

    def _existing(self, key: str, missing: str) -> Path:
        path = self._path(key)
        if path is None or not path.is_file():
            raise _error(missing, key, status=_NOT_FOUND)
        return path

    def _path(self, key: str) -> Path | None:
        for prefix, root in self._mounts.items():
            if key == prefix:
                return root
            if prefix.endswith("/") and key.startswith(prefix):
                return root / key.removeprefix(prefix)
        return None

    def _etag(self, path: Path) -> str:
        """Of the content; hashed once for each state of a file, because a dataset is read in many ranges."""
        stat = path.stat()
        state = (path, stat.st_size, stat.st_mtime_ns)
        if state not in self._etags:
            with path.open("rb") as file:
                self._etags[state] = f'"{hashlib.file_digest(file, "sha256").hexdigest()[:32]}"'
        return self._etags[state]


def _error(code: str, key: str, *, status: int) -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": key}, "ResponseMetadata": {"HTTPStatusCode": status}}, "disk"
    )
