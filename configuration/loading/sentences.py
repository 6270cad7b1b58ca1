"""Turns what pydantic finds into messages: the value as written, what is wrong, what is allowed."""

import difflib
import json
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from bedrock_eval.scores.job_measures import BUILT_IN
from bedrock_eval.wording import suggestion
from configuration.document.reading import MERGE, Document, Mistake, Path
from configuration.schema.evaluations.kinds import CUSTOM, kind_of, signs_of_jobs
from configuration.schema.json_schema import (
    Node,
    allowed,
    below,
    cases,
    chosen,
    entry,
    file_schema,
    kind,
    properties,
    schema_at,
    variants,
)

_LONGEST = 60
# Pydantic's step for the key of a mapping, as opposed to its value.
_KEY = "[key]"


def mistakes_of(error: ValidationError, document: Document) -> Iterator[Mistake]:
    """The mistakes that pydantic found, each once."""
    details = error.errors(include_url=False)
    misspelt = {_meant(_path(detail["loc"]), document) for detail in details if detail["type"] == "extra_forbidden"}
    # What a merge key would bring is not missing: the merge key is the mistake.
    merged = {mistake.path[:-1] for mistake in document.mistakes if mistake.path[-1:] == (MERGE,)}
    seen: set[Mistake] = set()
    for detail in details:
        mistake = _mistake(detail, document)
        # A key that is missing because it is misspelt is reported where it is written.
        if mistake is None or mistake in seen:
            continue
        if detail["type"] == "missing" and (mistake.path in misspelt or mistake.path[:-1] in merged):
            continue
        seen.add(mistake)
        yield mistake


def _meant(path: Path, document: Document) -> Path | None:
    """The key that an unknown one is close to."""
    close = difflib.get_close_matches(str(path[-1]), _known_keys(path, document), n=1)
    return (*path[:-1], close[0]) if close else None


def _mistake(detail: ErrorDetails, document: Document) -> Mistake | None:
    path = _path(detail["loc"])
    if detail["type"] == "union_tag_invalid":
        return _kind(path, document)
    if detail["type"] == "missing":
        return Mistake(path, _missing(path, document))
    if detail["type"] == "extra_forbidden":
        return Mistake(path, _unknown_key(path, document))
    path, value = _standing(path, document)
    if detail["type"] == "too_short" and value:
        return None  # Pydantic does not count broken items, which have mistakes of their own.
    return Mistake(path, _wrong(detail, path=path, value=value, document=document))


def _path(loc: Path) -> Path:
    """The keys of the file: below an evaluation's name pydantic adds the kind that it has chosen."""
    steps = loc[:2] + loc[3:] if loc[:1] == ("evaluations",) else loc
    return tuple(step for step in steps if step != _KEY)


def _kind(path: Path, document: Document) -> Mistake:
    """The mistake of an unknown `kind` or `by`."""
    evaluation = document.value(path)
    path = (*path, "by" if evaluation.get("kind") == "comparison" else "kind")
    standing, value = _standing(path, document)
    if standing != path:
        signs = () if path[-1] == "by" else signs_of_jobs(evaluation)
        return Mistake(path, _forgotten(signs, path, document) if signs else _missing(path, document))
    return Mistake(path, _none_of(schema_at(path, document.data) or {}, value=value, document=document, path=path))


def _forgotten(signs: Sequence[str], path: Path, document: Document) -> str:
    """The message for an evaluation without kind that has keys of jobs."""
    kinds = [_kinds_with((*path[:-1], sign), document) for sign in signs]
    shared = [kind for kind in kinds[0] if kind != CUSTOM and all(kind in others for others in kinds)]
    keys = ", ".join(sign for sign in signs if sign != "metrics")
    wrong = keys or f"metrics that begin with {BUILT_IN}"
    needed = ", ".join(shared) or "one that has them"
    return f"missing; an evaluation without kind is {CUSTOM}, which has no {wrong}; needed: {needed}"


def _none_of(node: Node, *, value: object, document: Document, path: Path) -> str:
    shown = _show(value, written=document.written.get(path))
    if not isinstance(value, str):
        return f"{shown} is given; allowed: {allowed(node)}"
    return f"{shown} is not allowed{suggestion(value, node.get('enum', ()))}; allowed: {allowed(node)}"


