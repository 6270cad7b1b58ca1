"""Tables on narrow terminals and as CSV; standard streams as they may be."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import IO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from ops.terminal.cells import Cell, Shown, cell_text
from ops.terminal.csv_file import write_csv
from ops.terminal.document import DocumentKind
from ops.terminal.tables import Column, Table, TableKind

ROOT = Path(__file__).resolve().parents[3]
RUN = "20261123T060000Z-manual-1a2b"
RUNS = TableKind("runs", "", tuple(Column(key, "") for key in ("evaluation", "run", "cases", "state", "updated")))
NOON = datetime(2026, 11, 23, 14, tzinfo=timezone(timedelta(hours=2)))
TABLE = RUNS.table(
    "Runs of a very long name of an environment, newest first",
    [
        ("support-quality", RUN, 1_234_567, "failed (nothing_answered)", NOON),
        ("漢字の評価", RUN, None, Shown("finished", "done", "green"), None),
    ],
)


WORDS = st.lists(st.text("abcdefgh漢字é-", min_size=1, max_size=40), min_size=1, max_size=6).map(" ".join)


def table_of(cell: Cell) -> Table:
    return TableKind("t", "", (Column("text", ""), Column("n", ""))).table("t", [(cell, 1)])


@pytest.mark.parametrize("width", [34, 50, 64, 80, 120])
def test_a_table_is_no_wider_than_the_terminal_and_loses_nothing(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    text = TABLE.text()
    assert max(map(cell_len, text.splitlines())) <= width
    for value in ("1,234,567", "2026-11-23", "(nothing_answered)", "漢字の評価", "unknown"):
        assert value in text
    assert text.count(RUN) == 2


@given(
    st.lists(st.tuples(WORDS, WORDS, st.integers(0, 10**12) | st.none(), WORDS), min_size=1, max_size=4),
    st.integers(30, 140),
)
def test_no_width_loses_a_character(rows: list[tuple[Cell, ...]], width: int) -> None:
    kind = TableKind("t", "", tuple(Column(key, "") for key in ("name", "a longer heading", "n", "remark")))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", str(width))
        lines = kind.table("", rows).text().splitlines()
    assert max(map(cell_len, lines)) <= width
    wanted = Counter("".join(cell_text(cell) for row in rows for cell in row).replace(" ", ""))
    assert wanted <= Counter("".join(lines))


def test_a_table_is_as_wide_as_it_likes_in_a_pipe() -> None:
    assert f"support-quality  {RUN}  1,234,567  failed (nothing_answered)  2026-11-23 12:00:00\n" in TABLE.text()
    assert "\x1b" not in TABLE.text()


def test_columns_stand_below_each_other_whatever_the_script() -> None:
    _, heading, *rows = TABLE.text().splitlines()
    assert {cell_len(row[: row.index(RUN)]) for row in rows} == {cell_len(heading[: heading.index("run")])}


def test_moments_have_their_zone_in_the_heading_and_in_json() -> None:
    assert TABLE.text().splitlines()[1].endswith("updated (UTC)")
    assert [row["updated"] for row in TABLE.to_json()] == ["2026-11-23T12:00:00Z", None]


def test_a_program_gets_values_and_null_for_what_is_unknown() -> None:
    first, second = TABLE.to_json()
    assert first["cases"] == 1_234_567
    assert (second["cases"], second["state"]) == (None, "done")


@pytest.mark.parametrize(("variable", "coloured"), [("", True), ("1", False)])
def test_colour_is_for_terminals_without_no_color(
    variable: str, coloured: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", variable)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setattr(sys, "stdout", Terminal())
    assert ("\x1b[32mfinished" in TABLE.text()) is coloured
    assert ("\x1b" in TABLE.text()) is coloured


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_document_states_its_keys(capsys: pytest.CaptureFixture[str]) -> None:
    kind = DocumentKind((RUNS,), {"environment": "its name"})
    kind.document(["text for people", TABLE, TABLE], environment="dev").show(as_json=True)
    found = json.loads(capsys.readouterr().out)
    assert set(found) == {"schema_version", "environment", "runs"}
    assert len(found["runs"]) == 4
    with pytest.raises(ValueError, match="region"):
        kind.document([], environment="dev", region="us-east-1")
    with pytest.raises(ValueError, match="environment"):
        kind.document([])
    with pytest.raises(ValueError, match="keys that the kind of document does not state: t"):
        kind.document([table_of("x")], environment="dev")


@pytest.mark.parametrize(
    "beginning",
    ["=", "+", "-", "@", "＝", "＋", "－", "＠", "\t=", "\r=", "\n@", " +", "\x0b-", "\u2028=", "\ufeff=", "\xa0="],
)
def test_no_cell_is_taken_for_a_formula(beginning: str, tmp_path: Path) -> None:
    write_csv(table_of(f"{beginning}1+1"), tmp_path / "a.csv")
    assert len((tmp_path / "a.csv").read_text(encoding="utf-8").splitlines()) == 2
    with (tmp_path / "a.csv").open(newline="", encoding="utf-8") as file:
        _, row = csv.reader(file)
    assert row[0].startswith("'")


@pytest.mark.parametrize("break_", ["\r", "\n", "\r\n", "\x0c", "\x85", "\u2029"])
def test_no_cell_breaks_its_row(break_: str, tmp_path: Path) -> None:
    write_csv(table_of(f"a{break_}b"), tmp_path / "a.csv")
    assert len((tmp_path / "a.csv").read_text(encoding="utf-8").splitlines()) == 2


def test_numbers_stay_numbers(tmp_path: Path) -> None:
    columns = tuple(Column(key, "") for key in ("text", "n", "x"))
    write_csv(TableKind("t", "", columns).table("t", [("a-b", -1, -0.5)]), tmp_path / "a.csv")
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
