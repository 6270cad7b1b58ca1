"""Cells of tables of proposals."""

from ops.proposals.bounds import Proposal
from ops.terminal.cells import Cell, Shown


def digits(value: float) -> str:
    """Show four digits of a value, and no exponent."""
    return f"{float(f'{value:.4g}'):.9f}".rstrip("0").rstrip(".")


def figure_cell(value: float | None) -> Shown | None:
    """Make the cell of a computed value."""
    return None if value is None else Shown(digits(value), value)


def present_cell(value: float | None) -> Shown:
    """Make the cell of a value in the file, which may not have it."""
    return Shown("-", None) if value is None else Shown(f"{value:g}", value)


def proposal_cell(proposal: Proposal) -> tuple[Cell, Cell]:
    """Make the cells of the proposed value, and of why there is none."""
    if proposal.value is None:
        return Shown(f"nothing: {proposal.reason}", None), proposal.reason
    return Shown(digits(proposal.value), proposal.value), ""
