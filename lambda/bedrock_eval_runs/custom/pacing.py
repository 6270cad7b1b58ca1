"""How fast one model is asked: as fast as it answers, and slower once it has no room.

Nobody knows an account's quotas for sure, and others use them too, so the rate is found by trying: it falls by a part
when the service refuses a call for want of room, and grows again with every answer, fast up to where it worked and
slowly beyond. All calls of a model share one pace.
"""

import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

LEAST_RATE = 0.5
"""Calls a second while a model refuses everything, to hear when it has room again."""

_DECREASE = 0.8
_WINDOW_SECONDS = 10.0
# So much of a turn that was missed (a part was written meanwhile) is made up for.
_CREDIT_SECONDS = 0.2


def _jitter() -> float:
    return random.uniform(0.8, 1.2)  # noqa: S311 - no secret


@dataclass
class Pace:
    """The pace of one model. Times are seconds that only grow; it is not for several threads.

    Attributes:
        rate: calls a second, None while nothing was refused.
    """

    jitter: Callable[[], float] = _jitter
    rate: float | None = None
    _worked: float = 0.0
    _answers: deque[float] = field(default_factory=deque)
    _answered_since_cut: bool = True
    _first: float | None = None
    _cut_at: float = float("-inf")
    _next: float = float("-inf")

    def wait(self, now: float) -> float:
        """Seconds until the next call may begin, 0 or less: now."""
        return self._next - now

    def begin(self, now: float) -> None:
        """A call begins."""
        if self._first is None:
            self._first = now
        if self.rate is not None:
            self._next = max(self._next, now - _CREDIT_SECONDS) + self.jitter() / self.rate

    def answered(self, now: float) -> None:
        """A call found room."""
        self._answered_since_cut = True
        self._answers.append(now)
        self._forget(now)
        if self.rate is None:
            return
        if self.rate < self._worked / 2:
            self.rate *= 2
        elif self.rate < self._worked * 0.9:
            self.rate *= 1.1
        else:
            self.rate += 0.05 * max(self._worked, LEAST_RATE) / self.rate

    def refused(self, *, begun: float, now: float, retry_after: float = 0.0) -> None:
        """A call found none. Those that were under way when the rate fell say nothing new."""
        if retry_after > 0:
            self._next = max(self._next, now + retry_after)
        if begun <= self._cut_at:
            return
        rate = max(self._measured(now), LEAST_RATE) if self.rate is None else self.rate
        if self._answered_since_cut:
            # A model that takes nothing for a while does not say that the rate was too high.
            self._worked = rate
        self.rate = max(LEAST_RATE, rate * _DECREASE)
        self._cut_at, self._answered_since_cut = now, False
        self._next = max(self._next, now + self.jitter() / self.rate)

    def _measured(self, now: float) -> float:
        self._forget(now)
        began = now if self._first is None else self._first
        return len(self._answers) / min(max(now - began, 1.0), _WINDOW_SECONDS)

    def _forget(self, now: float) -> None:
        while self._answers and self._answers[0] < now - _WINDOW_SECONDS:
            self._answers.popleft()
