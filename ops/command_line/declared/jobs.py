"""Declares `bedrock-eval jobs`."""

from pathlib import Path
from typing import Any

from ops.command_line.declared.run import add_start
from ops.command_line.options import add_endpoint, add_environment, add_json

STATUSES = ("InProgress", "Completed", "Failed", "Stopping", "Stopped", "Deleting")
PLACE = Path("build") / "jobs"


def declare(commands: Any) -> None:
    """Add the command."""
    jobs = commands.add_parser(
        "jobs",
        help="start, list, stop and read evaluation jobs of Bedrock",
        description="Start, list, show and stop evaluation jobs of Bedrock, and read their output.",
        examples=("jobs list --env dev", "jobs collect --from s3://bucket/prefix"),
    )
    actions = jobs.add_subparsers(dest="action", required=True, metavar="ACTION")
    starting = actions.add_parser(
        "start",
        help="start an evaluation by jobs and follow it, as `run` does",
        description="Start an evaluation by jobs and follow it, as `run` does.",
        examples=("jobs start judged-answers --env dev", "jobs start judged-answers --env dev --no-wait"),
    )
    add_start(starting)
    listing = actions.add_parser(
        "list",
        help="the jobs of an environment with their runs, or of the whole account",
        description="List the jobs of an environment with their runs, or with --region those of the whole account.",
        examples=("jobs list --env dev --status InProgress", "jobs list --region us-east-1 --containing support"),
    )
    listing.add_argument("--status", choices=STATUSES, help="only jobs with this status")
    listing.add_argument("--containing", metavar="TEXT", help="only jobs whose name contains this")
    showing = actions.add_parser(
        "show",
        help="the jobs of an evaluation's newest run, or one job",
        description="Show the jobs of an evaluation's newest run, or one job.",
        examples=(
            "jobs show judged-answers --env dev",
            "jobs show arn:aws:bedrock:us-east-1:111122223333:evaluation-job/abcdefabcdef --region us-east-1",
        ),
    )
    stopping = actions.add_parser(
        "stop",
        help="stop the jobs in progress of an evaluation's newest run, or one job",
        description="Stop the jobs in progress of an evaluation's newest run, or one job.",
        examples=("jobs stop judged-answers --env dev",),
    )
    for action in (showing, stopping):
        action.add_argument("target", metavar="NAME|ARN", help="an evaluation (with --env), or a job's ARN")
    collecting = actions.add_parser(
        "collect",
        help="turn the output of finished jobs into a table, report.html and summary.json",
        description="Turn the output of finished jobs into a table, report.html and summary.json.",
        examples=("jobs collect judged-answers --env dev", "jobs collect --from s3://bucket/prefix --out review"),
    )
    collecting.add_argument("target", nargs="?", metavar="NAME", help="an evaluation (with --env)")
    collecting.add_argument("--run", metavar="RUN", help="the run (default: the newest whose jobs have completed)")
    collecting.add_argument(
        "--from",
        dest="source",
        metavar="DIR_OR_S3",
        help="output of jobs that anybody started: a folder, a file, or s3://bucket/prefix",
    )
    collecting.add_argument("--out", type=Path, metavar="DIR", help=f"folder of the two files ({PLACE}/...)")
    for action in (listing, showing, stopping, collecting):
        add_environment(action, required=False)
        action.add_argument(
            "--region", metavar="R", help="without --env (AWS_REGION, or that of the AWS configuration)"
        )
        add_endpoint(action)
    for action in (listing, showing, collecting):
        add_json(action)
