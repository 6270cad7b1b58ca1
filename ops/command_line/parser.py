"""The parser of `bedrock-eval`: usage errors that say what was meant, and help with examples."""

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

from ops import PROGRAM

_CHOICE = re.compile(r"invalid choice: (.+) \(choose from (.+)\)")


class Parser(argparse.ArgumentParser):
    """Names the command or option that a misspelt one is near to, and ends with 1, as every command does.

    Args:
        examples: command lines with the environment `dev`, without the program's name.
    """

    def __init__(self, *, examples: Sequence[str] = (), **settings: Any) -> None:
        super().__init__(**settings)
        lines = [f"  {PROGRAM} {example}" for example in examples]
        self.epilog = "\n".join(["examples:", *lines]) if examples else None
        self.formatter_class = argparse.RawDescriptionHelpFormatter
        self.examples = tuple(examples)
        self._given: Sequence[str] = ()

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse as argparse does, keeping what was given for the message of an error."""
        self._given = sys.argv[1:] if args is None else list(args)
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        """End with 1: argparse's own 2 is no exit code of this project."""
        self.exit(1, f"{message}{self._meant(message)}\n{self.format_usage()}")

    def _meant(self, message: str) -> str:
        # Only for errors: its tables take as long to import as all the rest of help.
        from bedrock_eval.wording import suggestion  # noqa: PLC0415

        choice = _CHOICE.search(message)
        if choice is not None:
            return suggestion(choice[1].strip("'"), re.findall(r"[\w.-]+", choice[2]))
        known = set(_options(self))
        given = (each.partition("=")[0] for each in self._given if each.startswith("--") and each != "--")
        stray = [each for each in given if not any(option.startswith(each) for option in known)]
        return "".join(f"; {each}{near}" for each in stray if (near := suggestion(each, known)))


def commands_of(parser: argparse.ArgumentParser) -> dict[str, Parser]:
    """The parsers of a parser's commands, by name; empty where it has none."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


def every_command(parser: Parser) -> Iterator[Parser]:
    """A parser, and those of all commands below it."""
    yield parser
    for below in commands_of(parser).values():
        yield from every_command(below)


def _options(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Every option of a parser and of its commands."""
    for action in parser._actions:
        yield from action.option_strings
    for command in commands_of(parser).values():
        yield from _options(command)
