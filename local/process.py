"""Starts and stops the local emulator from the project's interpreter.

The emulator is a process group of its own with a clean environment, because ministack passes its whole environment on
to the Lambda functions it runs, and because those are subprocesses that must end with it.
"""

import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from bedrock_eval.errors import UserError
from local.emulator.cloudwatch.metric_math.readings import VARIABLE

ACCOUNT = "000000000000"
REGION = "us-east-1"
DEFAULT_PORT = 4566
QUICK_WAITS = 1 / 60
"""A pause of a minute in a state machine takes a second: for `make run`, `make up` and the system tests."""

_PROJECT_ROOT = Path(__file__).resolve().parent.parent
_START_SECONDS = 30.0
_STOP_SECONDS = 3.0
_LOG_TAIL_LINES = 25


class EmulatorError(UserError):
    """The emulator did not start, or died; the message holds the end of its log."""


@dataclass(frozen=True)
class Endpoint:
    """The address of the emulator, and the environment variables for AWS clients and the CDK CLI."""

    url: str
    port: int
    environment: Mapping[str, str]


@dataclass(frozen=True)
class _State:
    """The content of the pid file: what ``stop_detached`` needs of a running emulator."""

    pid: int
    port: int
    access_key: str
    started: str = field(default="")

    @staticmethod
    def read(path: Path) -> "_State | None":
        try:
            data: Any = json.loads(path.read_text())
            return _State(**data)
        except (OSError, ValueError, TypeError):
            return None

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(self.__dict__))


def pid_file(directory: Path) -> Path:
    """The pid file of the emulator that works in ``directory``."""
    return directory / "emulator.json"


def log_file(directory: Path) -> Path:
    """The log of the emulator that works in ``directory``."""
    return directory / "emulator.log"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _process_start(pid: int) -> str:
    """The kernel's start time of ``pid``: it differs when another process has been given its number."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return "" if fields[0] == "Z" else fields[19]
    except (OSError, IndexError):
        return ""


def client_environment(*, port: int, directory: Path, access_key: str) -> dict[str, str]:
    """Environment variables for clients of an emulator on ``port``; add them to one's own environment.

    HOME is private because the CDK CLI caches "access key -> account" below it, and one emulator's answer is wrong
    for the next. The access key is unique for the same reason.
    """
    home = directory / "home"
    home.mkdir(parents=True, exist_ok=True)
    return {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": access_key,
        "AWS_SECRET_ACCESS_KEY": "local-emulator",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": str(home / "no-aws-config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(home / "no-aws-credentials"),
        "CDK_DEFAULT_ACCOUNT": ACCOUNT,
        "CDK_DEFAULT_REGION": REGION,
        "CDK_DISABLE_CLI_TELEMETRY": "1",
        "HOME": str(home),
    }


def _server_environment(
    *, port: int, directory: Path, simulator_config: Path | None, wait_scale: float
) -> dict[str, str]:
    scratch, home = directory / "tmp", directory / "emulator-home"
    scratch.mkdir(parents=True, exist_ok=True)
    home.mkdir(parents=True, exist_ok=True)
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(home),
        "TMPDIR": str(scratch),
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "PYTHONUNBUFFERED": "1",
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "MINISTACK_REGION": REGION,
        "SFN_WAIT_SCALE": str(wait_scale),
    }
    if VARIABLE in os.environ:
        environment[VARIABLE] = os.environ[VARIABLE]
    if simulator_config is not None:
        environment["SIMULATOR_CONFIG"] = str(simulator_config.resolve())
    return environment


def _log_tail(directory: Path) -> str:
    try:
        lines = log_file(directory).read_text(errors="replace").splitlines()
    except OSError:
        return "(no log)"
    return "\n".join(lines[-_LOG_TAIL_LINES:])


def _is_healthy(port: int) -> bool:
    # A proxy from the environment must not see loopback traffic.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://127.0.0.1:{port}/_ministack/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def _signal_group(group: int, number: int) -> bool:
    """Send a signal to a process group; False when none of it is left."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    return True


