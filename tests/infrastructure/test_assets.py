"""Function assets: source only, and the same hash wherever the checkout lies and whatever ran in it."""

import ast
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from aws_cdk import App, Stack, cx_api
from aws_cdk import aws_lambda as lambda_

from stacks.code import LAMBDA_ROOT, function_code

PACKAGES = (
    ("alarm_formatter",),
    ("custom_evaluator",),
    ("custom_resources",),
    ("custom_evaluator", "evaluation_jobs"),
    ("watchdog",),
)


def staged(directory: Path, *packages: str, root: Path = LAMBDA_ROOT) -> Path:
    """The folder of a function's asset, as it would be zipped; its name holds the hash."""
    app = App(outdir=str(directory))
    lambda_.Function(
        Stack(app, "stack"),
        "Function",
        runtime=lambda_.Runtime.PYTHON_3_13,
        handler="x.y",
        code=function_code(*packages, root=root),
    )
    assembly: cx_api.CloudAssembly = app.synth()
    assets = json.loads(Path(assembly.directory, "stack.assets.json").read_text())["files"]
    (path,) = [each["source"]["path"] for each in assets.values() if each["source"]["packaging"] == "zip"]
    return Path(assembly.directory, path)


def files(folder: Path) -> Iterator[str]:
    yield from (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("packages", PACKAGES, ids="-".join)
def test_an_asset_holds_the_function_and_the_core_and_nothing_else(packages: tuple[str, ...], tmp_path: Path) -> None:
    found = set(files(staged(tmp_path, *packages)))
    wanted = {
        path.relative_to(LAMBDA_ROOT).as_posix()
        for top in ("bedrock_eval", *packages)
        for path in (LAMBDA_ROOT / top).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert found == wanted
    assert {Path(path).suffix for path in found} <= {".py", ".typed"}


def test_every_asset_of_the_stacks_holds_what_its_source_imports(tmp_path: Path) -> None:
    ours = {path.name for path in LAMBDA_ROOT.iterdir() if (path / "__init__.py").exists()}
    for packages in PACKAGES:
        folder = staged(tmp_path / "-".join(packages), *packages)
        imported = {
            name.partition(".")[0]
            for path in folder.rglob("*.py")
            for node in ast.walk(ast.parse(path.read_text()))
            for name in ([str(node.module)] if isinstance(node, ast.ImportFrom) else [])
        }
        assert imported & ours <= {path.name for path in folder.iterdir()}


def test_the_hash_depends_on_the_source_alone(tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere" / "deeper" / "lambda"
    shutil.copytree(LAMBDA_ROOT, copy, ignore=shutil.ignore_patterns("__pycache__"))
    here = staged(tmp_path / "here", "watchdog")
    there = staged(tmp_path / "there", "watchdog", root=copy)
    assert there.name == here.name

    for folder in ("bedrock_eval", "watchdog"):
        (copy / folder / "__pycache__").mkdir()
        (copy / folder / "__pycache__" / "x.cpython-313.pyc").write_bytes(b"compiled")
    (copy / "bedrock_eval.egg-info").mkdir(exist_ok=True)
    (copy / "bedrock_eval.egg-info" / "PKG-INFO").write_text("changed")
    (copy / "custom_evaluator" / "other.py").write_text("another function")
    assert staged(tmp_path / "used", "watchdog", root=copy).name == here.name

    (copy / "bedrock_eval" / "names.py").write_text("changed")
    assert staged(tmp_path / "changed", "watchdog", root=copy).name != here.name
