"""Which reading of metric math is true, changed while the emulator runs.

Stock ministack knows no metric math. Here `POST /_emulator/readings` with `{"fill_of_empty": false}` says what differs
from the usual reading from now on, and every alarm is judged anew; `GET` shows what holds.
"""

import time

from local.emulator import readings
from local.emulator.patches import cloudwatch_alarms, controls

PATH = "/_emulator/readings"


def _change(body: bytes) -> None:
    with cloudwatch_alarms.LOOKING:
        readings.use(readings.read(body))
        cloudwatch_alarms.look_anew(time.time())


def apply() -> None:
    """Serve the readings."""
    controls.serve(PATH, show=lambda: readings.document(readings.current()), change=_change)
