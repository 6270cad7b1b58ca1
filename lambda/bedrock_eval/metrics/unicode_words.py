"""The word metrics for text in any script, without the weak places of the ASCII protocols.

Those call "3.5" and "35" equal, keep curly quotes, keep an article beside a line break, and take a Japanese sentence
for one word or none. A value here is comparable with values of the same name only.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

from bedrock_eval.metrics.overlap import edit_distance, harmonic_mean, overlap
from bedrock_eval.metrics.rouge import f_of, f_of_subsequence, rouge_stem

_ARTICLES = frozenset({"a", "an", "the"})
_JOINED = frozenset("'\u2018\u2019\u02bc")
"""Apostrophes: "don't" is one word."""
_SEPARATE = frozenset("`\u2044")
"""Marks of other categories that stand between words: the backtick of Markdown, the slash of a fraction."""
_KEPT = frozenset(".,-")
_NUMERIC_MARKS = re.compile("[.,-]+")
_THOUSANDS = re.compile("[0-9]{3}(?![0-9])")

# Scripts written without spaces. Of the first every character is a word; in the second marks follow their letter.
_CHARACTER_IS_WORD = (
    *((0x2E80, 0x2FDF), (0x3005, 0x3007), (0x3021, 0x3029), (0x3031, 0x3035), (0x3041, 0x312F), (0x31A0, 0x31FF)),
    *((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x1B000, 0x1B16F), (0x20000, 0x323AF)),
)
_LETTER_BEGINS_WORD = ((0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF))
_VARIATION_SELECTORS = ((0xFE00, 0xFE0F), (0xE0100, 0xE01EF))


def unicode_exact_match(response: str, reference: str) -> float:
    """1 if both texts have the same words in the same order, articles aside, else 0.

    Source: ours, after squad_exact_match; words as `content_words` defines them.
    """
    return float(content_words(response) == content_words(reference))


def unicode_f1_score(response: str, reference: str) -> float:
    """2PR / (P + R) over words counted with repetition, articles aside; 1 for two empty texts.

    Source: ours, after squad_f1; words as `content_words` defines them.
    """
    found, wanted = content_words(response), content_words(reference)
    if not found and not wanted:
        return 1.0
    common = overlap(found, wanted)
    return harmonic_mean(common / len(found), common / len(wanted)) if common else 0.0


def unicode_precision_over_words(response: str, reference: str) -> float | None:
    """Share of the answer's words that the reference has too, counted with repetition; None for an empty answer.

    Source: ours, after fmeval's precision over words; words as `content_words` defines them.
    """
    found = content_words(response)
    return overlap(found, content_words(reference)) / len(found) if found else None


def unicode_recall_over_words(response: str, reference: str) -> float | None:
    """Share of the reference's words that the answer has too, counted with repetition; None for an empty reference.

    Source: ours, after fmeval's recall over words; words as `content_words` defines them.
    """
    wanted = content_words(reference)
    return overlap(content_words(response), wanted) / len(wanted) if wanted else None


def unicode_factual_knowledge(response: str, reference: str) -> float | None:
    """1 if the reference's words stand in the answer, side by side, else 0; None for an empty reference.

    Source: ours, after fmeval's factual knowledge, but whole words: "art" does not stand in "party".
    """
    wanted = content_words(reference)
    return float(position(wanted, content_words(response)) is not None) if wanted else None


def unicode_rouge_1(response: str, reference: str) -> float:
    """As rouge_1 over words of any script; those in ASCII are stemmed. Source: ours, after rouge-score."""
    return f_of(_rouge_words(response), _rouge_words(reference))


def unicode_rouge_2(response: str, reference: str) -> float:
    """As rouge_2 over words of any script; those in ASCII are stemmed. Source: ours, after rouge-score."""
    found, wanted = _rouge_words(response), _rouge_words(reference)
    return f_of(list(pairwise(found)), list(pairwise(wanted)))


def unicode_rouge_l(response: str, reference: str) -> float:
    """As rouge_l over words of any script; those in ASCII are stemmed. Source: ours, after rouge-score."""
    return f_of_subsequence(_rouge_words(response), _rouge_words(reference))


def unicode_word_error_rate(response: str, reference: str) -> float | None:
    """As word_error_rate over words of any script, without case and punctuation. Source: ours, after jiwer."""
    wanted = words(reference)
    return edit_distance(wanted, words(response)) / len(wanted) if wanted else None


def content_words(text: str) -> list[str]:
    """`words` without a, an and the, unless nothing else is there: the answer "A" is an answer."""
    every = words(text)
    return [word for word in every if word not in _ARTICLES] or every


def words(text: str) -> list[str]:
    """The words of a text in any script.

    Compatibility forms are unified (NFKC), case is folded, invisible characters dropped. Punctuation (category P)
    separates words, but an apostrophe or a single point joins ("don't", "U.S."), and in a number the point, a decimal
    comma and a sign before it stay ("3.5" is not "35", "-5" not "5") while commas of thousands go ("1,000" is "1000").
    Chinese and Japanese characters, and symbols such as emoji, are words of their own. A text of punctuation alone has
    itself for words, so that "?" and "!" differ.
    """
    folded = _folded(text)
    spaced = folded.translate(_CHARACTERS)
    return _NUMERIC_MARKS.sub(_resolved, spaced).split() or folded.split()


def position(sought: Sequence[str], among: Sequence[str]) -> int | None:
    """Where the sought words first stand side by side, None when nowhere."""
    width = len(sought)
    starts = range(len(among) - width + 1)
    return next((start for start in starts if among[start : start + width] == sought), None)


def _folded(text: str) -> str:
    if text.isascii():
        return text.lower()
    # Folding can undo the normal form, so it is made again (Unicode, D146).
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def _resolved(match: re.Match[str]) -> str:
    """What a point, comma or hyphen becomes, by what stands around it."""
    text, mark, end = match.string, match[0], match.end()
    before = text[match.start() - 1] if match.start() else " "
    after = text[end] if end < len(text) else " "
    if after.isdecimal() and len(mark) == 1:
        if before.isdecimal():
            return _between_digits(mark, thousands=_THOUSANDS.match(text, end) is not None)
        if before.isspace() and mark != ",":
            return "0." if mark == "." else "-"
    return "" if mark == "." else " "


def _between_digits(mark: str, *, thousands: bool) -> str:
    if mark == "-":
        return " "
    return "" if mark == "," and thousands else mark


class _Characters(dict[int, str | None]):
    """What each character becomes: itself, itself set apart, a blank, or nothing. Filled as characters are met."""

    def __missing__(self, code: int) -> str | None:
        value = self[code] = _replacement(chr(code), code)
        return value


def _replacement(character: str, code: int) -> str | None:
    category = unicodedata.category(character)
    if category == "Cf" or character in _JOINED or _within(code, _VARIATION_SELECTORS):
        return None
    if character in _KEPT:
        return character
    if character == "\N{MINUS SIGN}":
        return "-"
    if category.startswith("P") or character in _SEPARATE:
        return " "
    if category == "So" or _within(code, _CHARACTER_IS_WORD):
        return f" {character} "
    begins = category == "Lo" and _within(code, _LETTER_BEGINS_WORD)
    return f" {character}" if begins else character


def _within(code: int, ranges: Sequence[tuple[int, int]]) -> bool:
    return any(first <= code <= last for first, last in ranges)


_CHARACTERS = _Characters()


# As in rouge.py: one pair is asked for three scores in a row.
@lru_cache(maxsize=8)
def _rouge_words(text: str) -> tuple[str, ...]:
    return tuple(rouge_stem(word) if word.isascii() and word.isalnum() else word for word in words(text))
