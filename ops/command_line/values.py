"""Values of options: each function reads one from the command line, or says what is allowed."""

import argparse
import json
import re
from collections.abc import Callable
from datetime import date
from typing import Any
from urllib.parse import urlsplit

from bedrock_eval.numerals import real, whole

_MODEL = re.compile(r"[A-Za-z0-9._:/-]+")


def integer(low: int, high: int, *, what: str = "a whole number") -> Callable[[str], int]:
    """Read a whole number of a range."""

    def read(text: str) -> int:
        number = whole(text)
        if number is None or not low <= number <= high:
            raise argparse.ArgumentTypeError(f"{text!r} is not {what}; allowed: {low:,} to {high:,}")
        return number

    return read


def decimal(low: float, high: float) -> Callable[[str], float]:
    """Read a number of a range."""

    def read(text: str) -> float:
        value = real(text)
        if value is None or not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number of {low:g} to {high:g}")
        return value

    return read


def positive(text: str) -> float:
    """Read a number above 0."""
    number = real(text)
    if number is None or number <= 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return number


def hours(most: float, *, about: str) -> Callable[[str], float]:
    """Read hours up to a limit that `about` explains."""

    def read(text: str) -> float:
        found = positive(text)
        if found > most:
            raise argparse.ArgumentTypeError(f"{text!r} hours are too many; allowed: up to {most:,.0f}, {about}")
        return found

    return read


def confidence(text: str) -> float:
    """Read a confidence level."""
    share = real(text)
    if share is None or not 0.5 <= share < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a confidence level; allowed: 0.5 to below 1")
    return share


def local_path(text: str) -> str:
    """Read a path of this machine, kept as it was given for messages."""
    if "://" in text:
        raise argparse.ArgumentTypeError(f"{text} is not on this machine; needed: a path (aws s3 cp fetches it first)")
    return text


def not_empty(text: str) -> str:
    """Read a text that may not be empty."""
    if not text:
        raise argparse.ArgumentTypeError("the text is empty; needed: the text that ends an answer")
    return text


def model_part(text: str) -> str:
    """Read part of a model id."""
    if not _MODEL.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not part of a model id; allowed: letters, digits and . _ : / -")
    return text


def json_object(text: str) -> dict[str, Any]:
    """Read a JSON object; null is an empty one."""
    try:
        value = json.loads(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"not JSON: {error}") from None
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError(f'{text} is not a JSON object; needed: as {{"temperature": 0}}')
    return value


def day(text: str) -> date:
    """Read a day of the calendar."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date; allowed: a day, as 2026-12-31") from None


def endpoint(text: str) -> str:
    """Read the address of an endpoint."""
    try:
        split = urlsplit(text)
    except ValueError:
        split = urlsplit("")
    if split.scheme not in ("http", "https") or not split.hostname:
        raise argparse.ArgumentTypeError(f"{text!r} is not an endpoint; needed: http://<host>:<port> or https://<host>")
    return text
