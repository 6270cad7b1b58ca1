"""One line of a dataset is one case. JSONL, keys of Amazon Bedrock's own prompt datasets."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

_TEXT_KEYS = ("id", "category", "cluster", "referenceResponse")
_KEPT = ("prompt", *_TEXT_KEYS)


class DatasetError(ValueError):
    """A dataset line that cannot be a case; the message is `source:line: reason`."""


@dataclass(frozen=True)
class Case:
    """One prompt with what is known about it. `cluster` groups dependent cases; `category` only slices."""

    id: str
    prompt: str
    reference: str | None = None
    category: str | None = None
    cluster: str | None = None
    extra: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def references(self) -> tuple[str, ...]:
        return () if self.reference is None else (self.reference,)


def prompt_id(prompt: str) -> str:
    """The id of a case that gives none: the first 16 hex digits of sha256 over the prompt's UTF-8 bytes."""
    # A lone surrogate is legal in JSON and illegal in UTF-8.
    return hashlib.sha256(prompt.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def read_cases(lines: Iterable[str | bytes], *, source: str) -> Iterator[Case]:
    """Read a dataset line by line; blank lines are passed over.

    Raises:
        DatasetError: at the first line that is not a case, naming source, line, key and what is allowed.
    """
    first_line: dict[str, int] = {}
    repeats: Counter[str] = Counter()
    for number, line in enumerate(lines, start=1):
        where = f"{source}:{number}"
        text = _text(line, where)
        if not text.strip():
            continue
        record = _record(text, where)
        identifier = record.get("id")
        if identifier is None:
            base = prompt_id(record["prompt"])
            repeats[base] += 1
            identifier = base if repeats[base] == 1 else f"{base}#{repeats[base]}"
        if identifier in first_line:
            raise DatasetError(f"{where}: id {identifier!r} stands already in line {first_line[identifier]}")
        first_line[identifier] = number
        yield _case(identifier, record)


def _text(line: str | bytes, where: str) -> str:
    if isinstance(line, str):
        return line
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DatasetError(f"{where}: not UTF-8 (byte {error.start + 1} of the line)") from None


def _record(text: str, where: str) -> dict[str, Any]:
    if text.startswith("\ufeff"):
        raise DatasetError(f"{where}: begins with a byte order mark; needed: UTF-8 without one")
    try:
        record = json.loads(text)
    except json.JSONDecodeError as error:
        raise DatasetError(f"{where}: not JSON: {error.msg} at column {error.colno}") from None
    except RecursionError:
        raise DatasetError(f"{where}: not a case: nested too deeply") from None
    except ValueError:
        raise DatasetError(f"{where}: not a case: a number has too many digits") from None
    if not isinstance(record, dict):
        raise DatasetError(f'{where}: not a JSON object; needed: {{"prompt": ..., "referenceResponse": ...}}')
    if "expected" in record:
        raise DatasetError(f"{where}: key 'expected' is not read; the reference answer's key is 'referenceResponse'")
    if "messages" in record:
        raise DatasetError(f"{where}: key 'messages' is reserved; give the question as 'prompt'")
    prompt = record.get("prompt")
    if prompt is None:
        raise DatasetError(f"{where}: key 'prompt' is missing")
    if not isinstance(prompt, str) or not prompt.strip():
        raise DatasetError(f"{where}: key 'prompt' must be text that is not blank")
    for key in _TEXT_KEYS:
        if key in record and (not isinstance(record[key], str) or (key != "referenceResponse" and not record[key])):
            raise DatasetError(f"{where}: key {key!r} must be text, not {_kind(record[key])}")
    return record


def _kind(value: object) -> str:
    """What stands there instead of text; not the value, which is a user's, while the message goes into logs."""
    kinds = {bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "an object"}
    return "null" if value is None else kinds.get(type(value), "an empty one")


def _case(identifier: str, record: Mapping[str, Any]) -> Case:
    return Case(
        id=identifier,
        prompt=record["prompt"],
        reference=record.get("referenceResponse"),
        category=record.get("category"),
        cluster=record.get("cluster"),
        extra=MappingProxyType({key: value for key, value in record.items() if key not in _KEPT}),
    )
