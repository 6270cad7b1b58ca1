"""`python -m ops`: the commands for day 2."""

import argparse
import sys
from collections.abc import Sequence
from typing import NoReturn

from ops import logs, prices
from ops.errors import OpsError
from ops.screen import tell


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        # argparse ends with 2 on its own; 1 is the error of every command of this project.
        self.exit(1, f"{message}\n{self.format_usage()}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Exit codes: 0 it was answered, 1 it was not (usage included)."""
    parser = _Parser(prog="python -m ops", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, parser_class=_Parser)
    logs.add_command(commands)
    prices.add_command(commands)
    options = parser.parse_args(arguments)
    try:
        {"logs": logs.run, "prices": prices.run}[options.command](options)
    except OpsError as error:
        tell(f"error: {error}")
        return 1
    except KeyboardInterrupt:
        tell("\nstopped")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
