"""JSON Schema, the part of it that describes an answer's form. Standard library only.

Source: JSON Schema 2020-12, Core and Validation. A keyword that is not implemented is an error, since passing
it over would let every answer fit: anchors and remote references, `unevaluatedItems` and `unevaluatedProperties`.
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import Any

from bedrock_eval.errors import UserError
from bedrock_eval.numerals import whole
from bedrock_eval.scores.text.patterns import Pattern, PatternError, pattern_of

Check = Callable[[Any], bool]
"""Whether a JSON value fits."""

_ANNOTATIONS = frozenset(
    {
        *("$schema", "$comment", "$defs", "definitions", "title", "description", "default", "examples", "deprecated"),
        *("readOnly", "writeOnly", "format", "contentEncoding", "contentMediaType", "contentSchema"),
        # Read together with the keyword that they belong to.
        *("then", "else", "minContains", "maxContains"),
    }
)


class SchemaError(UserError, ValueError):
    """A schema that cannot be checked; the message names the place in it."""


def compile_schema(schema: Any) -> Check:
    """Turn a schema into a check of values.

    Raises:
        SchemaError: naming the place in the schema.
    """
    return _Compiler(schema).compile(schema, "#")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_integer(value: Any) -> bool:
    return _is_number(value) and (isinstance(value, int) or value.is_integer())


_TYPES: Mapping[str, Check] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "integer": _is_integer,
    "number": _is_number,
    "string": lambda value: isinstance(value, str),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}


def _equal(first: Any, second: Any) -> bool:
    """Equality of JSON values: 1 is 1.0, but true is not 1."""
    if isinstance(first, bool) or isinstance(second, bool):
        return first is second
    if isinstance(first, list) and isinstance(second, list):
        return len(first) == len(second) and all(map(_equal, first, second))
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(_equal(first[key], second[key]) for key in first)
    return bool(first == second)


def _multiple(value: Any, of: Any) -> bool:
    # By the decimal digits: 0.3 is a multiple of 0.1, which binary fractions deny.
    return math.isfinite(value) and Fraction(str(value)) % Fraction(str(of)) == 0


class _Compiler:
    """One schema document; references are resolved within it, once each, when they are first met."""

    def __init__(self, root: Any) -> None:
        self._root = root
        self._referenced: dict[str, Check] = {}

    def compile(self, schema: Any, at: str) -> Check:
        if isinstance(schema, bool):
            return lambda _: schema
        if not isinstance(schema, dict):
            raise SchemaError(f"{at}: {schema!r} is no schema; allowed: an object, true or false")
        checks = [self._keyword(name, schema, at) for name in schema if name not in _ANNOTATIONS]
        return lambda value: all(check(value) for check in checks)

    def _keyword(self, name: str, schema: Mapping[str, Any], at: str) -> Check:
        at, value = f"{at}/{name}", schema[name]
        if name in _OF_VALUES:
            expected, accepts, kind, test = _OF_VALUES[name]
            if not accepts(value):
                raise SchemaError(f"{at}: {value!r}; allowed: {expected}")
            return lambda instance: not kind(instance) or test(instance, value)
        if name in _OF_SCHEMAS:
            return _OF_SCHEMAS[name](self, value, schema, at)
        known = ", ".join(sorted({*_OF_VALUES, *_OF_SCHEMAS}))
        raise SchemaError(f"{at}: the keyword is not supported; allowed: {known}")

    def reference(self, pointer: Any, _schema: Mapping[str, Any], at: str) -> Check:
        if not isinstance(pointer, str) or not (pointer == "#" or pointer.startswith("#/")):
            raise SchemaError(f"{at}: {pointer!r}; allowed: a place in the same schema, as #/$defs/name")

        def referenced(value: Any) -> bool:
            return self._referenced[pointer](value)

        if pointer not in self._referenced:
            # Set first, for a schema that refers to itself.
            self._referenced[pointer] = referenced
            self._referenced[pointer] = self.compile(self._at(pointer, at), pointer)
        return referenced

    def _at(self, pointer: str, at: str) -> Any:
        found = self._root
        for part in pointer.split("/")[1:]:
            key = _unescaped(part)
            if isinstance(found, dict) and key in found:
                found = found[key]
            elif isinstance(found, list) and (index := whole(key)) is not None and index < len(found):
                found = found[index]
            else:
                raise SchemaError(f"{at}: {pointer!r} leads nowhere; {key!r} is not there")
        return found

    def listed(self, value: Any, at: str) -> list[Check]:
        if not isinstance(value, list) or not value:
            raise SchemaError(f"{at}: {value!r}; allowed: a list of one or more schemas")
        return [self.compile(item, f"{at}/{index}") for index, item in enumerate(value)]

    def named(self, value: Any, at: str) -> dict[str, Check]:
        if not isinstance(value, dict):
            raise SchemaError(f"{at}: {value!r}; allowed: an object of schemas")
        return {key: self.compile(item, f"{at}/{key}") for key, item in value.items()}

    def patterns(self, value: Any, at: str) -> list[tuple[Pattern, Check]]:
        try:
            return [(pattern_of(pattern), check) for pattern, check in self.named(value, at).items()]
        except PatternError as error:
            raise SchemaError(f"{at}: {error}") from None

    def all_of(self, value: Any, _schema: Mapping[str, Any], at: str) -> Check:
        checks = self.listed(value, at)
        return lambda instance: all(check(instance) for check in checks)

    def any_of(self, value: Any, _schema: Mapping[str, Any], at: str) -> Check:
        checks = self.listed(value, at)
        return lambda instance: any(check(instance) for check in checks)

    def one_of(self, value: Any, _schema: Mapping[str, Any], at: str) -> Check:
        checks = self.listed(value, at)
        return lambda instance: sum(check(instance) for check in checks) == 1

    def not_(self, value: Any, _schema: Mapping[str, Any], at: str) -> Check:
        check = self.compile(value, at)
        return lambda instance: not check(instance)

    def if_(self, value: Any, schema: Mapping[str, Any], at: str) -> Check:
        above = at.removesuffix("/if")
        condition = self.compile(value, at)
        then = self.compile(schema.get("then", True), f"{above}/then")
        otherwise = self.compile(schema.get("else", True), f"{above}/else")
        return lambda instance: then(instance) if condition(instance) else otherwise(instance)

    def properties(self, value: Any, _schema: Mapping[str, Any], at: str) -> Check:
        checks = self.named(value, at)
        return lambda instance: (
            not isinstance(instance, dict) or all(checks[key](item) for key, item in instance.items() if key in checks)
        )

    def pattern_properties(self, value: Any, _schema: Mapping[str, Any], at: str) -> Check:
        checks = self.patterns(value, at)
        return lambda instance: (
            not isinstance(instance, dict)
            or all(check(item) for key, item in instance.items() for pattern, check in checks if pattern.found_in(key))
        )

    def additional_properties(self, value: Any, schema: Mapping[str, Any], at: str) -> Check:
        check = self.compile(value, at)
        above = at.removesuffix("/additionalProperties")
        own = self.named(schema.get("properties", {}), f"{above}/properties")
        patterns = self.patterns(schema.get("patternProperties", {}), f"{above}/patternProperties")

        def additional(instance: Mapping[str, Any]) -> Iterable[Any]:
            return (
                item
                for key, item in instance.items()
                if key not in own and not any(pattern.found_in(key) for pattern, _ in patterns)
            )

        return lambda instance: not isinstance(instance, dict) or all(map(check, additional(instance)))

    def property_names(self, value: Any, _schema: Mapping[str, Any], at: str) -> Check:
        check = self.compile(value, at)
        return lambda instance: not isinstance(instance, dict) or all(map(check, instance))

    def dependent_schemas(self, value: Any, _schema: Mapping[str, Any], at: str) -> Check:
        checks = self.named(value, at)
        return lambda instance: (
            not isinstance(instance, dict) or all(check(instance) for key, check in checks.items() if key in instance)
        )

    def prefix_items(self, value: Any, _schema: Mapping[str, Any], at: str) -> Check:
        checks = self.listed(value, at)
        return lambda instance: (
            not isinstance(instance, list) or all(check(item) for check, item in zip(checks, instance, strict=False))
        )

    def items(self, value: Any, schema: Mapping[str, Any], at: str) -> Check:
        check = self.compile(value, at)
        start = len(schema.get("prefixItems", ()))
        return lambda instance: not isinstance(instance, list) or all(map(check, instance[start:]))

    def contains(self, value: Any, schema: Mapping[str, Any], at: str) -> Check:
        check = self.compile(value, at)
        low, high = schema.get("minContains", 1), schema.get("maxContains", float("inf"))
        if not _is_count(low) or not (_is_count(high) or high == float("inf")):
            raise SchemaError(f"{at}: minContains {low!r}, maxContains {high!r}; allowed: integers from 0")
        return lambda instance: not isinstance(instance, list) or low <= sum(map(check, instance)) <= high


_OF_SCHEMAS: Mapping[str, Callable[[_Compiler, Any, Mapping[str, Any], str], Check]] = {
    "$ref": _Compiler.reference,
    "allOf": _Compiler.all_of,
    "anyOf": _Compiler.any_of,
    "oneOf": _Compiler.one_of,
    "not": _Compiler.not_,
    "if": _Compiler.if_,
    "properties": _Compiler.properties,
    "patternProperties": _Compiler.pattern_properties,
    "additionalProperties": _Compiler.additional_properties,
    "propertyNames": _Compiler.property_names,
    "dependentSchemas": _Compiler.dependent_schemas,
    "prefixItems": _Compiler.prefix_items,
    "items": _Compiler.items,
    "contains": _Compiler.contains,
}


def _is_count(value: Any) -> bool:
    return _is_integer(value) and value >= 0


def _is_pattern(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(pattern_of(value))
    except PatternError:
        return False


def _is_types(value: Any) -> bool:
    names = value if isinstance(value, list) else [value]
    return bool(names) and all(isinstance(name, str) and name in _TYPES for name in names)


def _is_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


def _is_dependencies(value: Any) -> bool:
    return isinstance(value, dict) and all(map(_is_names, value.values()))


def _unescaped(part: str) -> str:
    """One part of a JSON pointer in a URI fragment: percent escapes (RFC 3986), then ~1 and ~0 (RFC 6901)."""
    octets = re.sub(rb"%([0-9A-Fa-f]{2})", lambda found: bytes.fromhex(found[1].decode()), part.encode())
    return octets.decode(errors="replace").replace("~1", "/").replace("~0", "~")


def _has_type(value: Any, types: Any) -> bool:
    return any(_TYPES[name](value) for name in (types if isinstance(types, list) else [types]))


def _is_unique(items: Any, wanted: bool) -> bool:
    return not wanted or len({_key(item) for item in items}) == len(items)


def _key(value: Any) -> object:
    """The same for values that `_equal` takes for equal, and for no others."""
    if isinstance(value, list):
        return "array", tuple(map(_key, value))
    if isinstance(value, dict):
        return "object", frozenset((name, _key(item)) for name, item in value.items())
    return type(value) is bool, value


def _has_dependents(value: Any, dependencies: Any) -> bool:
    return all(name in value for key, names in dependencies.items() if key in value for name in names)


def _anything(_: Any) -> bool:
    return True


_COUNT = ("an integer from 0", _is_count)
_BOUND = ("a number", _is_number)
_OBJECT, _ARRAY, _STRING = _TYPES["object"], _TYPES["array"], _TYPES["string"]

# Keyword: what its value may be, in words and as a test; which values it says something of; what it says.
_OF_VALUES: Mapping[str, tuple[str, Check, Check, Callable[[Any, Any], bool]]] = {
    "type": (f"one or a list of {', '.join(_TYPES)}", _is_types, _anything, _has_type),
    "enum": (
        "a list",
        lambda value: isinstance(value, list),
        _anything,
        lambda value, allowed: any(_equal(value, item) for item in allowed),
    ),
    "const": ("anything", _anything, _anything, _equal),
    "minimum": (*_BOUND, _is_number, lambda value, bound: value >= bound),
    "maximum": (*_BOUND, _is_number, lambda value, bound: value <= bound),
    "exclusiveMinimum": (*_BOUND, _is_number, lambda value, bound: value > bound),
    "exclusiveMaximum": (*_BOUND, _is_number, lambda value, bound: value < bound),
    "multipleOf": ("a number above 0", lambda value: _is_number(value) and value > 0, _is_number, _multiple),
    "minLength": (*_COUNT, _STRING, lambda value, count: len(value) >= count),
    "maxLength": (*_COUNT, _STRING, lambda value, count: len(value) <= count),
    "pattern": (
        "a regular expression whose time is bounded",
        _is_pattern,
        _STRING,
        lambda value, pattern: pattern_of(pattern).found_in(value),
    ),
    "minItems": (*_COUNT, _ARRAY, lambda value, count: len(value) >= count),
    "maxItems": (*_COUNT, _ARRAY, lambda value, count: len(value) <= count),
    "uniqueItems": ("true or false", _TYPES["boolean"], _ARRAY, _is_unique),
    "minProperties": (*_COUNT, _OBJECT, lambda value, count: len(value) >= count),
    "maxProperties": (*_COUNT, _OBJECT, lambda value, count: len(value) <= count),
    "required": ("a list of names", _is_names, _OBJECT, lambda value, names: all(name in value for name in names)),
    "dependentRequired": ("an object of lists of names", _is_dependencies, _OBJECT, _has_dependents),
}
