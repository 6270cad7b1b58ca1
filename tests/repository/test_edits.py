"""A user's first day, in a copy of the repository: everything is edited at once, and the tests stay green."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT

_LEFT_OUT = shutil.ignore_patterns(
    *(".git", ".venv*", "node_modules", "build", "cdk.out", "cdk.out.*", "__pycache__", ".*_cache", ".hypothesis")
)
_SNAPSHOTS = "tests/infrastructure/test_snapshots.py"
# Those of environment files and of the command line; none of them needs minutes.
_SUITES = (
    "tests/configuration",
    "tests/ops/results/test_runs.py",
    "tests/ops/dashboard/test_dashboard.py",
    # What needs the emulator's own interpreter reads no edited file.
    *(f"tests/local/{name}.py" for name in ("test_own_data", "test_shortfalls", "test_up")),
)


def _not_copied(folder: str, names: list[str]) -> set[str]:
    left_out = set(_LEFT_OUT(folder, names))
    if Path(folder) == ROOT:
        left_out.add("datasets")
    if Path(folder) == ROOT / "environments":
        left_out |= {name for name in names if name.endswith(".yaml")}
    return left_out


def change(path: Path, *changes: tuple[str, str]) -> None:
    text = path.read_text()
    for pattern, new in changes:
        text, times = re.subn(pattern, new, text, flags=re.MULTILINE)
        assert times, f"{path.name} has no {pattern}"
    path.write_text(text)


def edit(root: Path) -> None:
    """What README asks for, and what users do besides. Where a file has no such place any more, it fails."""
    environments = root / "environments"
    addresses = (r"your-organisation/your-repository", "shop/models")
    name = (r"^application: .*", "application: help-desk")
    (environments / "staging.yaml").unlink()
    shutil.copy(root / "tests" / "files" / "environments" / "staging.yaml", environments / "qa.yaml")
    dev, prod, qa, local = (environments / f"{each}.yaml" for each in ("dev", "prod", "qa", "local"))
    # Evaluations are taken out, all of them, and the Region is another one.
    change(dev, ("111111111111", "314159265358"), addresses, name, (r"(?s)^evaluations:.*?(?=^retention_days)", ""))
    change(prod, ("333333333333", "271828182845"), addresses, name, (r"\S+@example\.com", "support@shop.io"))
    change(prod, (r"latency_p90_ms: \d+", "latency_p90_ms: 4200"), (r"min: 0\.5", "min: 0.6"))
    region = (r"^region: .*", "region: eu-central-1")
    change(qa, ("222222222222", "161803398874"), addresses, name, region, (r"\bus\.(anthropic|amazon)", r"eu.\1"))
    change(qa, (r"(?s)^evaluations:.*", ""), (r"(?s)^datasets:.*", ""))
    change(local, name)
    cases = root / "datasets" / "customer-support.jsonl"
    with cases.open("a") as file:
        file.write('{"prompt": "Do you ship to Iceland?", "referenceResponse": "Yes, within ten days."}\n')


@pytest.fixture(scope="module")
def edited(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("edited") / "repository"
    # The edits are made to the files as shipped, whatever stands in this checkout.
    shutil.copytree(ROOT, root, ignore=_not_copied)
    shutil.copytree(ROOT / "tests" / "files" / "datasets", root / "datasets")
    for path in (root / "tests" / "files" / "environments").glob("*.yaml"):
        text = path.read_text().replace("source: tests/files/datasets/", "source: datasets/")
        (root / "environments" / path.name).write_text(text)
    edit(root)
    return root


def pytest_in(root: Path, *arguments: str, ci: bool = False) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if key not in ("CI", "PYTEST_CURRENT_TEST")}
    kept["PYTHONPATH"] = os.pathsep.join(str(root / each) for each in ("lambda", "constructs", "."))
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments],
        cwd=root,
        env={**kept, **({"CI": "true"} if ci else {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


STALE = (
    "environments/dev.yaml has changed since its snapshots were written",
    "environments/qa.yaml has no snapshots yet",
    "__snapshots__/staging is of an environment that is gone",
)


def test_what_the_code_does_is_tested_without_the_edited_files(edited: Path) -> None:
    done = pytest_in(edited, *_SUITES)
    assert done.returncode == 0, done.stdout[-3000:]


def test_snapshots_are_told_then_written_and_then_compared(edited: Path) -> None:
    told = pytest_in(edited, _SNAPSHOTS)
    assert told.returncode == 0, told.stdout[-3000:]
    assert [line for line in STALE if f"{line}: `make snapshots`" not in told.stdout] == []
    refused = pytest_in(edited, f"{_SNAPSHOTS}::test_snapshots_are_of_the_files_as_they_are", ci=True)
    assert refused.returncode == 1
    assert [line for line in STALE if f"{line}: `make snapshots`" not in refused.stdout] == []
    assert "Traceback" not in refused.stdout
    written = pytest_in(edited, _SNAPSHOTS, "--snapshot-update")
    assert written.returncode == 0, written.stdout[-3000:]
    snapshots = edited / "tests" / "infrastructure" / "__snapshots__"
    assert sorted(path.name for path in snapshots.iterdir()) == ["dev", "local", "prod", "qa"]
    assert "help-desk-qa" in (snapshots / "qa" / "storage.yaml").read_text()
    # From here on a template that is another fails, as by a change of the code, and that one alone.
    (snapshots / "qa" / "storage.yaml").write_text("Resources: {}\n")
    compared = pytest_in(edited, _SNAPSHOTS, ci=True)
    assert re.findall(r"^FAILED \S+::(\S+)", compared.stdout, re.MULTILINE) == ["test_template[qa-storage]"]
    assert "`make snapshots` writes what is to be committed" in compared.stdout
