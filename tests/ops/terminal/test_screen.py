"""Tables on narrow terminals and as CSV; standard streams as they may be."""

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

import pytest

from ops.terminal.screen import Table, write_csv

ROOT = Path(__file__).resolve().parents[3]
RUN = "20261123T060000Z-manual-1a2b"
TABLE = Table(
    "Runs of a very long name of an environment, newest first",
    ("evaluation", "run", "cases", "state"),
    [("support-quality", RUN, 1200, "failed (nothing_answered)"), ("faq", RUN, 7, "finished")],
)


@pytest.mark.parametrize("width", [30, 50, 64, 80, 120])
def test_a_table_is_no_wider_than_the_terminal_and_loses_nothing(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    text = TABLE.text()
    assert max(map(len, text.splitlines())) <= width
    monkeypatch.delenv("COLUMNS")
    assert {*TABLE.text().split()} - {*text.replace(":", " ").split()} <= {RUN, "support-quality", "(nothing_answered)"}
    assert text.count("20261123T060000Z") == 2


def test_a_table_is_as_wide_as_it_likes_where_nobody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    assert f"support-quality  {RUN}  1,200  failed (nothing_answered)" in TABLE.text()


@pytest.mark.parametrize(
    "beginning",
    ["=", "+", "-", "@", "＝", "＋", "－", "＠", "\t=", "\r=", "\n@", " +", "\x0b-", "\u2028=", "\ufeff=", "\xa0="],
)
def test_no_cell_is_taken_for_a_formula(beginning: str, tmp_path: Path) -> None:
    write_csv(Table("t", ("text", "n"), [(f"{beginning}1+1", 1)]), tmp_path / "a.csv")
    assert len((tmp_path / "a.csv").read_text(encoding="utf-8").splitlines()) == 2
    with (tmp_path / "a.csv").open(newline="", encoding="utf-8") as file:
        _, row = csv.reader(file)
    assert row[0].startswith("'")


@pytest.mark.parametrize("break_", ["\r", "\n", "\r\n", "\x0c", "\x85", "\u2029"])
def test_no_cell_breaks_its_row(break_: str, tmp_path: Path) -> None:
    write_csv(Table("t", ("text", "n"), [(f"a{break_}b", 1)]), tmp_path / "a.csv")
    assert len((tmp_path / "a.csv").read_text(encoding="utf-8").splitlines()) == 2


def test_numbers_stay_numbers(tmp_path: Path) -> None:
    write_csv(Table("t", ("text", "n", "x"), [("a-b", -1, -0.5)]), tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text() == "text,n,x\na-b,-1,-0.5\n"


def ops(*arguments: str, stdout: int | IO[bytes] = subprocess.PIPE) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "ops", *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdout=stdout, stderr=subprocess.PIPE)


def test_a_command_that_nobody_reads_ends_as_it_would() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    child = ops("prices", "--help", stdout=writer)
    os.close(writer)
    assert (child.communicate()[1], child.returncode) == (b"", 0)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no such device here")
def test_an_answer_that_cannot_be_written_is_an_error() -> None:
    with Path("/dev/full").open("wb") as full:
        child = ops("prices", "--help", stdout=full)
    assert child.communicate()[1] == b"error: the output cannot be written: No space left on device\n"
    assert child.returncode == 1


def test_characters_that_a_terminal_lacks_are_written_plainly() -> None:
    code = "from ops.terminal.streams import listening\nwith listening(): print('\\u22121 \\u2026 \\u00fc\\udcff')"
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"-1 ... ??\n", b"")


def test_ctrl_c_while_the_command_is_imported() -> None:
    child = ops("prices", "--help")
    while b"/_ssl" not in Path(f"/proc/{child.pid}/maps").read_bytes() and child.poll() is None:
        time.sleep(0.002)
    child.send_signal(signal.SIGINT)
    assert b"Traceback" not in child.communicate()[1]
    assert child.returncode in (0, 130)
