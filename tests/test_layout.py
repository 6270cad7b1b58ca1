"""The rooms of the project and who may import whom, read from the source without running it."""

import ast
import sys
from collections import Counter
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FUNCTIONS = ("alarm_formatter", "custom_evaluator", "custom_resources", "evaluation_jobs", "watchdog")

# Every room: where it lies, which rooms it may import beside itself, and which packages of others.
ROOMS: dict[str, tuple[str, set[str], set[str]]] = {
    "app": ("app.py", {"bedrock_eval", "stacks", "configuration"}, {"aws_cdk", "cdk_nag"}),
    "stacks": ("stacks", {"bedrock_eval", "bedrock_eval_cdk", "configuration"}, {"aws_cdk", "constructs"}),
    # botocore for its data alone: the service models that are deployed with the functions.
    "bedrock_eval_cdk": (
        "constructs/bedrock_eval_cdk",
        {"bedrock_eval"},
        {"aws_cdk", "botocore", "constructs"},
    ),
    "examples": ("examples", {"bedrock_eval_cdk"}, {"aws_cdk"}),
    "configuration": ("configuration", {"bedrock_eval"}, {"pydantic", "pydantic_core", "ruamel"}),
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
        {"bedrock_eval", "bedrock_eval_runs", "configuration"},
        {"boto3", "botocore", "pydantic", "rich"},
    ),
    # `make run` reads the environment that it deploys.
    "local": ("local", {"bedrock_eval", "configuration", "ops"}, {"boto3", "botocore", "ruamel"}),
}
CONSTRUCTS = "constructs/bedrock_eval_cdk"
# Sub-packages of the construct library, and which of them each may import beside itself; whoever is named has no cycle.
SUB_PACKAGES: dict[str, set[str]] = {
    "core": set(),
    "storage": {"core"},
    "monitoring": {"core"},
    "monitoring.widgets": {"core", "monitoring"},
    "notification": {"core"},
    "invocation_logging": {"core", "storage"},
    "evaluation": {"core", "storage", "monitoring", "monitoring.widgets"},
}
# These run in the emulator's interpreter, which has neither the project's packages nor its path.
EMULATOR_SIDE = ("local/emulator", "local/simulator")


# The packages of `local`: which of its other packages each may import, and which packages of others beside `ROOMS`.
_CLOUDWATCH, _INSIGHTS, _PATCHES = "emulator.cloudwatch", "emulator.logs.insights", "emulator.patches"
_METRIC_MATH = f"{_CLOUDWATCH}.metric_math"
_SETTINGS, _REPLAY, _PROTOCOL = "simulator.settings", "simulator.replay", "simulator.protocol"
_KNOWN, _PERMISSIONS, _MONITORING = "simulator.models", "simulator.permissions", "simulator.monitoring"
_JOBS, _RUNTIME, _CONTROL_PLANE = "simulator.jobs", "simulator.runtime", "simulator.control_plane"
_OF_BEDROCK = {_PROTOCOL, _REPLAY, _SETTINGS, _KNOWN}
LOCAL: dict[str, tuple[set[str], set[str]]] = {
    "": ({_METRIC_MATH, _REPLAY, _KNOWN}, set()),
    "emulator": ({_PATCHES, "simulator"}, set()),
    _METRIC_MATH: (set(), set()),
    _CLOUDWATCH: ({_METRIC_MATH}, {"ministack"}),
    _INSIGHTS: (set(), set()),
    "emulator.logs": (set(), set()),
    _PATCHES: ({"emulator.logs", _INSIGHTS}, {"ministack"}),
    f"{_PATCHES}.cloudwatch": ({_CLOUDWATCH, _METRIC_MATH}, {"ministack", "botocore"}),
    f"{_PATCHES}.cloudformation": ({_PATCHES}, {"ministack"}),
    f"{_PATCHES}.controls": ({_PATCHES, f"{_PATCHES}.cloudwatch", _METRIC_MATH}, {"ministack", "time_machine"}),
    "simulator": ({*_OF_BEDROCK, _MONITORING, _JOBS, _RUNTIME, _CONTROL_PLANE}, {"ministack"}),
    _PROTOCOL: (set(), {"botocore"}),
    _REPLAY: (set(), set()),
    _SETTINGS: ({_REPLAY, _PROTOCOL}, set()),
    _KNOWN: ({_PROTOCOL, _SETTINGS}, {"ministack"}),
    _PERMISSIONS: (set(), {"ministack"}),
    _MONITORING: ({*_OF_BEDROCK, _PERMISSIONS}, {"ministack"}),
    _RUNTIME: ({*_OF_BEDROCK, _MONITORING}, {"ministack"}),
    _JOBS: ({*_OF_BEDROCK, _PERMISSIONS}, {"ministack"}),
    _CONTROL_PLANE: ({_PROTOCOL, _SETTINGS, _KNOWN, _MONITORING, _JOBS}, {"ministack"}),
}
# The project's interpreter imports these too, which has neither ministack nor what ministack needs.
ON_BOTH_SIDES = (
    *(
        "simulator.replay.answers",
        "simulator.models.identifiers",
        "simulator.models.known",
        "simulator.protocol.errors",
    ),
    *("simulator.settings.config", "simulator.settings.documents", "simulator.settings.state"),
    *("emulator.cloudwatch.metric_math.evaluator", "emulator.logs.insights.parser", "emulator.logs.filter_pattern"),
    *("emulator.cloudwatch.limits", "emulator.cloudwatch.alarm_state"),
)


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
    yield from (name.partition(".")[0] for name in imported_modules(path))


