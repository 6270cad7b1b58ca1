"""The one place that knows where the source of the Lambda functions lies: where it is installed."""

from collections.abc import Iterator
from pathlib import Path

import botocore
from aws_cdk import aws_lambda as lambda_

import bedrock_eval
from bedrock_eval_cdk.core.staging import staged

SERVICE_MODELS = "service_models"
"""Folder of an asset in which boto3 finds models of services that are newer than its own; it need not be there."""

LAMBDA_ROOT = Path(bedrock_eval.__file__).resolve().parent.parent
"""Where the distribution `bedrock-eval` is installed, from a wheel or from this repository."""

_CORE = ("bedrock_eval",)
_ENGINE = ("bedrock_eval_runs",)
_FUNCTIONS = "bedrock_eval_functions"

# Services of which we use what is newer than a runtime's boto3 may be, and what a client needs to know of them.
# Not their rules for endpoints: an older boto3 has some that suit it, and may not understand newer ones.
_MODELLED = ("bedrock", "bedrock-runtime")
_MODEL_FILES = ("service-2.json.gz", "paginators-1.json")


def function_code(function: str, *, engine: bool = False, root: Path = LAMBDA_ROOT) -> lambda_.Code:
    """The asset of a function: its package, the core, and Bedrock's service models of the pinned botocore.

    No bundling and no Docker; the hash depends on these files alone, not on where the checkout lies, what ran in it, or
    who may read it.

    Args:
        engine: the function works on runs, and takes the run engine with it.
    """
    packages = (*_CORE, *(_ENGINE if engine else ()), f"{_FUNCTIONS}/{function}")
    sources = (root / _FUNCTIONS / "__init__.py", *_sources(root, packages))
    files = {path.relative_to(root).as_posix(): path for path in sources}
    models = {f"{SERVICE_MODELS}/{path.relative_to(_botocore()).as_posix()}": path for path in _service_models()}
    return lambda_.Code.from_asset(str(staged({**files, **models})))


def _sources(root: Path, packages: tuple[str, ...]) -> Iterator[Path]:
    """Without what Python and editors leave beside it."""
    for package in packages:
        for path in sorted((root / package).rglob("*")):
            left_over = path.suffix == ".pyc" or path.name.startswith(".")
            if path.is_file() and not left_over and "__pycache__" not in path.parts:
                yield path


def _botocore() -> Path:
    return Path(botocore.__file__).parent / "data"


def _service_models() -> Iterator[Path]:
    for service in _MODELLED:
        latest = max((_botocore() / service).iterdir())
        yield from (latest / name for name in _MODEL_FILES)
