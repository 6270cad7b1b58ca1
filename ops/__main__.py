"""`python -m ops`: the commands for day 2."""

import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType

STOPPED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit codes are those of `ops.commands.run`."""
    # Here and not above: what a Ctrl-C meets while it is imported must not be a traceback.
    from ops.command_line.application import run  # noqa: PLC0415

    return run(arguments)


def _end_at_once(_number: int, _frame: FrameType | None) -> None:
    os._exit(STOPPED)


def _whole() -> int:
    """The command as a process of its own, with a terminal that may be gone, or may not know every character."""
    # A shell starts what it puts into the background with SIGINT ignored; so it stays.
    interruptible = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if interruptible:
        signal.signal(signal.SIGINT, _end_at_once)
    from ops.command_line.application import run  # noqa: PLC0415
    from ops.terminal.streams import listening  # noqa: PLC0415

    with listening() as terminal:
        try:
            if interruptible:
                signal.signal(signal.SIGINT, signal.default_int_handler)
            code = run()
        except SystemExit as stopped:
            # argparse: --help, or an option that it does not know.
            code = stopped.code if isinstance(stopped.code, int) else 1
        except KeyboardInterrupt:
            code = STOPPED
    return terminal.exit_code(code)


if __name__ == "__main__":
    code = _whole()
    if code == STOPPED:
        # Python would wait for the threads whose calls nobody waits for any more.
        os._exit(code)
    sys.exit(code)