def imported_modules(path: Path) -> Iterator[str]:
    """The names of all modules that a file imports, and of what it imports from them."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


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


@pytest.mark.parametrize(
    "place", ["lambda", "configuration", "local", "ops", "tests/ops", "tests/local", "tests/support", "tests/system"]
)
def test_no_folder_holds_more_modules_than_one_can_overlook(place: str) -> None:
    counts = Counter(path.parent for path in sources(place) if path.name != "__init__.py")
    assert {folder: number for folder, number in counts.items() if number > MOST_MODULES} == {}


@pytest.mark.parametrize("place", EMULATOR_SIDE)
def test_what_runs_in_the_emulator_needs_nothing_of_the_project(place: str) -> None:
    allowed = {"local", "ministack", "time_machine", "boto3", "botocore", *sys.stdlib_module_names}
    assert {name for path in sources(place) for name in imported(path)} <= allowed


def packages_of_local() -> dict[str, list[Path]]:
    """The modules of each package of `local`, by the package's name without `local`."""
    found: dict[str, list[Path]] = {}
    for path in sources("local"):
        found.setdefault(".".join(path.parent.relative_to(ROOT / "local").parts), []).append(path)
    # A package of packages alone, as it has nothing to import.
    return {name: paths for name, paths in found.items() if any(path.read_text().count("import ") for path in paths)}


def local_package(name: str) -> str:
    """The package of `local` in which a module, or what is imported from it, lies."""
    parts = name.split(".")
    while not ROOT.joinpath(*parts).is_dir():
        parts.pop()
    return ".".join(parts[1:])


@pytest.mark.parametrize("package", LOCAL)
def test_a_package_of_local_imports_what_the_graph_says(package: str) -> None:
    packages, others = LOCAL[package]
    paths = packages_of_local()[package]
    names = {name for path in paths for name in imported_modules(path)}
    inner = {local_package(name) for name in names if name.partition(".")[0] == "local"}
    assert inner - {package} == packages
    outer = {name.partition(".")[0] for name in names} - {"local", *sys.stdlib_module_names}
    assert outer <= (others if package else ROOMS["local"][1] | ROOMS["local"][2])


def test_the_packages_of_local_are_all_named_and_have_no_cycle() -> None:
    assert set(LOCAL) == set(packages_of_local())
    assert list(TopologicalSorter({name: packages for name, (packages, _) in LOCAL.items()}).static_order())


@pytest.mark.parametrize("module", ON_BOTH_SIDES)
def test_what_both_interpreters_import_needs_the_standard_library_alone(module: str) -> None:
    seen: set[Path] = set()
    waiting = [ROOT.joinpath("local", *module.split(".")).with_suffix(".py")]
    while waiting:
        path = waiting.pop()
        seen.add(path)
        for name in imported_modules(path):
            first, *rest = name.split(".")
            assert first in {"local", *sys.stdlib_module_names}, f"{path.relative_to(ROOT)}: {name}"
            reached = [ROOT.joinpath("local", *each).with_suffix(".py") for each in (rest, rest[:-1])]
            waiting += [each for each in reached if each.is_file() and each not in seen]


