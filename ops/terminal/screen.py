"""Tables: on the screen, and as CSV."""

import csv
import io
import os
import shutil
import sys
import tempfile
import textwrap
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bedrock_eval.costs import dollars
from ops.columns import laid_out
from ops.errors import OpsError

Cell = str | int | float | datetime | None


class Dollars(float):
    """An amount in US dollars; cents alone would make small ones nothing."""


UNKNOWN = "unknown"

# What spreadsheets begin a formula with (OWASP, CSV injection), in the wide forms of East Asian input as well.
_FORMULAS = frozenset("=+-@＝＋－＠")

SHOWN_ROWS = 50


def say(text: str) -> None:
    """What was asked for."""
    sys.stdout.write(text + "\n")


def tell(text: str) -> None:
    """What stands beside the answer: progress, warnings, errors."""
    sys.stderr.write(text + "\n")


def terminal_width() -> int | None:
    """Columns of the terminal, or as COLUMNS says; None where a file or a pipe takes any width."""
    if not sys.stdout.isatty() and "COLUMNS" not in os.environ:
        return None
    return shutil.get_terminal_size().columns


@dataclass(frozen=True)
class Table:
    """Rows under named columns. None is unknown, and is shown as that.

    Attributes:
        title: what the rows are, and of how many calls.
    """

    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[Cell, ...]]

    def text(self) -> str:
        """All rows, numbers to the right, no wider than the terminal."""
        return self._text(self.rows)

    def beginning(self) -> str:
        """The first rows; the rest is counted, and is in the file of --csv."""
        text, hidden = self._text(self.rows[:SHOWN_ROWS]), len(self.rows) - SHOWN_ROWS
        return f"{text}\n  ... and {hidden:,} more; all of them with --csv" if hidden > 0 else text

    def _text(self, rows: Sequence[tuple[Cell, ...]]) -> str:
        width = terminal_width()
        title = self.title if width is None else "\n".join(textwrap.wrap(self.title, width))
        shown = [[_cell(cell) for cell in row] for row in rows]
        if not shown:
            return f"{title}\n  none"
        numbers = [all(isinstance(row[i], int | float | None) for row in self.rows) for i in range(len(self.columns))]
        return "\n".join([title, *laid_out(self.columns, shown, numbers=numbers, width=width)])


def write_csv(table: Table, path: Path) -> None:
    """The whole table, or no file at all: a reader never finds half of one. Unknown is an empty cell.

    Raises:
        OpsError: the file cannot be written.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows([_raw(cell) for cell in row] for row in table.rows)
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "w", encoding="utf-8", errors="replace", newline="") as file:
            file.write(text.getvalue())
        Path(temporary).replace(path)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise OpsError(f"--csv {path}: cannot be written: {error.strerror}") from None


def _cell(cell: Cell) -> str:
    if cell is None:
        return UNKNOWN
    if isinstance(cell, datetime):
        return f"{cell:%Y-%m-%d %H:%M:%S}"
    if isinstance(cell, Dollars):
        return dollars(cell)
    if isinstance(cell, float):
        return f"{cell:,.0f}" if abs(cell) >= 100 or cell.is_integer() else f"{cell:,.1f}"
    return f"{cell:,}" if isinstance(cell, int) else printable(cell, keep="")


def printable(text: str, *, keep: str = "\n") -> str:
    """Somebody else's text for the screen: no control character may reach the terminal but those of `keep`."""
    return "".join(c if c.isprintable() or c in keep else "?" for c in text)


def _raw(cell: Cell) -> str | int | float:
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return cell.isoformat().replace("+00:00", "Z")
    return _plain_text(cell) if isinstance(cell, str) else cell


def _plain_text(text: str) -> str:
    """Text that no spreadsheet takes for a formula, and no reader for two rows."""
    line = "".join(" " if unicodedata.category(char) in ("Cc", "Zl", "Zp") else char for char in text)
    first = next((char for char in line if not char.isspace() and unicodedata.category(char) != "Cf"), "")
    return f"'{line}" if first in _FORMULAS else line
