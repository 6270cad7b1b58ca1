"""Starting and stopping: what a caller gets, and what is left behind."""

import io
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
import zipfile
from pathlib import Path
from typing import Any

import boto3
import pytest

from local.process import (
    EmulatorError,
    EmulatorProcess,
    Endpoint,
    detached_endpoint,
    log_file,
    pid_file,
    running_emulator,
    start_detached,
    stop_detached,
)
from tests.support.local.emulator import ROLE, eventually
from tests.support.paths import EMULATOR, ROOT


def group_members(group: int) -> list[int]:
    members = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[0] != "Z" and int(fields[2]) == group:
            members.append(int(stat.parent.name))
    return members


def client(endpoint: Endpoint, service: str) -> object:
    environment = endpoint.environment
    return boto3.client(
        service,
        endpoint_url=endpoint.url,
        region_name=environment["AWS_REGION"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
    )


@pytest.mark.parametrize(("scale", "least", "most"), [(1.0, 2.0, 60.0), (1 / 600, 0.0, 2.0)])
def test_wait_states_can_be_shortened(tmp_path: Path, scale: float, least: float, most: float) -> None:
    states = {"Pause": {"Type": "Wait", "SecondsPath": "$.seconds", "End": True}}
    with running_emulator(interpreter=EMULATOR, directory=tmp_path, wait_scale=scale) as endpoint:
        machines: Any = client(endpoint, "stepfunctions")
        definition = json.dumps({"StartAt": "Pause", "States": states})
        arn = machines.create_state_machine(name="m", definition=definition, roleArn=ROLE)["stateMachineArn"]
        seconds = 2 if scale == 1 else 60
        began = time.monotonic()
        execution = machines.start_execution(stateMachineArn=arn, input=json.dumps({"seconds": seconds}))
        eventually(
            lambda: machines.describe_execution(executionArn=execution["executionArn"])["status"] == "SUCCEEDED",
            every=0.05,
        )
        assert least <= time.monotonic() - began < most


def test_functions_end_with_the_emulator(tmp_path: Path) -> None:
    process = EmulatorProcess(interpreter=EMULATOR, directory=tmp_path)
    endpoint = process.start()
    group = process.pid
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as bundle:
        bundle.writestr("index.py", "import time\ndef handler(event, context):\n    time.sleep(event)\n")
    functions = client(endpoint, "lambda")
    functions.create_function(  # type: ignore[attr-defined]
        FunctionName="sleeper",
        Runtime="python3.13",
        Role=ROLE,
        Handler="index.handler",
        Code={"ZipFile": archive.getvalue()},
        Timeout=60,
    )
    functions.invoke(FunctionName="sleeper", InvocationType="Event", Payload=b"60")  # type: ignore[attr-defined]
    eventually(lambda: len(group_members(group)) == 2)
    started = time.monotonic()
    process.stop()
    assert time.monotonic() - started < 5
    assert group_members(group) == []


def test_nobody_else_s_environment_and_nobody_else_s_port(
    tmp_path: Path, emulator: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_THE_SHELL", "1")
    with running_emulator(interpreter=EMULATOR, directory=tmp_path) as endpoint:
        assert endpoint.port != emulator.port
        assert endpoint.environment["AWS_ACCESS_KEY_ID"] != emulator.environment["AWS_ACCESS_KEY_ID"]
        assert Path(endpoint.environment["HOME"]).is_relative_to(tmp_path)
        (pid,) = [
            int(entry.name)
            for entry in Path("/proc").glob("[0-9]*")
            if f"GATEWAY_PORT={endpoint.port}\0".encode() in environment_of(entry)
        ]
        assert b"SECRET_OF_THE_SHELL" not in environment_of(Path(f"/proc/{pid}"))
        assert listening_addresses(endpoint.port) == {"0100007F"}


def environment_of(process: Path) -> bytes:
    try:
        return (process / "environ").read_bytes()
    except OSError:
        return b""


def listening_addresses(port: int) -> set[str]:
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {fields[1].partition(":")[0] for fields in lines if fields[1].endswith(f":{port:04X}") and fields[3] == "0A"}


def test_a_start_that_fails_shows_the_log(tmp_path: Path) -> None:
    bad = tmp_path / "simulator.json"
    bad.write_text('{"no-such-key": 1}')
    process = EmulatorProcess(interpreter=EMULATOR, directory=tmp_path / "e", simulator_config=bad)
    with pytest.raises(EmulatorError, match="no-such-key"):
        process.start()


def test_a_missing_interpreter_names_the_command(tmp_path: Path) -> None:
    process = EmulatorProcess(interpreter=tmp_path / "python", directory=tmp_path)
    with pytest.raises(EmulatorError, match="run: make install"):
        process.start()


def test_a_taken_port_is_named(tmp_path: Path, emulator: Endpoint) -> None:
    process = EmulatorProcess(interpreter=EMULATOR, directory=tmp_path, port=emulator.port)
    with pytest.raises(EmulatorError, match=f"port {emulator.port} is in use"):
        process.start()


def test_detached_start_is_repeatable_and_stop_is_complete(tmp_path: Path) -> None:
    with running_emulator(interpreter=EMULATOR, directory=tmp_path / "port") as other:
        port = other.port
    first = start_detached(interpreter=EMULATOR, directory=tmp_path, port=port)
    try:
        assert first == start_detached(interpreter=EMULATOR, directory=tmp_path, port=port)
        assert detached_endpoint(directory=tmp_path) == first
        with urllib.request.urlopen(f"{first.url}/_ministack/health") as answer:
            assert answer.status == 200
        assert log_file(tmp_path).stat().st_size > 0
    finally:
        assert stop_detached(directory=tmp_path)
    assert detached_endpoint(directory=tmp_path) is None
    assert not pid_file(tmp_path).exists()
    assert not stop_detached(directory=tmp_path)


def test_one_whose_starter_was_killed_meanwhile_is_found_and_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def kill(self: EmulatorProcess) -> None:
        raise Killed

    monkeypatch.setattr(EmulatorProcess, "wait", kill)
    with pytest.raises(Killed):
        start_detached(interpreter=EMULATOR, directory=tmp_path)
    pid = json.loads(pid_file(tmp_path).read_text())["pid"]
    assert group_members(pid)
    assert stop_detached(directory=tmp_path)
    eventually(lambda: not group_members(pid))


def test_a_pid_that_now_belongs_to_somebody_else_is_left_alone(tmp_path: Path) -> None:
    pid_file(tmp_path).write_text(json.dumps({"pid": os.getpid(), "port": 1, "access_key": "A", "started": "1"}))
    assert not stop_detached(directory=tmp_path)


def test_ctrl_c_stops_the_emulator(tmp_path: Path) -> None:
    script = (
        "import signal, time\nfrom pathlib import Path\nfrom local.process import running_emulator\n"
        # Ignored where the tests run in the background of a shell.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        f"with running_emulator(interpreter=Path({str(EMULATOR)!r}), directory=Path({str(tmp_path)!r})) as e:\n"
        "    print(e.port, flush=True)\n    time.sleep(60)\n"
    )
    root = ROOT
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=root, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as p:
        assert p.stdout is not None
        port = int(p.stdout.readline())
        p.send_signal(signal.SIGINT)
        p.wait(timeout=10)
    assert listening_addresses(port) == set()


def test_another_ministack_is_refused(tmp_path: Path) -> None:
    package = tmp_path / "ministack-9.9.9.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: ministack\nVersion: 9.9.9\n")
    done = subprocess.run(
        [str(EMULATOR), "-m", "local.emulator"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode == 1
    assert "ministack is 9.9.9" in done.stderr
    assert "1.5.33" in done.stderr
