"""Declares `bedrock-eval runs`."""

from pathlib import Path
from typing import Any

from ops.command_line.options import add_endpoint, add_environment, add_json
from ops.command_line.values import integer

DEFAULT_LIMIT = 10
REPORTS = Path("build") / "reports"


def declare(commands: Any) -> None:
    """Add the command."""
    runs = commands.add_parser(
        "runs",
        help="list, show, compare and accept runs",
        description="List, show and compare the runs of an environment, and accept one as a baseline.",
        examples=("runs list --env dev", "runs show latest --evaluation support-quality --env dev"),
    )
    actions = runs.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser(
        "list",
        help="list runs, newest first",
        description="List the runs of an environment, newest first.",
        examples=("runs list --env dev", "runs list --env dev --evaluation support-quality --limit 3 --json"),
    )
    listing.add_argument(
        "--limit",
        type=integer(1, 1000, what="a number of runs"),
        default=DEFAULT_LIMIT,
        metavar="N",
        help="runs of each evaluation (%(default)s)",
    )
    showing = actions.add_parser(
        "show",
        help="show the table of a run, or why it has none",
        description="Show the table of a finished run, how far a running one is, or why a run failed.",
        examples=(
            "runs show 20261123T060000Z --env dev",
            "runs show latest --evaluation support-quality --env dev --json",
        ),
    )
    comparing = actions.add_parser(
        "compare",
        help="compare a run with an earlier one, case by case",
        description="Compare a run with an earlier one, case by case.",
        examples=("runs compare support-quality/20261123T060000Z support-quality/20261116T060000Z --env dev",),
    )
    reporting = actions.add_parser(
        "report",
        help="fetch a run's report.html",
        description="Fetch a run's report.html.",
        examples=("runs report latest --evaluation support-quality --env dev --open",),
    )
    reporting.add_argument("--out", type=Path, default=REPORTS, metavar="DIR", help="folder of the file (%(default)s)")
    reporting.add_argument("--open", action="store_true", help="open it in the browser")
    accepting = actions.add_parser(
        "accept",
        help="make a run the baseline of its evaluation",
        description="Make a run the baseline of its evaluation: copy it, and pin it in the environment file.",
        examples=("runs accept support-quality/20261123T060000Z --env dev",),
    )
    accepting.add_argument("--force", metavar="REASON", help="accept a run with too many failed cases, for this reason")
    for action in (showing, comparing, reporting, accepting):
        action.add_argument("run", metavar="RUN", help="run id, <evaluation>/<run id>, or latest")
    comparing.add_argument("earlier", metavar="EARLIER", help="the run to compare it with")
    for action in (listing, showing, comparing, reporting, accepting):
        action.add_argument("--evaluation", metavar="NAME", help="only this evaluation")
        add_environment(action)
        add_endpoint(action)
    for action in (listing, showing, comparing):
        add_json(action)
