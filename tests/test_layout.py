"""The rooms of the project and who may import whom, read from the source without running it."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FUNCTIONS = ("alarm_formatter", "custom_evaluator", "custom_resources", "watchdog")

# Every room: where it lies, which rooms it may import beside itself, and which packages of others.
ROOMS: dict[str, tuple[str, set[str], set[str]]] = {
    "app": ("app.py", {"stacks", "environments"}, {"aws_cdk", "cdk_nag"}),
    # botocore for its data alone: the service models that are deployed with the functions.
    "stacks": ("stacks", {"bedrock_eval", "bedrock_ops", "environments"}, {"aws_cdk", "botocore", "constructs"}),
    "bedrock_ops": ("constructs/bedrock_ops", {"bedrock_eval"}, {"aws_cdk", "constructs"}),
    "environments": ("environments", {"bedrock_eval"}, {"pydantic", "pydantic_core", "ruamel"}),
    "bedrock_eval": ("lambda/bedrock_eval", set(), set()),
    **{name: (f"lambda/{name}", {"bedrock_eval"}, {"boto3", "botocore"}) for name in FUNCTIONS},
    # Runs of every kind share store, lock, publication and failures.
    "evaluation_jobs": ("lambda/evaluation_jobs", {"bedrock_eval", "custom_evaluator"}, {"boto3", "botocore"}),
    # `ops evaluate` and `ops jobs collect` run the deployed functions' own code from a terminal.
    "ops": (
        "ops",
        {"bedrock_eval", "custom_evaluator", "evaluation_jobs", "environments"},
        {"boto3", "botocore", "pydantic", "rich"},
    ),
    # `make run` reads the environment that it deploys.
    "local": ("local", {"bedrock_eval", "environments", "ops"}, {"boto3", "botocore", "ruamel"}),
}
# These run in the emulator's interpreter, which has neither the project's packages nor its path.
EMULATOR_SIDE = ("local/emulator", "local/bedrock")


def sources(place: str, *, without: tuple[str, ...] = ()) -> list[Path]:
    path = ROOT / place
    found = [path] if path.is_file() else sorted(path.rglob("*.py"))
    return [each for each in found if not any(ROOT / place in each.parents for place in without)]


def imported(path: Path) -> Iterator[str]:
    """The first parts of the names of all modules that a file imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            yield str(node.module).partition(".")[0]


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_what_it_may(room: str) -> None:
    place, rooms, packages = ROOMS[room]
    files = sources(place, without=EMULATOR_SIDE)
    assert files, f"{place} holds no source"
    allowed = {room, *rooms, *packages, *sys.stdlib_module_names}
    strays = {f"{path.relative_to(ROOT)}: {name}" for path in files for name in imported(path) if name not in allowed}
    assert not strays


@pytest.mark.parametrize("place", EMULATOR_SIDE)
def test_what_runs_in_the_emulator_needs_nothing_of_the_project(place: str) -> None:
    allowed = {"local", "ministack", "time_machine", "boto3", "botocore", *sys.stdlib_module_names}
    assert {name for path in sources(place) for name in imported(path)} <= allowed


def test_the_pure_core_reaches_nothing_outside() -> None:
    """No clock, no network, no files: whoever calls hands everything over."""
    reaching = {"socket", "subprocess", "time", "urllib", "http", "os", "pathlib", "random"}
    assert not {name for path in sources("lambda/bedrock_eval") for name in imported(path)} & reaching


def test_every_python_source_lies_in_a_room() -> None:
    """A new top-level package states its place in the graph here."""
    known = {ROOT / place for place, _, _ in ROOMS.values()} | {ROOT / "tests", ROOT / "bench"}
    ignored = {".venv", ".venv-emulator", "node_modules", "build", "cdk.out"}
    strays = [
        path.relative_to(ROOT).as_posix()
        for top in ROOT.iterdir()
        if top.name not in ignored and not top.name.startswith(".")
        for path in ([top] if top.suffix == ".py" else top.rglob("*.py"))
        if not any(path == place or place in path.parents for place in known)
    ]
    assert not strays


@pytest.mark.parametrize("source_root", ["constructs", "lambda"])
def test_a_source_root_is_no_package(source_root: str) -> None:
    """`constructs/__init__.py` would hide the library of that name, and `lambda` cannot be imported at all."""
    assert not (ROOT / source_root / "__init__.py").exists()


def test_nobody_touches_the_import_path() -> None:
    """Both distributions are installed editable, as plain path entries."""
    touching = {
        path.relative_to(ROOT).as_posix()
        for place, _, _ in ROOMS.values()
        for path in sources(place)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and ast.unparse(node) == "sys.path"
    }
    assert not touching
