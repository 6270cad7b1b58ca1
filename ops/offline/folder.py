"""The folder of an evaluation at this terminal: one run, laid out below it as below a run's prefix in the bucket.

A retry of its failed cases is a run of its own, in a folder below, named by its run id.
"""

import fcntl
import json
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from bedrock_eval.evaluation.definition import CustomDefinition
from bedrock_eval.layout import BaselineLayout, RunLayout
from bedrock_eval.names import is_run_id, retry_id
from bedrock_eval.results.summary import Summary
from bedrock_eval.runs.state import RunState
from bedrock_eval_runs.states import new_state, saved_state
from bedrock_eval_runs.store import Store, object_version
from ops.errors import OpsError
from ops.offline.contents import Contents, is_of_dataset
from ops.offline.disk import Disk
from ops.terminal.output import print_note

_LOCK = ".lock"
_LIMITED = ".dataset.jsonl"
_MAY_CHANGE = frozenset(
    {
        "concurrency",
        "read_timeout_seconds",
        "max_attempts",
        "patience_minutes",
        "failed_case_rounds",
        "tokens_per_minute",
    }
)
_SHOWN = 60


@dataclass(frozen=True)
class Order:
    """What the command line requests of a folder.

    Attributes:
        limit: how many cases of the dataset are used; None: all.
        retry_failed: retry the failed cases of the finished run that is there.
    """

    definition: CustomDefinition
    dataset: Path
    baseline: Path | None = None
    limit: int | None = None
    retry_failed: bool = False


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
    def state(self) -> RunState | None:
        return saved_state(self.store, self.layout)

    @property
    def answered(self) -> int:
        """Cases with an answer, from run.json."""
        state = self.state
        return 0 if state is None else sum(each.completed - each.failed for each in state.candidates.values())


@contextmanager
def opened(path: Path, order: Order, *, now: datetime) -> Iterator[Folder]:
    """The folder of this evaluation, made or found.

    Raises:
        OpsError: it holds something else, naming what differs, it is damaged, or another process works in it.
    """
    with _locked(path):
        mounts = {order.definition.dataset.key: _dataset(path, order)}
        if order.baseline is not None and order.definition.baseline is not None:
            mounts[BaselineLayout(order.definition.evaluation, order.definition.baseline).prefix] = order.baseline
        try:
            if order.retry_failed:
                yield _retry(path, order.definition, mounts=mounts, now=now)
            else:
                yield _folder(path, order.definition, mounts=mounts, now=now)
        except OSError as error:
            raise OpsError(f"--out {path}: {error.filename or path}: {error.strerror or error}") from None


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One process at a time works in a folder."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        lock = (path / _LOCK).open("a")
    except OSError as error:
        raise OpsError(f"--out {path}: {error.filename}: cannot be written: {error.strerror}") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OpsError(f"--out {path}: another process uses this folder") from None
        except OSError as error:
            raise OpsError(f"--out {path}: {_LOCK} cannot be locked: {error.strerror}") from None
        yield


def _dataset(path: Path, order: Order) -> Path:
    """The file of the cases: the dataset itself, or with a limit a copy of its beginning."""
    if order.limit is None:
        return order.dataset
    limited = path / _LIMITED
    left = order.limit
    try:
        with order.dataset.open("rb") as lines, limited.open("wb") as beginning:
            for line in lines:
                if left == 0:
                    break
                beginning.write(line)
                left -= bool(line.strip())
    except OSError as error:
        raise OpsError(f"{error.filename}: {error.strerror}") from None
    return limited


def _folder(path: Path, definition: CustomDefinition, *, mounts: Mapping[str, Path], now: datetime) -> Folder:
    contents = Contents(path)
    contents.check(now=now)
    begun = _begun(contents, definition, mounts=mounts, now=now)
    folder = _at(path, RunLayout(definition.evaluation, begun.run_id), mounts=mounts)
    if not folder.finished:
        folder.store.put(folder.layout.definition, json.dumps(definition.to_json()))
    return folder


def _at(path: Path, layout: RunLayout, *, mounts: Mapping[str, Path]) -> Folder:
    disk = Disk({layout.prefix: path, **mounts})
    return Folder(path, layout, Store(disk, "", append=disk.append))


