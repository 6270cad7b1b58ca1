"""The lock on a run, and the rule that two runs of one evaluation do not overlap."""

import json
from dataclasses import dataclass
from datetime import datetime

from bedrock_eval.codec import DecodeError
from bedrock_eval.layout import SCHEMA_VERSION, RunLayout, at_work_key
from bedrock_eval.names import is_run_id
from bedrock_eval.runs.state import Lock, claim, read_lock, timestamp
from bedrock_eval_runs.errors import PassingError
from bedrock_eval_runs.store import Store, Stored

_TRIES = 10


@dataclass(frozen=True)
class Holding:
    """What came of asking for the lock: ours (`fresh`: since now), or whose it is."""

    lock: Lock
    ours: bool
    fresh: bool = False


def acquire(store: Store, layout: RunLayout, *, owner: str, now: datetime, deadline: datetime) -> Holding:
    """Take, renew or take over the lock of a run, or learn who has it."""
    for _ in range(_TRIES):
        standing, etag = _standing(store, layout)
        wanted = claim(standing, owner=owner, run_id=layout.run_id, now=now, deadline=deadline)
        if wanted is None and standing is not None:
            return Holding(standing, ours=False)
        if wanted is not None and _write(store, layout, wanted, etag=etag):
            return Holding(wanted, ours=True, fresh=wanted.acquired_at == timestamp(now))
    raise PassingError(f"{layout.lock}: changed at each of {_TRIES} attempts to take it")


def release(store: Store, layout: RunLayout, *, owner: str | None, now: datetime) -> None:
    """End the lease if it is `owner`'s; with None whoever's it is."""
    standing, etag = _standing(store, layout)
    if standing is not None and etag is not None and standing.live(now) and owner in (None, standing.owner):
        store.replace(layout.lock, standing.released(now).to_json(), etag=etag)


def holder(store: Store, layout: RunLayout, *, now: datetime) -> str | None:
    """The owner of a live lock on the run."""
    standing, _ = _standing(store, layout)
    return standing.owner if standing is not None and standing.live(now) else None


def run_at_work(store: Store, layout: RunLayout, *, now: datetime) -> str | None:
    """Another run of the same evaluation that works already; with none, this one is entered as the one at work.

    Whoever has locked its run enters it over exactly what it has read, so of two that begin at once one sees the other.
    """
    for _ in range(_TRIES):
        stored = store.read(at_work_key(layout.evaluation))
        other = _at_work(stored)
        if other is not None and other != layout.run_id and holder(store, RunLayout(layout.evaluation, other), now=now):
            return other
        if _entered(store, layout, stored):
            return None
    raise PassingError(f"{at_work_key(layout.evaluation)}: changed at each of {_TRIES} attempts to enter a run")


def _entered(store: Store, layout: RunLayout, stored: Stored | None) -> bool:
    key = at_work_key(layout.evaluation)
    body = json.dumps({"run": layout.run_id, "schema_version": SCHEMA_VERSION})
    return store.create(key, body) if stored is None else store.replace(key, body, etag=stored.etag)


def _at_work(stored: Stored | None) -> str | None:
    """The run that was entered last; a file that cannot be read names none."""
    try:
        run = None if stored is None else json.loads(stored.body)["run"]
    except (KeyError, TypeError, ValueError):
        return None
    return run if isinstance(run, str) and is_run_id(run) else None


def _standing(store: Store, layout: RunLayout) -> tuple[Lock | None, str | None]:
    """The lock that stands there and its ETag; one that cannot be read counts as ended."""
    stored = store.read(layout.lock)
    if stored is None:
        return None, None
    try:
        return read_lock(stored.body), stored.etag
    except DecodeError:
        return None, stored.etag


def _write(store: Store, layout: RunLayout, lock: Lock, *, etag: str | None) -> bool:
    if etag is None:
        return store.create(layout.lock, lock.to_json())
    return store.replace(layout.lock, lock.to_json(), etag=etag)
