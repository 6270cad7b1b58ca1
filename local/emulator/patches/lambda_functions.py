"""Lambda: error names, the environment of a function, dead-letter queues.

Stock ministack calls every error of a handler Runtime.HandlerError, hands the emulator's whole environment to the
function, lets it import whatever is installed beside ministack, drops what a log record holds beside its message, sends
the destination envelope to a dead-letter queue, drops an asynchronous event when all concurrency is in use, answers
"Mock response" for a function whose code is missing, and counts only invocations by the Invoke API. Lambda reports the
exception's class name, gives a function its own variables, the standard library and boto3 only, logs JSON where the
function says so, sends the raw event to a dead-letter queue, keeps an event until a function can run, and counts every
invocation.
"""

import hashlib
import importlib.metadata
import json
import os
import re
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ministack.core import lambda_runtime, responses
from ministack.services import lambda_svc, sqs

Result = dict[str, Any]
Invocation = Callable[..., Result]

# The seconds by which the emulator's clock is ahead, for the functions; absent until it is set forward.
CLOCK_FILE = Path(tempfile.gettempdir()) / f"emulator-clock-{os.getpid()}"
# So many asynchronous events run at once: dozens of alarms notify together, and each further process starts cold.
_TURNS = threading.BoundedSemaphore(4)
# Events of asynchronous invocations that have not been executed once.
_under_way: set[int] = set()

