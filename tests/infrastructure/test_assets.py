"""Function assets: source and service models, and the same hash wherever the checkout lies, whatever ran in it and
whoever may read it."""

import ast
import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import botocore
import pytest
from aws_cdk import App, IgnoreMode, Stack, cx_api
from aws_cdk import aws_lambda as lambda_

from bedrock_eval_cdk.core.function_code import LAMBDA_ROOT, function_code
from bedrock_eval_cdk.core.staging import staged as copied
from tests.support.synthesis.templates import Deployed

# Every function, and whether it works on runs and takes the run engine with it.
FUNCTIONS = {
    "alarm_formatter": False,
    "custom_evaluator": True,
    "custom_resources": False,
    "evaluation_jobs": True,
    "watchdog": False,
}


MODELS = {
    f"service_models/{service}/{file}"
    for service in ("bedrock/2023-04-20", "bedrock-runtime/2023-09-30")
    for file in ("service-2.json.gz", "paginators-1.json")
}


def staged(
    directory: Path,
    function: str = "",
    *,
    engine: bool = False,
    root: Path = LAMBDA_ROOT,
    code: lambda_.Code | None = None,
) -> Path:
    """The folder of a function's asset, as it would be zipped; its name holds the hash."""
    app = App(outdir=str(directory))
    lambda_.Function(
        Stack(app, "stack"),
        "Function",
        runtime=lambda_.Runtime.PYTHON_3_13,
        handler="x.y",
        code=code or function_code(function, engine=engine, root=root),
    )
    assembly: cx_api.CloudAssembly = app.synth()
    assets = json.loads(Path(assembly.directory, "stack.assets.json").read_text())["files"]
    (path,) = [each["source"]["path"] for each in assets.values() if each["source"]["packaging"] == "zip"]
    return Path(assembly.directory, path)


def files(folder: Path) -> Iterator[str]:
    yield from (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize(("function", "engine"), FUNCTIONS.items())
def test_an_asset_holds_the_function_what_it_rests_on_and_nothing_else(
    function: str, engine: bool, tmp_path: Path
) -> None:
    found = set(files(staged(tmp_path, function, engine=engine)))
    tops = ("bedrock_eval", *(("bedrock_eval_runs",) if engine else ()), f"bedrock_eval_functions/{function}")
    wanted = {
        path.relative_to(LAMBDA_ROOT).as_posix()
        for top in tops
        for path in (LAMBDA_ROOT / top).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert found == wanted | MODELS | {"bedrock_eval_functions/__init__.py"}


def test_every_function_has_an_asset_that_is_tested() -> None:
    folders = {path.parent.name for path in (LAMBDA_ROOT / "bedrock_eval_functions").glob("*/__init__.py")}
    assert folders == set(FUNCTIONS)


def test_every_asset_of_the_stacks_holds_what_its_source_imports(tmp_path: Path) -> None:
    ours = {path.name for path in LAMBDA_ROOT.iterdir() if (path / "__init__.py").exists()}
    assert "bedrock_eval_runs" in ours
    for function, engine in FUNCTIONS.items():
        folder = staged(tmp_path / function, function, engine=engine)
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

    for folder in ("bedrock_eval", "bedrock_eval_functions/watchdog"):
        (copy / folder / "__pycache__").mkdir()
        (copy / folder / "__pycache__" / "x.cpython-313.pyc").write_bytes(b"compiled")
    (copy / "bedrock_eval.egg-info").mkdir(exist_ok=True)
    (copy / "bedrock_eval.egg-info" / "PKG-INFO").write_text("changed")
    (copy / "bedrock_eval_functions" / "custom_evaluator" / "other.py").write_text("another function")
    assert staged(tmp_path / "used", "watchdog", root=copy).name == here.name

    (copy / "bedrock_eval" / "names.py").write_text("changed")
    assert staged(tmp_path / "changed", "watchdog", root=copy).name != here.name


def checked_out_under(umask: int, home: Path) -> Path:
    """A copy of the source with the modes that files and folders have after a checkout under a umask."""
    root = home / f"lambda-{umask:o}"
    shutil.copytree(LAMBDA_ROOT, root, ignore=shutil.ignore_patterns("__pycache__"))
    for path in (root, *root.rglob("*")):
        path.chmod((0o777 if path.is_dir() else 0o666) & ~umask)
    return root


@pytest.mark.parametrize("umask", [0o077, 0o027, 0o002, 0o000])
def test_everybody_may_read_an_asset_and_its_hash_is_the_same_under_every_umask(umask: int, tmp_path: Path) -> None:
    here = staged(tmp_path / "here", "watchdog")
    there = staged(tmp_path / "there", "watchdog", root=checked_out_under(umask, tmp_path))
    assert there.name == here.name
    modes = {stat.S_IMODE(path.stat().st_mode) for path in there.rglob("*") if path.is_file()}
    assert modes == {0o644}


def test_what_was_deployed_unreadable_once_has_another_hash(tmp_path: Path) -> None:
    """A plain copy of the CDK has the modes, and a hash without them: once deployed, nothing would change."""
    root = checked_out_under(0o077, tmp_path)
    wanted = [f"!{each}{rest}" for each in ("bedrock_eval", "bedrock_eval_functions") for rest in ("", "/**")]
    plain = lambda_.Code.from_asset(str(root), ignore_mode=IgnoreMode.GIT, exclude=["*", *wanted])
    assert staged(tmp_path / "plain", code=plain).name != staged(tmp_path / "here", "watchdog", root=root).name


def test_a_dataset_of_a_private_checkout_is_readable_too(tmp_path: Path) -> None:
    path = tmp_path / "questions.jsonl"
    path.write_text('{"prompt": "a"}\n')
    path.chmod(0o600)
    copy = copied({path.name: path}) / path.name
    assert stat.S_IMODE(copy.stat().st_mode) == 0o644
    assert copy.read_bytes() == path.read_bytes()


def test_boto3_finds_the_service_models_of_an_asset(tmp_path: Path) -> None:
    """As every function does, by the variable of its environment; the pinned model itself, not one like it."""
    models = staged(tmp_path, "watchdog") / "service_models"
    for path in MODELS:
        own = Path(botocore.__file__).parent / "data" / path.removeprefix("service_models/")
        assert (models.parent / path).read_bytes() == own.read_bytes()
    script = (
        "import botocore.session as s\n"
        "loader = s.get_session().get_component('data_loader')\n"
        "for name in ('bedrock', 'bedrock-runtime'):\n"
        "    version = loader.determine_latest_version(name, 'service-2')\n"
        "    print(loader.load_data_with_path(f'{name}/{version}/service-2')[1])\n"
    )
    environment = {**os.environ, "AWS_DATA_PATH": str(models)}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert [Path(line).is_relative_to(models) for line in done.stdout.splitlines()] == [True, True]


def test_every_function_is_told_where_they_are(deployed: Deployed) -> None:
    for function in deployed.resources("AWS::Lambda::Function"):
        assert function["Environment"]["Variables"]["AWS_DATA_PATH"] == "/var/task/service_models"
