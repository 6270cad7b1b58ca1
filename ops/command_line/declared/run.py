"""Declares `bedrock-eval run`."""

from typing import Any

from ops.command_line.options import add_endpoint, add_environment, add_json


def declare(commands: Any) -> None:
    """Add the command."""
    run = commands.add_parser(
        "run",
        help="start a deployed evaluation and follow it",
        description="Start a deployed evaluation, follow it, and end with its verdict. Exit codes: 0 every gate "
        "passed, 1 error, 10 a gate failed, 11 a gate is undecided or too few cases were answered, 130 stopped.",
        examples=(
            "run support-quality --env dev",
            "run support-quality --env dev --no-wait",
            "run support-quality --env dev --retry-failed latest",
        ),
    )
    add_start(run)
    run.add_argument(
        "--retry-failed",
        metavar="RUN",
        help="start a new run that retries the failed cases of this finished run and keeps its other answers",
    )


def add_start(parser: Any) -> None:
    """Add the options that start and follow an evaluation."""
    parser.add_argument("evaluation", metavar="NAME", help="a key of the environment's evaluations")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--no-wait", action="store_true", help="start the run, print its id and end")
    how.add_argument("--follow", metavar="RUN", help="start nothing, follow this run")
    add_json(parser)
    add_environment(parser)
    add_endpoint(parser)
    parser.set_defaults(retry_failed=None)
