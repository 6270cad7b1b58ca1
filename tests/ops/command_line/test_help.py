"""Help, examples and versions: at once, from any folder, and true."""

import json
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from bedrock_eval.evaluation.definition import PROMPT_MARK, Definition
from bedrock_eval.invocation_log.queries import THRESHOLD_MS, By
from bedrock_eval.model_checks.findings import Use
from ops import PROGRAM
from ops.command_line.application import COMMANDS, parser
from ops.command_line.declared import evaluate, logs, models
from ops.command_line.parser import Parser, commands_of, every_command

SCRIPT = Path(sys.executable).with_name(PROGRAM)
LIGHT = {"bedrock_eval", "bedrock_eval.errors", "bedrock_eval.numerals"}
SLOW = {"aws_cdk", "boto3", "botocore", "environments", "configuration", "pydantic", "rich", "ruamel", "ops.commands"}


def words(of: Parser) -> list[str]:
    """What is typed for a parser's help."""
    return [*of.prog.split()[1:], "--help"]


EVERY = [words(each) for each in every_command(parser())]


def test_every_command_is_declared_and_carried_out() -> None:
    assert set(commands_of(parser())) == set(COMMANDS)
    assert all((Path("ops/commands") / f"{name}.py").exists() for name in COMMANDS)


def modules_after(*arguments: str) -> set[str]:
    code = (
        "import json, sys\nfrom ops.__main__ import main\n"
        "try:\n main(sys.argv[1:])\nexcept SystemExit: pass\n"
        "print(); print(json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    assert "usage: bedrock-eval" in done.stdout
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("arguments", EVERY, ids=" ".join)
def test_help_imports_nothing_that_takes_time(arguments: list[str]) -> None:
    found = modules_after(*arguments)
    assert not SLOW & found
    # All other modules of the core wait until a command runs.
    assert {name for name in found if name.startswith("bedrock_eval")} <= LIGHT


def examples() -> Iterator[tuple[Parser, str]]:
    for each in every_command(parser()):
        assert each.examples, f"{each.prog} has no example"
        yield from ((each, example) for example in each.examples)


@pytest.mark.parametrize("example", [example for _, example in examples()])
def test_every_example_can_be_typed(example: str) -> None:
    parser().parse_args(shlex.split(example))


def test_an_example_is_of_its_command_and_in_its_help() -> None:
    for of, example in examples():
        assert f"{PROGRAM} {example}".startswith(of.prog)
        assert f"  {PROGRAM} {example}\n" in of.format_help()


def test_every_option_says_what_it_is() -> None:
    for each in every_command(parser()):
        assert each.description
        assert [
            action.dest for action in each._actions if not action.help and action.dest not in ("command", "action")
        ] == []


def test_the_script_works_from_any_folder(tmp_path: Path) -> None:
    done = subprocess.run([SCRIPT, "--version"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == f"{PROGRAM} 0.1.0\n"
    done = subprocess.run([SCRIPT, "runs", "--help"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"usage: {PROGRAM} runs ")


def test_both_names_are_one_command() -> None:
    ours, module = (
        subprocess.run([*name, "logs", "--help"], capture_output=True, text=True, check=True).stdout
        for name in ([SCRIPT], [sys.executable, "-m", "ops"])
    )
    assert ours == module


def test_what_help_says_is_what_the_code_has() -> None:
    """The parser repeats it, because the code takes too long to import for help."""
    defaults = {field.name: field.default for field in fields(Definition)}
    assert defaults["read_timeout_seconds"] == evaluate.READ_TIMEOUT_SECONDS
    assert defaults["max_attempts"] == evaluate.ATTEMPTS
    assert defaults["patience_minutes"] == evaluate.THROTTLE_MINUTES
    assert defaults["failed_case_rounds"] == evaluate.FAILED_CASE_ROUNDS
    assert tuple(By) == logs.GROUPS
    assert tuple(Use) == models.USES
    assert THRESHOLD_MS == logs.THRESHOLD_MS
    assert f"{PROMPT_MARK} once in it" in " ".join(commands_of(parser())["evaluate"].format_help().split())
