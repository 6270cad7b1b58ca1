"""The rule of a composite alarm: which alarms it names, and which of them make it ring.

Source of the grammar: CloudWatch API reference, PutCompositeAlarm, AlarmRule.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

ALARM, OK, INSUFFICIENT_DATA = "ALARM", "OK", "INSUFFICIENT_DATA"

_STATES = frozenset({ALARM, OK, INSUFFICIENT_DATA})
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[(),]|[^\s(),"]+')


def named(rule: str) -> tuple[str, ...]:
    """Names of all alarms that a rule asks about, in its order.

    Raises:
        ValueError: the rule cannot be read.
    """
    return _Reader(rule, {}).read().named


def ringing(rule: str, states: Mapping[str, str]) -> tuple[str, ...]:
    """Names of the alarms whose ringing makes a rule true; none while it is not true.

    What stands behind NOT is no cause, nor is an alarm that rings beside one that holds it back.

    Args:
        states: by name; an alarm that is not in there has none of the three.

    Raises:
        ValueError: the rule cannot be read.
    """
    found = _Reader(rule, states).read()
    return found.causes if found.true else ()


@dataclass(frozen=True)
class _Found:
    """What a part of a rule comes to."""

    true: bool
    causes: tuple[str, ...] = ()
    named: tuple[str, ...] = ()


@dataclass
class _Reader:
    """Reads a rule from left to right; AND binds stronger than OR, NOT strongest."""

    rule: str
    states: Mapping[str, str]
    tokens: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self.tokens = _TOKEN.findall(self.rule)

    def read(self) -> _Found:
        found = self._any()
        if self.tokens:
            raise self._problem()
        return found

    def _any(self) -> _Found:
        parts = [self._all()]
        while self._skip("OR"):
            parts.append(self._all())
        return _joined(parts, true=any(part.true for part in parts))

    def _all(self) -> _Found:
        parts = [self._one()]
        while self._skip("AND"):
            parts.append(self._one())
        return _joined(parts, true=all(part.true for part in parts))

    def _one(self) -> _Found:
        if self._skip("NOT"):
            part = self._one()
            return _Found(not part.true, named=part.named)
        if self._skip("("):
            part = self._any()
            self._need(")")
            return part
        word = self._next()
        if word in ("TRUE", "FALSE"):
            return _Found(word == "TRUE")
        if word == "AT_LEAST":
            return self._at_least()
        if word not in _STATES:
            raise self._problem()
        return self._in_state([word], self._names(), least=1)

    def _at_least(self) -> _Found:
        """`AT_LEAST(2, ALARM, (a, b, c))`, also `"50%"` and `NOT ALARM`."""
        self._need("(")
        count = re.fullmatch(r"([0-9]+)(%?)", self._next().strip('"'))
        self._need(",")
        negated = self._skip("NOT")
        state = self._next()
        self._need(",")
        if count is None or state not in _STATES:
            raise self._problem()
        names = self._names()
        self._need(")")
        least = -(-int(count[1]) * len(names) // 100) if count[2] else int(count[1])
        return self._in_state(sorted(_STATES - {state}) if negated else [state], names, least=least)

    def _in_state(self, states: list[str], names: list[str], *, least: int) -> _Found:
        """Whether so many of the alarms are in one of the states; only alarms that ring are causes."""
        hits = [name for name in names if self.states.get(name) in states]
        return _Found(len(hits) >= least, tuple(hits) if states == [ALARM] else (), tuple(names))

    def _names(self) -> list[str]:
        self._need("(")
        names = [self._name()]
        while self._skip(","):
            names.append(self._name())
        self._need(")")
        return names

    def _name(self) -> str:
        """Of the alarm; the rule may have its ARN, and quotes around either."""
        word = self._next()
        if word in ("(", ")", ","):
            raise self._problem()
        text = re.sub(r"\\(.)", r"\1", word[1:-1]) if word.startswith('"') else word
        return text.rpartition(":alarm:")[2]

    def _next(self) -> str:
        if not self.tokens:
            raise self._problem()
        return self.tokens.pop(0)

    def _skip(self, word: str) -> bool:
        if self.tokens[:1] != [word]:
            return False
        self.tokens.pop(0)
        return True

    def _need(self, word: str) -> None:
        if not self._skip(word):
            raise self._problem()

    def _problem(self) -> ValueError:
        return ValueError(f"this is no rule of a composite alarm: {self.rule}")


def _joined(parts: list[_Found], *, true: bool) -> _Found:
    """Of the parts that are true the causes, once each."""
    causes = dict.fromkeys(name for part in parts if true and part.true for name in part.causes)
    return _Found(true, tuple(causes), tuple(dict.fromkeys(name for part in parts for name in part.named)))
