"""`make up`: a deployment that keeps running, and that the next `make up` brings up to date."""

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from local.alone import alone
from local.deployment import ENVIRONMENT, ROOT, DeploymentError
from local.process import Endpoint, answering_endpoint, detached_mark, stop_detached

Deploy = Callable[[Endpoint], object]

# The inputs of a synthesis of `local`.
_INPUTS = (
    *("app.py", "cdk.json", "configuration", "constraints.txt"),
    *("constructs", "datasets", "environments", "lambda", "stacks"),
)
_READ = {".json", ".jsonl", ".py", ".txt", ".yaml"}


@dataclass(frozen=True)
class _Deployed:
    """The deployment on an emulator; `inputs` is empty while it changes."""

    emulator: str
    inputs: str


def up(directory: Path, *, start: Callable[[], Endpoint], deploy: Deploy) -> Endpoint:
    """Start an emulator and deploy, or bring the existing deployment up to date.

    Raises:
        BusyError: another `make up` is running.
        DeploymentError: the update failed, or the first deployment failed and its emulator was stopped.
    """
    with alone(directory, command="make up"):
        endpoint, existing = answering_endpoint(directory=directory), _read(directory)
        inputs = digest(ROOT)
        if existing is None or endpoint is None or existing.emulator != detached_mark(directory=directory):
            if stop_detached(directory=directory):
                print("The previous `make up` did not finish. Starting over.")
            return _begin(directory, start=start, deploy=deploy, inputs=inputs)
        if existing.inputs == inputs:
            print("Already running and up to date.")
        else:
            _change(directory, endpoint, deploy=deploy, inputs=inputs)
        return endpoint


def down(directory: Path) -> bool:
    """Stop the emulator that `up` started; False when none was running."""
    (directory / "deployed.json").unlink(missing_ok=True)
    return stop_detached(directory=directory)


def digest(root: Path) -> str:
    """A hash of every file that decides the deployment."""
    found = hashlib.sha256()
    for path in _files(root):
        found.update(f"{path.relative_to(root).as_posix()}\0".encode())
        found.update(hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()


def _files(root: Path) -> Iterator[Path]:
    for name in _INPUTS:
        top = root / name
        within = sorted(top.rglob("*")) if top.is_dir() else [top]
        yield from (
            path for path in within if path.suffix in _READ and path.is_file() and not _of_another_environment(path)
        )


def _of_another_environment(path: Path) -> bool:
    """Say whether this is the file of an environment that is not deployed here."""
    return path.parent.name == "environments" and path.suffix == ".yaml" and path.stem != ENVIRONMENT


def _begin(directory: Path, *, start: Callable[[], Endpoint], deploy: Deploy, inputs: str) -> Endpoint:
    (directory / "deployed.json").unlink(missing_ok=True)
    endpoint = start()
    try:
        deploy(endpoint)
    except BaseException:
        stop_detached(directory=directory)
        raise
    _write(directory, inputs)
    return endpoint


def _change(directory: Path, endpoint: Endpoint, *, deploy: Deploy, inputs: str) -> None:
    print("Already running. Files have changed since the last deployment.")
    _write(directory, "")
    try:
        deploy(endpoint)
    except DeploymentError as error:
        again = "The emulator is still running. Fix the error and run `make up` again, or start over with: make down up"
        raise DeploymentError(f"{error}\n{again}") from None
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            "stopped; the emulator is still running, and the next `make up` deploys again"
        ) from None
    _write(directory, inputs)


def _read(directory: Path) -> _Deployed | None:
    with suppress(OSError, ValueError, TypeError):
        return _Deployed(**json.loads((directory / "deployed.json").read_text()))
    return None


def _write(directory: Path, inputs: str) -> None:
    deployed = _Deployed(detached_mark(directory=directory) or "", inputs)
    (directory / "deployed.json").write_text(json.dumps(asdict(deployed)))
