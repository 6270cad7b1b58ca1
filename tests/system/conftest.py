"""Deployments by the real CDK CLI, each on an emulator of its own."""

from collections.abc import Iterator

import pytest

from tests.support.local.deployment import Deployments, Stack, deployed


@pytest.fixture(scope="session")
def deployments(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployments]:
    made = Deployments(lambda: deployed(tmp_path_factory.mktemp("system")))
    yield made
    made.close()


@pytest.fixture(scope="module")
def stack(deployments: Deployments) -> Stack:
    """The deployment of a file; one that needs more than any deployment says so with a fixture of this name."""
    found = deployments.shared()
    found.reset_simulator()
    return found


@pytest.fixture(autouse=True)
def _reset_simulator(request: pytest.FixtureRequest) -> None:
    """Each test begins without faults and with an empty record of calls."""
    if "stack" in request.fixturenames:
        stack: Stack = request.getfixturevalue("stack")
        stack.reset_simulator()
