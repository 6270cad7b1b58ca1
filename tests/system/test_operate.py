"""The commands for day 2 as a person types them, against the deployed stack: run, runs, dashboard."""

import re
import shutil
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bedrock_eval.layout import BaselineLayout, RunLayout
from configuration.loading.load import load_environments
from local.deployment import ENVIRONMENT
from ops.__main__ import main
from tests.support.frozen import ENVIRONMENTS
from tests.support.local.deployment import EVALUATION, Stack
from tests.support.local.operator import credentials, ops

CASES = 42
METRICS = ("relevance_score", "response_length", "unicode_exact_match", "unicode_f1_score")
WORSE = 10


def runs(stack: Stack, *arguments: str) -> str:
    done = ops(stack, "runs", *arguments, "--endpoint-url", stack.deployment.endpoint.url)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def candidates(stack: Stack) -> list[str]:
    return [candidate.name for candidate in stack.environment.evaluations[EVALUATION].candidates]


def started(stack: Stack) -> tuple[subprocess.CompletedProcess[str], str]:
    """A manual run, followed to its end, and its id."""
    done = ops(stack, "run", EVALUATION, "--endpoint-url", stack.deployment.endpoint.url)
    started_run = re.search(rf"^{EVALUATION}: run (\S+) started$", done.stderr, re.MULTILINE)
    assert started_run is not None, done.stderr
    return done, started_run[1]


@pytest.fixture(scope="module")
def earlier(stack: Stack) -> tuple[subprocess.CompletedProcess[str], str]:
    return started(stack)


@pytest.fixture(scope="module")
def later(stack: Stack, earlier: tuple[subprocess.CompletedProcess[str], str]) -> str:
    """A run after `earlier`, of the same recorded answers."""
    return started(stack)[1]


def test_a_manual_run_is_followed_and_ends_with_its_verdict(
    stack: Stack, earlier: tuple[subprocess.CompletedProcess[str], str]
) -> None:
    done, run = earlier
    assert done.returncode == WORSE, done.stderr
    assert f"{EVALUATION}, run {run}" in done.stdout
    assert done.stdout.splitlines()[-1].endswith("1 passed, 1 failed")
    assert "Cost estimate: " in done.stderr
    summary = stack.read(RunLayout(EVALUATION, run).summary)
    assert [candidate["scored"] for candidate in summary["candidates"]] == [CASES, CASES]
    # A finished run that is followed says the same again, and starts nothing.
    stack.simulator("DELETE", "calls")
    again = ops(stack, "run", EVALUATION, "--follow", run, "--endpoint-url", stack.deployment.endpoint.url)
    assert (again.returncode, again.stdout) == (WORSE, done.stdout)
    assert stack.simulator("GET", "calls")["totals"]["attempts"] == 0


def row(printed: str, run: str) -> str:
    found = [line for line in printed.splitlines() if run in line]
    assert len(found) == 1, printed
    return found[0]


def test_the_runs_are_listed_and_shown(
    stack: Stack, earlier: tuple[subprocess.CompletedProcess[str], str], later: str
) -> None:
    done, before = earlier
    listed = runs(stack, "list")
    assert listed.index(later) < listed.index(before)
    for run in (before, later):
        assert all(word in row(listed, run) for word in ("finished", "84", "1 failed", "$"))
    assert runs(stack, "show", before) == done.stdout
    assert f"run {later}" in runs(stack, "show", "latest", "--evaluation", EVALUATION)


def test_equal_answers_show_no_difference(
    stack: Stack, earlier: tuple[subprocess.CompletedProcess[str], str], later: str
) -> None:
    printed = runs(stack, "compare", later, earlier[1])
    rows = [re.split(r"  +", line.strip()) for line in printed.splitlines() if f" {CASES} " in line]
    # Lengths that are all equal say nothing of how they vary; shares have a bound that needs no variance.
    expected = {name: "unknown" if name == "response_length" else "no difference shown" for name in METRICS}
    assert [(name, metric, mean, word) for name, metric, _, mean, *_, word in rows] == [
        (name, metric, "0", word) for name in candidates(stack) for metric, word in expected.items()
    ], printed


