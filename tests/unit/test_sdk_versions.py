"""The functions' requests with the pinned boto3 and with the oldest that a Lambda runtime may carry."""

import json
import os
import subprocess
import sys
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from tests.support.aws.function_calls import calls, handlers

ROOT = Path(__file__).resolve().parents[2]
OLDEST = Path(sys.prefix) / "oldest-sdk"
FOLDERS = {"oldest": OLDEST, "pinned": None}
EVERY = tuple(FOLDERS)
AUDIO = "audioDataDeliveryEnabled"
DROPPED = "boto3 of this runtime drops what AWS announces: ends of life are those of the deployed table"


@cache
def run(sdk: str) -> Any:
    """What tests/sdk_run.py says; a process, as two versions of a package cannot be in one."""
    folder = FOLDERS[sdk]
    if folder is not None and not (folder / "boto3").is_dir():
        raise AssertionError(f"{folder} is missing; make it with: make install")
    path = os.pathsep.join(str(each) for each in (folder, ROOT / "lambda", ROOT) if each is not None)
    command = [sys.executable, "-m", "tests.support.aws.sdk_run"]
    environment = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(("sdk", "wanted"), [("oldest", "1.40.4"), ("pinned", version("botocore"))])
def test_it_is_the_boto3_that_is_meant(sdk: str, wanted: str) -> None:
    assert run(sdk)["version"] == wanted


@pytest.mark.parametrize("sdk", EVERY)
def test_every_call_of_every_function_was_made(sdk: str) -> None:
    assert set(run(sdk)["asked"]) == {call for module in handlers() for call in calls(module)}


@pytest.mark.parametrize("sdk", EVERY)
def test_every_function_came_to_its_end(sdk: str) -> None:
    told = run(sdk)["told"]
    answers = {name: each for name, each in told.items() if str(each).startswith(("SUCCESS", "FAILED"))}
    assert len(answers) == 15
    assert {name for name, each in answers.items() if each != "SUCCESS: done"} <= {"logging with audio"}
    assert (told["slice"], told["publish"]) == ("finished", "published")
    assert (told["seen"], told["stopped"], told["deleted"]) == ("Completed", True, True)
    assert told["datums"] >= 3


def test_a_flag_that_is_false_is_left_out_where_boto3_does_not_know_it() -> None:
    assert AUDIO in run("pinned")["told"]["put"]
    assert {*run("oldest")["told"]["put"], AUDIO} == set(run("pinned")["told"]["put"])
    assert AUDIO not in run("oldest")["told"]["put"]


def test_a_flag_that_is_true_is_refused_by_its_name() -> None:
    assert run("pinned")["told"]["logging with audio"] == "SUCCESS: done"
    assert f"boto3 does not know loggingConfig.{AUDIO}" in run("oldest")["told"]["logging with audio"]


def test_an_end_of_life_that_boto3_drops_is_said_once() -> None:
    """Two models and a definition's: one line."""
    assert f"bedrock_eval_functions.watchdog.lifecycles: {DROPPED}" not in run("pinned")["logged"]
    assert run("oldest")["logged"].count(f"bedrock_eval_functions.watchdog.lifecycles: {DROPPED}") == 1
    assert run("pinned")["days"]
    assert run("oldest")["days"] == []


def test_a_flag_that_cannot_be_remembered_is_said_when_a_setting_is_adopted() -> None:
    module = "bedrock_eval_functions.custom_resources.invocation_logging"
    told = f"{module}: boto3 drops what may be set, so it cannot be restored"
    assert told not in run("pinned")["logged"]
    assert run("oldest")["logged"].count(told) == 1
