"""What a model thinks aloud before its answer: the leading part in <think> tags, in the spellings that models have.

Bedrock sets the thoughts of the models that it knows apart, in blocks of their own. Imported models and some others
write them into the text.
"""

import re

_NAMES = "think|thinking|thought|thoughts|reasoning|scratchpad|seed:think|antthinking"
# Spellings as pairs of what opens and what closes a thought, each at the beginning of what is left.
_SPELLINGS = (
    (re.compile(rf"<\s*({_NAMES})(?:\s[^<>]*)?/?>", re.IGNORECASE), "<\\s*{slash}\\s*{name}(?:\\s[^<>]*)?>"),
    (re.compile(r"\[\s*(THINK|THINKING|REASONING)\s*\]", re.IGNORECASE), "\\[\\s*{slash}\\s*{name}\\s*\\]"),
    (re.compile(r"<\|\s*(think|thinking|reasoning)\s*\|>", re.IGNORECASE), "<\\|\\s*{slash}\\s*{name}\\s*\\|>"),
    (re.compile(r"◁(think)▷", re.IGNORECASE), "◁{slash}{name}▷"),
)
_PAIRS = (("<|begin_of_thought|>", "<|end_of_thought|>"), ("<|START_THINKING|>", "<|END_THINKING|>"))
# Some chat templates open the thought themselves, so that the text has its end alone, on a line of its own.
_CLOSED_ONLY = re.compile(r"(?im)^[ \t]*</think(?:ing)?>[ \t]*$")
_BLANK = " \t\r\n\ufeff\u200b"


def split_thought(text: str) -> tuple[str | None, str]:
    """The leading thoughts without their tags and the answer behind them; None and the text as it is where none leads.

    A thought that is not closed takes everything: the answer is then empty.
    """
    thoughts: list[str] = []
    rest = text
    while (found := _leading(rest)) is not None:
        thought, rest = found
        thoughts.append(thought.strip())
    if not thoughts:
        closed = _CLOSED_ONLY.search(text)
        if closed is None:
            return None, text
        thoughts, rest = [text[: closed.start()].strip()], text[closed.end() :]
    return "\n\n".join(thoughts), rest.strip(_BLANK)


def _leading(text: str) -> tuple[str, str] | None:
    body = text.lstrip(_BLANK)
    for opening, closing in _PAIRS:
        if body.lower().startswith(opening.lower()):
            thought, _, rest = _parted(body[len(opening) :], closing)
            return thought, rest
    for pattern, closing in _SPELLINGS:
        opened = pattern.match(body)
        if opened is not None and opened[0].endswith("/>"):
            return "", body[opened.end() :]
        if opened is not None:
            return _closed(body[opened.end() :], opened[1], closing)
    return None


def _parted(text: str, closing: str) -> tuple[str, str, str]:
    at = text.lower().find(closing.lower())
    return (text, "", "") if at < 0 else (text[:at], closing, text[at + len(closing) :])


def _closed(text: str, name: str, closing: str) -> tuple[str, str]:
    """Up to the tag that closes this thought; one of the same name inside it has an end of its own."""
    tag = re.compile(closing.format(slash="(?P<slash>/?)", name=re.escape(name)), re.IGNORECASE)
    depth = 1
    for found in tag.finditer(text):
        depth += -1 if found["slash"] else 1
        if depth == 0:
            return text[: found.start()], text[found.end() :]
    first_end = next((found for found in tag.finditer(text) if found["slash"]), None)
    return (text, "") if first_end is None else (text[: first_end.start()], text[first_end.end() :])
