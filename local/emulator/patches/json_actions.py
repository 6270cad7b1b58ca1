"""Adds operations to a ministack service that speaks JSON with an X-Amz-Target header."""

import json
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from ministack.core import responses

Action = Callable[[Mapping[str, Any]], dict[str, Any]]


def add_actions(service: ModuleType, actions: Mapping[str, Action]) -> None:
    """Answer ``actions`` before the service's own dispatcher sees the request; a ValueError becomes a 400."""
    stock = service.handle_request

    async def handle_request(method: str, path: str, headers: Mapping[str, str], body: bytes, query: Any) -> Any:
        name = headers.get("x-amz-target", "").rpartition(".")[2]
        if name not in actions:
            return await stock(method, path, headers, body, query)
        try:
            answer = actions[name](json.loads(body or b"{}"))
        except ValueError as error:
            return responses.error_response_json("InvalidParameterException", str(error), 400)
        return responses.json_response(answer)

    service.handle_request = handle_request  # type: ignore[attr-defined]
