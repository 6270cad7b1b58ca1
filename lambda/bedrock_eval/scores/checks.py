"""Checks of an answer's form, and of its diversity."""

import json
from functools import lru_cache
from itertools import pairwise
from typing import NoReturn

from bedrock_eval.scores.text.json_schema import Check, compile_schema
from bedrock_eval.scores.text.patterns import TooSlowError, pattern_of
from bedrock_eval.scores.text.unicode_text import words

TRUNCATING = frozenset({"max_tokens", "model_context_window_exceeded"})
"""The stop reasons of Bedrock's Converse that cut an answer short."""

_EXACT_DIGITS = 4000  # Python refuses to read longer integers from text.


def json_valid(response: str, _reference: str) -> float:
    """1 if the whole answer is one JSON value, white space around it aside, else 0.

    Source: RFC 8259. Text before it, a Markdown fence, NaN and comments make it invalid; so does a nesting too deep to
    read.
    """
    try:
        _read(response)
    except (ValueError, RecursionError):
        return 0.0
    return 1.0


def json_schema_match(response: str, _reference: str, *, schema: object) -> float | None:
    """1 if the answer is JSON (as json_valid) and fits the schema, else 0; None where a pattern in it is too slow.

    Source: JSON Schema 2020-12, validation vocabulary, as `json_schema` implements it; `format` is not checked.
    """
    try:
        return float(_checks(json.dumps(schema))(_read(response)))
    except (ValueError, RecursionError):
        return 0.0
    except TooSlowError:
        return None


def contains(response: str, reference: str) -> float:
    """1 if the reference stands in the answer letter by letter, case kept, else 0.

    Source: the substring test that evaluation tools share under this name. factual_knowledge ignores case.
    """
    return float(reference in response)


def regex_match(response: str, _reference: str, *, pattern: str) -> float | None:
    r"""1 if the pattern matches somewhere in the answer, else 0; \A and \Z anchor it to the whole.

    Source: Python's re.search, but in a time that grows with the answer's length only, whatever the pattern: references
    to groups, atomic groups and possessive repeats are refused, and an answer that would take longer than some seconds
    all the same (thousands of characters under a repeat) is None.
    """
    try:
        return float(pattern_of(pattern).found_in(response))
    except TooSlowError:
        return None


def truncated(_response: str, _reference: str, *, stop_reason: str | None) -> float | None:
    """1 if the model stopped for want of tokens, else 0; None when the stop reason is not known.

    Source: stopReason of Bedrock's Converse: max_tokens or model_context_window_exceeded.
    """
    return None if stop_reason is None else float(stop_reason in TRUNCATING)


def distinct_2(response: str, _reference: str) -> float | None:
    """Different pairs of neighbouring words / pairs, 1 when nothing repeats; None under two words.

    Source: Li et al. (2016), A diversity-promoting objective function, but by pairs and not by words, so that 1 is
    reached. Falls with length: compare answers of like length.
    """
    pairs = list(pairwise(words(response)))
    return len(set(pairs)) / len(pairs) if pairs else None


def check_schema(value: object) -> None:
    """Raise ValueError naming the keyword when this is no schema that can be checked."""
    try:
        text = json.dumps(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"not JSON: {error}") from None
    _checks(text)


def check_pattern(value: object) -> None:
    """Raise ValueError when this is no regular expression, or one whose time has no bound."""
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is no regular expression; allowed: a text that Python's re compiles")
    pattern_of(value)


def check_stop_reason(value: object) -> None:
    """Raise ValueError when this is neither a stop reason nor None."""
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{value!r} is no stop reason; allowed: a text, or None when it is not known")


@lru_cache(maxsize=32)
def _checks(schema: str) -> Check:
    return compile_schema(json.loads(schema))


def _read(text: str) -> object:
    return json.loads(text, parse_constant=_refuse, parse_int=_integer)


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= _EXACT_DIGITS else float(digits)
