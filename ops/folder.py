"""The folder of an evaluation at this terminal: one run, laid out below it as below a run's prefix in the bucket."""

import fcntl
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from bedrock_eval.codec import DecodeError
from bedrock_eval.definition import Definition, read_definition
from bedrock_eval.layout import BaselineLayout, RunLayout
from bedrock_eval.names import run_id
from custom_evaluator.slices import new_state, saved_state
from custom_evaluator.store import Store, object_version
from ops.disk import Disk
from ops.errors import OpsError

OWNER = "terminal"
"""Holds the run's lock, whichever process it is: the folder's own lock lets one in at a time."""

_LOCK = ".lock"
_MAY_CHANGE = frozenset(
    {"concurrency", "read_timeout_seconds", "max_attempts", "patience_minutes", "failed_case_rounds"}
)
_SHOWN = 60


@dataclass(frozen=True)
class Folder:
    """A folder that this process works in."""

    path: Path
    layout: RunLayout
    store: Store

    @property
    def finished(self) -> bool:
        return self.store.exists(self.layout.summary)

    @property
    def answered(self) -> int:
        """As run.json has it."""
        state = saved_state(self.store, self.layout)
        return 0 if state is None else state.completed


@contextmanager
def opened(
    path: Path, definition: Definition, *, dataset: Path, baseline: Path | None, now: datetime
) -> Iterator[Folder]:
    """The folder of this evaluation, made or found.

    Raises:
        OpsError: it holds something else, naming what differs, or another process works in it.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        lock = (path / _LOCK).open("a")
    except OSError as error:
        raise OpsError(f"--out {path}: cannot be written: {error.strerror}") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise OpsError(f"--out {path}: another process evaluates there") from None
        mounts = {definition.dataset.key: dataset}
        if baseline is not None and definition.baseline is not None:
            mounts[BaselineLayout(definition.evaluation, definition.baseline).prefix] = baseline
        yield _folder(path, definition, mounts=mounts, now=now)


def _folder(path: Path, definition: Definition, *, mounts: Mapping[str, Path], now: datetime) -> Folder:
    layout = RunLayout(definition.evaluation, _run_id(path) or run_id(now))
    disk = Disk({layout.prefix: path, **mounts})
    store = Store(disk, "", append=disk.append)
    if saved_state(store, layout) is None:
        strays = sorted(each.name for each in path.iterdir() if each.name != _LOCK)
        if strays:
            raise OpsError(f"--out {path}: holds {strays[0]} and no evaluation; needed: a new or empty folder")
        # First, because it has the run id that everything else is found by.
        store.put(layout.state, new_state(layout, now=now).to_json())
    begun = store.read(layout.definition)
    if begun is not None:
        _check_same(path, _decoded(path, begun.body), definition)
        _check_dataset(path, store, layout, definition)
    store.put(layout.definition, json.dumps(definition.to_json()))
    return Folder(path, layout, store)


def _run_id(path: Path) -> str | None:
    try:
        return str(json.loads((path / "run.json").read_bytes())["run_id"])
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _decoded(path: Path, body: bytes) -> Definition:
    try:
        return read_definition(body)
    except DecodeError as error:
        raise OpsError(f"--out {path}: definition.json cannot be read: {error}") from None


def _check_same(path: Path, begun: Definition, wanted: Definition) -> None:
    """Answers of two evaluations must not mix; how many are asked at once changes none of them."""
    there, here = _flat(begun.to_json()), _flat(wanted.to_json())
    differing = [key for key in {**there, **here} if there.get(key) != here.get(key) and key not in _MAY_CHANGE]
    if not differing:
        return
    told = "; ".join(f"{key} is {_shown(there.get(key))} there, {_shown(here.get(key))} here" for key in differing[:5])
    more = f"; and {len(differing) - 5} more" if len(differing) > 5 else ""
    raise OpsError(f"--out {path} holds another evaluation: {told}{more}; needed: the same options, or another --out")


def _check_dataset(path: Path, store: Store, layout: RunLayout, definition: Definition) -> None:
    """Also of a finished run: its answer must not pass for one of the changed dataset."""
    state = saved_state(store, layout)
    now = object_version(store.client, bucket="", key=definition.dataset.key)
    if state is not None and state.dataset_etag not in (None, now.etag):
        raise OpsError(
            f"--out {path} holds another evaluation: {definition.dataset.name} has changed since; needed: another --out"
        )


def _flat(value: Any, path: str = "") -> dict[str, Any]:
    """Every single value by its path, as `candidates[0].system`."""
    if isinstance(value, Mapping):
        pairs = [(f"{path}.{key}".removeprefix("."), item) for key, item in value.items()]
    elif isinstance(value, list):
        pairs = [(f"{path}[{index}]", item) for index, item in enumerate(value)]
    else:
        return {path: value}
    return {key: found for name, item in pairs for key, found in _flat(item, name).items()}


def _shown(value: object) -> str:
    text = "not given" if value is None else json.dumps(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
