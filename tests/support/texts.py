"""Texts to compare implementations on: prose that overlaps, every script, white space and marks, empty, long."""

import random
import string
from collections.abc import Iterator

from hypothesis import strategies as st

_FRAGMENTS = [
    *("the", "a", "an", "The", "Cat", "cat.", "cats", "sat", "on", "mat,", "running", "relational", "skies", "happily"),
    *("3.5", "35", "1,000", "-5", "U.S.", "don't", "well-known", "don’t", "«oui»", "naïve", "STRASSE", "straße", "ﬁne"),
    *("日本語", "東京", "東京都", "です。", "한국어", "ภาษาไทย", "हिन्दी", "مرحبا", "🙂", "👍🏽", "é"),
    *(
        "&amp;",
        "<skipped>",
        "x-\ny",
        "a.,5",
        "1..2",
        "(",
        ")",
        "$5",
        "C++",
        "...",
        "\n",
        "\t",
        "  ",
        "\u200b",
        "\u3000",
    ),
]
_LENGTHS = (0, 1, 2, 3, 5, 8, 13, 25, 60, 150)

WORDS = st.lists(st.sampled_from(_FRAGMENTS), max_size=25).map(" ".join)
TEXT = st.one_of(WORDS, st.text(max_size=60), st.text(string.printable, max_size=40))
"""For what a search finds and shrinks; the mass comes from `pairs`, which is quicker."""


def pairs(count: int) -> Iterator[tuple[str, str]]:
    """(answer, reference), the same ones in every run."""
    rng = random.Random(count)
    for _ in range(count):
        reference = _text(rng)
        yield (_edited(rng, reference) if rng.random() < 0.5 else _text(rng)), reference


def _text(rng: random.Random) -> str:
    length = rng.choice(_LENGTHS)
    if rng.random() < 0.2:
        return "".join(chr(rng.choice((rng.randrange(128), rng.randrange(0xD800)))) for _ in range(length))
    return rng.choice((" ", " ", "")).join(rng.choices(_FRAGMENTS, k=length))


def _edited(rng: random.Random, text: str) -> str:
    words = text.split(" ")
    for _ in range(rng.randrange(5)):
        place = rng.randrange(len(words))
        words[place : place + rng.randrange(3)] = rng.choices(_FRAGMENTS, k=rng.randrange(3))
        words = words or [""]
    return " ".join(words)
