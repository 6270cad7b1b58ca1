"""What the shells complete: by the function, and by bash with the script that it loads."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ops.__main__ import main
from ops.command_line.application import COMMANDS, parser
from ops.commands.completion import completions

BIN = str(Path(sys.executable).parent)
ENVIRONMENTS = ["dev", "local", "prod", "staging"]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ([], sorted(COMMANDS)),
        (["ru"], ["run", "runs"]),
        (["runs", ""], ["accept", "compare", "list", "report", "show"]),
        (["runs", "list", "--li"], ["--limit"]),
        (["runs", "list", "--limit", ""], []),
        (["runs", "list", "--env", ""], ENVIRONMENTS),
        (["runs", "list", "--env", "st"], ["staging"]),
        (["runs", "list", "--env=st"], ["--env=staging"]),
        (["runs", "list", "--env", "=", "st"], ["staging"]),
        (["runs", "list", "--env", "="], ENVIRONMENTS),
        (["logs", "t"], ["throttles", "tokens", "truncated"]),
        (["logs", "--by", "tokens", "--env", "dev", "e"], ["errors", "evaluation"]),
        (["logs", "tokens", "--by", ""], ["application", "day", "identity", "model"]),
        (["jobs", "list", "--status", "St"], ["Stopped", "Stopping"]),
        (["models", "explain", "--use", "j"], ["job_generator", "judge"]),
        (["completion", ""], ["bash", "words", "zsh"]),
        (["evaluate", "--dataset", ""], []),
        (["no-such-command", ""], sorted(COMMANDS)),
    ],
)
def test_the_last_word_is_completed(line: list[str], found: list[str]) -> None:
    assert completions(parser(), line) == found


def test_the_names_of_environments_are_of_the_folder_that_the_line_names(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("")
    line = ["runs", "list", "--environments", str(tmp_path), "--env", ""]
    assert completions(parser(), line) == ["mine"]
    assert completions(parser(), ["runs", "list", "--environments", "nowhere", "--env", ""]) == []


def in_bash(*words: str) -> list[str]:
    script = (
        'eval "$(bedrock-eval completion bash)"\n'
        'COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _bedrock_eval\n'
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    environment = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"}
    command = ["bash", "-c", script, "bash", "bedrock-eval", *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_bash_completes_commands_options_and_environments() -> None:
    assert in_bash("runs", "") == ["accept", "compare", "list", "report", "show"]
    assert in_bash("runs", "list", "--env", "") == ENVIRONMENTS
    assert in_bash("runs", "list", "--out") == []


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_the_script_is_the_shells_language(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert "bedrock-eval completion words" in script
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell} here")
    subprocess.run([shell, "-n"], input=script, text=True, check=True)


def test_a_shell_that_is_none_is_told_what_is_allowed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["completion", "zhs"])
    assert "did you mean 'zsh'" in capsys.readouterr().err
