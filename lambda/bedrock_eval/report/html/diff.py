"""Two texts with their differences marked, word by word."""

import re
from difflib import SequenceMatcher
from itertools import chain
from typing import NamedTuple

from bedrock_eval.report.html.markup import Markup, tag, text

# A word, a run of spaces, or one sign; scripts without spaces are compared sign by sign.
_TOKEN = re.compile(r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|\w+|\s+|[^\w\s]")
_WORD = re.compile(r"\w")
_FEW_WORDS = 3
_SMALL_SHARE = 0.2


class _Part(NamedTuple):
    same: bool
    one: str
    other: str


def marked(one: str, other: str) -> tuple[Markup, Markup]:
    """Both texts, with `del` around what only the first has and `ins` around what only the second has.

    Time grows with the texts' length, not with its square: from 200 tokens on, SequenceMatcher passes over tokens that
    make up more than 1 % of a text when it looks for anchors.
    """
    parts = _merged(_parts(_TOKEN.findall(one), _TOKEN.findall(other)))
    return (
        Markup("".join(text(part.one) if part.same else _mark("del", part.one) for part in parts)),
        Markup("".join(text(part.other) if part.same else _mark("ins", part.other) for part in parts)),
    )


def _mark(name: str, passage: str) -> Markup:
    return tag(name, passage) if passage else Markup("")


def _parts(one: list[str], other: list[str]) -> list[_Part]:
    """Alternating common and differing passages; the common beginning and end are taken off first."""
    start = _common(one, other)
    end = _common(one[start:][::-1], other[start:][::-1])
    one_middle, other_middle = one[start : len(one) - end], other[start : len(other) - end]
    codes = SequenceMatcher(None, one_middle, other_middle).get_opcodes()
    middle = (
        _Part(code == "equal", "".join(one_middle[a:b]), "".join(other_middle[c:d])) for code, a, b, c, d in codes
    )
    head, tail = "".join(one[:start]), "".join(one[len(one) - end :])
    return [
        part for part in chain([_Part(True, head, head)], middle, [_Part(True, tail, tail)]) if part.one or part.other
    ]


def _common(one: list[str], other: list[str]) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((index for index, (a, b) in pairs if a != b), min(len(one), len(other)))


def _merged(parts: list[_Part]) -> list[_Part]:
    """A common word or two between differences joins them, unless it is a good part of a text: it would be confetti."""
    whole = min(sum(len(part.one) for part in parts), sum(len(part.other) for part in parts))
    found: list[_Part] = []
    for index, part in enumerate(parts):
        inner = 0 < index < len(parts) - 1
        confetti = inner and _words(part.one) < _FEW_WORDS and len(part.one) < _SMALL_SHARE * whole
        same = part.same and not confetti
        if found and found[-1].same == same:
            last = found.pop()
            found.append(_Part(same, last.one + part.one, last.other + part.other))
        else:
            found.append(_Part(same, part.one, part.other))
    return found


def _words(passage: str) -> int:
    return sum(1 for token in _TOKEN.findall(passage) if _WORD.match(token))