class EmulatorProcess:
    """One emulator, its log and its process group.

    Args:
        directory: is created, and holds everything it writes.
        wait_scale: the share of its time that a Wait state or a pause between retries of Step Functions takes.
    """

    def __init__(
        self,
        *,
        interpreter: Path,
        directory: Path,
        simulator_config: Path | None = None,
        port: int | None = None,
        wait_scale: float = 1.0,
    ) -> None:
        self._interpreter = interpreter
        self._directory = directory.resolve()
        self._simulator_config = simulator_config
        self._port = port or _free_port()
        self._wait_scale = wait_scale
        self._process: subprocess.Popen[bytes] | None = None
        self._access_key = f"LOCAL{uuid.uuid4().hex[:15].upper()}"

    @property
    def pid(self) -> int:
        """The process (and process group) id; raises EmulatorError before the start."""
        if self._process is None:
            raise EmulatorError("the emulator was not started")
        return self._process.pid

    @property
    def access_key(self) -> str:
        """The access key id that clients of this emulator use; unique to it."""
        return self._access_key

    def start(self) -> Endpoint:
        """Start and wait until it answers. Raises EmulatorError with the log's tail when it dies or takes over 30 s."""
        self.launch()
        return self.wait()

    def launch(self) -> None:
        """Start it without waiting. Raises EmulatorError when it cannot be started."""
        if not self._interpreter.exists():
            raise EmulatorError(f"{self._interpreter} does not exist; run: make install")
        if _is_taken(self._port):
            raise EmulatorError(f"port {self._port} is in use; stop what listens there or choose another port")
        self._directory.mkdir(parents=True, exist_ok=True)
        with log_file(self._directory).open("wb") as log:
            self._process = subprocess.Popen(
                [str(self._interpreter.absolute()), "-m", "local.emulator"],
                cwd=_PROJECT_ROOT,
                env=_server_environment(
                    port=self._port,
                    directory=self._directory,
                    simulator_config=self._simulator_config,
                    wait_scale=self._wait_scale,
                ),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait(self) -> Endpoint:
        """Wait until it answers. Raises EmulatorError with the log's tail when it dies or takes over 30 s."""
        try:
            self._wait_until_healthy()
        except BaseException:
            self.stop()
            raise
        return self.endpoint()

    def endpoint(self) -> Endpoint:
        """The address and the client environment."""
        environment = client_environment(port=self._port, directory=self._directory, access_key=self._access_key)
        return Endpoint(url=environment["AWS_ENDPOINT_URL"], port=self._port, environment=MappingProxyType(environment))

    def _wait_until_healthy(self) -> None:
        process = self._process
        deadline = time.monotonic() + _START_SECONDS
        while process is not None and time.monotonic() < deadline:
            if process.poll() is not None:
                raise EmulatorError(
                    f"the emulator ended with status {process.returncode} while starting; end of its log:\n"
                    f"{_log_tail(self._directory)}"
                )
            if _is_healthy(self._port):
                return
            time.sleep(0.05)
        raise EmulatorError(
            f"the emulator did not answer within {_START_SECONDS:.0f} s; end of its log:\n{_log_tail(self._directory)}"
        )

    def stop(self) -> None:
        """End the emulator and every function it runs: SIGTERM, and SIGKILL to what is left after 3 s."""
        if self._process is None:
            return
        process, self._process = self._process, None
        _signal_group(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=_STOP_SECONDS)
        _signal_group(process.pid, signal.SIGKILL)
        process.wait()


@contextmanager
def running_emulator(
    *,
    interpreter: Path,
    directory: Path,
    simulator_config: Path | None = None,
    port: int | None = None,
    wait_scale: float = 1.0,
) -> Iterator[Endpoint]:
    """An emulator for the duration of a ``with`` block; it is stopped in every case, Ctrl-C included."""
    process = EmulatorProcess(
        interpreter=interpreter,
        directory=directory,
        simulator_config=simulator_config,
        port=port,
        wait_scale=wait_scale,
    )
    try:
        yield process.start()
    finally:
        process.stop()


def start_detached(
    *,
    interpreter: Path,
    directory: Path,
    simulator_config: Path | None = None,
    port: int | None = None,
    wait_scale: float = 1.0,
) -> Endpoint:
    """Start an emulator that outlives this process, or return the one that already works in ``directory``.

    Without ``port`` it takes 4566, the usual one, or any free port when that is taken.
    """
    running = detached_endpoint(directory=directory)
    if running is not None:
        return running
    if port is None and not _is_taken(DEFAULT_PORT):
        port = DEFAULT_PORT
    process = EmulatorProcess(
        interpreter=interpreter,
        directory=directory,
        simulator_config=simulator_config,
        port=port,
        wait_scale=wait_scale,
    )
    process.launch()
    # Before it answers, so that `make down` finds the emulator of a command that was killed meanwhile.
    endpoint, started = process.endpoint(), _process_start(process.pid)
    _State(pid=process.pid, port=endpoint.port, access_key=process.access_key, started=started).write(
        pid_file(directory)
    )
    return process.wait()


def _live_state(directory: Path) -> _State | None:
    state = _State.read(pid_file(directory))
    if state is None or not state.started or _process_start(state.pid) != state.started:
        return None
    return state


def detached_endpoint(*, directory: Path) -> Endpoint | None:
    """The endpoint of the emulator that ``start_detached`` left in ``directory``; None when it is not running."""
    state = _live_state(directory)
    if state is None:
        return None
    environment = client_environment(port=state.port, directory=directory.resolve(), access_key=state.access_key)
    return Endpoint(url=environment["AWS_ENDPOINT_URL"], port=state.port, environment=MappingProxyType(environment))


def answering_endpoint(*, directory: Path) -> Endpoint | None:
    """The endpoint of a running emulator that answers, else None."""
    endpoint = detached_endpoint(directory=directory)
    return endpoint if endpoint is not None and _is_healthy(endpoint.port) else None


def detached_mark(*, directory: Path) -> str | None:
    """A mark of the running emulator in ``directory``, other than that of earlier ones; None when there is none."""
    state = _live_state(directory)
    return None if state is None else f"{state.pid}-{state.started}"


def stop_detached(*, directory: Path) -> bool:
    """Stop the emulator that ``start_detached`` left in ``directory``; False when none was running."""
    state = _live_state(directory)
    if state is not None:
        _signal_group(state.pid, signal.SIGTERM)
        deadline = time.monotonic() + _STOP_SECONDS
        while _process_start(state.pid) == state.started and time.monotonic() < deadline:
            time.sleep(0.05)
        _signal_group(state.pid, signal.SIGKILL)
    pid_file(directory).unlink(missing_ok=True)
    return state is not None
