"""JSON Schema (draft 7), as much of it as the flow schema uses; anything else is refused."""

from __future__ import annotations

import re
from typing import Any

from ivr.flow.loading.yaml import Mapping, Node, Problems, Scalar, Sequence, parse

TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}
WORDS = {
    *("$schema", "title", "description", "definitions", "$ref", "type", "enum", "pattern"),
    *("properties", "patternProperties", "additionalProperties", "propertyNames", "required"),
    *("items", "anyOf", "not", "if", "then", "else", "minimum", "maximum"),
}


def plain(source: str) -> Any:
    """A YAML document as an editor reads it (YAML 1.2)."""
    problems = Problems()
    root = parse(source, "x.yaml", problems)
    problems.raise_if_any()
    assert root is not None
    return _plain(root)


def _plain(node: Node) -> Any:
    match node:
        case Mapping():
            return {entry.key: _plain(entry.value) for entry in node.entries.values()}
        case Sequence():
            return [_plain(item) for item in node.items]
        case Scalar() if node.quoted:
            return node.text
    constants = {"": None, "~": None, "null": None, "true": True, "false": False}
    if node.text in constants:
        return constants[node.text]
    if re.fullmatch(r"[-+]?[0-9]+", node.text):
        return int(node.text)
    if re.fullmatch(r"[-+]?[0-9]*\.[0-9]+", node.text):
        return float(node.text)
    return node.text


def mistakes(value: Any, schema: dict[str, Any], root: dict[str, Any], at: str = "") -> list[str]:
    """Where the value is not what the schema says."""
    unknown = set(schema) - WORDS
    assert not unknown, f"{at}: {unknown}"
    if "$ref" in schema:
        return mistakes(value, root["definitions"][schema["$ref"].rsplit("/", 1)[1]], root, at)
    found: list[str] = []
    if "type" in schema and not _is(value, schema["type"]):
        return [f"{at}: no {schema['type']}"]
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{at}: not one of {schema['enum']}")
    if "pattern" in schema and isinstance(value, str) and not re.search(schema["pattern"], value):
        found.append(f"{at}: {value!r} is not {schema['pattern']}")
    if isinstance(value, int | float) and not isinstance(value, bool):
        low, high = schema.get("minimum", value), schema.get("maximum", value)
        found += [] if low <= value <= high else [f"{at}: {value}"]
    found += _structure(value, schema, root, at)
    branches = schema.get("anyOf", [])
    if branches and all(mistakes(value, each, root, at) for each in branches):
        found.append(f"{at}: none of {len(branches)}")
    if "not" in schema and not mistakes(value, schema["not"], root, at):
        found.append(f"{at}: not allowed")
    if "if" in schema:
        branch = "else" if mistakes(value, schema["if"], root, at) else "then"
        found += mistakes(value, schema.get(branch, {}), root, at)
    return found


def _is(value: Any, types: str | list[str]) -> bool:
    names = [types] if isinstance(types, str) else types
    return any(
        isinstance(value, TYPES[name]) and (name == "boolean" or not isinstance(value, bool))
        for name in names
    )


def _structure(value: Any, schema: dict[str, Any], root: dict[str, Any], at: str) -> list[str]:
    found: list[str] = []
    if isinstance(value, list) and "items" in schema:
        for number, item in enumerate(value):
            found += mistakes(item, schema["items"], root, f"{at}/{number}")
    if not isinstance(value, dict):
        return found
    found += [f"{at}: lacks {key}" for key in schema.get("required", []) if key not in value]
    for key, each in value.items():
        here = f"{at}/{key}"
        names = schema.get("propertyNames")
        found += mistakes(key, names, root, here) if names else []
        fitting = [inner for name, inner in schema.get("properties", {}).items() if name == key]
        patterns = schema.get("patternProperties", {})
        fitting += [inner for name, inner in patterns.items() if re.search(name, key)]
        more = schema.get("additionalProperties", True)
        if not fitting and more is False:
            found.append(f"{here}: unknown key")
        if not fitting and isinstance(more, dict):
            fitting = [more]
        for inner in fitting:
            found += mistakes(each, inner, root, here)
    return found
