"""How far something is: one line that rich writes over on a terminal, a line now and then elsewhere."""

import os
import sys
from typing import TextIO

from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar as Bar
from rich.table import Table
from rich.text import Text

_WIDEST_BAR, _NARROWEST_BAR = 24, 8


class StatusLine:
    """The line itself."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = sys.stderr if stream is None else stream
        self.terminal = self.stream.isatty()
        self._live: Live | None = None

    def note(self, text: str) -> None:
        """Write a line of its own, above the status."""
        if self._live is None:
            self.stream.write(text + "\n")
            self.stream.flush()
        else:
            self._live.console.print(Text(text))

    def show(self, text: str, *, share: float | None = None) -> None:
        """Show how far it is.

        Args:
            share: of the whole, for a bar on a terminal.
        """
        if not self.terminal:
            self.note(text)
            return
        if self._live is None:
            self._live = Live(console=self._console(), auto_refresh=False, redirect_stdout=False, redirect_stderr=False)
            self._live.start()
        self._live.update(_row(text, share, width=self._live.console.width), refresh=True)

    def close(self) -> None:
        """Leave the last status; what comes next begins a line of its own."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _console(self) -> Console:
        return Console(
            file=self.stream,
            force_terminal=True,
            color_system=None if os.environ.get("NO_COLOR") else "auto",
            highlight=False,
            markup=False,
            legacy_windows=False,
        )


def _row(text: str, share: float | None, *, width: int) -> RenderableType:
    """The text behind a bar, where the screen has space for one."""
    bar_width = min(_WIDEST_BAR, width - cell_len(text) - 1)
    if share is None or bar_width < _NARROWEST_BAR:
        return Text(text)
    row = Table.grid(padding=(0, 1), pad_edge=False)
    row.add_row(Bar(total=1.0, completed=share, width=bar_width), Text(text, no_wrap=True))
    return row
