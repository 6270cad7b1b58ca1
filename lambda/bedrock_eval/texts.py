"""What of a text can be seen, sent and stored, whatever file it comes from."""

import re
import unicodedata

BYTE_ORDER_MARK = "\ufeff"

# Drawn as nothing, though they are letters, marks or symbols (Unicode: Default_Ignorable_Code_Point; blank Braille).
_DRAWN_AS_NOTHING = (
    *((0x034F, 0x034F), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x2800, 0x2800), (0x3164, 0x3164)),
    *((0xFE00, 0xFE0F), (0xFFA0, 0xFFA0), (0xE0100, 0xE01EF)),
)


_ASCII = re.compile("[!-~]")
_HALVES = re.compile("[\ud800-\udfff]")


def is_blank(text: str) -> bool:
    """Whether there is nothing to read in it: white space, control and zero-width characters at most."""
    return _ASCII.search(text) is None and not any(_seen(character) for character in text)


def _seen(character: str) -> bool:
    if unicodedata.category(character) in ("Cc", "Cf", "Cn", "Cs", "Zl", "Zp", "Zs"):
        return False
    return not any(first <= ord(character) <= last for first, last in _DRAWN_AS_NOTHING)


def half_pairs(text: str) -> list[str]:
    """The halves of surrogate pairs in it, as JSON writes them: no characters, and UTF-8 cannot write them."""
    return [f"\\u{ord(half):04x}" for half in _HALVES.findall(text)]


def without_mark(text: str) -> str:
    """The text without a byte order mark at its beginning, which says how a file is written and is no text."""
    return text.removeprefix(BYTE_ORDER_MARK)
