"""Many p-values at once. An unknown one (None) counts in the family and stays unknown."""

from collections.abc import Sequence


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Holm's step-down adjustment (1979), in the given order: controls the chance of any false finding.

    Raises:
        ValueError: a p-value outside [0, 1].
    """
    ranked = _ranked(p_values)
    adjusted: list[float | None] = [None] * len(p_values)
    reached = 0.0
    for place, (value, index) in enumerate(ranked):
        reached = max(reached, min(1.0, value * (len(p_values) - place)))
        adjusted[index] = reached
    return adjusted


def benjamini_hochberg(p_values: Sequence[float | None]) -> list[float | None]:
    """Benjamini and Hochberg's step-up adjustment (1995), in the given order: controls the share of false findings.

    Raises:
        ValueError: a p-value outside [0, 1].
    """
    ranked = _ranked(p_values)
    adjusted: list[float | None] = [None] * len(p_values)
    reached = 1.0
    for rank in range(len(ranked), 0, -1):
        value, index = ranked[rank - 1]
        reached = min(reached, value * len(p_values) / rank)
        adjusted[index] = reached
    return adjusted


def _ranked(p_values: Sequence[float | None]) -> list[tuple[float, int]]:
    known = [(value, index) for index, value in enumerate(p_values) if value is not None]
    for value, index in known:
        if not 0 <= value <= 1:
            raise ValueError(f"p-value {index} is {value}; allowed: 0 to 1, or None")
    return sorted(known)