def test_the_pure_core_reaches_nothing_outside() -> None:
    """No clock, no network, no files: whoever calls hands everything over."""
    reaching = {"socket", "subprocess", "time", "urllib", "http", "os", "pathlib", "random"}
    assert not {name for path in sources("lambda/bedrock_eval") for name in imported(path)} & reaching


def sub_package(module: str) -> str:
    """The longest of `SUB_PACKAGES` that a module lies in; none: the public constructs at the top."""
    parts = module.split(".")
    names = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((name for name in names if name in SUB_PACKAGES), "")


@pytest.mark.parametrize("package", SUB_PACKAGES)
def test_a_sub_package_of_the_constructs_imports_only_what_it_may(package: str) -> None:
    folder = ROOT / CONSTRUCTS / package.replace(".", "/")
    files = list(folder.glob("*.py"))
    assert files
    found = {
        (path.name, sub_package(str(node.module).removeprefix("bedrock_eval_cdk.")))
        for path in files
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("bedrock_eval_cdk")
    }
    assert not {(name, other) for name, other in found if other not in {package, *SUB_PACKAGES[package]}}


def test_every_folder_of_the_constructs_is_a_named_sub_package_without_cycle() -> None:
    folders = {path.parent for path in (ROOT / CONSTRUCTS).rglob("*.py")} - {ROOT / CONSTRUCTS}
    assert {path.relative_to(ROOT / CONSTRUCTS).as_posix().replace("/", ".") for path in folders} == set(SUB_PACKAGES)
    list(TopologicalSorter(SUB_PACKAGES).static_order())


def test_no_folder_of_the_constructs_is_flat() -> None:
    folders = {path.parent for place in (CONSTRUCTS, "stacks") for path in (ROOT / place).rglob("*.py")}
    sizes = {path.name: sum(each.name != "__init__.py" for each in path.glob("*.py")) for path in folders}
    assert {name for name, size in sizes.items() if size > MOST_MODULES} == set()


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


# The packages of configuration/, each with those that it may import. Modules at its top are for all of them.
CONFIGURATION: dict[str, set[str]] = {
    "configuration.document": set(),
    "configuration.schema.values": set(),
    "configuration.schema.evaluations": {"configuration.schema.values"},
    "configuration.schema": {
        *("configuration.document", "configuration.schema.evaluations", "configuration.schema.values"),
    },
    "configuration.resolve": {"configuration.schema", "configuration.schema.evaluations"},
    "configuration.loading.rules": {
        *("configuration.document", "configuration.resolve"),
        *("configuration.schema", "configuration.schema.evaluations", "configuration.schema.values"),
    },
    "configuration.loading": {
        *("configuration.document", "configuration.loading.rules"),
        *("configuration.schema", "configuration.schema.evaluations"),
    },
    "configuration.generate": {"configuration.document", "configuration.schema", "configuration.schema.values"},
}


def part_of_the_configuration(module: str) -> str:
    """The package of configuration/ that a module lies in, or is."""
    return next(
        (each for each in sorted(CONFIGURATION, key=len, reverse=True) if f"{module}.".startswith(f"{each}.")),
        "configuration",
    )


def modules_imported(path: Path) -> Iterator[str]:
    """Every name that a file imports, with the module it comes from."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("package", CONFIGURATION)
def test_a_package_of_the_configuration_imports_only_what_it_may(package: str) -> None:
    files = sorted((ROOT / package.replace(".", "/")).glob("*.py"))
    assert files, f"{package} holds no source"
    allowed = {package, "configuration", *CONFIGURATION[package]}
    strays = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in files
        for name in modules_imported(path)
        if name.startswith("configuration.") and part_of_the_configuration(name) not in allowed
    }
    assert not strays


def test_the_packages_of_the_configuration_have_no_cycle() -> None:
    """Each is stated behind all that it may import, and all of them are stated."""
    found = {
        path.parent.relative_to(ROOT).as_posix().replace("/", ".")
        for path in (ROOT / "configuration").rglob("__init__.py")
    }
    assert found == {"configuration", *CONFIGURATION}
    stated: set[str] = set()
    for package, may_import in CONFIGURATION.items():
        assert may_import <= stated, package
        stated.add(package)


def test_the_top_of_the_configuration_imports_no_package_of_it() -> None:
    names = {name for path in (ROOT / "configuration").glob("*.py") for name in modules_imported(path)}
    assert not {name for name in names if name.startswith("configuration")}