# What the AWS runtime offers besides the standard library: boto3 with what it needs.
_IN_THE_RUNTIME = frozenset({"boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "six"})
# They follow the emulator's clock; a function does not use them.
_OF_THE_EMULATOR = frozenset({"time_machine"})
_ASYNCHRONOUS_SECONDS = 10.0
_THROTTLED_PAUSE_SECONDS = 0.5
_INHERITED = frozenset({"PATH", "LANG", "TMPDIR"})
_EXITED = re.compile(r"Worker process (died|exited immediately).*", re.DOTALL)
_INIT = re.compile(r"Worker init failed: (?:(?P<type>[A-Za-z_.]+): )?(?P<message>.*)", re.DOTALL)


class _HandlerMessage(str):
    """An error message that remembers the exception's class and traceback on its way through ministack."""

    error_type: str
    trace: str


def _blocked_modules() -> list[str]:
    """Top-level modules in the emulator's environment that a Lambda function must not find."""
    found = importlib.metadata.packages_distributions()
    return sorted(name for name in found if name not in _IN_THE_RUNTIME | _OF_THE_EMULATOR and not name.startswith("_"))


_GUARD = """
import sys as _guard_sys
class _GuardedImports:
    blocked = frozenset(__BLOCKED__)
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.blocked:
            _bundled = [p for p in _guard_sys.path if "site-packages" not in p]
            import importlib.machinery
            spec = importlib.machinery.PathFinder.find_spec(name, path if "." in name else _bundled)
            if spec is None:
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)
            return spec
        return None
_guard_sys.meta_path.insert(0, _GuardedImports())
"""

# Read before each invocation, because a warm process outlives a setting of the clock.
_CLOCK = """
class _EmulatorClock:
    ahead, traveller = 0.0, None
    def follow(self):
        try:
            with open(__CLOCK__) as _file:
                ahead = float(_file.read())
        except FileNotFoundError:
            return
        if self.traveller is None:
            import time, time_machine
            self.traveller = time_machine.travel(time.time() + ahead, tick=True).start()
        elif ahead != self.ahead:
            self.traveller.shift(ahead - self.ahead)
        self.ahead = ahead
_emulator_clock = _EmulatorClock()
_emulator_clock.follow()
"""

# What the runtime does with records of `logging` under LogFormat JSON. Source: Lambda developer guide, python-logging.
_JSON_LOGS = """
import json as _json, logging as _logging, os as _os, sys as _sys, time as _time, traceback as _traceback
class _JsonLines(_logging.Formatter):
    own = frozenset(vars(_logging.makeLogRecord({}))) | {"message", "asctime"}
    def format(self, record):
        line = {
            "timestamp": _time.strftime("%Y-%m-%dT%H:%M:%SZ", _time.gmtime(record.created)),
            "level": record.levelname,
            "message": record.getMessage(),
            "logger": record.name,
            **{name: value for name, value in vars(record).items() if name not in self.own},
        }
        if record.exc_info and record.exc_info[0] is not None:
            kind, error, trace = record.exc_info
            line |= {"errorType": kind.__name__, "errorMessage": str(error), "stackTrace": _traceback.format_tb(trace)}
        return _json.dumps(line, default=str, ensure_ascii=False)
if _os.environ.get("AWS_LAMBDA_LOG_FORMAT") == "JSON":
    _lines = _logging.StreamHandler(_sys.stderr)
    _lines.setFormatter(_JsonLines())
    _logging.getLogger().addHandler(_lines)
    _logging.getLogger().setLevel(_logging.INFO)
"""

_EDITS = (
    # Lambda unpacks the code to /var/task, and a variable may name what lies beside it; here each process has a folder.
    (
        "    os.environ.update(env)\n",
        '    os.environ.update({name: value.replace("/var/task", code_dir) for name, value in env.items()})\n',
    ),
    ('        event = _ms_msg["event"]\n', '        event = _ms_msg["event"]\n        _emulator_clock.follow()\n'),
    (
        '_real_stdout.write(json.dumps({"status": "error", "error": str(e)}) + "\\n")',
        '_real_stdout.write(json.dumps({"status": "error", "error": type(e).__name__ + ": " + str(e)}) + "\\n")',
    ),
    (
        'except Exception as e:\n            _real_stdout.write(json.dumps({"status": "error", "error": str(e), ',
        "except Exception as e:\n"
        '            _real_stdout.write(json.dumps({"status": "error", "type": type(e).__name__, "error": str(e), ',
    ),
)


def worker_script(stock: str, *, clock: Path) -> str:
    """The bootstrap of a Python function: guarded imports, named errors, JSON logs, on the clock of the emulator."""
    script = stock
    for before, after in _EDITS:
        if script.count(before) != 1:
            raise ValueError(f"ministack's Lambda worker has changed: {before!r} is not there once")
        script = script.replace(before, after)
    guard = _GUARD.replace("__BLOCKED__", repr(_blocked_modules()))
    return guard + _CLOCK.replace("__CLOCK__", repr(str(clock))) + _JSON_LOGS + script


def function_environment(given: Mapping[str, str]) -> dict[str, str]:
    """The variables of a function's process without those that only the emulator was started with."""
    kept = {
        name: value
        for name, value in given.items()
        if name in _INHERITED or name not in os.environ or os.environ[name] != value
    }
    runtime = {"TZ": ":UTC", "LANG": "en_US.UTF-8", "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13"}
    return {**runtime, **kept}


def _popen(arguments: list[str], **options: Any) -> "subprocess.Popen[str]":
    environment = function_environment(options["env"])
    made = lambda_svc._functions.get(environment.get("AWS_LAMBDA_FUNCTION_NAME", "")) or {}
    log_format = made.get("config", {}).get("LoggingConfig", {}).get("LogFormat", "Text")
    options["env"] = {**environment, "AWS_LAMBDA_LOG_FORMAT": log_format}
    return subprocess.Popen(arguments, **options)


def _typed(stock: Callable[..., Result]) -> Callable[..., Result]:
    def invoke(self: Any, *arguments: Any, **named: Any) -> Result:
        answer = stock(self, *arguments, **named)
        if answer.get("status") == "error" and answer.get("type"):
            message = _HandlerMessage(answer["error"])
            message.error_type, message.trace = answer["type"], answer.get("trace", "")
            answer["error"] = message
        return answer

    return invoke


def error_body(message: str, error_type: str) -> dict[str, Any]:
    """The payload of a failed invocation, named as Lambda names it."""
    if isinstance(message, _HandlerMessage):
        trace = message.trace.splitlines()
        return {"errorMessage": str(message), "errorType": message.error_type, "stackTrace": trace[1:-1]}
    if _EXITED.fullmatch(message):
        return {"errorMessage": "Runtime exited without providing a reason", "errorType": "Runtime.ExitError"}
    started = _INIT.fullmatch(message)
    if not started:
        return {"errorMessage": message, "errorType": error_type}
    name, text = started["type"] or "Exception", started["message"]
    if name in {"ModuleNotFoundError", "ImportError"}:
        return {"errorMessage": f"Unable to import module: {text}", "errorType": "Runtime.ImportModuleError"}
    if name == "SyntaxError":
        return {"errorMessage": f"Syntax error in module: {text}", "errorType": "Runtime.UserCodeSyntaxError"}
    return {"errorMessage": text, "errorType": name}


def _named_errors(stock: Invocation) -> Invocation:
    def execute(func: dict[str, Any], event: Any, request_id: str) -> Result:
        if not func.get("code_zip"):
            body = {"errorMessage": "The function has no code", "errorType": "Runtime.InvalidEntrypoint"}
            return {"body": body, "error": True, "log": ""}
        result = stock(func, event, request_id)
        failure = result.get("body")
        if result.get("error") and isinstance(failure, dict) and "errorMessage" in failure:
            named = error_body(failure["errorMessage"], failure.get("errorType", "Unhandled"))
            result["body"] = {**named, "requestId": request_id}
        return result

    return execute


def _destinations(func: Mapping[str, Any]) -> set[str]:
    configs = [func.get("event_invoke_config"), *(func.get("event_invoke_configs") or {}).values()]
    return {
        config.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination", "") for config in configs if config
    }


def _dead_letter(queue: dict[str, Any], event: Any, error: Mapping[str, Any]) -> None:
    """Put the raw event on a queue with the three attributes that Lambda adds."""
    body, now = json.dumps(event), time.time()
    attributes = {
        "RequestID": {"DataType": "String", "StringValue": str(error.get("requestId") or responses.new_uuid())},
        "ErrorCode": {"DataType": "Number", "StringValue": "200"},
        "ErrorMessage": {"DataType": "String", "StringValue": str(error.get("errorMessage", ""))[:1024] or "-"},
    }
    queue["messages"].append(
        {
            "id": responses.new_uuid(),
            "body": body,
            "md5_body": hashlib.md5(body.encode(), usedforsecurity=False).hexdigest(),
            "md5_attrs": "",
            "receipt_handle": None,
            "sent_at": now,
            "visible_at": now + sqs.queue_delay(queue),
            "receive_count": 0,
            "first_receive_at": None,
            "message_attributes": attributes,
            "sys": {"SenderId": responses.get_account_id(), "SentTimestamp": str(int(now * 1000))},
            "group_id": None,
            "dedup_id": None,
            "dedup_cache_key": None,
            "seq": None,
        }
    )


def _route_failure(stock: Callable[..., None]) -> Callable[..., None]:
    def route(target: str, name: str, event: Any, result: Result) -> None:
        func = lambda_svc._functions.get(name) or {}
        queue = sqs._queue_by_arn(target) if target.split(":")[2] == "sqs" else None
        if queue is None or target in _destinations(func):
            stock(target, name, event, result)
            return
        body = result.get("body")
        _dead_letter(queue, event, body if isinstance(body, dict) else {})

    return route


def _event_invoke_config(stock: Callable[..., Any]) -> Callable[..., Any]:
    """Without a qualifier Lambda means $LATEST; stock ministack keeps the two apart."""

    def find(func: dict[str, Any], qualifier: str | None) -> Any:
        same = {None: "$LATEST", "$LATEST": None}
        return stock(func, qualifier) or (stock(func, same[qualifier]) if qualifier in same else None)

    return find


def _event_age(func: Mapping[str, Any]) -> float:
    """The seconds for which an asynchronous event is kept: six hours unless the function's configuration is shorter."""
    config = lambda_svc._event_invoke_config(func, None) or {}
    return float(config.get("MaximumEventAgeInSeconds", 21_600))


def _asynchronous(stock: Callable[..., None]) -> Callable[..., None]:
    def invoke(func: dict[str, Any], event: Any) -> None:
        _under_way.add(id(event))
        stock(func, event)

    return invoke


def _executed(stock: Callable[..., Result]) -> Callable[..., Result]:
    """Return an asynchronous event to Lambda's queue while all concurrency is in use; that is no attempt."""

    def execute(func: dict[str, Any], event: Any) -> Result:
        if id(event) not in _under_way:
            return stock(func, event)
        until = time.time() + _event_age(func)
        try:
            result = _execute_in_turn(stock, func, event)
            while result.get("throttle") and time.time() < until:
                time.sleep(_THROTTLED_PAUSE_SECONDS)
                result = _execute_in_turn(stock, func, event)
            return result
        finally:
            _under_way.discard(id(event))

    return execute


def _execute_in_turn(stock: Callable[..., Result], func: dict[str, Any], event: Any) -> Result:
    with _TURNS:
        return stock(func, event)


def _counted(stock: Callable[..., Result], emit: Callable[..., None]) -> Callable[..., Result]:
    """Every execution passes here once, also those of Step Functions, SNS and Scheduler."""

    def execute(func: dict[str, Any], config: dict[str, Any], *rest: Any) -> Result:
        started = time.monotonic()
        result = stock(func, config, *rest)
        milliseconds = (time.monotonic() - started) * 1000
        emit(config["FunctionName"], duration_ms=milliseconds, error=bool(result.get("error")), throttle=False)
        return result

    return execute


def _only_throttled(stock: Callable[..., None]) -> Callable[..., None]:
    """Count what never became an execution; the Invoke API would count the others a second time."""

    def emit(name: str, duration_ms: float, error: bool, throttle: bool) -> None:
        if throttle and not duration_ms:
            stock(name, duration_ms=duration_ms, error=error, throttle=throttle)

    return emit


def wait_for_asynchronous() -> None:
    """Wait until every asynchronous invocation has had its first attempt, ten seconds at most."""
    deadline = time.monotonic() + _ASYNCHRONOUS_SECONDS
    while _under_way and time.monotonic() < deadline:
        time.sleep(0.01)


def apply() -> None:
    """Patch the subprocess executor and the routing of asynchronous failures."""
    lambda_runtime._PYTHON_WORKER_SCRIPT = worker_script(lambda_runtime._PYTHON_WORKER_SCRIPT, clock=CLOCK_FILE)
    lambda_svc.invoke_async_with_retry = _asynchronous(lambda_svc.invoke_async_with_retry)
    emit = lambda_svc._emit_lambda_metrics
    lambda_svc._execute_function_dispatch = _counted(lambda_svc._execute_function_dispatch, emit)
    lambda_svc._emit_lambda_metrics = _only_throttled(emit)
    lambda_svc._execute_function = _executed(lambda_svc._execute_function)
    lambda_runtime.subprocess = SimpleNamespace(
        Popen=_popen, PIPE=subprocess.PIPE, TimeoutExpired=subprocess.TimeoutExpired, DEVNULL=subprocess.DEVNULL
    )
    lambda_runtime.Worker.invoke = _typed(lambda_runtime.Worker.invoke)
    lambda_svc._execute_function_warm = _named_errors(lambda_svc._execute_function_warm)
    lambda_svc._event_invoke_config = _event_invoke_config(lambda_svc._event_invoke_config)
    lambda_svc._route_async_failure = _route_failure(lambda_svc._route_async_failure)
