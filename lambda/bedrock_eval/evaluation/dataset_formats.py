"""What a file is that is no JSONL, by how it begins, and what to do with it."""

import codecs
import csv
import json
import re

_PACKED = "is packed with {0}; needed: the file inside it, as by {1}"
_TABLE = "is {0}; needed: one JSON object a line with the keys prompt and referenceResponse, so export it as JSONL"

_BEGINNINGS: tuple[tuple[bytes, str], ...] = (
    (b"\x1f\x8b", _PACKED.format("gzip", "gunzip")),
    (b"BZh", _PACKED.format("bzip2", "bunzip2")),
    (b"\xfd7zXZ\x00", _PACKED.format("xz", "unxz")),
    (b"\x28\xb5\x2f\xfd", _PACKED.format("zstd", "unzstd")),
    (b"7z\xbc\xaf\x27\x1c", _PACKED.format("7-Zip", "7z x")),
    (b"PAR1", _TABLE.format("a Parquet file")),
    (b"ORC", _TABLE.format("an ORC file")),
    (b"Obj\x01", _TABLE.format("an Avro file")),
    (b"ARROW1", _TABLE.format("an Arrow file")),
    (b"\x89HDF", _TABLE.format("an HDF5 file")),
    (b"SQLite format 3", _TABLE.format("an SQLite database")),
    (b"\xd0\xcf\x11\xe0", _TABLE.format("an old Excel or Word file")),
    (b"%PDF", _TABLE.format("a PDF")),
    (b"\x89PNG", _TABLE.format("an image")),
    (b"\xff\xd8\xff", _TABLE.format("an image")),
    (b"version https://git-lfs", "is a Git LFS pointer, not the file itself; needed: git lfs pull"),
    (b"version https://hawser", "is a Git LFS pointer, not the file itself; needed: git lfs pull"),
    (b"/annex/objects/", "is a git-annex pointer, not the file itself; needed: git annex get, and git annex unlock"),
)
_ZIPS = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_ANNEX = b".git/annex/objects/"
_MARKS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)
_DELIMITERS = {",": "CSV (commas between)", "\t": "TSV (tabs between)", ";": "CSV (semicolons between)"}


def named_by_bytes(first: bytes, source: str) -> str | None:
    """What a file is whose first line this is, and what to do; None where it may be JSONL in UTF-8."""
    for beginning, told in _BEGINNINGS:
        if first.startswith(beginning):
            return told
    if first.startswith(_ZIPS):
        return _zipped(first, source)
    if _ANNEX in first[:200] and not first.lstrip().startswith(b"{"):
        return "is a git-annex pointer, not the file itself; needed: git annex get, and git annex unlock"
    encoding = next((name for mark, name in _MARKS if first.startswith(mark)), None)
    if encoding is None and _is_wide(first):
        encoding = "UTF-16"
    if encoding is not None:
        return f"is {encoding}; needed: UTF-8, as by iconv -f {encoding} -t UTF-8"
    return None


def named_by_text(first: str, source: str) -> str | None:
    """The same of its first line that is not blank, as text."""
    text = first.strip()
    if re.match(r"\[\s*(?:[{\[\]]|$)", text):
        return "is a JSON array; needed: its objects one a line, without brackets and commas, as by jq -c '.[]'"
    if re.match(r"\{\s*'", text):
        return "has Python's quotes ('); needed: JSON with double quotes, as json.dumps writes it"
    if text.startswith("{") and text.endswith(",") and _is_json(text[:-1]):
        return "has a comma behind an object; needed: one object a line and nothing behind it, as by sed 's/,$//'"
    if text == "{" or (text.startswith("{") and text.endswith((",", "{", "[", ":")) and not _is_json(text)):
        return "is JSON over several lines; needed: each object in one line, as by jq -c ."
    if text.startswith("<"):
        return f"is HTML or XML, perhaps a page that came instead of the file; {_NEEDED}"
    return _table(text, source)


_NEEDED = "needed: one JSON object a line with the keys prompt and referenceResponse"


def _zipped(first: bytes, source: str) -> str:
    if source.lower().endswith((".xlsx", ".xlsm", ".ods")) or b"[Content_Types].xml" in first or b"xl/" in first:
        return _TABLE.format("an Excel file")
    return _PACKED.format("zip", "unzip")


def _is_wide(first: bytes) -> bool:
    """Every other byte NUL: UTF-16 without a mark."""
    start = first[:64]
    return len(start) > 3 and (not any(start[1::2][:-1]) or not any(start[::2][:-1]))


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _table(text: str, source: str) -> str | None:
    """A header of columns. What they are called is not told: it may be somebody's text."""
    if text.startswith("{") or _is_json(text):
        return None
    ending = source.lower().rpartition(".")[2]
    for delimiter, name in _DELIMITERS.items():
        if delimiter in text and _columns(text, delimiter) > 1:
            return _TABLE.format(name)
    return _TABLE.format(ending.upper()) if ending in ("csv", "tsv") else None


def _columns(text: str, delimiter: str) -> int:
    try:
        cells = next(csv.reader([text], delimiter=delimiter), [])
    except csv.Error:
        return 0
    return len(cells) if all(cell.strip() for cell in cells) else 0
