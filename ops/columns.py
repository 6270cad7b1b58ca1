"""The lines of a table, in columns as long as the terminal is wide enough for them."""

import textwrap
from collections.abc import Iterator, Sequence

_MARGIN = "  "
_GAP = "  "
_NARROWEST = len("20261123T060000Z")
"""A column of text is not made narrower than a run id, which people copy."""

Cells = Sequence[str]


def laid_out(columns: Cells, rows: Sequence[Cells], *, numbers: Sequence[bool], width: int | None) -> Iterator[str]:
    """The table's lines: long texts are broken to fit, and where that is not enough each row becomes a block.

    Args:
        numbers: which columns stand to the right, and are never broken.
        width: of the terminal; None: any.
    """
    widths = [max(map(len, column)) for column in zip(columns, *rows, strict=True)]
    least = [
        max(len(cells[i]) for cells in rows) if numbers[i] else min(most, _NARROWEST) for i, most in enumerate(widths)
    ]
    if width is not None and _total(least) > width:
        yield from _blocks(columns, rows, width=width)
        return
    while width is not None and _total(widths) > width:
        widest = max((i for i in range(len(widths)) if widths[i] > least[i]), key=lambda i: widths[i])
        widths[widest] -= 1
    for cells in (columns, *rows):
        yield from _line(cells, widths, numbers)


def _total(widths: Sequence[int]) -> int:
    return len(_MARGIN) + sum(widths) + len(_GAP) * (len(widths) - 1)


def _line(cells: Cells, widths: Sequence[int], numbers: Sequence[bool]) -> Iterator[str]:
    """One row, over as many lines as its longest cell takes."""
    broken = [_broken(cell, width) for cell, width in zip(cells, widths, strict=True)]
    for number in range(max(map(len, broken))):
        parts = [lines[number] if number < len(lines) else "" for lines in broken]
        aligned = [
            part.rjust(width) if to_right else part.ljust(width)
            for part, width, to_right in zip(parts, widths, numbers, strict=True)
        ]
        yield (_MARGIN + _GAP.join(aligned)).rstrip()


def _broken(text: str, width: int) -> list[str]:
    return [text] if len(text) <= width else textwrap.wrap(text, width) or [""]


def _blocks(columns: Cells, rows: Sequence[Cells], *, width: int) -> Iterator[str]:
    """Each row as lines of its own, `column: value`."""
    for number, cells in enumerate(rows):
        if number:
            yield ""
        for name, cell in zip(columns, cells, strict=True):
            named = f"{name}: {cell}" if name else cell
            yield from textwrap.wrap(
                named, max(width, _NARROWEST), initial_indent=_MARGIN, subsequent_indent=_MARGIN * 2
            )
