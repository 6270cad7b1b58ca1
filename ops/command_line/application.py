"""`python -m ops`: the commands for day 2."""

import argparse
import logging
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Protocol

from bedrock_eval.wording import count
from ops.command_line.parser import Parser
from ops.commands import baseline, dashboard, evaluate, jobs, logs, models, prices, runs
from ops.commands import run as run_command
from ops.errors import OpsError
from ops.terminal.screen import printable, tell


class Command(Protocol):
    """A module of this package that is one command."""

    def add_command(self, commands: Any, /) -> None:
        """Add the command's parser, under its name in COMMANDS, with its own options."""

    def run(self, arguments: argparse.Namespace, /) -> int:
        """Carry it out; gives the exit code. OpsError: it cannot be, which is code 1."""


STOPPED = 130

COMMANDS: Mapping[str, Command] = MappingProxyType(
    {
        "baseline": baseline,
        "dashboard": dashboard,
        "evaluate": evaluate,
        "jobs": jobs,
        "logs": logs,
        "models": models,
        "prices": prices,
        "run": run_command,
        "runs": runs,
    }
)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Exit codes: 0 it was done, and every gate is kept; 1 an error (usage included); 10 a gate is broken; 11 a gate is
    undecided; 130 stopped by Ctrl-C.
    """
    _hear_the_evaluator()
    try:
        options = _parser().parse_args(arguments)
        return COMMANDS[options.command].run(options)
    except OpsError as error:
        tell(f"error: {printable(str(error))}")
        return 1
    except KeyboardInterrupt:
        tell("\nstopped")
        return STOPPED


class _Warnings(logging.Handler):
    """What the evaluator's own code writes into its log when it is a function, for people; each once."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._told: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        facts = record.__dict__
        text = record.getMessage()
        if "lines" in facts:
            text = f"{count(facts['lines'], 'line')} cannot be read, left out"
        text = f"{facts['key']}: {text}" if "key" in facts else text
        if text not in self._told:
            self._told.add(text)
            tell(printable(text))


def _hear_the_evaluator() -> None:
    logger = logging.getLogger("custom_evaluator")
    logger.handlers = [each for each in logger.handlers if not isinstance(each, _Warnings)] + [_Warnings()]


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="python -m ops", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, parser_class=Parser)
    for command in COMMANDS.values():
        command.add_command(commands)
    return parser
