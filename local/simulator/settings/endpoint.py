"""Control over HTTP while the simulator runs, on the emulator's own port below `/_simulator/`; no credentials.

`GET /_simulator/config` shows the configuration, `PUT` changes the keys that its JSON body has (file names in it are
relative to the folder that the emulator was started in); after an error nothing has changed. `GET /_simulator/calls`
shows how often each model got each prompt (by the first 16 hex digits of its SHA-256) and the highest number of
requests in flight at once; `DELETE` forgets them.
"""

from collections.abc import Callable, Mapping

from local.simulator.protocol.errors import Response, json_response
from local.simulator.replay.answers import AnswersError
from local.simulator.settings.documents import ConfigError
from local.simulator.settings.state import SIMULATOR

PREFIX = "/_simulator/"


def handle_request(method: str, path: str, body: bytes) -> Response:
    """Answer a request below the prefix."""
    operation = _ROUTES.get((method, path.removeprefix(PREFIX)))
    if operation is None:
        known = ", ".join(f"{verb} {PREFIX}{name}" for verb, name in _ROUTES)
        return json_response({"error": f"no {method} {path}; there are: {known}"}, status=404)
    return operation(body)


def _get_config(_body: bytes) -> Response:
    return json_response(SIMULATOR.config.to_json())


def _put_config(body: bytes) -> Response:
    try:
        SIMULATOR.merge(body, source=f"PUT {PREFIX}config")
    except (ConfigError, AnswersError) as error:
        return json_response({"error": str(error)}, status=400)
    return _get_config(body)


def _get_calls(_body: bytes) -> Response:
    return json_response(dict(SIMULATOR.calls.to_json()))


def _delete_calls(_body: bytes) -> Response:
    SIMULATOR.calls.clear()
    return json_response({})


_ROUTES: Mapping[tuple[str, str], Callable[[bytes], Response]] = {
    ("GET", "config"): _get_config,
    ("PUT", "config"): _put_config,
    ("GET", "calls"): _get_calls,
    ("DELETE", "calls"): _delete_calls,
}
