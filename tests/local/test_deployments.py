"""The deployments that files of system tests share: no file meets what it does not expect, in any order."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.support.local.deployment import Deployments


class Made:
    """Numbers in the place of deployments, and which are stopped."""

    def __init__(self) -> None:
        self.number = 0
        self.stopped: list[int] = []

    @contextmanager
    def make(self) -> Iterator[Any]:
        self.number += 1
        number = self.number
        yield number
        self.stopped.append(number)


def test_files_share_one_until_a_file_takes_it() -> None:
    made = Made()
    deployments = Deployments(made.make)
    assert [deployments.shared(), deployments.shared(), deployments.taken(), deployments.shared()] == [1, 1, 1, 2]
    deployments.close()
    assert sorted(made.stopped) == [1, 2]


def test_an_untouched_one_was_used_by_no_file_before_and_is_shared_afterwards() -> None:
    deployments = Deployments(Made().make)
    assert deployments.shared() == 1
    assert (deployments.untouched(), deployments.shared()) == (2, 2)


def test_in_the_usual_order_one_is_enough() -> None:
    made = Made()
    deployments = Deployments(made.make)
    assert [deployments.untouched(), deployments.shared(), deployments.taken()] == [1, 1, 1]
    assert made.number == 1
