"""The keys of a dataset line, and which of them a foreign key most likely means."""

import difflib
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

PROMPT = "prompt"
REFERENCE = "referenceResponse"
OURS = (PROMPT, REFERENCE, "id", "category", "cluster")
_KNOWN = (*OURS, "modelResponses")

# What other tools and public datasets call them, without case, underscores and hyphens.
_ELSEWHERE: Mapping[str, tuple[str, ...]] = {
    PROMPT: (
        *("question", "questions", "prompts", "query", "instruction", "instructions", "request", "problem"),
        *("input", "inputs", "inputtext", "userinput", "modelinput", "user", "usermessage", "text", "prompttext"),
        *("inputprompt", "userprompt", "userquery", "message"),
    ),
    REFERENCE: (
        *("reference", "references", "referenceanswer", "referenceanswers", "referencetext", "referenceoutput"),
        *("answer", "answers", "correctanswer", "bestanswer", "rightanswer", "goldanswer", "gold", "goldlabel"),
        *("target", "targets", "targettext", "targetoutput", "targetoutputs", "ideal", "idealanswer", "idealresponse"),
        *("expected", "expectedoutput", "expectedanswer", "expectedresponse", "expectedresult", "groundtruth"),
        *("groundtruthanswer", "truth", "label", "labels", "completion", "completions", "output", "outputs"),
        *("response", "responses", "solution", "result", "chosen", "assistant"),
    ),
}
_NEAR = 0.8
# Shorter words are near to too many others.
_SHORTEST = 5
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_. -]{0,39}", re.ASCII)
_SHOWN = 12


@lru_cache(maxsize=1024)
def misspelt(key: str) -> str | None:
    """Which of our keys this one is but for its case, its hyphens or a slip of the finger."""
    if key in _KNOWN:
        return None
    folded = _folded(key)
    same = next((ours for ours in OURS if _folded(ours) == folded), None)
    if same is not None:
        return same
    # `prompts` and such stand for themselves below.
    if any(folded in names for names in _ELSEWHERE.values()) or len(folded) < _SHORTEST:
        return None
    near = difflib.get_close_matches(folded, [_folded(ours) for ours in (PROMPT, REFERENCE)], n=1, cutoff=_NEAR)
    return next((ours for ours in (PROMPT, REFERENCE) if near == [_folded(ours)]), None)


@lru_cache(maxsize=1024)
def meant(key: str) -> str | None:
    """Which of our keys this one stands for in other tools' files, misspelt or not; None where it stands for none."""
    if key in _KNOWN:
        return None
    ours = misspelt(key)
    if ours is not None:
        return ours
    folded = _folded(key)
    for ours, names in _ELSEWHERE.items():
        if folded in names:
            return ours
    for ours, names in _ELSEWHERE.items():
        long = [name for name in names if len(name) >= _SHORTEST]
        if len(folded) >= _SHORTEST and difflib.get_close_matches(folded, long, n=1, cutoff=_NEAR):
            return ours
    return None


def standing_for(ours: str, keys: Iterable[str]) -> tuple[str, ...]:
    """Of some keys those that most likely mean one of ours."""
    return tuple(key for key in keys if meant(key) == ours)


def shown(keys: Iterable[str]) -> str:
    """Keys for people. What does not look like a key is counted only: it may be somebody's text."""
    every = list(keys)
    plain = [repr(key) for key in every if _IDENTIFIER.fullmatch(key)][:_SHOWN]
    others = len(every) - len(plain)
    told = ", ".join(plain)
    return f"{told}{' and ' if told else ''}{others} more" if others else told or "none"


def _folded(key: str) -> str:
    return re.sub(r"[^a-z0-9]", "", key.casefold())
