"""What the simulator may import: the emulator's interpreter has nothing else."""

import ast
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "local" / "bedrock"
STANDARD_LIBRARY_ONLY = {"answers.py", "calls.py", "config.py", "errors.py", "event_stream.py", "faults.py"}
STANDARD_LIBRARY_ONLY |= {"identifiers.py", "models.py", "replay.py", "state.py", "__init__.py"}


def imported(file: Path) -> set[str]:
    """Top-level names that a module imports at its top or anywhere below, `local.simulator` as one name."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            names.add(node.module or "")
    return {"local.simulator" if name.startswith("local.simulator") else name.partition(".")[0] for name in names}


@pytest.mark.parametrize("file", sorted(PACKAGE.glob("*.py")), ids=lambda file: file.name)
def test_only_ministack_botocore_and_the_standard_library(file: Path) -> None:
    allowed = (
        {"local.simulator"} if file.name in STANDARD_LIBRARY_ONLY else {"local.simulator", "ministack", "botocore"}
    )
    assert imported(file) - set(sys.stdlib_module_names) <= allowed
