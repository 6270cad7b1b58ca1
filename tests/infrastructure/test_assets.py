"""Function assets: source only, and the same hash wherever the checkout lies and whatever ran in it."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from aws_cdk import App, Stack, cx_api
from aws_cdk import aws_lambda as lambda_

from stacks.code import LAMBDA_ROOT, function_code

PACKAGES = ("alarm_formatter", "custom_evaluator", "custom_resources", "watchdog")


def staged(directory: Path, *, package: str, root: Path = LAMBDA_ROOT) -> Path:
    """The folder of a function's asset, as it would be zipped; its name holds the hash."""
    app = App(outdir=str(directory))
    lambda_.Function(
        Stack(app, "stack"),
        "Function",
        runtime=lambda_.Runtime.PYTHON_3_13,
        handler="x.y",
        code=function_code(package, root=root),
    )
    assembly: cx_api.CloudAssembly = app.synth()
    assets = json.loads(Path(assembly.directory, "stack.assets.json").read_text())["files"]
    (path,) = [each["source"]["path"] for each in assets.values() if each["source"]["packaging"] == "zip"]
    return Path(assembly.directory, path)


def files(folder: Path) -> Iterator[str]:
    yield from (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("package", PACKAGES)
def test_an_asset_holds_the_function_and_the_core_and_nothing_else(package: str, tmp_path: Path) -> None:
    found = set(files(staged(tmp_path, package=package)))
    wanted = {
        path.relative_to(LAMBDA_ROOT).as_posix()
        for top in ("bedrock_eval", package)
        for path in (LAMBDA_ROOT / top).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert found == wanted
    assert {Path(path).suffix for path in found} <= {".py", ".typed"}


def test_the_hash_depends_on_the_source_alone(tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere" / "deeper" / "lambda"
    shutil.copytree(LAMBDA_ROOT, copy, ignore=shutil.ignore_patterns("__pycache__"))
    here = staged(tmp_path / "here", package="watchdog")
    there = staged(tmp_path / "there", package="watchdog", root=copy)
    assert there.name == here.name

    for folder in ("bedrock_eval", "watchdog"):
        (copy / folder / "__pycache__").mkdir()
        (copy / folder / "__pycache__" / "x.cpython-313.pyc").write_bytes(b"compiled")
    (copy / "bedrock_eval.egg-info").mkdir(exist_ok=True)
    (copy / "bedrock_eval.egg-info" / "PKG-INFO").write_text("changed")
    (copy / "custom_evaluator" / "other.py").write_text("another function")
    assert staged(tmp_path / "used", package="watchdog", root=copy).name == here.name

    (copy / "bedrock_eval" / "names.py").write_text("changed")
    assert staged(tmp_path / "changed", package="watchdog", root=copy).name != here.name
