"""What a word is, in any script, and where words stand in others."""

import re
import unicodedata
from collections.abc import Sequence

from bedrock_eval.scores.text.number_words import plain_number

_JOINED = frozenset("'\u2018\u2019\u02bc")
"""Apostrophes: "don't" is one word."""
_SEPARATE = frozenset("`\u2044")
"""Signs that stand between words as punctuation does: the backtick of Markdown, and as "/" does the fraction slash."""
_PERCENT = frozenset("%\u2030\u2031\u066a")
"""Punctuation by its category, a unit by what it says."""
_KEPT = frozenset(".,-")
_SAME = {"\N{MINUS SIGN}": "-", "\N{ARABIC DECIMAL SEPARATOR}": ".", "\N{ARABIC THOUSANDS SEPARATOR}": ","}
_CURRENCY = "$\u00a2-\u00a5\u058f\u060b\u09f2\u09f3\u09fb\u0af1\u0bf9\u0e3f\u17db\u20a0-\u20cf\ua838"
_SIGN_BEFORE_CURRENCY = re.compile(rf"(?<!\S)-( +[{_CURRENCY}] +)(?=\.?[0-9])")
# Thousands set apart by a space that does not break: one number.
_SPACED_THOUSANDS = re.compile("(?<=[0-9])[\u00a0\u2009\u202f](?=[0-9]{3}(?![0-9]))")
# A mark goes with the symbol before it: with U+0338 "=" is "\u2260".
_BEFORE_MARK = re.compile(" (?=[\u0300-\u036f\u20d0-\u20f0])")
# A number with points or commas in it, else a run of marks. Possessive, so that time grows with the length only.
_MARKS = re.compile(r"(?<![^\s-])\.[0-9]++|(?<![0-9])[0-9]++(?:[.,][0-9]++)++|-(?=\.?[0-9])|[.,-]+")

# Scripts written without spaces. Of the first every character is a word; in the second marks follow their letter.
_CHARACTER_IS_WORD = (
    *((0x2E80, 0x2FDF), (0x3005, 0x3007), (0x3021, 0x3029), (0x3031, 0x3035), (0x3041, 0x312F), (0x31A0, 0x31FF)),
    *((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x1B000, 0x1B16F), (0x20000, 0x323AF)),
)
_LETTER_BEGINS_WORD = ((0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF))
_VARIATION_SELECTORS = ((0xFE00, 0xFE0F), (0xE0100, 0xE01EF))


def words(text: str) -> list[str]:
    """The words of a text in any script.

    Compatibility forms are unified (NFKC), case is folded, invisible characters dropped, digits of any script read.

    - A symbol (Unicode's categories Sc, Sm, Sk, So: currency, mathematics, < > | = ~ ^, arrows, emoji) and a percent
      sign are words of their own, whatever they touch: "$18" is "$", "18", and "50%" is "50", "%".
    - Punctuation (category P, the backtick too) separates words and is none, but an apostrophe, or a single point
      between letters, joins ("don't", "U.S.").
    - Equal plain numbers are the same word: "16", "16.", "16.00"; "1,000", "1'000", "1.000,00"; "3,5" is "3.5". A point
      alone is a decimal point, and a comma before three digits divides thousands. A sign before a number stays: "-5" is
      not "5". Leading zeros stay, too: "007" is a code.
    - Chinese and Japanese characters are words of their own.

    A text of punctuation alone has itself for words, so that "?" and "!" differ.
    """
    folded = _folded(text)
    spaced = _SIGN_BEFORE_CURRENCY.sub(r"\1-", folded.translate(_CHARACTERS))
    return _MARKS.sub(_resolved, spaced).split() or folded.split()


def is_symbol(word: str) -> bool:
    """Whether a word is a symbol or a percent sign."""
    return len(word) == 1 and (word in _PERCENT or unicodedata.category(word)[0] == "S")


def joined(sequence: Sequence[str]) -> str:
    """Words as one text in which `position` finds them."""
    return f" {' '.join(sequence)} "


def position(sought: Sequence[str], among: str) -> int | None:
    """Where the sought words first stand side by side in `joined` ones, in characters; None when nowhere."""
    found = among.find(joined(sought))
    return None if found < 0 else found


def _folded(text: str) -> str:
    if text.isascii():
        return text.lower()
    # Set apart before they are unified: the compatibility form of a symbol may be letters, or begin with a blank.
    apart = _BEFORE_MARK.sub("", _SPACED_THOUSANDS.sub("", text).translate(_SYMBOLS))
    # Folding can undo the normal form, so it is made again (Unicode, D146).
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", apart).casefold())


def _resolved(match: re.Match[str]) -> str:
    """What a number becomes, or a point, comma or hyphen by what stands around it."""
    found, text = match[0], match.string
    if found[-1].isdecimal():
        return plain_number(found)
    before, after = text[match.start() - 1 : match.start()], text[match.end() : match.end() + 1]
    if found == ".":
        return " " if before.isdecimal() or after.isdecimal() else ""
    signs = found == "-" and (not before or before.isspace()) and after != "" and after in ".0123456789"
    return "-" if signs else " "


class _Characters(dict[int, str | None]):
    """What each character becomes: itself, itself set apart, a blank, or nothing. Filled as characters are met."""

    def __missing__(self, code: int) -> str | None:
        value = self[code] = _replacement(chr(code), code)
        return value


class _Symbols(dict[int, str]):
    """Symbols and fractions ("2\u00bd" is not "21/2") set apart, everything else as it is."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        fraction = unicodedata.decomposition(character).startswith("<fraction>")
        apart = fraction or (unicodedata.category(character)[0] == "S" and character not in _SAME)
        value = self[code] = f" {character} " if apart else character
        return value


def _replacement(character: str, code: int) -> str | None:  # noqa: PLR0911 - one kind of character a line
    category = unicodedata.category(character)
    # An enclosing mark makes a digit a key, or a letter a sign.
    if category in ("Cf", "Me") or character in _JOINED or _within(code, _VARIATION_SELECTORS):
        return None
    if character in _KEPT:
        return character
    if character in _SAME:
        return _SAME[character]
    if category == "Nd":
        return str(unicodedata.decimal(character))
    if category[0] == "S" and character not in _SEPARATE:
        return f" {character} "
    if character in _PERCENT:
        return " % " if character == "\u066a" else f" {character} "
    if category[0] == "P" or character in _SEPARATE:
        return " "
    if _within(code, _CHARACTER_IS_WORD):
        return f" {character} "
    begins = category == "Lo" and _within(code, _LETTER_BEGINS_WORD)
    return f" {character}" if begins else character


def _within(code: int, ranges: Sequence[tuple[int, int]]) -> bool:
    return any(first <= code <= last for first, last in ranges)


_CHARACTERS = _Characters()
_SYMBOLS = _Symbols()
