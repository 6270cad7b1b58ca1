"""Regular expressions of users, searched in a time that grows with the length of the text and with nothing else.

Python's re goes back and tries again: on sixty letters `(a|aa)+$` outlasts everybody, cannot be interrupted and holds
up every thread. Here all ways through a pattern are followed at once (Thompson 1968; Cox 2007, Regular expression
matching can be simple and fast), and the sets of places reached are remembered. Only whether there is a match is asked
for, so that greedy and lazy repeats are the same.

Syntax and meaning are those of re: its own parser reads the pattern, its own engine decides on single characters and on
places like `^` and `\\b`. Refused is what such sets cannot decide: references to groups, and groups and repeats that do
not go back (atomic, possessive).
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from importlib import import_module
from typing import Any

from bedrock_eval.errors import UserError

# What re itself is made of; it has no public names, and a parser of our own would read some pattern otherwise.
_parser: Any = import_module("re._parser")
_compiler: Any = import_module("re._compiler")
_ops: Any = import_module("re._constants")

MOST_PLACES = 50_000
"""Of a pattern, a few for each of its characters; what repeats counts as often as it may repeat."""
_MOST_WORK = 1_000_000
"""Places looked at in one text, some seconds; what has been remembered costs nothing."""
_MOST_REMEMBERED = 500_000

_OTHER_KIND_OF_FLAG = re.ASCII | re.LOCALE | re.UNICODE

_REFUSED: Mapping[Any, str] = {
    _ops.GROUPREF: "a reference to a group",
    _ops.GROUPREF_EXISTS: "a condition on a group",
    _ops.ATOMIC_GROUP: "an atomic group (?>...)",
    _ops.POSSESSIVE_REPEAT: "a possessive repeat such as ++",
}

_Truths = bytearray
"""1 at each place of a text (before its first character, ..., behind its last) where a condition holds."""
_TOO_LARGE = "the pattern repeats too much; allowed: some ten thousand characters, counted as often as they may repeat"


class PatternError(UserError, ValueError):
    """A pattern that cannot be searched for; the message says why."""


class TooSlowError(Exception):
    """A text that takes a pattern longer than a run should wait."""


class _Work:
    """How much a search may still do."""

    def __init__(self) -> None:
        self._left = _MOST_WORK

    def spend(self, places: int) -> None:
        self._left -= places
        if self._left < 0:
            raise TooSlowError


class Pattern:
    """A pattern that can be searched for, from any thread.

    Raises:
        PatternError: it is no regular expression, or one that is refused here.
    """

    def __init__(self, pattern: str) -> None:
        try:
            re.compile(pattern)
            tree = _parser.parse(pattern)
            self._automaton = _Automaton(tree, tree.state.flags, backward=False)
        except (re.error, OverflowError) as error:
            raise PatternError(f"{pattern!r} is no regular expression: {error}") from None
        except RecursionError:
            raise PatternError(f"{pattern[:60]!r}... is nested too deeply") from None

    def found_in(self, text: str) -> bool:
        """Whether it matches somewhere.

        Raises:
            TooSlowError: that takes too long to tell.
        """
        return next(self._automaton.places(text, _Work()), None) is not None


@lru_cache(maxsize=64)
def pattern_of(text: str) -> Pattern:
    """The pattern, made once.

    Raises:
        PatternError: as Pattern.
    """
    return Pattern(text)


class _Reached(dict[int, "_Ways"]):
    """A set of places in the pattern, before conditions are looked at; what it becomes under each outcome of them."""

    def __init__(self, places: frozenset[int]) -> None:
        super().__init__()
        self.places = places


class _Ways:
    """Where a character may lead on from, and whether the whole pattern has matched already."""

    __slots__ = ("matched", "onward", "places")

    def __init__(self, places: Sequence[int], *, matched: bool) -> None:
        self.places = places
        self.matched = matched
        self.onward: dict[str, _Reached] = {}


class _Automaton:
    """A pattern as places and the ways between them.

    Args:
        backward: read from the end of a text to its beginning, for what stands behind a place.
    """

    def __init__(self, tree: Any, flags: int, *, backward: bool) -> None:
        self._backward = backward
        self._tests: list[Callable[[str], Any] | None] = []
        self._targets: list[int] = []
        self._jumps: list[list[tuple[int | None, int]]] = []
        self._conditions: list[_Condition] = []
        self._known_conditions: dict[object, int] = {}
        self._known_tests: dict[object, re.Pattern[str]] = {}
        self._copies = 0
        self._end = self._jump()
        self._start = self._sequence(tree, self._end, flags)
        self._known: dict[frozenset[int], _Reached] = {}
        self._remembered = 0

    def places(self, text: str, work: _Work) -> Iterator[int]:
        """Every place of the text where a match ends, or backward begins, wherever its other end is."""
        truths = [condition.truths(text, work) for condition in self._conditions]
        reached = self._reached(frozenset((self._start,)))
        for place in range(len(text), -1, -1) if self._backward else range(len(text) + 1):
            holding = sum(truth[place] << bit for bit, truth in enumerate(truths)) if truths else 0
            ways = reached.get(holding)
            if ways is None:
                ways = self._ways(reached, holding, work)
            if ways.matched:
                yield place
            character = text[place - 1 : place] if self._backward else text[place : place + 1]
            following = ways.onward.get(character)
            reached = self._onward(ways, character, work) if following is None else following

    def _reached(self, places: frozenset[int]) -> _Reached:
        if self._remembered > _MOST_REMEMBERED:
            # Another thread goes on with the old one.
            self._known, self._remembered = {}, 0
        found = self._known.get(places)
        if found is None:
            found = self._known[places] = _Reached(places)
            self._remembered += len(places)
        return found

    def _ways(self, reached: _Reached, holding: int, work: _Work) -> _Ways:
        """Follow every jump whose condition holds."""
        seen, left = set(reached.places), list(reached.places)
        while left:
            for condition, target in self._jumps[left.pop()]:
                if target not in seen and (condition is None or holding >> condition & 1):
                    seen.add(target)
                    left.append(target)
        work.spend(len(seen))
        places = [place for place in seen if self._tests[place] is not None]
        ways = reached[holding] = _Ways(places, matched=self._end in seen)
        self._remembered += len(places)
        return ways

    def _onward(self, ways: _Ways, character: str, work: _Work) -> _Reached:
        """Where the character leads; the search begins anew at every place of the text."""
        work.spend(len(ways.places))
        led = {self._targets[place] for place in ways.places if character and self._passes(place, character)}
        found = ways.onward[character] = self._reached(frozenset((*led, self._start)))
        self._remembered += 1
        return found

    def _passes(self, place: int, character: str) -> bool:
        test = self._tests[place]
        return test is not None and bool(test(character))

    def _place(self, test: Callable[[str], Any] | None, target: int, jumps: list[tuple[int | None, int]]) -> int:
        if len(self._tests) + self._copies >= MOST_PLACES:
            raise PatternError(_TOO_LARGE)
        self._tests.append(test)
        self._targets.append(target)
        self._jumps.append(jumps)
        return len(self._tests) - 1

    def _jump(self, *targets: int, condition: int | None = None) -> int:
        return self._place(None, 0, [(condition, target) for target in targets])

    def _sequence(self, items: Any, target: int, flags: int) -> int:
        """The place before the items, which lead to `target`; what is read last is made first."""
        for op, value in items if self._backward else reversed(list(items)):
            target = self._item(op, value, target, flags)
        return target

    def _item(self, op: Any, value: Any, target: int, flags: int) -> int:  # noqa: PLR0911 - one kind of item a line
        if op in _REFUSED:
            raise PatternError(f"the pattern has {_REFUSED[op]}, whose time has no bound; allowed: a pattern without")
        if op is _ops.BRANCH:
            return self._jump(*[self._sequence(branch, target, flags) for branch in value[1]])
        if op is _ops.SUBPATTERN:
            _, added, removed, items = value
            return self._sequence(items, target, _with_flags(flags, added, removed))
        if op in (_ops.MAX_REPEAT, _ops.MIN_REPEAT):
            return self._repeated(*value, target=target, flags=flags)
        if op is _ops.AT:
            return self._conditional((value, flags), lambda: _Where(op, value, flags), target)
        if op in (_ops.ASSERT, _ops.ASSERT_NOT):
            look = lambda: _Look(value, flags, wanted=op is _ops.ASSERT)  # noqa: E731 - made when it is met first
            return self._conditional((op, id(value), flags), look, target)
        if op is _ops.FAILURE:
            return self._jump()
        # The copies of a repeat share their items, which the tree keeps, so that no two have one id.
        key = (op, id(value), flags)
        if key not in self._known_tests:
            self._known_tests[key] = _single(op, value, flags)
        return self._place(self._known_tests[key].match, target, [])

    def _repeated(self, least: int, most: int, items: Any, *, target: int, flags: int) -> int:
        if most is _ops.MAXREPEAT:
            loop = self._jump(target)
            self._jumps[loop].append((None, self._sequence(items, loop, flags)))
            following = loop
        else:
            following = target
            for _ in range(most - least):
                self._count()
                following = self._jump(self._sequence(items, following, flags), target)
        for _ in range(least):
            self._count()
            following = self._sequence(items, following, flags)
        return following

    def _count(self) -> None:
        """A repeat of nothing makes no place, and takes its time all the same."""
        self._copies += 1
        if self._copies >= MOST_PLACES:
            raise PatternError(_TOO_LARGE)

    def _conditional(self, key: object, make: Callable[[], "_Condition"], target: int) -> int:
        if key not in self._known_conditions:
            self._known_conditions[key] = len(self._conditions)
            self._conditions.append(make())
        return self._jump(target, condition=self._known_conditions[key])


class _Where:
    """A place such as `^`, `$` or `\\b`, found by re itself in one pass."""

    def __init__(self, op: Any, value: Any, flags: int) -> None:
        self._pattern = _single(op, value, flags)

    def truths(self, text: str, _work: _Work) -> _Truths:
        found = bytearray(len(text) + 1)
        for match in self._pattern.finditer(text):
            found[match.start()] = 1
        return found


class _Look:
    """What must, or must not, stand before or behind a place."""

    def __init__(self, value: tuple[int, Any], flags: int, *, wanted: bool) -> None:
        direction, items = value
        self._automaton = _Automaton(items, flags, backward=direction > 0)
        self._wanted = wanted

    def truths(self, text: str, work: _Work) -> _Truths:
        found = bytearray([not self._wanted]) * (len(text) + 1)
        for place in self._automaton.places(text, work):
            found[place] = self._wanted
        return found


_Condition = _Where | _Look


def _single(op: Any, value: Any, flags: int) -> re.Pattern[str]:
    """One item of a pattern by itself."""
    found: re.Pattern[str] = _compiler.compile(_parser.SubPattern(_parser.State(), [(op, value)]), flags)
    return found


def _with_flags(flags: int, added: int, removed: int) -> int:
    if added & _OTHER_KIND_OF_FLAG:
        flags &= ~_OTHER_KIND_OF_FLAG
    return (flags | added) & ~removed
