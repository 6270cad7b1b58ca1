"""Readings of "Using metric math": the page leaves some questions open, and answers others in two ways.

AWS has not been asked yet, so what is deployed must work under every reading.
"""

import itertools
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any


class WithoutElse(StrEnum):
    """The result of an IF of two arguments where its condition is false; the page has each of these somewhere."""

    GAP = "gap"
    ZERO = "zero"
    NO_SERIES = "no series"


@dataclass(frozen=True)
class Readings:
    """A reading of the page. A series is empty when it has no point in the requested range.

    Attributes:
        fill_of_empty: FILL gives an empty series values; False: the series stays empty.
        empty_is_zero: an operator takes an empty series as 0, like a missing value; False: the result is empty.
        scalar_fills: beside a number, a missing value of a series is 0; False: it stays missing.
        without_else: see `WithoutElse`.
    """

    fill_of_empty: bool = True
    empty_is_zero: bool = True
    scalar_fills: bool = False
    without_else: WithoutElse = WithoutElse.GAP

    @staticmethod
    def every() -> "list[Readings]":
        """Every reading, the usual one first."""
        return [
            Readings(*each)
            for each in itertools.product((True, False), (True, False), (False, True), tuple(WithoutElse))
        ]


CONTRARY = Readings(fill_of_empty=False, empty_is_zero=False, without_else=WithoutElse.ZERO)
"""The reading that differs from the usual one wherever that one is likely to be wrong."""

VARIABLE = "METRIC_MATH_READINGS"

_ALLOWED: Mapping[str, tuple[Any, ...]] = {
    "fill_of_empty": (True, False),
    "empty_is_zero": (True, False),
    "scalar_fills": (True, False),
    "without_else": tuple(map(str, WithoutElse)),
}


def read(text: str | bytes) -> Readings:
    """Read a JSON object of the differences from the usual reading. Raises ValueError with one sentence."""
    needed = f"a JSON object of {', '.join(f'{key} ({_of(values)})' for key, values in _ALLOWED.items())}"
    try:
        given = json.loads(text)
    except ValueError as error:
        raise ValueError(f"not JSON: {error}; needed: {needed}") from error
    if not isinstance(given, dict) or any(
        # By identity: 1 is not true.
        not any(value is each or (isinstance(each, str) and value == each) for each in _ALLOWED.get(key, ()))
        for key, value in given.items()
    ):
        raise ValueError(f"{json.dumps(given)} cannot be used; needed: {needed}")
    without = WithoutElse(given.pop("without_else", WithoutElse.GAP))
    return replace(Readings(without_else=without), **given)


def document(readings: Readings) -> dict[str, Any]:
    """The JSON object that `read` takes, with every key."""
    return {**asdict(readings), "without_else": str(readings.without_else)}


def _of(values: tuple[Any, ...]) -> str:
    return " or ".join(map(json.dumps, values))


@dataclass
class _Process:
    readings: Readings


def _of_environment() -> Readings:
    try:
        return read(os.environ.get(VARIABLE) or "{}")
    except ValueError as error:
        raise ValueError(f"{VARIABLE}: {error}") from error


_process = _Process(_of_environment())


def current() -> Readings:
    """The reading of this process: that of the variable METRIC_MATH_READINGS until it is changed."""
    return _process.readings


def use(readings: Readings) -> None:
    """Evaluate metric math by this reading from now on."""
    _process.readings = readings
