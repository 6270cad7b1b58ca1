"""The command line of `python -m ops`: usage errors as every error of this project, and what may have been meant."""

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

from bedrock_eval.wording import suggestion

_CHOICE = re.compile(r"invalid choice: (.+) \(choose from (.+)\)")


class Parser(argparse.ArgumentParser):
    """Names the command or option that a misspelt one is near to, and ends with 1, as every command does."""

    _given: Sequence[str] = ()

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As argparse does, keeping what was given for the message of an error."""
        self._given = sys.argv[1:] if args is None else list(args)
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        # argparse ends with 2 on its own; 1 is the error of every command of this project.
        self.exit(1, f"{message}{self._meant(message)}\n{self.format_usage()}")

    def _meant(self, message: str) -> str:
        choice = _CHOICE.search(message)
        if choice is not None:
            return suggestion(choice[1].strip("'"), re.findall(r"[\w.-]+", choice[2]))
        known = set(_options(self))
        given = (each.partition("=")[0] for each in self._given if each.startswith("--") and each != "--")
        stray = [each for each in given if not any(option.startswith(each) for option in known)]
        return "".join(f"; {each}{near}" for each in stray if (near := suggestion(each, known)))


def _options(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Every option of a parser and of its commands."""
    for action in parser._actions:
        yield from action.option_strings
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from _options(command)
