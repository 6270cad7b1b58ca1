"""A clock that can be set forward: alarms look back over minutes to days, and nobody waits for those.

Stock ministack knows the machine's clock only. Here `POST /_emulator/clock` with `{"forward_seconds": 300}` sets
forward what every service of the emulator and every Python function takes for now; it runs on from there and never
goes back. `GET` shows it. Before the answer, what Scheduler owed in between is delivered (once a schedule, as after a
sleep of the machine), queues report their depth, alarms are judged at the new time, and the functions that all this
called have run. Alarms do not look meanwhile: a machine that wakes up is not judged before it has caught up.
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
    """How far the emulator is ahead of the machine, in seconds; a file tells it to the functions."""

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
    """How far a request asks to go. Raises ValueError with one sentence."""
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
