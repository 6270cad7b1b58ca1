"""`bedrock-eval`, also as `python -m ops`: the commands for day 2."""

import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

STOPPED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit codes are those of `ops.command_line.application.call`."""
    # Here and not above: Ctrl-C while it is imported must not end in a traceback.
    from ops.command_line.application import call  # noqa: PLC0415

    return call(arguments)


def script() -> NoReturn:
    """Run the command of this process's command line, and end the process."""
    code = _whole()
    if code == STOPPED:
        # Python would wait for the threads whose calls nobody waits for any more.
        os._exit(code)
    sys.exit(code)


def _end_at_once(_number: int, _frame: FrameType | None) -> None:
    os._exit(STOPPED)


def _whole() -> int:
    """Run the command as a process of its own; its terminal may be gone, or may not know every character."""
    # A shell starts what it puts into the background with SIGINT ignored; so it stays.
    interruptible = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if interruptible:
        signal.signal(signal.SIGINT, _end_at_once)
    from ops.command_line.application import call  # noqa: PLC0415
    from ops.terminal.streams import listening  # noqa: PLC0415

    with listening() as terminal:
        try:
            if interruptible:
                signal.signal(signal.SIGINT, signal.default_int_handler)
            code = call()
        except SystemExit as stopped:
            # argparse: --help, or an option that it does not know.
            code = stopped.code if isinstance(stopped.code, int) else 1
        except KeyboardInterrupt:
            code = STOPPED
    return terminal.exit_code(code)


if __name__ == "__main__":
    script()
