"""Invocation-log records from files: one file, or a folder as the S3 delivery fills it."""

import gzip
import json
import os
import re
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from bedrock_eval.invocation_log.records import InvocationRecord, Skipped, read_line, read_record
from ops.errors import OpsError

# An export of CloudWatch Logs to S3 is made of files as 000000.gz.
ENDINGS = (".jsonl", ".json", ".log", ".gz")

# The S3 delivery puts large bodies beside the records, as <request id>_input.json.gz in a folder `data`.
_BODY = re.compile(r".+_(input|output)\.json(\.gz)?")

_DECODER = json.JSONDecoder()
_SOMETHING = re.compile(r"\S")


@dataclass
class Export:
    """What was read: the records, how many things were none and why, and an example of each reason."""

    records: list[InvocationRecord] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    examples: dict[str, Skipped] = field(default_factory=dict)
    files: int = 0
    _seen: set[str] = field(default_factory=set)

    def add(self, found: InvocationRecord | Skipped, *, where: str = "") -> None:
        """Take what was found; a call that two files hold, as of deliveries to S3 and CloudWatch, counts once."""
        if isinstance(found, InvocationRecord) and found.request_id in self._seen:
            found = Skipped("the same requestId once more", where)
        if isinstance(found, InvocationRecord):
            self.records.append(found)
            if found.request_id is not None:
                self._seen.add(found.request_id)
            return
        self.skipped[found.reason] += 1
        self.examples.setdefault(found.reason, found)


def read_export(path: Path) -> Export:
    """Read a file, or all files below a folder.

    Raises:
        OpsError: there is no such path, no file in it that can hold records, or a file that cannot be read to its end.
    """
    if not path.exists():
        raise OpsError(f"--from {path}: no such file or folder")
    if path.is_file() and not path.name.endswith(ENDINGS):
        raise OpsError(f"--from {path}: not a file of records; allowed: {', '.join(ENDINGS)}, or a folder of them")
    export = Export()
    for file in [path] if path.is_file() else sorted(_files(path)):
        _add(file, export)
    if not export.files:
        raise OpsError(f"--from {path}: holds no file of records; allowed: {', '.join(ENDINGS)}")
    return export


def _files(folder: Path) -> Iterator[Path]:
    """All below a folder, and links to other folders, which are not followed."""

    def refuse(error: OSError) -> None:
        raise OpsError(f"--from {error.filename}: cannot be read: {error.strerror}")

    for place, folders, names in os.walk(folder, onerror=refuse):
        paths = (Path(place) / name for name in (*names, *folders))
        yield from (path for path in paths if path.is_symlink() or not path.is_dir())


def _add(file: Path, export: Export) -> None:
    if not file.is_file():
        export.add(Skipped("no file, or a link to none", str(file)))
        return
    if file.parent.name == "data" and _BODY.fullmatch(file.name):
        export.add(Skipped("a large body in a file of its own", str(file)))
        return
    if not file.name.endswith(ENDINGS):
        export.add(Skipped(f"file does not end with {', '.join(ENDINGS)}", str(file)))
        return
    export.files += 1
    try:
        for found in _found(file):
            export.add(found, where=str(file))
    except (OSError, EOFError, zlib.error) as error:
        raise OpsError(f"{file}: cannot be read to its end: {error}") from None


def _found(file: Path) -> Iterator[InvocationRecord | Skipped]:
    """Line by line; a file of JSON values over several lines, or of a list, as a whole."""
    with _open(file) as lines:
        first = next((line.strip().removeprefix("\ufeff") for line in lines if line.strip()), "")
    values = _values(file) if first == "{" or first.startswith("[") else None
    if values is not None:
        for where, value in values:
            yield value if isinstance(value, Skipped) else _record(value, where=where)
        return
    with _open(file) as lines:
        for number, line in enumerate(lines, start=1):
            found = read_line(line, where=f"{file}:{number}")
            if found is not None:
                yield found


def _values(file: Path) -> list[tuple[str, object]] | None:
    """Each JSON value with its place, each item of lists and of what the CLI's `filter-log-events` gives.

    What cannot be read ends the file, as nobody knows where the next value begins. None: it begins with `[` of a text.
    """
    with _open(file) as lines:
        text = lines.read().removeprefix("\ufeff")
    found: list[tuple[str, object]] = []
    line, before, at = 1, 0, _next(text, 0)
    while at < len(text):
        line, before = line + text.count("\n", before, at), at
        where = f"{file}:{line}"
        try:
            value, end = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            return None if not found and text[at] == "[" else [*found, (where, Skipped("not JSON", where))]
        items = _items(value)
        found += [(where, value)] if items is None else [(f"{where} item {n}", each) for n, each in enumerate(items, 1)]
        at = _next(text, end)
    return found


def _next(text: str, at: int) -> int:
    """Where something else than white space stands."""
    found = _SOMETHING.search(text, at)
    return len(text) if found is None else found.start()


def _items(value: object) -> Sequence[object] | None:
    if isinstance(value, dict) and isinstance(value.get("events"), list):
        return [event.get("message") if isinstance(event, dict) else event for event in value["events"]]
    return value if isinstance(value, list) else None


def _record(value: object, *, where: str) -> InvocationRecord | Skipped:
    """A value, or the text of a log event."""
    found = read_line(value, where=where) if isinstance(value, str) else read_record(value, where=where)
    return Skipped("empty text", where) if found is None else found


def _open(file: Path) -> TextIO:
    """By its first bytes: browsers and `aws s3 cp` may have unpacked what still ends with .gz."""
    with file.open("rb") as start:
        packed = start.read(2) == b"\x1f\x8b"
    if packed:
        return gzip.open(file, "rt", encoding="utf-8", errors="replace")
    return file.open(encoding="utf-8", errors="replace")
