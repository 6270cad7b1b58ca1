"""HTML as values: what is not Markup is escaped on its way in, so that nothing can be forgotten."""

import re
from collections.abc import Iterable
from html import escape
from typing import TypeAlias


class Markup(str):
    """HTML that stands as it is; made by `text`, `tag` and `join` alone."""

    __slots__ = ()


Child: TypeAlias = "str | int | Iterable[Child] | None"
Attribute: TypeAlias = "str | float | bool | None"

_VOID = frozenset({"br", "circle", "hr", "line", "link", "meta", "path", "rect"})
_CONTROL_PICTURES = 0x2400

# Control characters, direction marks and overrides, invisible operators, tags, surrogates and noncharacters: a text
# with them can read differently from what it holds. Joiners and variation selectors stay: scripts and emoji need them.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\ufffe\uffff\ud800-\udfff\U000e0000-\U000e007f]"
)


def text(value: str) -> Markup:
    """Escaped for content and for quoted attributes; characters that hide are shown by their picture or number."""
    return Markup(escape(_HIDDEN.sub(_shown, value.replace("\r\n", "\n"))))


def tag(name: str, /, *children: Child, **attributes: Attribute) -> Markup:
    """One element. `class_` is class, `aria_label` is aria-label; None and False leave an attribute out."""
    head = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in _VOID:
        return Markup(f"<{name}{head}/>")
    return Markup(f"<{name}{head}>{join(*children)}</{name}>")


def join(*children: Child) -> Markup:
    """Children one after the other; None leaves nothing."""
    return Markup("".join(_content(child) for child in children))


def _content(child: Child) -> str:
    if child is None:
        return ""
    if isinstance(child, str):
        return child if isinstance(child, Markup) else text(child)
    return f"{child:,}" if isinstance(child, int) else join(*child)


def _attribute(key: str, value: Attribute) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    if value is True:
        return f" {name}"
    return f' {name}="{text(value) if isinstance(value, str) else f"{value:g}"}"'


def _shown(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(_CONTROL_PICTURES + code)
    return f"⟨U+{code:04X}⟩"
