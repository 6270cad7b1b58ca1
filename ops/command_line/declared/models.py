"""Declares `bedrock-eval models`."""

from typing import Any

from ops.command_line.options import add_endpoint, add_environment, add_json
from ops.command_line.values import day, json_object

# As bedrock_eval's `Use`, which takes too long to import for help.
USES = ("candidate", "judge", "job_generator", "batch", "embedding")


def declare(commands: Any) -> None:
    """Add the command."""
    models = commands.add_parser(
        "models",
        help="show what is known of models, and which uses Bedrock refuses",
        description="Show what is known of an environment's models, and with --check whether the account agrees.",
        examples=(
            "models --env dev",
            "models --env dev --check",
            "models explain amazon.nova-lite-v1:0 --region us-east-1",
        ),
    )
    add_environment(models, required=False)
    models.add_argument("--check", action="store_true", help="compare with the account; exit code 1 when it differs")
    add_json(models)
    add_endpoint(models)
    actions = models.add_subparsers(dest="action", metavar="ACTION")
    explain = actions.add_parser(
        "explain",
        help="explain whether a use of a model can work",
        description="Explain whether a use of a model can work, by the rules of synthesis. Calls nothing in AWS.",
        examples=(
            "models explain amazon.nova-lite-v1:0 --region us-east-1",
            """models explain us.amazon.nova-2-lite-v1:0 --region us-east-1 --parameters '{"temperature": 0}' --json""",
        ),
    )
    explain.add_argument("model", metavar="ID", help="a foundation model id or an inference profile id")
    explain.add_argument("--region", required=True, metavar="R", help="the Region of the call")
    explain.add_argument("--use", choices=USES, default=USES[0], help="what the model is used as (%(default)s)")
    explain.add_argument(
        "--parameters", type=json_object, default={}, metavar="JSON", help="inference parameters and system prompt"
    )
    explain.add_argument(
        "--destination-region",
        action="append",
        default=[],
        metavar="R",
        help="overrides the table of models; repeatable",
    )
    explain.add_argument("--as-of", type=day, metavar="DATE", help="compare ends of life with this day (today)")
    add_json(explain)
