"""The reading of metric math, changed while the emulator runs.

Stock ministack knows no metric math. Here `POST /_emulator/readings` with `{"fill_of_empty": false}` sets the
differences from the usual reading, and evaluates every alarm again. `GET` shows the present reading.
"""

import time

from local.emulator.cloudwatch.metric_math import readings
from local.emulator.patches import control_paths
from local.emulator.patches.cloudwatch import alarm_evaluation

PATH = "/_emulator/readings"


def _change(body: bytes) -> None:
    with alarm_evaluation.EVALUATING:
        readings.use(readings.read(body))
        alarm_evaluation.evaluate_anew(time.time())


def apply() -> None:
    """Serve the readings."""
    control_paths.serve(PATH, show=lambda: readings.document(readings.current()), change=_change)
