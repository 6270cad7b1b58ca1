"""The lock on a run, and the rule that two runs of one evaluation do not overlap."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from bedrock_eval.codec import DecodeError
from bedrock_eval.layout import RunLayout, evaluation_prefix
from bedrock_eval.runs import Lock, claim, read_lock, timestamp
from custom_evaluator.store import Store

_TRIES = 3
_NEIGHBOURS = 20


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
    raise RuntimeError(f"{layout.lock}: changed at each of {_TRIES} attempts to take it")


def release(store: Store, layout: RunLayout, *, owner: str | None, now: datetime) -> None:
    """End the lease if it is `owner`'s; with None whoever's it is."""
    standing, etag = _standing(store, layout)
    if standing is not None and etag is not None and standing.live(now) and owner in (None, standing.owner):
        store.replace(layout.lock, standing.released(now).to_json(), etag=etag)


def holder(store: Store, layout: RunLayout, *, now: datetime) -> str | None:
    """The owner of a live lock on the run."""
    standing, _ = _standing(store, layout)
    return standing.owner if standing is not None and standing.live(now) else None


def earlier_run(store: Store, layout: RunLayout, lock: Lock, *, now: datetime) -> str | None:
    """The run of the same evaluation that works already and began before `lock` was taken.

    Both of two runs that begin at once look after they have locked, so at least one sees the other; the order of the
    locks decides which gives way.
    """
    return next(
        (other.run_id for other in _neighbours(store, layout) if other.live(now) and other.precedes(lock)), None
    )


def _neighbours(store: Store, layout: RunLayout) -> Iterator[Lock]:
    runs = sorted(store.folders(evaluation_prefix(layout.evaluation)), reverse=True)
    others = (run for run in runs if run != layout.run_id)
    for run in islice(others, _NEIGHBOURS):
        lock, _ = _standing(store, RunLayout(layout.evaluation, run))
        if lock is not None:
            yield lock


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
