"""The operator of a deployed environment: `python -m ops` as a process, with the emulator's credentials."""

import os
import subprocess
import sys

from local.deployment import ENVIRONMENT
from tests.support.frozen import ENVIRONMENTS
from tests.support.local.deployment import Stack
from tests.support.paths import ROOT


def credentials(stack: Stack) -> dict[str, str]:
    """The variables of an operator's AWS clients, without the emulator's address, which is an option here."""
    given = stack.deployment.endpoint.environment
    return {key: value for key, value in given.items() if key.startswith("AWS_") and key != "AWS_ENDPOINT_URL"}


def ops(stack: Stack, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`python -m ops` in a process of its own, on the frozen files and with the emulator's credentials."""
    return subprocess.run(
        [sys.executable, "-m", "ops", *arguments, "--env", ENVIRONMENT, "--environments", str(ENVIRONMENTS)],
        cwd=ROOT,
        env={**os.environ, **credentials(stack)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
