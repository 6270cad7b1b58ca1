"""The rooms of the project and who may import whom, read from the source without running it."""

import ast
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FUNCTIONS = ("alarm_formatter", "custom_evaluator", "custom_resources", "evaluation_jobs", "watchdog")

# Every room: where it lies, which rooms it may import beside itself, and which packages of others.
ROOMS: dict[str, tuple[str, set[str], set[str]]] = {
    "app": ("app.py", {"stacks", "environments"}, {"aws_cdk", "cdk_nag"}),
    # botocore for its data alone: the service models that are deployed with the functions.
    "stacks": ("stacks", {"bedrock_eval", "bedrock_ops", "environments"}, {"aws_cdk", "botocore", "constructs"}),
    "bedrock_ops": ("constructs/bedrock_ops", {"bedrock_eval"}, {"aws_cdk", "constructs"}),
    "environments": ("environments", {"bedrock_eval"}, {"pydantic", "pydantic_core", "ruamel"}),
    "bedrock_eval": ("lambda/bedrock_eval", set(), set()),
    "bedrock_eval_runs": ("lambda/bedrock_eval_runs", {"bedrock_eval"}, {"boto3", "botocore"}),
    "bedrock_eval_functions": (
        "lambda/bedrock_eval_functions",
        {"bedrock_eval", "bedrock_eval_runs"},
        {"boto3", "botocore"},
    ),
    # `ops evaluate` and `ops jobs collect` run the engine that the functions run.
    "ops": (
        "ops",
        {"bedrock_eval", "bedrock_eval_runs", "environments"},
        {"boto3", "botocore", "pydantic", "rich"},
    ),
    # `make run` reads the environment that it deploys.
    "local": ("local", {"bedrock_eval", "environments", "ops"}, {"boto3", "botocore", "ruamel"}),
}
# These run in the emulator's interpreter, which has neither the project's packages nor its path.
EMULATOR_SIDE = ("local/emulator", "local/bedrock")


# Which sub-packages of lambda/ import which, each list without the files at the top of the same distribution's package.
PACKAGES: dict[str, set[str]] = {
    "bedrock_eval": {"known_models"},
    "bedrock_eval.known_models": set(),
    "bedrock_eval.model_checks": {"known_models"},
    "bedrock_eval.statistics": set(),
    "bedrock_eval.scores.text": set(),
    "bedrock_eval.scores": {"scores.text"},
    "bedrock_eval.pricing": set(),
    "bedrock_eval.evaluation": {"pricing", "scores"},
    "bedrock_eval.verdicts": {"evaluation", "scores", "statistics"},
    "bedrock_eval.results": {"evaluation", "pricing", "scores", "statistics", "verdicts"},
    "bedrock_eval.runs": {"evaluation", "pricing", "results", "statistics", "verdicts"},
    "bedrock_eval.jobs": {"evaluation", "results", "scores"},
    "bedrock_eval.alarms": {"pricing", "verdicts"},
    "bedrock_eval.watchdog": {"alarms", "evaluation", "pricing", "runs"},
    "bedrock_eval.invocation_log": {"pricing"},
    "bedrock_eval.report.words": {"results", "verdicts"},
    "bedrock_eval.report.html": {"results", "scores", "verdicts"},
    "bedrock_eval.report.sections": {
        *("pricing", "report.html", "report.words", "results", "scores", "statistics", "verdicts"),
    },
    "bedrock_eval.report": {"evaluation", "report.html", "report.sections", "report.words", "results", "verdicts"},
}
# Which sub-packages of ops import which. The files at the top are the errors, the name and the way in.
OPS: dict[str, set[str]] = {
    "terminal": set(),
    # Help comes at once: of the others only what writes text. `commands` are imported by name when one runs.
    "command_line": {"terminal"},
    "environment": {"terminal"},
    "aws": {"environment"},
    "dashboard": {"environment"},
    "pricing": {"aws"},
    "offline": {"aws", "terminal"},
    "invocation_log": {"aws", "terminal"},
    "results": {"aws", "environment", "terminal"},
    "proposals": {"aws", "results", "terminal"},
    "jobs": {"aws", "environment", "offline", "results", "terminal"},
    "commands": {
        *("aws", "command_line", "dashboard", "environment", "invocation_log", "jobs", "offline", "pricing"),
        *("proposals", "results", "terminal"),
    },
}
MOST_MODULES = 15


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


def package_of(path: Path, root: Path) -> str:
    return ".".join(path.parent.relative_to(root).parts)


def imported_packages(path: Path, root: Path) -> Iterator[str]:
    """The packages below a source root that a file imports from, also by the name of a module in them."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            for name in (f"{node.module}.{alias.name}" for alias in node.names):
                at = root.joinpath(*name.split("."))
                at = at if at.is_dir() or at.with_suffix(".py").exists() else at.parent
                if at.is_dir():
                    yield name if at.name == name.rpartition(".")[2] else name.rpartition(".")[0]
                elif at.with_suffix(".py").exists():
                    yield package_of(at, root)


def test_the_packages_of_the_core_import_each_other_in_one_direction() -> None:
    root, found = ROOT / "lambda", {}
    for path in sources("lambda/bedrock_eval"):
        package = package_of(path, root)
        ours = {name for name in imported_packages(path, root) if name.startswith("bedrock_eval")}
        found.setdefault(package, set()).update(ours - {package, "bedrock_eval"})
    assert found == {name: {f"bedrock_eval.{each}" for each in uses} for name, uses in PACKAGES.items()}


def test_the_graph_of_packages_has_no_cycle() -> None:
    """Taken away leaf by leaf, nothing is left. The files at the top are a leaf with what is known of models."""
    left = {name.removeprefix("bedrock_eval."): set(uses) for name, uses in PACKAGES.items() if "." in name}
    while left:
        leaves = {name for name, uses in left.items() if not uses & set(left)}
        assert leaves, f"a cycle in {sorted(left)}"
        left = {name: uses for name, uses in left.items() if name not in leaves}


@pytest.mark.parametrize("package", OPS)
def test_a_package_of_ops_imports_only_those_that_it_may(package: str) -> None:
    files = sources(f"ops/{package}")
    assert files
    used = {name for path in files for name in imported_packages(path, ROOT) if name.startswith("ops.")}
    assert {name.split(".")[1] for name in used} - {package} == OPS[package]


def test_every_package_of_ops_is_in_a_graph_without_cycles() -> None:
    """Each is listed behind those that it imports."""
    assert {path.parent.name for path in (ROOT / "ops").glob("*/__init__.py")} == set(OPS)
    listed = list(OPS)
    assert [name for name, uses in OPS.items() if not uses <= set(listed[: listed.index(name)])] == []


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_imports_no_other_function(function: str) -> None:
    own = f"bedrock_eval_functions.{function}"
    for path in sources(f"lambda/bedrock_eval_functions/{function}"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and str(node.module).startswith("bedrock_eval_functions"):
                assert str(node.module).startswith(own), path


@pytest.mark.parametrize("place", ["lambda", "ops", "tests/ops"])
def test_no_folder_holds_more_modules_than_one_can_overlook(place: str) -> None:
    counts = Counter(path.parent for path in sources(place) if path.name != "__init__.py")
    assert {folder: number for folder, number in counts.items() if number > MOST_MODULES} == {}


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
