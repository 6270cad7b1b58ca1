"""A parsed expression as a tree."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Node:
    """A parsed expression: ``kind`` is number, string, name, array, call or operator; ``text`` its name or value."""

    kind: str
    text: str
    children: tuple["Node", ...] = ()

    def walk(self) -> Iterator["Node"]:
        """This node and all below it."""
        yield self
        for child in self.children:
            yield from child.walk()
