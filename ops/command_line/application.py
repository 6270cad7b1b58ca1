"""`bedrock-eval`: the parser of all commands, and the call of the one that was typed."""

import argparse
import importlib
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Protocol

from bedrock_eval.errors import UserError
from ops import PROGRAM
from ops.command_line.declared import baseline, completion, dashboard, evaluate, jobs, logs, models, prices, run, runs
from ops.command_line.parser import Parser
from ops.terminal.output import print_note, print_result, printable

STOPPED = 130

_DISTRIBUTION = "bedrock-eval-cli"


class Declaration(Protocol):
    """A module that declares one command."""

    def declare(self, commands: Any, /) -> None:
        """Add the command's parser, under its name in COMMANDS."""


COMMANDS: Mapping[str, Declaration] = MappingProxyType(
    {
        "baseline": baseline,
        "completion": completion,
        "dashboard": dashboard,
        "evaluate": evaluate,
        "jobs": jobs,
        "logs": logs,
        "models": models,
        "prices": prices,
        "run": run,
        "runs": runs,
    }
)
"""Each is carried out by the module of its name in `ops.commands`, which is imported when it is needed."""


def call(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Exit codes: 0 it is done, and every gate passed; 1 an error (usage included); 10 a gate failed; 11 a gate is
    undecided; 130 stopped by Ctrl-C.
    """
    options = parser().parse_args(arguments)
    try:
        return carry_out(options)
    except UserError as error:
        print_note(f"error: {printable(str(error))}")
        return 1
    except KeyboardInterrupt:
        print_note("\nstopped")
        return STOPPED


def carry_out(options: argparse.Namespace) -> int:
    """Import the command's module, which help does not wait for, and run it."""
    engine: Any = importlib.import_module("ops.terminal.engine_warnings")
    engine.show_warnings()
    command: Any = importlib.import_module(f"ops.commands.{options.command}")
    code: int = command.run(options)
    return code


def parser() -> Parser:
    """Make the parser of all commands."""
    made = Parser(
        prog=PROGRAM,
        description="Evaluate and monitor models on Amazon Bedrock: start and compare runs, query logs, check prices.",
        examples=("runs list --env dev", "run support-quality --env dev", "logs errors --env dev --hours 2"),
    )
    made.add_argument("--version", action=_Version, nargs=0, help="print the version and end")
    commands = made.add_subparsers(dest="command", required=True, parser_class=Parser, metavar="COMMAND")
    for command in COMMANDS.values():
        command.declare(commands)
    return made


class _Version(argparse.Action):
    """Reads the version of the distribution only when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from importlib.metadata import version  # noqa: PLC0415 - help must not wait for it

        print_result(f"{PROGRAM} {version(_DISTRIBUTION)}")
        parser.exit(0)
