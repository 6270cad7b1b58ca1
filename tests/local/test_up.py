"""`make up` in every state that it may find, with an emulator and a deploy that only say what was asked of them."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import pytest

from local import up as module
from local.__main__ import main
from local.alone import BusyError, alone
from local.deployment import ROOT, DeploymentError
from local.process import Endpoint
from local.up import digest, down, up

ENDPOINT = Endpoint("http://127.0.0.1:1", 1, MappingProxyType({}))


@dataclass
class Machine:
    """The emulator of a folder: `running` tells one from the next."""

    directory: Path
    running: str | None = None
    answers: bool = True
    inputs: str = "as shipped"
    done: list[str] = field(default_factory=list)
    fails: BaseException | None = None

    def start(self) -> Endpoint:
        self.done.append("start")
        self.running = f"emulator {len(self.done)}"
        return ENDPOINT

    def deploy(self, endpoint: Endpoint) -> None:
        self.done.append("deploy")
        if self.fails is not None:
            raise self.fails

    def stop(self, *, directory: Path) -> bool:
        was, self.running = self.running, None
        self.done += ["stop"] if was else []
        return was is not None

    def up(self) -> list[str]:
        self.done.clear()
        assert up(self.directory, start=self.start, deploy=self.deploy) is ENDPOINT
        return list(self.done)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine(tmp_path / "up")
    monkeypatch.setattr(module, "digest", lambda root: made.inputs)
    monkeypatch.setattr(module, "detached_mark", lambda directory: made.running)
    monkeypatch.setattr(module, "stop_detached", made.stop)
    monkeypatch.setattr(
        module, "answering_endpoint", lambda directory: ENDPOINT if made.running and made.answers else None
    )
    return made


def test_the_second_deploys_what_has_changed_and_nothing_else(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    assert machine.up() == ["start", "deploy"]
    assert machine.up() == []
    assert "up to date" in capsys.readouterr().out
    machine.inputs = "edited"
    assert machine.up() == ["deploy"]
    assert "Files have changed" in capsys.readouterr().out
    assert machine.up() == []


def test_a_first_deploy_that_fails_leaves_nothing_running(machine: Machine) -> None:
    machine.fails = DeploymentError("no")
    with pytest.raises(DeploymentError):
        machine.up()
    assert (machine.done, machine.running) == (["start", "deploy", "stop"], None)
    machine.fails = None
    assert machine.up() == ["start", "deploy"]


def test_one_that_was_killed_in_its_deploy_is_repaired_by_the_next(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    # SIGKILL: nobody stops the emulator.
    machine.start()
    assert machine.up() == ["stop", "start", "deploy"]
    assert "did not finish" in capsys.readouterr().out
    # And one that answers no more, or another's than the one that was deployed to.
    machine.answers = False
    machine.done.clear()
    up(machine.directory, start=machine.start, deploy=machine.deploy)
    assert machine.done == ["stop", "start", "deploy"]
    machine.answers, machine.running = True, "somebody else"
    assert machine.up() == ["stop", "start", "deploy"]


@pytest.mark.parametrize(
    ("stopped", "told"),
    [
        (DeploymentError("the template is wrong"), "start over with: make down up"),
        (KeyboardInterrupt(), "still running"),
    ],
)
def test_a_change_that_fails_leaves_the_emulator_running_and_is_tried_again(
    machine: Machine, stopped: BaseException, told: str
) -> None:
    machine.up()
    machine.inputs, machine.fails = "edited", stopped
    with pytest.raises(type(stopped), match=told):
        machine.up()
    assert machine.running is not None
    # Back to what was there: what stands by now is not known.
    machine.inputs, machine.fails = "as shipped", None
    assert machine.up() == ["deploy"]


def test_after_down_all_is_begun_anew(machine: Machine) -> None:
    machine.up()
    assert down(machine.directory)
    assert not down(machine.directory)
    assert machine.up() == ["start", "deploy"]


@pytest.mark.parametrize("text", ["", "null", "[]", "{}", '{"emulator": 1, "else": 2}'])
def test_a_damaged_note_of_what_stands_is_no_note(machine: Machine, text: str) -> None:
    machine.up()
    (machine.directory / "deployed.json").write_text(text)
    assert machine.up() == ["stop", "start", "deploy"]
    assert json.loads((machine.directory / "deployed.json").read_text())["inputs"] == "as shipped"


@pytest.fixture
def held(tmp_path: Path) -> Callable[[str], "subprocess.Popen[str]"]:
    def hold(command: str, folder: Path = tmp_path) -> "subprocess.Popen[str]":
        script = (
            "import pathlib, sys, time\nfrom local.alone import alone\n"
            "with alone(pathlib.Path(sys.argv[1]), command=sys.argv[2]):\n"
            "    print('held', flush=True)\n    time.sleep(60)\n"
        )
        made = subprocess.Popen(
            [sys.executable, "-c", script, str(folder), command], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert made.stdout is not None
        assert made.stdout.readline() == "held\n"
        return made

    return hold


@pytest.mark.parametrize("command", ["up", "run"])
def test_two_at_once_the_second_says_so_and_leaves_the_first_alone(
    command: str,
    held: Callable[[str], "subprocess.Popen[str]"],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("local.__main__.BUILD", tmp_path)
    (tmp_path / command).mkdir()
    first = held(f"make {command}", tmp_path / command)  # type: ignore[call-arg]
    try:
        assert main([command]) == 1
        told = capsys.readouterr()
        assert f"error: `make {command}` is already running in {tmp_path / command} (process {first.pid})" in told.err
        assert told.out == ""
        assert first.poll() is None
    finally:
        first.kill()
        first.wait()


def test_a_killed_one_holds_nothing(held: Callable[[str], "subprocess.Popen[str]"], tmp_path: Path) -> None:
    first = held("make up")
    with pytest.raises(BusyError), alone(tmp_path, command="make up"):
        pass
    first.kill()
    first.wait()
    with alone(tmp_path, command="make up"):
        pass


def test_what_decides_is_what_a_synthesis_reads(tmp_path: Path) -> None:
    for name in ("environments", "lambda/x/__pycache__", "datasets", "docs"):
        (tmp_path / name).mkdir(parents=True)
    files = ("app.py", "cdk.json", "environments/local.yaml", "lambda/x/code.py", "datasets/cases.jsonl")
    for name in files:
        (tmp_path / name).write_text("before")
    for name in files:
        before = digest(tmp_path)
        (tmp_path / name).write_text("after")
        assert digest(tmp_path) != before, name
    before = digest(tmp_path)
    for name in ("environments/prod.yaml", "docs/page.md", "lambda/x/__pycache__/code.cpython-311.pyc"):
        (tmp_path / name).write_text("anything")
    assert digest(tmp_path) == before


def test_the_exit_code_of_a_run_is_that_of_what_it_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local.__main__.BUILD", tmp_path)
    monkeypatch.setattr("local.__main__._run_in", lambda directory, own: 11)
    assert main(["run"]) == 11
