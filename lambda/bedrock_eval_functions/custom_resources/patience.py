"""Waiting for what a deploy has just made: a fresh role takes up to a minute to be known everywhere."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

WAIT_SECONDS = 120.0
_LONGEST_PAUSE = 15.0
_ANSWER_SECONDS = 5.0


def patiently(
    call: Callable[[], T],
    *,
    again: Callable[[Exception], bool],
    seconds_left: float,
    wait_seconds: float = WAIT_SECONDS,
) -> T:
    """Call until it goes through, for `wait_seconds` and as long as there is time, pausing 2, 4, 8 and then 15 s.

    Raises:
        Exception: the call's last one, at once when `again` says that waiting does not help.
    """
    until = time.monotonic() + min(wait_seconds, seconds_left - _ANSWER_SECONDS)
    pause = 2.0
    while True:
        try:
            return call()
        except Exception as error:
            if not again(error) or time.monotonic() + pause > until:
                raise
        time.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)
