"""Finds placeholders of the shipped files and of documentation, which users have to replace."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from configuration.document.reading import Mistake, Path

# Accounts of AWS's documentation; those of twelve equal digits are everybody's.
_ACCOUNT = r"(?:(?P<digit>[0-9])(?P=digit){11}|123456789012|012345678901|111122223333|444455556666|777788889999)"
_TABLE = (
    (re.compile(_ACCOUNT), "the number of your AWS account"),
    (re.compile(rf"arn:[a-z-]+:[^:]*:[^:]*:{_ACCOUNT}:.*"), "an ARN of your own account"),
    # Of these no mail and no page ever comes (RFC 2606).
    (re.compile(r"(?:.*[@/.])?example\.(?:com|net|org)(?:[:/].*)?", re.IGNORECASE), "an address of your own"),
    (re.compile(r"[^/]*(?://)?[^/]*\.(?:example|invalid)(?:[:/].*)?", re.IGNORECASE), "an address of your own"),
    (re.compile(r"https?://.*\byour-[a-z].*", re.IGNORECASE), "an address of your own"),
)


def placeholders(data: Mapping[str, Any]) -> Iterator[Mistake]:
    """A warning for each value to replace before a deploy. Texts of several words are the user's own."""
    for path, text in _texts(data, ()):
        needed = next((needed for pattern, needed in _TABLE if pattern.fullmatch(text)), None)
        if needed is not None and not any(letter.isspace() for letter in text):
            yield Mistake(path, f"{text!r} is a placeholder; needed: {needed}")


def _texts(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _texts(item, (*path, key))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _texts(item, (*path, index))
