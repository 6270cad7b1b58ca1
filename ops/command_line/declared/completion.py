"""Declares `bedrock-eval completion`."""

import argparse
from typing import Any

SHELLS = ("bash", "zsh")
WORDS = "words"


def declare(commands: Any) -> None:
    """Add the command."""
    completion = commands.add_parser(
        "completion",
        help="print the completion script of a shell",
        description="Print the script that completes commands, options and environment names. Load it in the shell's "
        'start-up file: eval "$(bedrock-eval completion bash)"',
        examples=("completion bash", "completion zsh"),
    )
    completion.add_argument("shell", choices=(*SHELLS, WORDS), metavar="SHELL", help=" or ".join(SHELLS))
    # The script calls `completion words` with the words of the line up to the cursor.
    completion.add_argument("line", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
