"""A plugin that runs tests in another order, to show that they do not depend on it.

    TEST_ORDER=reverse python -m pytest -p tests.support.order tests/unit

TEST_ORDER is `reverse`, `reverse-files` (the tests of a file keep their order) or `random-N` for a seed N.
"""

import os
import random

import pytest

VARIABLE = "TEST_ORDER"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests into the order that the variable names."""
    order = os.environ.get(VARIABLE, "")
    kind, _, seed = order.partition("-")
    if order == "reverse":
        items.reverse()
    elif order == "reverse-files":
        files = list(dict.fromkeys(item.path for item in items))
        items.sort(key=lambda item: -files.index(item.path))
    elif kind == "random" and seed.isdecimal():
        random.Random(int(seed)).shuffle(items)
    else:
        raise pytest.UsageError(f"{VARIABLE}={order}: allowed: reverse, reverse-files, random-N")
