"""One emulator and one deployment by the real CDK CLI for the whole session."""

from collections.abc import Iterator

import pytest

from tests.support.local.deployment import Stack, deployed


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with deployed(tmp_path_factory.mktemp("system")) as found:
        yield found


@pytest.fixture(autouse=True)
def _clean_simulator(request: pytest.FixtureRequest) -> None:
    """Each test begins without faults and with an empty record of calls."""
    if "stack" in request.fixturenames:
        stack: Stack = request.getfixturevalue("stack")
        stack.simulator("PUT", "config", {"faults": {}})
        stack.simulator("DELETE", "calls")
