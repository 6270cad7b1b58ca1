"""A deployed custom evaluation."""

import pytest

from tests.support.runs.custom import World


@pytest.fixture
def world() -> World:
    """Deployed, with three cases, of which the last has no reference."""
    made = World()
    made.deploy()
    made.dataset(
        {"id": "a", "prompt": "alpha", "referenceResponse": "to alpha"},
        {"id": "b", "prompt": "beta", "referenceResponse": "something else", "category": "odd"},
        {"id": "c", "prompt": "gamma"},
    )
    return made
