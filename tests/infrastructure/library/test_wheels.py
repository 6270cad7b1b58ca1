"""The wheels as another team installs them: built, installed into an environment of their own, and synthesized from."""

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Mapping
from dataclasses import dataclass
from email.parser import Parser
from functools import cached_property
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).resolve().parents[3]
EXAMPLES = sorted(path.parent.name for path in (ROOT / "examples").glob("*/app.py"))
SOURCES = {"bedrock_eval": ROOT / "lambda", "bedrock_eval_cdk": ROOT / "constructs"}
# What a construct may take of an app, imports included.
MOST_LINES = 15

# Synthesizes an example with cdk-nag and says what is in it, and which files were imported.
DRIVER = """
import json, os, runpy, sys
import aws_cdk
from cdk_nag import AwsSolutionsChecks

made = []

def app(**settings):
    each = original(outdir=sys.argv[2], **settings)
    aws_cdk.Validations.of(each).add_plugins(AwsSolutionsChecks())
    made.append(each)
    return each

original, aws_cdk.App = aws_cdk.App, app
runpy.run_path(sys.argv[1], run_name="__main__")
import bedrock_eval, bedrock_eval_cdk
stacks = made[0].synth().stacks
print(json.dumps({
    "files": [bedrock_eval.__file__, bedrock_eval_cdk.__file__],
    "templates": {each.stack_name: each.template for each in stacks},
}))
"""


@dataclass(frozen=True)
class Installed:
    """Both wheels, and a virtual environment with them and none of this repository's sources."""

    folder: Path

    @cached_property
    def wheels(self) -> Mapping[str, Path]:
        return {path.name.partition("-")[0]: path for path in (self.folder / "wheels").glob("*.whl")}

    @property
    def python(self) -> Path:
        return self.folder / "venv" / "bin" / "python"

    @property
    def site_packages(self) -> Path:
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        return self.folder / "venv" / "lib" / version / "site-packages"

    def metadata(self, name: str) -> Any:
        with ZipFile(self.wheels[name]) as wheel:
            (path,) = [each for each in wheel.namelist() if each.endswith(".dist-info/METADATA")]
            return Parser().parsestr(wheel.read(path).decode())


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Ours come from the wheels alone, what is others' from this interpreter's environment, to spare its 500 MB."""
    made = Installed(tmp_path_factory.mktemp("wheels"))
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    # Copies: setuptools leaves a build folder beside the sources.
    left_over = shutil.ignore_patterns("build", "*.egg-info", "__pycache__")
    sources = [str(shutil.copytree(each, made.folder / each.name, ignore=left_over)) for each in SOURCES.values()]
    run([*pip, "wheel", "--no-deps", "--wheel-dir", str(made.folder / "wheels"), *sources])
    venv.create(made.folder / "venv", with_pip=False)
    run(
        [
            *(*pip, "--python", str(made.python), "install", "--no-deps", "--no-index"),
            *("--find-links", str(made.folder / "wheels"), "bedrock-eval-cdk", "bedrock-eval"),
        ]
    )
    # A plain path entry: the .pth files of editable installs in that folder are not read.
    (made.site_packages / "others.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    return made


def run(command: list[str], *, cwd: Path = ROOT) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def synthesized(installed: Installed, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """Every example's templates by its folder."""
    folder = tmp_path_factory.mktemp("examples")
    driver = folder / "driver.py"
    driver.write_text(DRIVER)
    found = {}
    for name in EXAMPLES:
        example = ROOT / "examples" / name / "app.py"
        said = run([str(installed.python), str(driver), str(example), str(folder / name)], cwd=folder)
        found[name] = {**json.loads(said.splitlines()[-1]), "out": folder / name}
    return found


@pytest.mark.parametrize("name", SOURCES)
def test_a_wheel_holds_every_source_and_nothing_else(installed: Installed, name: str) -> None:
    with ZipFile(installed.wheels[name]) as wheel:
        held = {each for each in wheel.namelist() if ".dist-info/" not in each}
    tops = [path for path in SOURCES[name].iterdir() if (path / "__init__.py").exists()]
    wanted = {
        path.relative_to(SOURCES[name]).as_posix()
        for top in tops
        for path in top.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert len(wanted) > 40
    assert held == wanted
    assert {f"{top.name}/py.typed" for top in tops} <= held


@pytest.mark.parametrize("name", SOURCES)
def test_a_wheel_says_what_it_needs_and_under_which_license(installed: Installed, name: str) -> None:
    metadata = installed.metadata(name)
    assert metadata["License-Expression"] == "Apache-2.0"
    assert "# " in metadata.get_payload()
    needed = {re.split(r"[<>=]", each)[0] for each in metadata.get_all("Requires-Dist")}
    others = {
        "bedrock_eval": {"boto3", "botocore"},
        "bedrock_eval_cdk": {"aws-cdk-lib", "constructs", "bedrock-eval", "botocore"},
    }
    assert needed == others[name]
    with ZipFile(installed.wheels[name]) as wheel:
        (path,) = [each for each in wheel.namelist() if each.endswith("/LICENSE")]
        assert wheel.read(path).decode() == (ROOT / "LICENSE").read_text()


def test_there_is_an_example_of_every_public_construct() -> None:
    assert EXAMPLES == ["evaluation", "logging", "monitoring"]


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_short(name: str) -> None:
    lines = (ROOT / "examples" / name / "app.py").read_text().splitlines()
    code = [line for line in lines if line.strip() and not line.startswith('"""')]
    assert len(code) <= MOST_LINES


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_synthesized_from_the_wheels_with_cdk_nag(
    synthesized: Mapping[str, Any], installed: Installed, name: str
) -> None:
    found = synthesized[name]
    assert all(Path(file).is_relative_to(installed.site_packages) for file in found["files"])
    (template,) = found["templates"].values()
    kinds = {resource["Type"] for resource in template["Resources"].values()}
    wanted = {
        "evaluation": {"AWS::StepFunctions::StateMachine", "AWS::Scheduler::Schedule", "Custom::EvaluationDefinition"},
        "logging": {"Custom::ModelInvocationLogging", "AWS::Logs::LogGroup", "AWS::CloudWatch::Alarm"},
        "monitoring": {"AWS::CloudWatch::Dashboard", "AWS::CloudWatch::Alarm", "AWS::SNS::Topic"},
    }
    assert wanted[name] <= kinds


def test_the_functions_are_the_same_from_the_wheel_and_from_the_repository(
    synthesized: Mapping[str, Any], tmp_path: Path
) -> None:
    driver = tmp_path / "driver.py"
    driver.write_text(DRIVER)
    example = ROOT / "examples" / "evaluation" / "app.py"
    said = run([sys.executable, str(driver), str(example), str(tmp_path / "out")])
    here = json.loads(said.splitlines()[-1])
    assert Path(here["files"][0]).is_relative_to(ROOT)
    assert here["templates"] == synthesized["evaluation"]["templates"]
    assets = {path.name for path in (tmp_path / "out").glob("asset.*")}
    assert assets
    assert assets == {path.name for path in synthesized["evaluation"]["out"].glob("asset.*")}
