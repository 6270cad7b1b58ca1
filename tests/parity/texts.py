"""Texts to compare implementations on: prose that overlaps, every script, white space and marks, empty, long."""

import string

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
WORDS = st.lists(st.sampled_from(_FRAGMENTS), max_size=25).map(" ".join)
LONG = st.lists(st.sampled_from(_FRAGMENTS), min_size=90, max_size=160).map(" ".join)
TEXT = st.one_of(WORDS, WORDS, st.text(max_size=80), st.text(string.printable, max_size=60), LONG)
