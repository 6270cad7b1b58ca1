"""How far a run is: a bar on a terminal, a line now and then elsewhere."""

import sys
import time
from collections.abc import Callable
from typing import TextIO

from bedrock_eval.runs import RunState
from bedrock_eval.wording import seconds

_BAR_WIDTH = 24
_TERMINAL_SECONDS = 0.1
_LOG_SECONDS = 15.0


class ProgressBar:
    """Shows the states of one run, first of all what it is estimated to cost.

    The rate is that of this command: what was answered before it does not count.
    """

    def __init__(self, stream: TextIO | None = None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._terminal = self._stream.isatty()
        self._clock = clock
        self._first: tuple[float, int] | None = None
        self._shown_at: float | None = None
        self._width = 0
        self._done = False

    def show(self, state: RunState) -> None:
        """Show the state, unless another was shown a moment ago."""
        now = self._clock()
        if self._first is None:
            self._first = (now, state.completed)
            if state.estimate is not None:
                self._stream.write(f"estimated: {state.estimate}\n")
            # A log need not hear of the beginning.
            self._shown_at = None if self._terminal else now
        if not self._due(now) and (self._done or not _is_done(state)):
            return
        self._shown_at, self._done = now, _is_done(state)
        self._write(self._text(state, now))

    def _due(self, now: float) -> bool:
        pause = _TERMINAL_SECONDS if self._terminal else _LOG_SECONDS
        return not self._done and (self._shown_at is None or now - self._shown_at >= pause)

    def close(self) -> None:
        """Leave the bar's line."""
        if self._terminal and self._shown_at is not None:
            self._stream.write("\n")
            self._stream.flush()
            self._shown_at = None

    def _text(self, state: RunState, now: float) -> str:
        failed = sum(progress.failed for progress in state.candidates.values())
        told = [f"{failed:,} failed"]
        rate = self._rate(state, now)
        if rate is not None:
            told.insert(0, f"{rate:.1f} a second{_left(state, rate)}")
        if state.total is None:
            return f"{state.completed:,} answers, {', '.join(told)}"
        share = state.completed / max(state.total, 1)
        filled = round(share * _BAR_WIDTH)
        bar = f"[{'#' * filled}{'-' * (_BAR_WIDTH - filled)}] " if self._terminal else ""
        return f"{bar}{state.completed:,} of {state.total:,} answers ({share:.0%}), {', '.join(told)}"

    def _rate(self, state: RunState, now: float) -> float | None:
        """Answers a second; None while there is nothing to reckon it from."""
        began, before = self._first or (now, state.completed)
        return (state.completed - before) / (now - began) if now > began and state.completed > before else None

    def _write(self, text: str) -> None:
        if self._terminal:
            self._stream.write("\r" + text.ljust(self._width))
            self._width = len(text)
        else:
            self._stream.write(text + "\n")
        self._stream.flush()


def _left(state: RunState, rate: float) -> str:
    if state.total is None or _is_done(state):
        return ""
    return f", {seconds((state.total - state.completed) / rate)} left"


def _is_done(state: RunState) -> bool:
    return state.total is not None and state.completed >= state.total