def _begun(contents: Contents, definition: CustomDefinition, *, mounts: Mapping[str, Path], now: datetime) -> RunState:
    """Find the run that resumes in the folder; make a new one where no answer would be lost.

    Raises:
        OpsError: it has answers of another evaluation, or answers to unknown prompts.
    """
    if contents.empty:
        return contents.begin(definition.evaluation, now=now)
    begun, state = contents.definition, contents.state(definition.evaluation)
    if begun is not None and state is not None:
        differing = _difference(begun, definition) or _other_dataset(state, definition, mounts)
        if differing is None:
            return contents.without_damage(state)
    if not contents.worth_keeping:
        return contents.begin(definition.evaluation, now=now)
    if begun is None:
        raise OpsError(f"{contents.answers_without('definition.json')}; needed: that file, or another --out")
    differing = _difference(begun, definition)
    if differing is None and state is not None:
        differing = _other_dataset(state, definition, mounts)
    if differing is None and state is None and not is_of_dataset(contents.outcomes(), mounts[definition.dataset.key]):
        differing = f"run.json {contents.problem('run.json')}, and the answers are not to the cases of this dataset"
    if differing is not None:
        raise OpsError(f"--out {contents.path} holds another evaluation: {differing}, or another --out")
    return contents.rebuilt(definition.evaluation, now=now)


def _difference(begun: CustomDefinition, wanted: CustomDefinition) -> str | None:
    """Name what differs. Answers of two evaluations must not mix; concurrency and time limits change no answer."""
    there, here = _flat(begun.to_json()), _flat(wanted.to_json())
    differing = [
        key
        for key in {**there, **here}
        if there.get(key) != here.get(key) and key.rpartition(".")[2] not in _MAY_CHANGE
    ]
    if not differing:
        return None
    shown = "; ".join(f"{key} is {_shown(there.get(key))} there, {_shown(here.get(key))} here" for key in differing[:5])
    more = f"; and {len(differing) - 5} more" if len(differing) > 5 else ""
    return f"{shown}{more}; needed: the same options"


def _other_dataset(state: RunState, definition: CustomDefinition, mounts: Mapping[str, Path]) -> str | None:
    """Also of a finished run: its answer must not pass for one of the changed dataset."""
    now = object_version(Disk(mounts), bucket="", key=definition.dataset.key)
    if state.dataset_etag in (None, now.etag):
        return None
    return f"{definition.dataset.name} has changed since; needed: the file as it was"


def _retry(path: Path, definition: CustomDefinition, *, mounts: Mapping[str, Path], now: datetime) -> Folder:
    """Find the retry below: one that has begun, else a new one of the newest finished run.

    Raises:
        OpsError: nothing there is finished, or it is another evaluation.
    """
    runs = [path, *sorted((each for each in path.iterdir() if _is_retry(each)), key=_age)]
    finished = [each for each in runs if (each / "summary.json").is_file()]
    if not finished or finished[0] != path:
        raise OpsError(
            f"--retry-failed: {path} has no finished evaluation; the same command without it resumes the run, "
            "and retries its failed cases"
        )
    source = _folder(path, definition, mounts=mounts, now=now)
    if not source.finished:
        return source
    if runs[-1] not in finished:
        return _retried(runs[-1], definition, source, mounts=mounts, now=now)
    if runs[-1] != path:
        source = _retried(runs[-1], definition, source, mounts=mounts, now=now)
    if not _has_failed(Contents(source.path).summary):
        print_note(f"{source.path}: no case has failed")
        return source
    identifier = retry_id(source.layout.run_id, mark=secrets.token_hex(2))
    below = path / identifier
    below.mkdir()
    wanted = replace(definition, retry_of=source.layout.run_id)
    made = _at(
        below, RunLayout(definition.evaluation, identifier), mounts={source.layout.prefix: source.path, **mounts}
    )
    made.store.put(made.layout.state, new_state(made.layout, now=now).to_json())
    made.store.put(made.layout.definition, json.dumps(wanted.to_json()))
    return made


def _retried(
    below: Path, definition: CustomDefinition, first: Folder, *, mounts: Mapping[str, Path], now: datetime
) -> Folder:
    """Resume a retry."""
    contents = Contents(below)
    contents.check(now=now)
    begun = contents.definition
    if begun is None or begun.retry_of is None:
        raise OpsError(f"{contents.answers_without('definition.json')}; needed: that file, or another --out")
    of = first.path if begun.retry_of == first.layout.run_id else first.path / begun.retry_of
    wanted = replace(definition, retry_of=begun.retry_of)
    source = RunLayout(definition.evaluation, begun.retry_of)
    return _folder(below, wanted, mounts={source.prefix: of, **mounts}, now=now)


def _is_retry(path: Path) -> bool:
    return path.is_dir() and "-retry-" in path.name and is_run_id(path.name)


def _age(path: Path) -> float:
    """By when it was begun: run.json is written over, definition.json is not."""
    begun = path / "definition.json"
    return (begun if begun.exists() else path).stat().st_mtime


def _has_failed(summary: Summary | None) -> bool:
    return summary is None or any(candidate.failed for candidate in summary.candidates)


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
