"""No test depends on what users edit: reading environments/*.yaml or datasets/ fails it, unless it is about those."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

_ROOT = Path(__file__).resolve().parents[1]
_EDITED = (str(_ROOT / "environments") + os.sep, str(_ROOT / "datasets") + os.sep)
_opened: set[str] = set()


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open" and isinstance(arguments[0], (str, os.PathLike)):
        path = os.fspath(arguments[0])
        edited = isinstance(path, str) and path.startswith(_EDITED) and path.endswith((".yaml", ".jsonl"))
        if edited and Path(path).exists():
            _opened.add(path)


sys.addaudithook(_watch)


def pytest_configure() -> None:
    """A shell ignores these signals for what it starts in the background; the commands under test would too."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """After the test itself, so that its own failure is told first."""
    yield
    if _opened and item.get_closest_marker("edited_files") is None:
        pytest.fail(
            f"reads {', '.join(sorted(_opened))}, which users edit; tests/support/frozen.py has copies", pytrace=False
        )


def pytest_runtest_teardown() -> None:
    _opened.clear()
