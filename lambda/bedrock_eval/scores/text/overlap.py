"""Counting what two sequences have in common."""

from collections import Counter
from collections.abc import Hashable, Sequence


def overlap(first: Sequence[Hashable], second: Sequence[Hashable]) -> int:
    """How many items both have, each as often as the one that has it less often."""
    counts = Counter(first)
    common = 0
    for item in second:
        left = counts.get(item, 0)
        if left:
            counts[item] = left - 1
            common += 1
    return common


def harmonic_mean(precision: float, recall: float) -> float:
    """2PR / (P + R), in this order of operations; 0 when both are."""
    total = precision + recall
    return 2 * precision * recall / total if total > 0 else 0.0


def common_subsequence(first: Sequence[Hashable], second: Sequence[Hashable]) -> int:
    """Length of the longest common subsequence.

    Source: Hyyrö (2004), Bit-parallel LCS-length computation revisited. A row of the table is one integer.
    """
    row = everything = (1 << len(first)) - 1
    places = _places(first)
    for item in second:
        if item in places:
            matched = row & places[item]
            row = (row + matched) | (row - matched)
    return len(first) - (row & everything).bit_count()


def edit_distance(first: Sequence[Hashable], second: Sequence[Hashable]) -> int:
    """Fewest insertions, deletions and substitutions that make one sequence the other (Levenshtein).

    Source: Hyyrö (2003), A bit-vector algorithm for computing Levenshtein and Damerau edit distances, after Myers
    (1999). A column of the table is two integers: where it rises by one downwards, and where it falls.
    """
    places = _places(first)
    everything = (1 << len(first)) - 1
    rises, falls = everything, 0
    for item in second:
        equal = places.get(item)
        if equal is None:
            # What is below comes to this for an item that the column does not have, and most are such.
            right = ~(rises << 1) & everything
            rises = everything & ~(falls | right)
            falls &= right
            continue
        diagonal = (((equal & rises) + rises) ^ rises) | equal | falls
        # Bits above the column never reach down into it; cutting them keeps the integers short.
        right = ((falls | ~(diagonal | rises)) << 1 | 1) & everything
        rises = ((rises & diagonal) << 1 | ~(diagonal | right)) & everything
        falls = right & diagonal
    return len(second) + rises.bit_count() - falls.bit_count()


def _places(items: Sequence[Hashable]) -> dict[Hashable, int]:
    places: dict[Hashable, int] = {}
    for index, item in enumerate(items):
        places[item] = places.get(item, 0) | 1 << index
    return places
