"""A YAML text as plain data, with the line of every value and every mistake that is one of YAML alone."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from bedrock_eval.errors import UserError
from bedrock_eval.texts import half_pairs, without_mark
from configuration.document.yaml_errors import yaml_mistake

Path = tuple[str | int, ...]
"""Keys and indexes from the top of the file to a value."""

# ruamel answers some broken texts with an error of its own code.
_CRASHES = (LookupError, ValueError, TypeError, AttributeError, AssertionError, NotImplementedError)
_TAG = "tag:yaml.org,2002:"
MERGE = "<<"
_DEEPEST = 20
# Aliases of aliases grow a file of a few lines to gigabytes.
_MOST_VALUES = 20_000


class DocumentError(UserError, ValueError):
    """Not YAML, or nothing that could be data; the message says why, `line` where."""

    def __init__(self, message: str, *, line: int) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True)
class Mistake:
    """Something wrong, or worth a warning, at a path. `line` is given where the path alone does not say it."""

    path: Path
    message: str
    line: int | None = None


@dataclass(frozen=True)
class Document:
    """Plain data: str, int, float, bool, None, lists and dicts with text keys.

    Attributes:
        lines: of the key of every value, of the value itself in a list; from 1.
        written: the characters of every scalar as they stand in the file.
    """

    data: dict[str, Any]
    lines: Mapping[Path, int]
    written: Mapping[Path, str]
    mistakes: tuple[Mistake, ...] = ()

    def line(self, path: Path) -> int:
        """The line of a value, or of what it is missing from."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def value(self, path: Path) -> Any:
        """What stands at a path.

        Raises:
            LookupError: nothing does.
        """
        value: Any = self.data
        step: Any
        for step in path:
            if not isinstance(value, dict if isinstance(step, str) else list):
                raise LookupError(path)
            value = value[step]
        return value


def read_document(text: str) -> Document:
    """Read one YAML document whose top is a mapping.

    Raises:
        DocumentError: at a mistake that leaves nothing to look at.
    """
    root = compose(text)
    if root is None:
        raise DocumentError("the file is empty; needed: application, region and so on, a key and a value each", line=1)
    if not isinstance(root, MappingNode):
        kind = "a list" if isinstance(root, SequenceNode) else "a single value"
        raise DocumentError(f"the file holds {kind}; needed: keys with values", line=_line(root))
    reader = _Reader()
    data = reader.mapping(root, ())
    return Document(data=data, lines=reader.lines, written=reader.written, mistakes=tuple(reader.mistakes))


def compose(text: str) -> Node | None:
    """The text as nodes, each with its place; None when there is nothing in it.

    Raises:
        DocumentError: the text is not YAML.
    """
    yaml = YAML(typ="safe", pure=True)
    # Told by ourselves, as a mistake of the file.
    yaml.composer.warn_double_anchors = False
    try:
        node: Node | None = yaml.compose(text)
    except YAMLError as error:
        mistake = yaml_mistake(text, error)
        raise DocumentError(mistake.message, line=mistake.line) from None
    except RecursionError:
        raise DocumentError("nested too deeply", line=1) from None
    except _CRASHES as error:
        reason = str(error).partition("\n")[0] or "cannot be read"
        raise DocumentError(f"not YAML: {reason}", line=1) from None
    return node


def _line(node: Node) -> int:
    return int(node.start_mark.line) + 1


class _Reader:
    """Walks the nodes once and keeps what the plain data cannot say."""

    def __init__(self) -> None:
        self.lines: dict[Path, int] = {(): 1}
        self.written: dict[Path, str] = {}
        self.mistakes: list[Mistake] = []
        self._values = 0
        self._anchored: dict[str, list[Node]] = {}

    def mapping(self, node: MappingNode, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value_node in self._pairs(node, path):
            found[key] = self._value(value_node, (*path, key))
        return found

    def _pairs(self, node: MappingNode, path: Path) -> Iterator[tuple[str, Node]]:
        first: dict[str, int] = {}
        for key_node, value_node in node.value:
            line = _line(key_node)
            if not isinstance(key_node, ScalarNode):
                self.mistakes.append(Mistake(path, "a list or a mapping is used as a key; allowed: text", line))
                continue
            key = str(key_node.value)
            if key in first:
                self.mistakes.append(Mistake((*path, key), f"duplicate key; the first is in line {first[key]}", line))
                continue
            first[key] = line
            self.lines[(*path, key)] = line
            if key_node.tag == f"{_TAG}merge":
                self.mistakes.append(
                    Mistake((*path, MERGE), "merge keys are not supported; needed: the keys themselves", line)
                )
                continue
            if key_node.tag != f"{_TAG}str":
                self.mistakes.append(Mistake((*path, key), f'the key is not text; put it in quotes: "{key}"', line))
                continue
            yield key, value_node

    def _value(self, node: Node, path: Path) -> Any:
        self._values += 1
        self._check_anchor(node, path)
        if len(path) > _DEEPEST or self._values > _MOST_VALUES:
            raise DocumentError("nested too deeply" if len(path) > _DEEPEST else "too many values", line=_line(node))
        if isinstance(node, MappingNode):
            return self.mapping(node, path)
        if isinstance(node, SequenceNode):
            return [self._item(item, (*path, index)) for index, item in enumerate(node.value)]
        self.written[path] = str(node.value)
        try:
            return _scalar(node)
        except ValueError as error:
            self.mistakes.append(Mistake(path, str(error)))
            return None

    def _check_anchor(self, node: Node, path: Path) -> None:
        """An alias names the last anchor of its name, whichever was meant."""
        same = self._anchored.setdefault(node.anchor, []) if node.anchor else [node]
        # An alias leads here again.
        if any(each is node for each in same):
            return
        same.append(node)
        if len(same) > 1:
            message = f"anchor {node.anchor!r} is already defined in line {_line(same[0])}; needed: another name"
            self.mistakes.append(Mistake(path, message, _line(node)))

    def _item(self, node: Node, path: Path) -> Any:
        self.lines[path] = _line(node)
        return self._value(node, path)


def _scalar(node: Node) -> str | int | float | bool | None:
    text, kind = str(node.value), str(node.tag).removeprefix(_TAG)
    if half_pairs(text):
        raise ValueError("contains half a surrogate pair, which is not a character")
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() in ("true", "yes", "on")
    if kind in ("int", "float"):
        return _number(text, whole=kind == "int")
    if kind in ("str", "timestamp"):
        return without_mark(text)
    raise ValueError(f"tag {node.tag} is not supported; allowed: plain values")


def _number(text: str, *, whole: bool) -> int | float:
    plain = text.replace("_", "").lower()
    try:
        if not plain.isascii():
            raise ValueError
        if whole:
            return int(plain, 0) if plain.lstrip("+-")[:2] in ("0x", "0o", "0b") else int(plain)
        return float(plain.replace(".inf", "inf").replace(".nan", "nan"))
    except ValueError:
        shown = text[:60]
        raise ValueError(f'{shown} looks like a number but is not one; for text put it in quotes: "{shown}"') from None
