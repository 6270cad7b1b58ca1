"""Which reading of metric math is true, changed while the emulator runs.

Stock ministack knows no metric math. Here `POST /_emulator/readings` with `{"fill_of_empty": false}` says what differs
from the usual reading from now on, and every alarm is judged anew; `GET` shows what holds.
"""

import asyncio
import json
import time
from typing import Any

from ministack import app

from local.emulator import readings
from local.emulator.patches import cloudwatch_alarms

PATH = "/_emulator/readings"

Answer = tuple[int, dict[str, str], bytes]


def _change(body: bytes) -> None:
    with cloudwatch_alarms.LOOKING:
        readings.use(readings.read(body))
        cloudwatch_alarms.look_anew(time.time())


async def _answer(method: str, body: bytes) -> Answer:
    status, answer = 200, {}
    if method not in {"GET", "POST"}:
        status, answer = 405, {"error": f"no {method} {PATH}; there are GET and POST"}
    try:
        if method == "POST":
            # In a thread: an alarm that changes may call a function, which calls back.
            await asyncio.to_thread(_change, body)
    except ValueError as error:
        status, answer = 400, {"error": str(error)}
    answer = answer or readings.document(readings.current())
    return status, {"Content-Type": "application/json"}, json.dumps(answer).encode()


def apply() -> None:
    """Serve the readings."""
    dispatch = app._dispatch_service_request

    async def dispatch_with_readings(method: str, path: str, headers: dict[str, str], body: bytes, *rest: Any) -> Any:
        if path == PATH:
            return await _answer(method, body)
        return await dispatch(method, path, headers, body, *rest)

    app._dispatch_service_request = dispatch_with_readings
