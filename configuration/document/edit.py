"""Changes single values of an environment file and leaves every other character as it is, comments included.

The text is cut and pasted at the places that the YAML parser names, instead of being written anew from data: a writer
would choose its own indentation, quotes and line breaks. What comes out is read again, and must hold the old data with
the change in it and nothing else.
"""

import copy
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from bedrock_eval.errors import UserError
from configuration.document.reading import DocumentError, Path, compose, read_document

Scalar = str | int | float | bool

_INDENTATION = 2
# What YAML would read as text without quotes, by the strictest of its rules.
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")
_WORDS = frozenset({"true", "false", "yes", "no", "on", "off", "null", "y", "n"})


class EditError(UserError, ValueError):
    """A value cannot be changed without touching others; the message says where and why."""


def edit(text: str, changes: Mapping[Path, Scalar]) -> str:
    """The text with values set, each at a path of keys, and of indices of what lists hold; missing mappings are made.

    Raises:
        EditError: the place is an alias, not a mapping or no item of its list, or the file cannot be read.
    """
    for path, value in changes.items():
        text = _set(text, path, value)
    return text


def _set(text: str, path: Path, value: Scalar) -> str:
    try:
        before = read_document(text).data
        changed = _paste(text, path, value)
    except DocumentError as error:
        raise EditError(f"line {error.line}: {error}") from None
    if _data(changed) != _expected(before, path, value):
        raise EditError(
            f"{'.'.join(map(str, path))}: the change would affect other values (an alias?); edit the file by hand"
        )
    return changed


def _data(changed: str) -> dict[str, object] | None:
    """None: the change made it unreadable, as where an anchor went that an alias names."""
    try:
        return read_document(changed).data
    except DocumentError:
        return None


def _expected(data: dict[str, object], path: Path, value: Scalar) -> dict[str, object]:
    expected = copy.deepcopy(data)
    place: object = expected
    for key in path[:-1]:
        if isinstance(place, list) and isinstance(key, int) and 0 <= key < len(place):
            place = place[key]
            continue
        if not isinstance(place, dict):
            raise EditError(f"{'.'.join(map(str, path))}: {key!r} is below a value that is not a mapping")
        if place.get(key) is None:
            place[key] = {}
        place = place[key]
    if not isinstance(place, dict):
        raise EditError(f"{'.'.join(map(str, path))}: is below a value that is not a mapping")
    place[path[-1]] = value
    return expected


def _paste(text: str, path: Path, value: Scalar) -> str:
    node, place, holder = compose(text), slice(0, 0), None
    for depth, key in enumerate(path):
        if isinstance(node, SequenceNode) and isinstance(key, int) and 0 <= key < len(node.value):
            node = node.value[key]
            continue
        if holder is not None and _is_null(node):
            return _fill(text, holder, place, path[depth - 1 :], value)
        if not isinstance(node, MappingNode):
            break
        pair = next((pair for pair in node.value if pair[0].value == key), None)
        if pair is None:
            return _insert(text, node, path[depth:], value)
        holder, node, place = node, pair[1], _place(text, *pair)
    else:
        if isinstance(node, ScalarNode):
            blank = "" if text[place] else " "
            return text[: place.start] + blank + _written(value) + text[place.stop :]
    raise EditError(f"{'.'.join(map(str, path))}: is not a single value; edit the file by hand")


def _place(text: str, key: Node, value: Node) -> slice:
    """The place of a value; of an empty one, for which the parser gives the next token, right after the colon."""
    start, end = int(value.start_mark.index), int(value.end_mark.index)
    if start == end:
        start = end = text.index(":", key.end_mark.index) + 1
    return slice(start, end)


def _is_null(node: Node | None) -> bool:
    return isinstance(node, ScalarNode) and node.tag == "tag:yaml.org,2002:null"


def _fill(text: str, holder: MappingNode, place: slice, rest: Path, value: Scalar) -> str:
    """A mapping in the place of nothing, as of `rates:` that somebody left to be written."""
    if holder.flow_style:
        return f"{text[: place.start].rstrip(' ')} {_flow(rest[1:], value)}{text[place.stop :]}"
    emptied = text[: place.start].rstrip(" ")
    lines = list(_lines(rest, value, column=holder.value[0][0].start_mark.column))[1:]
    return _with_lines(emptied + text[place.stop :], lines, after=len(emptied))


def _insert(text: str, parent: MappingNode, rest: Path, value: Scalar) -> str:
    if parent.flow_style:
        inside = _flow(rest, value)[1:-1]
        at = parent.value[-1][1].end_mark.index if parent.value else parent.start_mark.index + 1
        return text[:at] + (", " if parent.value else "") + inside + text[at:]
    lines = _lines(rest, value, column=parent.value[0][0].start_mark.column)
    return _with_lines(text, lines, after=_end(text, *parent.value[-1]))


def _with_lines(text: str, lines: Iterable[str], *, after: int) -> str:
    """Insert lines after the line of the character `after`, with the line endings of the file."""
    newline = "\r\n" if "\r\n" in text else "\n"
    at, block = text.find("\n", after), newline.join(lines)
    return f"{text}{newline}{block}" if at < 0 else f"{text[: at + 1]}{block}{newline}{text[at + 1 :]}"


def _flow(rest: Path, value: Scalar) -> str:
    inside = _written(value)
    for key in reversed(rest):
        inside = f"{{{key}: {inside}}}"
    return inside


def _lines(rest: Path, value: Scalar, *, column: int) -> Iterator[str]:
    for depth, key in enumerate(rest):
        end = f" {_written(value)}" if depth == len(rest) - 1 else ""
        yield f"{' ' * (column + depth * _INDENTATION)}{key}:{end}"


def _end(text: str, key: Node, value: Node) -> int:
    """The end of a value; a block's own end is after the blank lines and comments that follow it."""
    while isinstance(value, MappingNode | SequenceNode) and not value.flow_style and value.value:
        last = value.value[-1]
        key, value = last if isinstance(last, tuple) else (key, last)
    end: int = _place(text, key, value).stop
    # A literal block ends at the beginning of the next line.
    return end - 1 if isinstance(value, ScalarNode) and value.style in ("|", ">") else end


def _written(value: Scalar) -> str:
    """The value as a person would write it: no exponents, and quotes where text could be read as another type."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.9f}".rstrip("0").rstrip(".")
    if isinstance(value, int):
        return str(value)
    plain = _PLAIN.fullmatch(value) and value.lower() not in _WORDS
    return value if plain or _is_day(value) else json.dumps(value, ensure_ascii=not value.isprintable())


def _is_day(text: str) -> bool:
    """The reader takes a date for text, which is what the schema wants."""
    try:
        return len(text) == len("2026-12-31") and bool(date.fromisoformat(text))
    except ValueError:
        return False
