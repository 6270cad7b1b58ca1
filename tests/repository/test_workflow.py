"""What CI may do, and that nobody else decides what runs in it."""

import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.support.paths import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.y*ml"))


@pytest.fixture(params=WORKFLOWS, ids=lambda path: path.stem)
def workflow(request: pytest.FixtureRequest) -> Any:
    return YAML(typ="safe").load(request.param)


def steps(workflow: Any) -> list[dict[str, Any]]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


def test_there_is_one() -> None:
    assert WORKFLOWS


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_actions_are_named_by_commit_with_their_release_beside_it(path: Path) -> None:
    used = re.findall(r"uses: (.*)", path.read_text())
    assert used
    assert [each for each in used if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+(\.\d+)*", each)] == []


def test_the_token_reads_and_does_not_stay_in_the_checkout(workflow: Any) -> None:
    assert workflow["permissions"] == {"contents": "read"}
    assert [job for job in workflow["jobs"].values() if "permissions" in job] == []
    checkouts = [step for step in steps(workflow) if "/checkout@" in step.get("uses", "")]
    assert checkouts
    assert [step["with"]["persist-credentials"] for step in checkouts] == [False] * len(checkouts)


def prerequisites(target: str) -> list[str]:
    """What a target of the Makefile needs."""
    found = re.search(rf"^{target}: (.*?)(?: ##.*)?$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert found is not None
    return found[1].split()


def test_the_matrix_holds_what_make_test_does(workflow: Any) -> None:
    """Each job makes one target, with nothing left out, also after a change of one of the two lists."""
    (job,) = workflow["jobs"].values()
    assert job["strategy"]["matrix"] == {"target": prerequisites("test")}
    assert job["env"] == {"TARGET": "${{ matrix.target }}"}
    runs = [step["run"] for step in job["steps"] if "run" in step and "if" not in step]
    assert runs == ['make "$TARGET"']


def test_ci_runs_make_test() -> None:
    assert (ROOT / ".ci" / "run").read_text().splitlines()[-1].endswith("exec env CI=true make test")


def test_every_folder_of_tests_is_of_one_target() -> None:
    """A folder that no target names would be tested by nobody."""
    targets = [name for name in prerequisites("test") if name != "lint"]
    recipes = re.findall(r"^([a-z]+): .*\n\t.*-m pytest (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    named = [(name, folder) for name, folders in recipes if name in targets for folder in folders.split()]
    tests = {path.relative_to(ROOT) for path in (ROOT / "tests").rglob("test_*.py")}
    found = {each: [name for name, folder in named if Path(folder) in (each, *each.parents)] for each in tests}
    assert tests
    assert {each: names for each, names in found.items() if len(names) != 1} == {}


def test_one_run_a_branch(workflow: Any) -> None:
    assert "github.ref" in workflow["concurrency"]["group"]


def test_nothing_of_a_pull_request_is_put_into_a_shell(workflow: Any) -> None:
    assert "pull_request_target" not in str(workflow)
    assert [step["run"] for step in steps(workflow) if "${{" in step.get("run", "")] == []
