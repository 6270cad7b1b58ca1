"""Tables: on the screen by rich, as wide as it is; for programs by the keys of their columns."""

import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table as RichTable
from rich.text import Text

from ops.terminal.cells import Cell, Json, cell_json, cell_style, cell_text, is_number

SHOWN_ROWS = 50

_ANY_WIDTH = 100_000
# Words up to here are not broken: run ids, which people copy, and names.
_LONGEST_WORD = len("20261123T060000Z-retry-1a2b-3c4d")
_MARGIN, _GAP = 2, 2


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        key: of its cells with --json; does not change from version to version.
        about: what it holds, for docs/command-line.md.
        heading: on the screen and in CSV, when it is not the key; empty: only programs get the column.
    """

    key: str
    about: str
    heading: str | None = None

    @property
    def title(self) -> str:
        return self.key if self.heading is None else self.heading


@dataclass(frozen=True)
class TableKind:
    """What a command shows as rows: the columns, before there are rows.

    Attributes:
        key: of the list of rows with --json.
    """

    key: str
    about: str
    columns: tuple[Column, ...]

    def hiding(self, key: str) -> "TableKind":
        """Keep a column from the screen, which says it elsewhere."""
        columns = (replace(each, heading="") if each.key == key else each for each in self.columns)
        return replace(self, columns=tuple(columns))

    def table(self, title: str, rows: Sequence[tuple[Cell, ...]]) -> "Table":
        """Make a table of this kind."""
        return Table(self, title, rows)


@dataclass(frozen=True)
class Table:
    """Rows under named columns. None is unknown, and is shown as that.

    Attributes:
        title: what the rows are, and of how many calls.
        most: how many rows the screen shows; None: all.
    """

    kind: TableKind
    title: str
    rows: Sequence[tuple[Cell, ...]]
    most: int | None = None

    def to_json(self) -> list[Json]:
        """Every row by the keys of its columns."""
        keys = [column.key for column in self.kind.columns]
        return [dict(zip(keys, map(cell_json, row), strict=True)) for row in self.rows]

    def text(self) -> str:
        """The table as the screen shows it."""
        return rendered(self)

    def __rich__(self) -> RenderableType:
        return Group(*self._parts(screen_width()))

    def _parts(self, width: int | None) -> Iterator[RenderableType]:
        if self.title:
            yield Text(self.title, style="bold")
        rows = self.rows if self.most is None else self.rows[: self.most]
        if not rows:
            yield Text("  none", style="dim")
            return
        shown = [i for i, column in enumerate(self.kind.columns) if column.title]
        headings = [self._heading(i) for i in shown]
        cells = [[cell_text(row[i]) for i in shown] for row in rows]
        styles = [[cell_style(row[i]) for i in shown] for row in rows]
        numbers = [all(is_number(row[i]) for row in self.rows) for i in shown]
        widths = _widths(headings, cells, numbers, screen=width)
        if widths is None:
            yield from _blocks(headings, cells, styles)
        else:
            yield _grid(headings, cells, styles, numbers=numbers, widths=widths)
        hidden = len(self.rows) - len(rows)
        if hidden:
            yield Text(f"  ... and {hidden:,} more; --csv and --json hold all of them")

    def _heading(self, i: int) -> str:
        """Moments are in UTC, and the heading says so once."""
        zone = " (UTC)" if any(isinstance(row[i], datetime) for row in self.rows) else ""
        return f"{self.kind.columns[i].title}{zone}"


def _widths(
    headings: Sequence[str], cells: Sequence[Sequence[str]], numbers: Sequence[bool], *, screen: int | None
) -> list[int] | None:
    """Choose the widths of columns: texts become narrower, the widest first, until the screen has space.

    None: numbers, and words up to the longest run id, would have to be broken.
    """
    columns = list(zip(headings, *cells, strict=True))
    widths = [max(map(cell_len, column)) for column in columns]
    if screen is None:
        return widths
    least = [
        width if number else _least(column) for column, width, number in zip(columns, widths, numbers, strict=True)
    ]
    space = screen - _MARGIN - _GAP * (len(widths) - 1)
    if sum(least) > space:
        return None
    while sum(widths) > space:
        widest = max((i for i in range(len(widths)) if widths[i] > least[i]), key=lambda i: widths[i])
        widths[widest] -= 1
    return widths


def _least(texts: Sequence[str]) -> int:
    """The narrowest that a column of text may be."""
    return min(_LONGEST_WORD, max((cell_len(word) for text in texts for word in text.split()), default=1))


def _grid(
    headings: Sequence[str],
    cells: Sequence[Sequence[str]],
    styles: Sequence[Sequence[str]],
    *,
    numbers: Sequence[bool],
    widths: Sequence[int],
) -> RenderableType:
    """The rows side by side: texts are folded where the screen is too narrow, numbers never."""
    table = RichTable(box=None, padding=(0, _GAP, 0, 0), pad_edge=False, header_style="bold")
    for heading, is_right, width in zip(headings, numbers, widths, strict=True):
        table.add_column(Text(heading), justify="right" if is_right else "left", width=width, overflow="fold")
    for row, drawn in zip(cells, styles, strict=True):
        table.add_row(*(Text(cell, style=style) for cell, style in zip(row, drawn, strict=True)))
    return Padding(table, (0, 0, 0, _MARGIN))


def _blocks(
    headings: Sequence[str], cells: Sequence[Sequence[str]], styles: Sequence[Sequence[str]]
) -> Iterator[RenderableType]:
    """Each row as lines of its own, `column: value`, where the screen is too narrow for a grid."""
    for number, row in enumerate(cells):
        if number:
            yield Text("")
        for heading, cell, style in zip(headings, row, styles[number], strict=True):
            yield Padding(Text.assemble((f"{heading}: ", "bold") if heading else "", (cell, style)), (0, 0, 0, _MARGIN))


def screen_width() -> int | None:
    """Read the columns of the terminal, or COLUMNS; None where a file or a pipe takes any width."""
    if not sys.stdout.isatty() and "COLUMNS" not in os.environ:
        return None
    return shutil.get_terminal_size().columns


def rendered(*parts: RenderableType) -> str:
    """Render parts as the screen shows them, with colour only on a terminal without NO_COLOR."""
    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    console = Console(
        file=sys.stdout,
        width=screen_width() or _ANY_WIDTH,
        color_system="auto" if colour else None,
        force_terminal=colour,
        markup=False,
        highlight=False,
        emoji=False,
        legacy_windows=False,
    )
    with console.capture() as captured:
        for part in parts:
            console.print(part, soft_wrap=False)
    lines = captured.get().splitlines()
    return "\n".join(line.rstrip() for line in lines)
