"""The Porter stemmer with NLTK's extensions, on which ROUGE's numbers rest.

Sources: Porter (1980), An algorithm for suffix stripping, Program 14.3; the extensions are those of
nltk.stem.PorterStemmer's default mode, which rouge-score uses. Snowball's "porter" differs on some common words (days,
away), so it is no substitute.

Terms: V is a run of vowels, C one of consonants, and the measure m of a stem the number of VC in [C](VC)^m[V]. A y is a
vowel after a consonant. A digit counts as a consonant.
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache

_IRREGULAR = {
    **{"sky": "sky", "skies": "sky", "dying": "die", "lying": "lie", "tying": "tie"},
    **{"news": "news", "innings": "inning", "inning": "inning", "outings": "outing", "outing": "outing"},
    **{"cannings": "canning", "canning": "canning", "howe": "howe"},
    **{"proceed": "proceed", "exceed": "exceed", "succeed": "succeed"},
}

_STEP_2 = {
    **{"ational": "ate", "tional": "tion", "enci": "ence", "anci": "ance", "izer": "ize", "bli": "ble"},
    **{"alli": "al", "entli": "ent", "eli": "e", "ousli": "ous", "ization": "ize", "ation": "ate"},
    **{"ator": "ate", "alism": "al", "iveness": "ive", "fulness": "ful", "ousness": "ous"},
    **{"aliti": "al", "iviti": "ive", "biliti": "ble", "fulli": "ful", "logi": "log"},
}
_STEP_3 = {"icate": "ic", "ative": "", "alize": "al", "iciti": "ic", "ical": "ic", "ful": "", "ness": ""}
_STEP_4 = dict.fromkeys(
    (
        *("al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent"),
        *("ion", "ou", "ism", "ate", "iti", "ous", "ive", "ize"),
    ),
    "",
)


def _suffix(rules: Mapping[str, str]) -> re.Pattern[str]:
    # A search takes the leftmost match, and so the longest suffix: the one that decides.
    return re.compile(f"(?:{'|'.join(rules)})\\Z")


_SUFFIX_2, _SUFFIX_3, _SUFFIX_4 = _suffix(_STEP_2), _suffix(_STEP_3), _suffix(_STEP_4)


@lru_cache(maxsize=1 << 16)
def stem(word: str) -> str:
    """The stem of a word of lower-case ASCII letters and digits."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if len(word) <= 2:
        return word
    for step in _STEPS:
        word = step(word)
    return word


def _shape(text: str) -> str:
    """c for each consonant, v for each vowel."""
    shape = ""
    for letter in text:
        vowel = letter in "aeiou" or (letter == "y" and shape.endswith("c"))
        shape += "v" if vowel else "c"
    return shape


def _measure(text: str) -> int:
    return _shape(text).count("vc")


def _ends_short(text: str) -> bool:
    """Consonant, vowel, consonant other than w, x and y at the end; or a vowel and a consonant in all."""
    shape = _shape(text)
    return (shape.endswith("cvc") and text[-1] not in "wxy") or shape == "vc"


def _plural(word: str) -> str:
    if word.endswith("ies"):
        return word[:-1] if len(word) == 4 else word[:-2]
    if word.endswith("sses"):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word


def _past_and_gerund(word: str) -> str:
    if word.endswith("ied"):
        return word[:-1] if len(word) == 4 else word[:-2]
    if word.endswith("eed"):
        return word[:-1] if _measure(word[:-3]) > 0 else word
    for suffix in ("ed", "ing"):
        rest = word.removesuffix(suffix)
        if rest != word and "v" in _shape(rest):
            return _mended(rest)
    return word


def _mended(rest: str) -> str:
    """What is left of a word that lost -ed or -ing, as a word again."""
    if rest.endswith(("at", "bl", "iz")):
        return rest + "e"
    doubled = len(rest) > 1 and rest[-1] == rest[-2] and _shape(rest).endswith("c")
    if doubled:
        return rest if rest[-1] in "lsz" else rest[:-1]
    return rest + "e" if _measure(rest) == 1 and _ends_short(rest) else rest


def _final_y(word: str) -> str:
    rest = word[:-1]
    return rest + "i" if word.endswith("y") and len(rest) > 1 and _shape(rest).endswith("c") else word


def _double_suffixes(word: str) -> str:
    match = _SUFFIX_2.search(word)
    if match is None:
        return word
    suffix, rest = match[0], word[: match.start()]
    # Of -logi the l belongs to the stem.
    if _measure(rest + "l" if suffix == "logi" else rest) == 0:
        return word
    shorter = rest + _STEP_2[suffix]
    return _double_suffixes(shorter) if suffix == "alli" else shorter


def _adjectives(word: str) -> str:
    match = _SUFFIX_3.search(word)
    if match is None or _measure(word[: match.start()]) == 0:
        return word
    return word[: match.start()] + _STEP_3[match[0]]


def _bare(word: str) -> str:
    match = _SUFFIX_4.search(word)
    if match is None:
        return word
    rest = word[: match.start()]
    if _measure(rest) < 2 or (match[0] == "ion" and rest[-1] not in "st"):
        return word
    return rest


def _final_e(word: str) -> str:
    if not word.endswith("e"):
        return word
    rest = word[:-1]
    measure = _measure(rest)
    return rest if measure > 1 or (measure == 1 and not _ends_short(rest)) else word


def _final_double_l(word: str) -> str:
    return word[:-1] if word.endswith("ll") and _measure(word[:-1]) > 1 else word


_STEPS: tuple[Callable[[str], str], ...] = (
    *(_plural, _past_and_gerund, _final_y, _double_suffixes),
    *(_adjectives, _bare, _final_e, _final_double_l),
)
