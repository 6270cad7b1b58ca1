"""Declares `bedrock-eval prices`."""

from typing import Any

from ops.command_line.options import add_environment, add_json
from ops.command_line.values import integer

VALID_DAYS = 90


def declare(commands: Any) -> None:
    """Add the command."""
    prices = commands.add_parser(
        "prices",
        help="compare the rates of an environment with AWS's Price List",
        description="Compare the rates of an environment with AWS's Price List, and offer a patch of the file.",
        examples=("prices --env dev", "prices --env dev --check", "prices --env dev --write --valid-days 30"),
    )
    add = prices.add_argument
    add("--check", action="store_true", help="exit code 1 when a rate differs; offers no patch")
    add("--write", action="store_true", help="write the patch to the file; without it the patch is only shown")
    add(
        "--valid-days",
        type=integer(1, 3650, what="a number of days"),
        default=VALID_DAYS,
        metavar="N",
        help="days until synthesis asks for the rates to be verified again (%(default)s)",
    )
    add_json(prices)
    add_environment(prices)
