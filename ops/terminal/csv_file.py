"""Tables as CSV files that no spreadsheet takes for formulas."""

import csv
import io
import os
import tempfile
import unicodedata
from datetime import datetime
from pathlib import Path

from ops.errors import OpsError
from ops.terminal.cells import Cell, Shown, cell_json
from ops.terminal.tables import Table

# What spreadsheets begin a formula with (OWASP, CSV injection), in the wide forms of East Asian input as well.
_FORMULAS = frozenset("=+-@＝＋－＠")


def write_csv(table: Table, path: Path) -> None:
    """Write the whole table, or no file at all: a reader never finds half of one. Unknown is an empty cell.

    Raises:
        OpsError: the file cannot be written.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(column.title for column in table.kind.columns)
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


def _raw(cell: Cell) -> str | int | float:
    if cell is None:
        return ""
    if isinstance(cell, Shown):
        cell = cell.text
    if isinstance(cell, datetime):
        return str(cell_json(cell))
    return _plain_text(cell) if isinstance(cell, str) else cell


def _plain_text(text: str) -> str:
    """Text that no spreadsheet takes for a formula, and no reader for two rows."""
    line = "".join(" " if unicodedata.category(char) in ("Cc", "Zl", "Zp") else char for char in text)
    first = next((char for char in line if not char.isspace() and unicodedata.category(char) != "Cf"), "")
    return f"'{line}" if first in _FORMULAS else line