def test_the_report_is_the_one_in_the_bucket(stack: Stack, later: str, tmp_path: Path) -> None:
    path = Path(runs(stack, "report", later, "--out", str(tmp_path)).strip())
    assert path.parent == tmp_path
    body = stack.clients.s3.get_object(Bucket=stack.bucket, Key=f"runs/{EVALUATION}/{later}/report.html")["Body"]
    assert path.read_bytes() == body.read()


def accept(stack: Stack, folder: Path, run: str, patch: pytest.MonkeyPatch) -> int:
    """`runs accept` in this process, so that it writes another environment file than the repository's."""
    for key, value in credentials(stack).items():
        patch.setenv(key, value)
    patch.setenv("BEDROCK_EVAL_ENVIRONMENTS", str(folder))
    return main(["runs", "accept", run, "--env", ENVIRONMENT, "--endpoint-url", stack.deployment.endpoint.url])


def test_an_accepted_run_is_copied_and_pinned(
    stack: Stack, later: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = ENVIRONMENTS / f"{ENVIRONMENT}.yaml"
    before = original.read_bytes()
    copy = Path(shutil.copy(original, tmp_path))
    assert accept(stack, tmp_path, later, monkeypatch) == 0
    source, target = RunLayout(EVALUATION, later), BaselineLayout(EVALUATION, later)
    assert target.summary == f"baselines/{EVALUATION}/{later}/summary.json"
    assert stack.read(target.summary) == stack.read(source.summary)
    copied = {key.removeprefix(target.prefix) for key in stack.keys(target.prefix)}
    own = {target.accepted.removeprefix(target.prefix)}
    left_out = {key.removeprefix(source.prefix) for key in (source.lock, source.published)}
    assert copied - own == {key.removeprefix(source.prefix) for key in stack.keys(source.prefix)} - left_out
    assert ":000000000000:" in stack.read(target.accepted)["by"]
    assert original.read_bytes() == before
    added = set(copy.read_text().splitlines()) - set(before.decode().splitlines())
    assert {line.strip() for line in added} == {f'baseline: "{later}"'}
    loaded = load_environments(tmp_path, only=[ENVIRONMENT], today=datetime.now(UTC).date()).environments[0]
    assert loaded.evaluations[EVALUATION].baseline == later


@pytest.mark.parametrize("source", [[], ["--deployed"]], ids=["this tree", "deployed"])
@pytest.mark.usefixtures("later")
def test_the_dashboard_is_drawn_with_data(stack: Stack, tmp_path: Path, source: Sequence[str]) -> None:
    page = tmp_path / "dashboard.html"
    url = stack.deployment.endpoint.url
    done = ops(stack, "dashboard", *source, "--data", "--endpoint-url", url, "--out", str(page))
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(page)
    drawn = page.read_text()
    assert f"data of {url}" in drawn
    assert "CloudWatch gave no data" not in drawn
    # Other files have runs in the same hours, so that these are means of several; haiku keeps the gate, nova does not.
    newest = re.search(r"haiku: newest ([\d.]+)\. nova: newest ([\d.]+)\. threshold gate min 0\.5", drawn)
    assert newest is not None
    assert float(newest[1]) > 0.5 > float(newest[2])
    # What a search finds is named by its model.
    assert "each that is found: newest" not in drawn
    in_alarm = re.findall(r'class="state alarm"><b>alarm</b> <span[^>]*>([^<]+)</span>', drawn)
    assert [name for name in in_alarm if "verdict-" in name]


def test_a_run_that_fails_ends_with_1_and_its_reason(stack: Stack) -> None:
    stack.simulator("PUT", "config", {"faults": {"*": {"denied": 1.0}}})
    done, run = started(stack)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"error: run {EVALUATION}/{run} failed: access_denied: " in done.stderr
