"""Every command that a document, the screen or a message tells people to run: read by what would run it."""

import argparse
import re
import shlex
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from configuration.schema.environment import Environment
from ops.__main__ import main
from ops.environment.loading import load
from tests.support.commands import DOCUMENTS, ROOT, Command, documented, printed
from tests.support.frozen import ENVIRONMENTS, NAMES

COMMANDS = tuple(dict.fromkeys((*documented(), *printed())))
CDK = {"bootstrap", "deploy", "destroy", "diff", "drift", "ls", "synth"}
ROOMS_OF_AN_ENVIRONMENT = ("storage", "logging", "evaluation", "monitoring")
MAKEFILE = (ROOT / "Makefile").read_text()


def of(program: str, *, whole: bool = True) -> list[Command]:
    return [each for each in COMMANDS if each.text.startswith(program) and each.whole >= whole]


def of_ops(*, whole: bool = True) -> list[Command]:
    """Those of `bedrock-eval`, under both of its names."""
    return [each for each in COMMANDS if each.of_ops is not None and each.whole >= whole]


class _Read(BaseException):
    def __init__(self, options: argparse.Namespace) -> None:
        super().__init__()
        self.options = options


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Callable[[Command], argparse.Namespace]:
    """What `bedrock-eval` makes of a command line, without carrying it out."""
    monkeypatch.setenv("BEDROCK_EVAL_ENVIRONMENTS", str(ENVIRONMENTS))
    parse = argparse.ArgumentParser.parse_args

    def stop(self: argparse.ArgumentParser, *given: object) -> None:
        raise _Read(parse(self, *given))  # type: ignore[arg-type]

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", stop)

    def options_of(command: Command) -> argparse.Namespace:
        with pytest.raises(_Read) as found:
            main(command.of_ops)
        return found.value.options

    return options_of


def environment(name: str) -> Environment:
    now = datetime(2026, 11, 23, tzinfo=UTC)
    return load(name, directory=ENVIRONMENTS, now=now).environment


def evaluation_of(options: argparse.Namespace) -> str | None:
    """Which evaluation a command is about."""
    asked = vars(options)
    by_position = asked.get("target") if options.command == "jobs" else None
    run = str(asked.get("run", ""))
    within = run.partition("/")[0] if "/" in run else None
    name = by_position or within or asked.get("evaluation")
    return None if name is None or name.startswith("arn:") else str(name)


@pytest.mark.parametrize("command", of_ops(), ids=str)
def test_ops_takes_it_and_the_shipped_files_have_what_it_names(
    command: Command, read: Callable[[Command], argparse.Namespace]
) -> None:
    options = read(command)
    if getattr(options, "env", None) is None:
        return
    assert options.env in NAMES
    found, name = environment(options.env), evaluation_of(options)
    if name is not None:
        assert name in found.evaluations
    if options.command == "jobs" and name is not None:
        assert found.evaluations[name].job_kind is not None
    if getattr(options, "run", None) == "latest":
        assert name is not None or len(found.evaluations) == 1, "latest of which evaluation?"
    model = getattr(options, "model", None)
    if options.command == "logs" and model:
        assert model in found.models


@pytest.mark.parametrize("command", [each for each in of_ops(whole=False) if not each.whole], ids=str)
def test_a_command_that_is_named_is_there(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*(command.of_ops or ()), "--help"])
    assert ended.value.code == 0, capsys.readouterr().out


@pytest.mark.parametrize("command", of("make", whole=False), ids=str)
def test_make_has_the_target_and_reads_its_variables(command: Command) -> None:
    _, target, *variables = shlex.split(command.text)
    assert re.search(rf"^{target}:.* ## ", MAKEFILE, re.MULTILINE)
    for name in (each.partition("=")[0] for each in variables):
        assert f"$({name})" in MAKEFILE


@pytest.mark.parametrize("command", of("cdk", whole=False), ids=str)
def test_cdk_has_the_command_and_the_app_has_the_stage(command: Command) -> None:
    _, verb, *rest = shlex.split(command.text)
    assert verb in CDK
    stages = [each.partition("/")[0] for each in rest if each.endswith("/*") and "<" not in each]
    assert set(stages) <= set(NAMES)
    # Without its name the app leaves `local` out.
    assert "local" not in stages or "environments=local" in rest


def test_nobody_is_told_that_an_unchanged_template_repairs() -> None:
    """CloudFormation compares templates; only a change set that is aware of drift compares with what is there."""
    messages = (ROOT / "lambda/bedrock_eval/alarms/direct_messages.py").read_text("utf-8")
    texts = [path.read_text("utf-8") for path in DOCUMENTS]
    assert not [each for text in texts for each in re.findall(r"[Dd]eploying\s[^.]*\sagain\s+repairs", text)]
    assert all(text.count("--revert-drift") for text in (messages, (ROOT / "docs/runbook.md").read_text("utf-8")))


def test_they_are_found() -> None:
    """So that the tests above have something to read: each kind, in documents and in code."""
    places = {(each.place.partition("/")[0], each.text.split()[0]) for each in COMMANDS}
    assert places >= {
        ("docs", "python"),
        ("docs", "cdk"),
        ("README.md", "make"),
        ("ops", "bedrock-eval"),
        ("ops", "cdk"),
    }
    assert len(of_ops()) > 50


def test_make_help_lists_every_target() -> None:
    # Below `make test` it would say too which directory it enters.
    command = ["make", "--no-print-directory", "help"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    targets = re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE)
    assert [line.split()[0] for line in done.stdout.splitlines()] == targets


def test_no_document_names_a_port_that_is_only_usual() -> None:
    """`make up` takes another one when it is taken, and prints it."""
    assert [each for each in COMMANDS if "localhost" in each.text or "127.0.0.1" in each.text] == []
