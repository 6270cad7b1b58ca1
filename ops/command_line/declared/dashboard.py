"""Declares `bedrock-eval dashboard`."""

from pathlib import Path
from typing import Any

from ops.command_line.options import add_endpoint, add_environment
from ops.command_line.values import hours

# CloudWatch keeps whole hours for 455 days.
_MOST_HOURS = 455 * 24.0


def declare(commands: Any) -> None:
    """Add the command."""
    dashboard = commands.add_parser(
        "dashboard",
        help="draw the dashboard as an HTML page",
        description="Draw an environment's dashboard as one HTML page, with or without data from CloudWatch.",
        examples=(
            "dashboard --env dev",
            "dashboard --env dev --deployed --data --hours 24",
            "dashboard --env dev --out dashboard.html",
        ),
    )
    add = dashboard.add_argument
    add("--out", type=Path, metavar="F", help="the page (build/dashboard-<environment>.html)")
    source = dashboard.add_mutually_exclusive_group()
    source.add_argument("--body", type=Path, metavar="F", help="draw this body; without it the source is synthesized")
    source.add_argument("--deployed", action="store_true", help="draw the deployed dashboard (GetDashboard)")
    add("--data", action="store_true", help="fetch data from CloudWatch (GetMetricData)")
    add(
        "--hours",
        type=hours(_MOST_HOURS, about="455 days"),
        metavar="H",
        help="hours back from now, for graphs that follow the dashboard's time range",
    )
    add_environment(dashboard)
    add_endpoint(dashboard)
