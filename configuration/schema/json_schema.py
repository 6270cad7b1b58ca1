"""The JSON Schema of an environment file, and the schema of the value at a path."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from configuration.document.reading import Path
from configuration.schema.environment import Environment

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
        if "oneOf" in node:
            node.update(_switch([(member, schema["$defs"][_name(member)]) for member in node.pop("oneOf")]))
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


def _name(reference: Node) -> str:
    return str(reference["$ref"]).rpartition("/")[2]


def _switch(members: Sequence[tuple[Node, Node]], *done: str) -> dict[str, Any]:
    """The schema of a value that matches the one of `members` whose constants its keys have.

    For `oneOf` an editor reports every member that does not match; for `if` and `then` only the one that is meant.

    Args:
        members: each as a reference, and resolved.
        done: keys that are decided already.
    """
    key = next(key for key, value in members[0][1]["properties"].items() if "const" in value and key not in done)
    groups: dict[str, list[tuple[Node, Node]]] = {}
    for member in members:
        groups.setdefault(member[1]["properties"][key]["const"], []).append(member)
    own = [group[0][1] for group in groups.values()]
    required = [key] if all(key in member["required"] for member in own) else []
    return {
        "type": "object",
        "properties": {
            key: {
                "type": "string",
                "enum": list(groups),
                "description": " ".join(member["properties"][key]["description"] for member in own),
                **({"default": own[0]["properties"][key]["default"]} if not required else {}),
            }
        },
        "required": required,
        "allOf": [
            {
                "if": {
                    "properties": {key: {"const": name}},
                    "required": [key] if key in group[0][1]["required"] else [],
                },
                "then": group[0][0] if len(group) == 1 else _switch(group, *done, key),
            }
            for name, group in groups.items()
        ],
    }


def cases(node: Node, **given: str) -> Iterator[tuple[Mapping[str, str], Node]]:
    """The cases of a schema that depends on the values of keys: these values, and the schema that holds with them."""
    if "allOf" not in node:
        yield given, node
        return
    for case in node["allOf"]:
        ((key, value),) = case["if"]["properties"].items()
        yield from cases(case["then"], **given, **{key: value["const"]})


def chosen(node: Node, value: object) -> Node:
    """The case of a schema that a value's keys choose; the schema itself where they choose none."""
    keys = value if isinstance(value, dict) else {}
    for case in node.get("allOf", ()):
        ((key, wanted),) = case["if"]["properties"].items()
        if keys.get(key, None if case["if"]["required"] else wanted["const"]) == wanted["const"]:
            return chosen(case["then"], value)
    return node


def variants(node: Node) -> tuple[Node, ...]:
    """The schemas that a value may match, with references resolved and without null."""
    if "$ref" in node:
        return (file_schema()["$defs"][_name(node)],)
    if "anyOf" not in node:
        return (node,)
    inner = tuple(found for item in node["anyOf"] for found in variants(item) if found.get("type") != "null")
    # What is said beside anyOf holds for every variant.
    beside = {key: value for key, value in node.items() if key in ("patternErrorMessage", "maximum")}
    return tuple({**found, **beside} for found in inner)


def properties(node: Node) -> Mapping[str, Node]:
    """The keys that a mapping may have here; empty where users choose the keys."""
    return {key: value for found in variants(node) for key, value in found.get("properties", {}).items()}


def entry(node: Node) -> Node | None:
    """The schema of each item of a list, or of each entry under a key that users choose."""
    for found in variants(node):
        if "items" in found:
            return dict(found["items"])
        if "patternProperties" in found:
            return dict(next(iter(found["patternProperties"].values())))
        if isinstance(found.get("additionalProperties"), dict):
            return dict(found["additionalProperties"])
    return None


def schema_at(path: Path, data: object) -> Node | None:
    """The schema of the value at a path; None where there is none.

    Args:
        data: the data of the file, because the keys of an evaluation depend on its kind.
    """
    return below(file_schema(), path, data)


def below(node: Node | None, path: Path, data: object) -> Node | None:
    """The schema of the value at a path below a schema."""
    for step in path:
        if node is None:
            return None
        node = chosen(node, data)
        data = _below(data, step)
        known = properties(node)
        node = known.get(step) if known and isinstance(step, str) else entry(node)
    return node


def _below(data: object, step: str | int) -> object:
    if isinstance(data, dict):
        return data.get(step)
    return data[step] if isinstance(data, list) and isinstance(step, int) and step < len(data) else None


def kind(node: Node) -> str:
    """The type in words: `text`, `a whole number`, `a list` ..."""
    return " or ".join(dict.fromkeys(_KINDS[found.get("type", "object")] for found in variants(node)))


def allowed(node: Node) -> str:
    """The values that a scalar may have, in words; empty where the type allows every value."""
    return " or ".join(text for found in variants(node) if (text := _allowed(found)))


def _allowed(node: Node) -> str:
    if "patternErrorMessage" in node:
        return str(node["patternErrorMessage"])
    if "const" in node or "enum" in node:
        return ", ".join(str(value) for value in node.get("enum", [node.get("const")]))
    if "items" in node and "maxItems" in node:
        least, most = node.get("minItems", 0), node["maxItems"]
        return f"{most}" if least == most else f"{least} to {most}" if least else f"at most {most}"
    if node.get("minLength") or node.get("minItems") or node.get("minProperties"):
        return "not empty"
    return _range(node)


def _range(node: Node) -> str:
    least, above = node.get("minimum"), node.get("exclusiveMinimum")
    most, below = node.get("maximum"), node.get("exclusiveMaximum")
    low = f"above {above:,.15g}" if above is not None else "" if least is None else f"{least:,.15g}"
    high = f"below {below:,.15g}" if below is not None else "" if most is None else f"{most:,.15g}"
    if least is not None and most is not None:
        return f"{low} to {high}"
    if low and high:
        return f"{low if above is not None else f'at least {low}'}, {high if below is not None else f'at most {high}'}"
    return low and (low if above is not None else f"{low} or more")
