"""Which of many single cases a page shows: in turns, so that none crowds the others out, and never too many."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import TypeVar

from bedrock_eval.report.html.markup import Markup

MAX_BYTES = 450_000
MAX_CASES = 60

T = TypeVar("T")


def in_turns(
    items: Iterable[T], *, queue: Callable[[T], Hashable], key: Callable[[T], Hashable]
) -> list[tuple[T, ...]]:
    """Items of one key together and once, in turns over the queues, each in its own order."""
    queues: defaultdict[Hashable, list[T]] = defaultdict(list)
    together: defaultdict[Hashable, list[T]] = defaultdict(list)
    for item in items:
        queues[queue(item)].append(item)
        together[key(item)].append(item)
    rounds = max((len(waiting) for waiting in queues.values()), default=0)
    turns = (waiting[turn] for turn in range(rounds) for waiting in queues.values() if turn < len(waiting))
    return [tuple(together[each]) for each in dict.fromkeys(key(item) for item in turns)]


def shown(found: Sequence[T], block: Callable[[T, bool], Markup]) -> Iterator[tuple[T, Markup]]:
    """As many as MAX_CASES and MAX_BYTES allow, each with its block; the first, told by the flag, whatever its size."""
    size = 0
    for index, item in enumerate(found[:MAX_CASES]):
        made = block(item, index == 0)
        size += len(made.encode())
        if size > MAX_BYTES and index:
            return
        yield item, made
