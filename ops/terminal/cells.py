"""Cells of tables: what a person reads in them, and what a program does."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeAlias

from bedrock_eval.pricing.costs import dollars
from bedrock_eval.wording import UNKNOWN
from ops.terminal.output import printable

Json: TypeAlias = "str | int | float | bool | list[Json] | Mapping[str, Json] | None"


class Dollars(float):
    """An amount in US dollars; cents alone would make small ones nothing."""


@dataclass(frozen=True)
class Shown:
    """A value that a person reads in other words than a program.

    Attributes:
        style: how a terminal draws it, in the words of rich.
    """

    text: str
    value: Json
    style: str = ""


Cell: TypeAlias = str | int | float | datetime | Shown | None


def is_number(cell: Cell) -> bool:
    """Tell whether a cell stands to the right in its column."""
    return isinstance(cell.value if isinstance(cell, Shown) else cell, int | float | None)


def cell_text(cell: Cell) -> str:
    """The cell for a person."""
    match cell:
        case Shown():
            return printable(cell.text, keep="")
        case datetime():
            return f"{cell.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
        case float() | int():
            return _number_text(cell)
    return UNKNOWN if cell is None else printable(cell, keep="")


def _number_text(number: float) -> str:
    if isinstance(number, Dollars):
        return dollars(number)
    if isinstance(number, int):
        return f"{number:,}"
    return f"{number:,.0f}" if abs(number) >= 100 or number.is_integer() else f"{number:,.1f}"


def cell_style(cell: Cell) -> str:
    """The cell's style on a terminal."""
    return "dim" if cell is None else cell.style if isinstance(cell, Shown) else ""


def cell_json(cell: Cell) -> Json:
    """The cell for a program: null is unknown, or not said."""
    match cell:
        case Shown():
            return cell.value
        case datetime():
            return cell.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case Dollars():
            return float(cell)
        case "":
            return None
        case _:
            return cell
