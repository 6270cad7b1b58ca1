"""`python -m ops evaluate` as a process of its own against the simulator, with a real Ctrl-C."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.local.simulator import PLAIN, QUESTIONS, Simulator
from tests.support.paths import ROOT

CASES = 60


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    lines = [{"prompt": q, "referenceResponse": f"The answer to {q.lower()}"} for q in QUESTIONS[:CASES]]
    (tmp_path / "questions.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    options = {"dataset": tmp_path / "questions.jsonl", "model": PLAIN, "out": tmp_path / "out", "concurrency": 4}
    return [sys.executable, "-m", "ops", "evaluate", *(f"--{key}={value}" for key, value in options.items())]


def begin(simulator: Simulator, command: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **simulator.endpoint.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def test_ctrl_c_keeps_what_is_done_and_the_same_command_goes_on(
    simulator: Simulator, command: list[str], tmp_path: Path
) -> None:
    simulator.configure(sleep_share=1, default_latency_ms=400)
    stopped = begin(simulator, command)
    deadline = time.monotonic() + 30
    while simulator.calls()["totals"]["answered"] < 8 and time.monotonic() < deadline:
        time.sleep(0.05)
    stopped.send_signal(signal.SIGINT)
    _, told = stopped.communicate(timeout=30)
    assert stopped.returncode == 130
    assert "the same command resumes from there" in told
    kept = sum(path.read_text().count("\n") for path in tmp_path.glob("out/results/*/*.jsonl"))
    assert 8 <= kept < CASES
    assert not (tmp_path / "out" / "summary.json").exists()
    simulator.configure(sleep_share=0, default_latency_ms=400)
    going_on = begin(simulator, [*command, "--gate=unicode_f1_score>=0.9"])
    assert going_on.communicate(timeout=60)[1].startswith("error: --out")
    going_on = begin(simulator, command)
    shown, told = going_on.communicate(timeout=60)
    assert going_on.returncode == 0, told
    assert f"resumes after {kept} answers" in told
    assert f"{CASES} cases, 0 failed" in shown
    # What was in flight at Ctrl-C was waited for, so nothing was asked twice.
    assert simulator.calls()["totals"]["answered"] == CASES


def test_ctrl_c_twice_does_not_wait_for_a_call_that_hangs(
    simulator: Simulator, command: list[str], tmp_path: Path
) -> None:
    simulator.configure(sleep_share=1, default_latency_ms=15_000)
    process = begin(simulator, command)
    deadline = time.monotonic() + 30
    while not (tmp_path / "out" / "lock.json").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(1)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "stopped at once" in told
    assert time.monotonic() - began < 10
