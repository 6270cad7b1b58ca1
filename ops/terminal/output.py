"""Text for the two standard streams: results on one, everything beside them on the other."""

import sys


def print_result(text: str) -> None:
    """Write what the command was asked for to standard output."""
    sys.stdout.write(text + "\n")


def print_note(text: str) -> None:
    """Write progress, a warning or an error to standard error."""
    sys.stderr.write(text + "\n")


def printable(text: str, *, keep: str = "\n") -> str:
    """Replace control characters of a text from elsewhere, so that none of them but `keep` reaches the terminal."""
    return "".join(c if c.isprintable() or c in keep else "?" for c in text)
