"""What "Using metric math" leaves open or says in two ways, and which of it the emulator takes for true.

Nobody has asked AWS yet, so that whatever is deployed has to be right under each of these.
"""

import itertools
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any


class WithoutElse(StrEnum):
    """What an IF of two arguments gives where its condition does not hold; the page says each of these somewhere."""

    GAP = "gap"
    ZERO = "zero"
    NO_SERIES = "no series"


@dataclass(frozen=True)
class Readings:
    """How metric math is evaluated. A series is empty when it has no point in what is looked at.

    Attributes:
        fill_of_empty: FILL of an empty series has values; False: it stays empty.
        empty_is_zero: an operator takes an empty series as 0, as it does a missing value; False: its result is empty.
        scalar_fills: a missing value of a series is 0 beside a number, too; False: it stays missing.
        without_else: see there.
    """

    fill_of_empty: bool = True
    empty_is_zero: bool = True
    scalar_fills: bool = False
    without_else: WithoutElse = WithoutElse.GAP

    @staticmethod
    def every() -> "list[Readings]":
        """All of them, the usual one first."""
        return [
            Readings(*each)
            for each in itertools.product((True, False), (True, False), (False, True), tuple(WithoutElse))
        ]


CONTRARY = Readings(fill_of_empty=False, empty_is_zero=False, without_else=WithoutElse.ZERO)
"""What differs from the usual reading wherever that is likely to be wrong."""

VARIABLE = "METRIC_MATH_READINGS"

_ALLOWED: Mapping[str, tuple[Any, ...]] = {
    "fill_of_empty": (True, False),
    "empty_is_zero": (True, False),
    "scalar_fills": (True, False),
    "without_else": tuple(map(str, WithoutElse)),
}


def read(text: str | bytes) -> Readings:
    """From a JSON object with what differs from the usual reading. Raises ValueError with one sentence."""
    needed = f"a JSON object of {', '.join(f'{key} ({_of(values)})' for key, values in _ALLOWED.items())}"
    try:
        given = json.loads(text)
    except ValueError as error:
        raise ValueError(f"not JSON: {error}; needed: {needed}") from error
    if not isinstance(given, dict) or any(
        # By identity: 1 is no true.
        not any(value is each or (isinstance(each, str) and value == each) for each in _ALLOWED.get(key, ()))
        for key, value in given.items()
    ):
        raise ValueError(f"{json.dumps(given)} cannot be used; needed: {needed}")
    without = WithoutElse(given.pop("without_else", WithoutElse.GAP))
    return replace(Readings(without_else=without), **given)


def document(readings: Readings) -> dict[str, Any]:
    """As `read` takes it, with everything said."""
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
    """Those of this process: of the variable METRIC_MATH_READINGS, until they are changed."""
    return _process.readings


def use(readings: Readings) -> None:
    """Evaluate by these from now on."""
    _process.readings = readings
