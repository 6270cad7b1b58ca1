"""Options that several commands have."""

import argparse
from pathlib import Path

from ops.command_line.values import endpoint


def add_environment(parser: argparse.ArgumentParser, *, required: bool = True, about: str = "the environment") -> None:
    """Add the option that names the environment, and the one for the folder of its file."""
    parser.add_argument("--env", required=required, metavar="E", help=f"{about}, for example dev")
    parser.add_argument(
        "--environments",
        type=Path,
        metavar="DIR",
        help="the folder of environment files (BEDROCK_EVAL_ENVIRONMENTS; else environments/ of the current folder, "
        "else of the installed repository)",
    )


def add_endpoint(parser: argparse.ArgumentParser) -> None:
    """Add the option for another endpoint than AWS's."""
    what = "another endpoint than AWS's (or AWS_ENDPOINT_URL)"
    parser.add_argument("--endpoint-url", type=endpoint, metavar="URL", help=what)


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add the option for programs."""
    parser.add_argument("--json", action="store_true", help="print one JSON document (keys: docs/command-line.md)")
