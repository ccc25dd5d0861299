"""What new values begin with."""

from __future__ import annotations

from typing import Any

from flexdb.documents.text import dump_exactly, parse_exactly
from flexdb.web.console.forms import shapes
from flexdb.web.console.forms.shapes import FormShape, shape
from flexdb.web.console.forms.values import ABSENT, Typed

_DEEPEST = 8


def begin(found: FormShape, root: Any, depth: int = 0) -> Any:
    """Return what a value begins with: its defaults, and what can be nothing else; or ABSENT.

    :param root: the whole schema
    """
    if "default" in found.schema:
        return parse_exactly(dump_exactly(found.schema["default"]))
    if found.kind == "variants" and found.variants and depth < _DEEPEST:
        return begin(shape(found.variants[0], root), root, depth + 1)
    if found.kind == "choice" and "const" in found.schema:
        return found.schema["const"]
    if found.kind == "array":
        return []
    return _members(found, root, depth) if found.kind == "object" else ABSENT


def _members(found: FormShape, root: Any, depth: int) -> dict[str, Any]:
    made = {}
    needed = shapes.required(found.schema)
    for name, schema in shapes.properties(found.schema).items() if depth < _DEEPEST else ():
        inner = shape(schema, root)
        is_begun = (name in needed or "default" in inner.schema) and (
            inner.schema.get("readOnly") is not True)
        if is_begun and (value := begin(inner, root, depth + 1)) is not ABSENT:
            made[name] = value
    return made


def begin_item(found: FormShape, root: Any) -> Any:
    """Return what a new item of an array begins with, be it an empty field."""
    value = begin(found, root)
    if value is not ABSENT:
        return value
    return "" if found.kind == "text" else Typed()
