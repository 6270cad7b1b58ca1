"""The one place that knows where the source of the Lambda functions lies."""

from pathlib import Path

from aws_cdk import IgnoreMode
from aws_cdk import aws_lambda as lambda_

ROOT = Path(__file__).resolve().parent.parent
LAMBDA_ROOT = ROOT / "lambda"

_CORE = "bedrock_eval"


def function_code(*packages: str, root: Path = LAMBDA_ROOT) -> lambda_.Code:
    """The asset of a function: its packages and the core, source only.

    No bundling and no Docker; the hash depends on the source alone, not on where the checkout lies or what ran in it.
    """
    wanted = [pattern for package in (_CORE, *packages) for pattern in (f"!{package}", f"!{package}/**")]
    return lambda_.Code.from_asset(
        str(root), ignore_mode=IgnoreMode.GIT, exclude=["*", *wanted, "**/__pycache__", "**/*.pyc"]
    )
