"""HTTP paths of the emulator itself, by which tests set what AWS has no API for.

A path answers GET with its present value, and POST after a change. It refuses a bad body with one sentence.
"""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from ministack import app

Answer = tuple[int, dict[str, str], bytes]
Show = Callable[[], dict[str, Any]]
Change = Callable[[bytes], None]


def serve(path: str, *, show: Show, change: Change) -> None:
    """Answer requests to `path`.

    Args:
        show: gives the present value.
        change: takes the body of a POST; raises ValueError with one sentence.
    """
    dispatch = app._dispatch_service_request

    async def dispatch_with_control(method: str, asked: str, headers: dict[str, str], body: bytes, *rest: Any) -> Any:
        if asked == path:
            return await _answer(path, method, body, show=show, change=change)
        return await dispatch(method, asked, headers, body, *rest)

    app._dispatch_service_request = dispatch_with_control


async def _answer(path: str, method: str, body: bytes, *, show: Show, change: Change) -> Answer:
    if method not in {"GET", "POST"}:
        return _json(405, {"error": f"no {method} {path}; there are GET and POST"})
    try:
        if method == "POST":
            # In a thread: a change may call functions, which call back.
            await asyncio.to_thread(change, body)
    except ValueError as error:
        return _json(400, {"error": str(error)})
    return _json(200, show())


def _json(status: int, document: dict[str, Any]) -> Answer:
    return status, {"Content-Type": "application/json"}, json.dumps(document).encode()
