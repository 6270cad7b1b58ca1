"""One emulator for all contract tests of the overlay."""

from collections.abc import Callable, Iterator

import pytest

from local.process import Endpoint, running_emulator
from tests.support.local.emulator import Clients, Deploy, clients_of, deploy_of, functions_of
from tests.support.paths import EMULATOR


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    with running_emulator(interpreter=EMULATOR, directory=tmp_path_factory.mktemp("emulator")) as endpoint:
        yield endpoint


@pytest.fixture(scope="session")
def clients(emulator: Endpoint) -> Clients:
    return clients_of(emulator)


@pytest.fixture(scope="session")
def deploy(clients: Clients) -> Deploy:
    return deploy_of(clients)


@pytest.fixture(scope="session")
def function(clients: Clients) -> Callable[..., str]:
    """Create a Python function from source; returns its ARN."""
    return functions_of(clients)
