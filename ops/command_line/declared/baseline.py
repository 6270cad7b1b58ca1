"""Declares `bedrock-eval baseline`."""

from typing import Any

from ops.command_line.options import add_endpoint, add_environment, add_json
from ops.command_line.values import integer

DEFAULT_RUNS = 10
DEFAULT_DAYS = 14
# CloudWatch keeps periods of 5 minutes for 63 days.
_MOST_DAYS = 63


def declare(commands: Any) -> None:
    """Add the command."""
    baseline = commands.add_parser(
        "baseline",
        help="propose gates and alarm thresholds",
        description="Propose gates from finished runs and alarm thresholds from recent traffic, as a patch of the "
        "environment file.",
        examples=("baseline --env dev", "baseline --env dev --evaluation support-quality --runs 20 --write"),
    )
    add = baseline.add_argument
    add("--evaluation", metavar="NAME", help="propose gates of this evaluation only")
    add("--runs", type=integer(1, 1000), default=DEFAULT_RUNS, metavar="N", help="newest finished runs (%(default)s)")
    add("--days", type=integer(1, _MOST_DAYS), default=DEFAULT_DAYS, metavar="N", help="days of traffic (%(default)s)")
    add("--write", action="store_true", help="write the patch to the file; without it the patch is only shown")
    add_json(baseline)
    add_environment(baseline)
    add_endpoint(baseline)
