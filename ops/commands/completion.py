"""`bedrock-eval completion`: the script of a shell, and the completions that it asks for while an operator types."""

import argparse
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from ops import PROGRAM
from ops.command_line.application import parser as full_parser
from ops.command_line.parser import Parser, commands_of
from ops.environment.directory import environments_directory, names_in
from ops.errors import OpsError
from ops.terminal.output import print_result

_FUNCTION = "_" + PROGRAM.replace("-", "_")

# An empty answer leaves the word to the shell, which completes file names.
SCRIPTS = {
    "bash": f"""\
{_FUNCTION}() {{
    local IFS=$'\\n'
    COMPREPLY=($({PROGRAM} completion words "${{COMP_WORDS[@]:1:COMP_CWORD}}" 2>/dev/null))
}}
complete -o default -F {_FUNCTION} {PROGRAM}
""",
    "zsh": f"""\
{_FUNCTION}() {{
    local -a found
    found=(${{(f)"$({PROGRAM} completion words "${{(@)words[2,CURRENT]}}" 2>/dev/null)"}})
    if (( ${{#found}} )); then compadd -- "${{found[@]}}"; else _files; fi
}}
compdef {_FUNCTION} {PROGRAM}
""",
}


def run(arguments: argparse.Namespace) -> int:
    """Print the script, or the completions of the line that the script passes; gives the exit code 0."""
    if arguments.shell in SCRIPTS:
        print_result(SCRIPTS[arguments.shell].rstrip("\n"))
        return 0
    for each in completions(full_parser(), arguments.line):
        print_result(each)
    return 0


def completions(parser: Parser, line: Sequence[str]) -> list[str]:
    """List what the last word of a line can become.

    Args:
        line: the words after the program's name; the last one is under the cursor, and may be empty.
    """
    *before, word = line or [""]
    # bash makes `--env=de` three words.
    if word == "=" or (before and before[-1] == "="):
        before, word = (before, "") if word == "=" else (before[:-1], word)
    option, _, value = word.partition("=")
    if option.startswith("--") and "=" in word:
        return [f"{option}={each}" for each in completions(parser, [*before, option, value])]
    waiting, positionals = None, 0
    for given in before:
        if waiting is not None:
            waiting = None
        elif given.startswith("-"):
            waiting = _valued(parser, given)
        elif given in commands_of(parser):
            parser, positionals = commands_of(parser)[given], 0
        else:
            positionals += 1
    return sorted(each for each in _known(parser, waiting, word, positionals, before) if each.startswith(word))


def _valued(parser: argparse.ArgumentParser, option: str) -> argparse.Action | None:
    """The option, if a value follows it."""
    found = parser._option_string_actions.get(option)
    return found if found is not None and found.nargs != 0 else None


def _known(
    parser: Parser, waiting: argparse.Action | None, word: str, positionals: int, before: Sequence[str]
) -> Iterator[str]:
    if waiting is not None:
        yield from _environments(before) if waiting.dest == "env" else map(str, waiting.choices or ())
        return
    if word.startswith("-"):
        yield from (each for each in parser._option_string_actions if each.startswith("--"))
        return
    yield from commands_of(parser)
    places = [each for each in parser._actions if not each.option_strings and each.nargs != argparse.PARSER]
    if positionals < len(places):
        yield from map(str, places[positionals].choices or ())


def _environments(before: Sequence[str]) -> Sequence[str]:
    given = next((Path(value) for name, value in pairwise(before) if name == "--environments"), None)
    try:
        return names_in(environments_directory(given))
    except OpsError:
        return ()
