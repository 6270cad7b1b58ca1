"""The JSON Schema of an environment file, and what it says of the value at a path."""

import copy
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from environments.document import Path
from environments.schema import Environment

Node = Mapping[str, Any]
"""A JSON Schema."""

_KINDS = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "keys with values",
    "null": "null",
}


@cache
def file_schema() -> Node:
    """The schema of a file: that of `Environment` without `name`, which is the file's name."""
    schema = copy.deepcopy(Environment.model_json_schema(mode="validation"))
    del schema["properties"]["name"]
    schema["required"].remove("name")
    for node in _nodes(schema):
        _polish(node)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _nodes(value: object) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _nodes(item)


def _polish(node: dict[str, Any]) -> None:
    # Pydantic's titles repeat the key.
    if isinstance(node.get("title"), str):
        del node["title"]
    if node.get("default", ...) is None:
        del node["default"]
    if "patternProperties" in node:
        node["additionalProperties"] = False


def variants(node: Node) -> tuple[Node, ...]:
    """The schemas that a value may follow, references resolved, null left out."""
    if "$ref" in node:
        return (file_schema()["$defs"][str(node["$ref"]).rpartition("/")[2]],)
    if "anyOf" not in node:
        return (node,)
    inner = tuple(found for item in node["anyOf"] for found in variants(item) if found.get("type") != "null")
    # What is said beside anyOf holds for every variant.
    beside = {key: value for key, value in node.items() if key == "patternErrorMessage"}
    return tuple({**found, **beside} for found in inner)


def properties(node: Node) -> Mapping[str, Node]:
    """The keys that a mapping at this place may have; empty where they are the user's own."""
    return {key: value for found in variants(node) for key, value in found.get("properties", {}).items()}


def entry(node: Node) -> Node | None:
    """The schema of each item of a list, or of each entry under a key of the user's own."""
    for found in variants(node):
        if "items" in found:
            return dict(found["items"])
        if "patternProperties" in found:
            return dict(next(iter(found["patternProperties"].values())))
        if isinstance(found.get("additionalProperties"), dict):
            return dict(found["additionalProperties"])
    return None


def schema_at(path: Path) -> Node | None:
    """What the schema says of the value at a path, None where it knows none."""
    node: Node | None = file_schema()
    for step in path:
        if node is None:
            return None
        known = properties(node)
        node = known.get(step) if known and isinstance(step, str) else entry(node)
    return node


def kind(node: Node) -> str:
    """The type in words: `text`, `a whole number`, `a list` ..."""
    return " or ".join(dict.fromkeys(_KINDS[found.get("type", "object")] for found in variants(node)))


def allowed(node: Node) -> str:
    """The values that a scalar may have, in words; empty where its type says all."""
    return " or ".join(text for found in variants(node) if (text := _allowed(found)))


def _allowed(node: Node) -> str:
    if "patternErrorMessage" in node:
        return str(node["patternErrorMessage"])
    if "const" in node or "enum" in node:
        return ", ".join(str(value) for value in node.get("enum", [node.get("const")]))
    if "items" in node and "maxItems" in node:
        return f"{node.get('minItems', 0)} to {node['maxItems']}"
    if node.get("minLength") or node.get("minItems") or node.get("minProperties"):
        return "not empty"
    return _range(node)


def _range(node: Node) -> str:
    least, above = node.get("minimum"), node.get("exclusiveMinimum")
    most, below = node.get("maximum"), node.get("exclusiveMaximum")
    low = f"above {above:g}" if above is not None else "" if least is None else f"{least:g}"
    high = f"below {below:g}" if below is not None else "" if most is None else f"{most:g}"
    if least is not None and most is not None:
        return f"{low} to {high}"
    if low and high:
        return f"{low if above is not None else f'at least {low}'}, {high if below is not None else f'at most {high}'}"
    return low and (low if above is not None else f"{low} or more")