def _standing(path: Path, document: Document) -> tuple[Path, Any]:
    """The part of a path that the file has: a candidate in its short form has no `name`."""
    while True:
        try:
            return path, document.value(path)
        except LookupError:
            path = path[:-1]


def _missing(path: Path, document: Document) -> str:
    node = schema_at(path, document.data)
    meaning = str(node.get("description", kind(node))).partition(". ")[0] if node else ""
    # An abbreviation keeps its capitals.
    first = meaning[:1] if meaning[1:2].isupper() else meaning[:1].lower()
    values = allowed(node) if node and "enum" in node else ""
    return f"required, but missing ({first}{meaning[1:].rstrip('.')}){f'; allowed: {values}' if values else ''}"


def _unknown_key(path: Path, document: Document) -> str:
    known = _known_keys(path, document)
    hint = _elsewhere(path, document) or suggestion(str(path[-1]), known)
    return f"no such key{hint}; allowed: {', '.join(known)}"


def _known_keys(path: Path, document: Document) -> tuple[str, ...]:
    """The keys that are allowed beside an unknown one."""
    parent = schema_at(path[:-1], document.data) or file_schema()
    return tuple(properties(chosen(parent, document.value(path[:-1]))))


def _elsewhere(path: Path, document: Document) -> str:
    """The kinds of evaluation that have a key, where its own kind has not."""
    kinds = _kinds_with(path, document) if path[0] == "evaluations" else []
    return f" of kind {kind_of(document.value(path[:2]))} (it is one of kind {', '.join(kinds)})" if kinds else ""


def _kinds_with(path: Path, document: Document) -> list[str]:
    """The kinds of evaluation that have a key."""
    node = schema_at(path[:2], document.data)
    if node is None:
        return []
    evaluation, inside = document.value(path[:2]), path[2:-1]
    return [
        " by ".join(given.values())
        for given, member in cases(node)
        if path[-1] in properties(below(member, inside, evaluation) or {})
    ]


def _wrong(detail: ErrorDetails, *, path: Path, value: object, document: Document) -> str:
    if detail["type"] == "value_error":
        return str(detail["ctx"]["error"])
    node, written = schema_at(path, document.data) or {}, document.written.get(path)
    shown = _show(value, written=written)
    if detail["type"].endswith("_type") and "enum" not in node:
        return _wrong_kind(node, value=value, shown=shown, written=written) + _keys_of(node, value)
    if detail["type"] in ("too_short", "too_long") and isinstance(value, list | dict):
        return f"{len(value)} are given; allowed: {allowed(node)}"
    return f"{shown} is not allowed; allowed: {allowed(node) or kind(node)}"


def _wrong_kind(node: Node, *, value: object, shown: str, written: str | None) -> str:
    needed = kind(node)
    if value is None or isinstance(value, list | dict):
        return f"{shown} is given; needed: {needed}"
    if needed == "text" and not isinstance(value, str):
        of = "true or false" if isinstance(value, bool) else "a number"
        return f"{shown} is {of}; needed: text, so put it in quotes: {json.dumps(written)}"
    return f"{shown} is not {needed}"


def _keys_of(node: Node, value: object) -> str:
    """The keys, or the list, that are needed instead of a text or a number."""
    found = [each for each in variants(chosen(node, value)) if each.get("type", "object") in ("object", "array")]
    if not found or isinstance(value, dict):
        return ""
    if found[0].get("type") == "array":
        return "" if isinstance(value, list) else "; needed: a list, in square brackets or a line and a dash each"
    inside = properties(found[0])
    if not inside:
        of = properties(entry(found[0]) or {})
        return f"; its keys are your own names, each with {', '.join(of)} below it" if of else ""
    required = [key for key in inside if key in found[0].get("required", ())]
    others = [key for key in inside if key not in required]
    if not required:
        return f"; its keys: {', '.join(others)}"
    return f"; its keys: {', '.join(required)}{', and if wanted ' if others else ''}{', '.join(others)}"


def _show(value: object, *, written: str | None) -> str:
    """The value for a message: text in quotes, numbers as in the file, shortened."""
    if value is None:
        return "nothing"
    if isinstance(value, dict | list):
        return "a list" if isinstance(value, list) else "a mapping"
    text = repr(value) if isinstance(value, str) or written is None else written
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
