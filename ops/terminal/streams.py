"""Standard output and error as they may be: of any encoding, full, closed, or read by nobody any more."""

import codecs
import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TextIO

# What people write where these are not to be had.
_PLAIN = {
    "\N{MINUS SIGN}": "-",
    "\N{HORIZONTAL ELLIPSIS}": "...",
    "\N{RIGHTWARDS ARROW}": "->",
    "\N{MULTIPLICATION SIGN}": "x",
}
_GONE = frozenset({errno.EPIPE, errno.EIO, errno.EBADF})
_ERRORS = "plain"


def _plainly(error: UnicodeError) -> tuple[str, int]:
    """Write what the encoding lacks as nearly as it can."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(_PLAIN.get(char, "?") for char in error.object[error.start : error.end]), error.end


class _Stream(io.FileIO):
    """A standard stream. Once it cannot be written, all further text is dropped: the command itself goes on.

    Attributes:
        failure: why it cannot be written, unless only its reader has gone.
    """

    failure: str | None = None

    def write(self, data: object, /) -> int:
        try:
            return super().write(data)  # type: ignore[arg-type]
        except OSError as error:
            if error.errno not in _GONE:
                self.failure = os.strerror(error.errno or 0)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.fileno())
        os.close(nowhere)
        return len(memoryview(data))  # type: ignore[arg-type]


@dataclass
class Terminal:
    """The two streams of this process."""

    streams: list[_Stream] = field(default_factory=list)

    def exit_code(self, code: int) -> int:
        """The command's own, but 1 where its answer could not be written: to a disk that is full, say."""
        failure = next((stream.failure for stream in self.streams if stream.failure), None)
        if failure is None:
            return code
        with listening():
            sys.stderr.write(f"error: the output cannot be written: {failure}\n")
        return 1


@contextmanager
def listening() -> Iterator[Terminal]:
    """Text goes to standard output and error whatever they are; nothing that they are raises an error."""
    codecs.register_error(_ERRORS, _plainly)
    terminal, before = Terminal(), (sys.stdout, sys.stderr)
    try:
        sys.stdout, sys.stderr = (_opened(number, stream, terminal) for number, stream in enumerate(before, start=1))
        yield terminal
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        sys.stdout, sys.stderr = before


def _opened(number: int, stream: TextIO | None, terminal: Terminal) -> TextIO:
    """Python has no stream where the shell has closed it (`>&-`)."""
    if stream is None:
        return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123 - as long as the process
    stream.flush()
    raw = _Stream(number, "wb", closefd=False)
    terminal.streams.append(raw)
    buffered = io.BufferedWriter(raw)
    return io.TextIOWrapper(buffered, stream.encoding, _ERRORS, line_buffering=stream.isatty() or number == 2)
