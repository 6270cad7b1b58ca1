"""One command at a time in a folder."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bedrock_eval.errors import UserError


class BusyError(UserError):
    """The same command is already running there; the message names its process."""


@contextmanager
def alone(directory: Path, *, command: str) -> Iterator[None]:
    """Hold a folder for the duration of a ``with`` block. The lock is the kernel's, so a killed process holds none.

    Raises:
        BusyError: another process holds it.
    """
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            who = file.read().strip() or "unknown"
            raise BusyError(
                f"`{command}` is already running in {directory} (process {who}); "
                "wait until it ends, or stop it with Ctrl-C in its terminal"
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
