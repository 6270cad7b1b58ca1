"""Commands of the real CDK CLI against the emulator: synthesize, bootstrap, deploy, destroy."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bedrock_eval.errors import UserError
from local.process import ACCOUNT, REGION, Endpoint

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = "local"
ENVIRONMENTS = ROOT / "environments"

_CDK = ROOT / "node_modules" / ".bin" / "cdk"
_QUIET = ("--no-notices", "--no-color")


class DeploymentError(UserError):
    """A CDK command failed; the message holds the end of what it printed."""


@dataclass(frozen=True)
class Deployment:
    """The deployed `local` environment: where the emulator listens, and the outputs of all stacks by name."""

    endpoint: Endpoint
    outputs: Mapping[str, str]


def deploy(endpoint: Endpoint, *, directory: Path, context: Mapping[str, str] | None = None) -> Deployment:
    """Synthesize into `directory`/cdk.out while the emulator is bootstrapped, and deploy.

    Raises:
        DeploymentError: a CDK command failed.
    """
    assembly, outputs = directory / "cdk.out", directory / "outputs.json"
    with ThreadPoolExecutor(1) as pool:
        # In an empty folder: where there is a cdk.json, the CLI would synthesize the app first.
        empty = directory / "bootstrap"
        empty.mkdir(parents=True, exist_ok=True)
        bootstrap = pool.submit(run_cdk, ["bootstrap", f"aws://{ACCOUNT}/{REGION}"], endpoint=endpoint, folder=empty)
        synthesize(assembly, endpoint=endpoint, context=context or {})
        bootstrap.result()
    unattended = ("--require-approval", "never", "--concurrency", "4", "--outputs-file", str(outputs))
    run_cdk(["deploy", f"{ENVIRONMENT}/*", "--app", str(assembly), *unattended], endpoint=endpoint)
    by_stack: dict[str, dict[str, str]] = json.loads(outputs.read_text())
    return Deployment(endpoint, {key: value for found in by_stack.values() for key, value in found.items()})


def synthesize(assembly: Path, *, endpoint: Endpoint, context: Mapping[str, str]) -> None:
    """Run `cdk synth` of the local environment into `assembly`."""
    settings = {"environments": ENVIRONMENT, **context}
    flags = [part for key, value in settings.items() for part in ("--context", f"{key}={value}")]
    run_cdk(["synth", "--quiet", "--output", str(assembly), *flags], endpoint=endpoint)


def destroy(endpoint: Endpoint, *, directory: Path) -> None:
    """Run `cdk destroy` of the stacks that `deploy` made."""
    run_cdk(["destroy", f"{ENVIRONMENT}/*", "--force", "--app", str(directory / "cdk.out")], endpoint=endpoint)


def run_cdk(arguments: Sequence[str], *, endpoint: Endpoint, folder: Path = ROOT) -> str:
    """Run one CDK command and give what it printed.

    Raises:
        DeploymentError: the command failed.
    """
    environment = {**os.environ, **endpoint.environment}
    # The app runs in this interpreter's environment, with the Node that is installed beside it.
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environment.get("PATH", os.defpath)])
    # The library's check of the templates costs seconds; the infrastructure tests make it.
    environment.setdefault("CDK_VALIDATION", "false")
    # jsii would unpack its runtime again in every private HOME.
    environment.setdefault("JSII_RUNTIME_PACKAGE_CACHE_ROOT", str(_jsii_cache()))
    code, printed = _run([str(_CDK), *arguments, *_QUIET], folder=folder, environment=environment)
    if code:
        end = "\n".join(printed.strip().splitlines()[-40:])
        raise DeploymentError(f"cdk {arguments[0]} failed:\n{end}")
    return printed


def _run(command: Sequence[str], *, folder: Path, environment: Mapping[str, str]) -> tuple[int, str]:
    """Run a command in a process group of its own, which Ctrl-C here ends; gives exit code and output."""
    with subprocess.Popen(
        command,
        cwd=folder,
        env=dict(environment),
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as process:
        try:
            printed, _ = process.communicate()
        except BaseException:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise
    return process.returncode, printed


def _jsii_cache() -> Path:
    return Path.home() / ".cache" / "aws" / "jsii" / "package-cache"
