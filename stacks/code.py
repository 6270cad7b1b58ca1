"""The one place that knows where the source of the Lambda functions lies."""

from collections.abc import Iterator
from pathlib import Path

import botocore
from aws_cdk import aws_lambda as lambda_

from bedrock_ops.functions import SERVICE_MODELS
from bedrock_ops.staging import staged

ROOT = Path(__file__).resolve().parent.parent
LAMBDA_ROOT = ROOT / "lambda"

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
