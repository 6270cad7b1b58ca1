"""No template depends on what cdk.json says: whoever runs app.py by itself, or uses a stage in an app of their own,
deploys the same."""

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import mkdtemp

from aws_cdk import App

import app
from stacks.stage import EnvironmentStage
from tests.support.synthesis.templates import by_jobs, by_jobs_environment, read_all


def test_a_stage_is_the_same_without_any_flag() -> None:
    bare = App(outdir=mkdtemp())
    EnvironmentStage(bare, environment=by_jobs_environment(), root=app.ROOT)
    (deployed,) = read_all(bare).values()
    for room, template in deployed.stacks.items():
        assert template.content == by_jobs()[room].content, room


def test_app_py_runs_without_the_cli(tmp_path: Path) -> None:
    """With the flags of cdk.json all the same: findings of CloudFormation's rules fail it, as they fail `cdk synth`."""
    environment = {
        **{name: os.environ[name] for name in ("PATH", "HOME")},
        "CDK_OUTDIR": str(tmp_path),
        "CDK_VALIDATION": "false",
    }
    done = subprocess.run(
        [sys.executable, str(app.ROOT / "app.py")],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
    tree = json.loads((tmp_path / "manifest.json").read_text())
    assert {name for name in tree["artifacts"] if name.startswith("assembly-")} == {
        f"assembly-{path.stem}" for path in (app.ROOT / "environments").glob("*.yaml") if path.stem != "local"
    }


def test_app_py_has_the_flags_of_cdk_json() -> None:
    flags = json.loads((app.ROOT / "cdk.json").read_text())["context"]
    made = app.new_app()
    assert {name: made.node.try_get_context(name) for name in flags} == flags
