"""What a schema lets the members of data be, as far as it simply says so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flexdb.documents.pointers import names_of

KINDS_OF_JSON = frozenset(("string", "integer", "number", "boolean", "null", "array", "object"))
# How often one schema may lead to another: a reference may lead to itself.
_DEEPEST = 20


def kinds_at(schema: Any, parts: Sequence[str]) -> frozenset[str] | None:
    """Return which kinds of JSON values may be at a place in data; None where any may be.

    :param schema: the JSON Schema as parsed
    :param parts: the names that lead to the place
    """
    here = [schema]
    for name in parts:
        here = [found["properties"][name] for one in here for found in _flat(one, schema)
                if isinstance(found.get("properties"), dict) and name in found["properties"]]
    known = [kinds for one in here if (kinds := _kinds(one, schema, 0)) is not None]
    return frozenset.intersection(*known) if known else None


def names_in(schema: Any) -> list[str]:
    """Return the names of the members that a schema has, in its order."""
    return list(dict.fromkeys(
        name for found in _flat(schema, schema) if isinstance(found.get("properties"), dict)
        for name in found["properties"]))


def _flat(schema: Any, root: Any, depth: int = 0) -> list[dict[str, Any]]:
    """Return a schema and those that hold beside it, or may."""
    if not isinstance(schema, dict) or depth > _DEEPEST:
        return []
    beside = [one for word in ("allOf", "anyOf", "oneOf")
              if isinstance(schema.get(word), list) for one in schema[word]]
    if "$ref" in schema:
        beside.append(_referred(schema["$ref"], root))
    return [schema, *(found for one in beside for found in _flat(one, root, depth + 1))]


def _kinds(schema: Any, root: Any, depth: int) -> frozenset[str] | None:
    if not isinstance(schema, dict) or depth > _DEEPEST:
        return None
    known: list[frozenset[str] | None] = []
    said = schema.get("type")
    if isinstance(said, (str, list)):
        known.append(frozenset([said] if isinstance(said, str) else said) & KINDS_OF_JSON)
    values = [schema["const"]] if "const" in schema else schema.get("enum")
    if isinstance(values, list):
        known.append(frozenset(map(kind_of, values)))
    if "$ref" in schema:
        known.append(_kinds(_referred(schema["$ref"], root), root, depth + 1))
    for one in schema["allOf"] if isinstance(schema.get("allOf"), list) else ():
        known.append(_kinds(one, root, depth + 1))
    for word in ("anyOf", "oneOf"):
        if isinstance(schema.get(word), list):
            any_of = [_kinds(one, root, depth + 1) for one in schema[word]]
            known.append(None if None in any_of else frozenset().union(
                *(kinds for kinds in any_of if kinds is not None)))
    said_so = [kinds for kinds in known if kinds is not None]
    return frozenset.intersection(*said_so) if said_so else None


def kind_of(value: Any) -> str:
    """Return the kind of a parsed JSON value."""
    if isinstance(value, bool):
        return "boolean"
    return {str: "string", int: "integer", float: "number", list: "array", dict: "object"}.get(
        type(value), "null")


def _referred(reference: Any, root: Any) -> Any:
    """Return what a reference within a schema leads to (RFC 6901), or None."""
    if not isinstance(reference, str) or not reference.startswith("#"):
        return None
    for name in names_of(reference[1:]):
        if not isinstance(root, dict) or name not in root:
            return None
        root = root[name]
    return root
