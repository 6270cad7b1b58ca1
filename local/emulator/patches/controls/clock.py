"""A clock that can be set forward: alarms evaluate minutes to days, and no test waits that long.

Stock ministack knows only the machine's clock. Here `POST /_emulator/clock` with `{"forward_seconds": 300}` sets the
clock of every service of the emulator and of every Python function forward; it runs on from there and never goes back.
`GET` shows it. Before it answers, the emulator delivers what Scheduler owes (once a schedule, as after a sleep of the
machine), publishes the depth of queues, evaluates the alarms at the new time, and waits for the functions that all
this has called. No alarm is evaluated before the deliveries are done.
"""

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import time_machine

from local.emulator.patches import control_paths, lambda_functions, scheduler, sqs
from local.emulator.patches.cloudwatch import alarm_evaluation

PATH = "/_emulator/clock"
_MOST_SECONDS = 366 * 86_400
_ALLOWED = f'{{"forward_seconds": a number from 0 to {_MOST_SECONDS}}}'


class Clock:
    """The seconds by which the emulator is ahead of the machine; functions read them from a file."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._traveller: time_machine.Traveller | None = None
        self.ahead = 0.0

    def forward(self, seconds: float) -> None:
        """Set this process and the functions forward."""
        if self._traveller is None:
            self._traveller = time_machine.travel(time.time() + seconds, tick=True).start()
        else:
            self._traveller.shift(seconds)
        self.ahead += seconds
        # Renamed into place: a function never reads half a number.
        written = self._file.with_suffix(".new")
        written.write_text(repr(self.ahead))
        written.replace(self._file)

    def to_json(self) -> dict[str, Any]:
        return {"now": datetime.now(UTC).isoformat(), "ahead_seconds": self.ahead}


def _forward(clock: Clock, seconds: float) -> None:
    with alarm_evaluation.EVALUATING:
        clock.forward(seconds)
        scheduler.deliver_what_is_due()
        lambda_functions.wait_for_asynchronous()
        sqs.publish_all()
        alarm_evaluation.evaluate_anew(time.time())
    lambda_functions.wait_for_asynchronous()


def seconds_of(body: bytes) -> float:
    """The seconds that a request asks for. Raises ValueError with one sentence."""
    try:
        document = json.loads(body)
    except ValueError as error:
        raise ValueError(f"not JSON: {error}; needed: {_ALLOWED}") from error
    seconds = document.get("forward_seconds") if isinstance(document, dict) and len(document) == 1 else None
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds <= _MOST_SECONDS:
        raise ValueError(f"{json.dumps(document)} cannot be used; needed: {_ALLOWED}")
    return float(seconds)


def apply() -> None:
    """Serve the clock."""
    clock = Clock(lambda_functions.CLOCK_FILE)
    control_paths.serve(PATH, show=clock.to_json, change=lambda body: _forward(clock, seconds_of(body)))
