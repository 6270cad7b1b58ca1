"""Ctrl-C, `kill` and a closed terminal leave nothing running."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from local.deployment import ROOT


def processes_of(token: str) -> list[str]:
    """Command lines of processes that carry the token in their environment."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if token.encode() in (entry / "environ").read_bytes():
                found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_run_stops_everything(number: int, tmp_path: Path) -> None:
    # The emulator starts with a clean environment, and is known by its private folders below build/run.
    token = f"INTERRUPTED={tmp_path}"
    process = subprocess.Popen(
        [sys.executable, "-m", "local", "run"],
        cwd=ROOT,
        env={**os.environ, "INTERRUPTED": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    home = str(ROOT / "build" / "run" / "emulator" / "emulator-home")
    deadline = time.monotonic() + 30
    while not processes_of(home) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert processes_of(home)
    time.sleep(2)
    process.send_signal(number)
    printed, _ = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "stopped; nothing is left running" in printed
    assert processes_of(token) == []
    assert processes_of(home) == []
