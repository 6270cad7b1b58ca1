"""Declares `bedrock-eval logs`."""

from pathlib import Path
from typing import Any

from ops.command_line.options import add_endpoint, add_environment, add_json
from ops.command_line.values import hours, model_part, positive

QUESTIONS = ("slow", "errors", "throttles", "tokens", "cost", "longest", "truncated", "evaluation")
# As bedrock_eval's `By`, which takes too long to import for help.
GROUPS = ("model", "identity", "application", "day")
THRESHOLD_MS = 3000.0
# No retention of a log group that ends is longer.
LONGEST_HOURS = 24 * 3653


def declare(commands: Any) -> None:
    """Add the command."""
    logs = commands.add_parser(
        "logs",
        help="query the invocation log: slow, failed and truncated calls, tokens, cost",
        description="Query the invocation log of an environment, or exported records of any account.",
        examples=(
            "logs errors --env dev --hours 2",
            "logs cost --env dev --by application --csv cost.csv",
            "logs slow --from exported-logs/ --threshold-ms 5000",
        ),
    )
    add = logs.add_argument
    add("question", choices=QUESTIONS, metavar="QUESTION", help=", ".join(QUESTIONS))
    add_environment(logs, required=False, about="the environment; required unless --from is given")
    add(
        "--hours", type=hours(LONGEST_HOURS, about="ten years"), metavar="H", help="back from now (24; with --from all)"
    )
    add(
        "--threshold-ms",
        type=positive,
        default=THRESHOLD_MS,
        metavar="MS",
        help="slow: only calls slower than this (%(default).0f)",
    )
    add("--model", type=model_part, metavar="M", help="a key of the environment's models, or part of a model id")
    add("--by", choices=GROUPS, metavar="BY", help=f"tokens and cost: group by {', '.join(GROUPS)}")
    add("--csv", type=Path, metavar="F", help="write the first table as CSV")
    add("--from", dest="source", type=Path, metavar="PATH", help="read a file or folder of exported records")
    add_json(logs)
    add_endpoint(logs)
