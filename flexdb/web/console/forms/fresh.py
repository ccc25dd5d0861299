"""What new values begin with."""

from __future__ import annotations

from typing import Any

from flexdb.documents.text import dump_exactly, parse_exactly
from flexdb.web.console.forms import shapes
from flexdb.web.console.forms.shapes import FormShape, Shapes, TooMuch, shape
from flexdb.web.console.forms.values import ABSENT, Typed

_DEEPEST = 8


def begin(schema: Any, root: Any = None) -> Any:
    """Return what a value begins with: its defaults, and what can be nothing else; or ABSENT.

    :param schema: what it is to fit
    :param root: where ``$ref`` leads, if that is not the schema itself
    """
    known = Shapes(schema if root is None else root)
    try:
        return _begin(known.of(schema), known)
    except (TooMuch, RecursionError):
        return ABSENT


def _begin(found: FormShape, known: Shapes, depth: int = 0) -> Any:
    if "default" in found.schema:
        return parse_exactly(dump_exactly(found.schema["default"]))
    if found.kind == "variants" and found.variants and depth < _DEEPEST:
        return _begin(known.of(found.variants[0]), known, depth + 1)
    if found.kind == "choice" and "const" in found.schema:
        return found.schema["const"]
    if found.kind == "array":
        return []
    return _members(found, known, depth) if found.kind == "object" else ABSENT


def _members(found: FormShape, known: Shapes, depth: int) -> dict[str, Any]:
    made = {}
    needed = shapes.required(found.schema)
    for name, schema in shapes.properties(found.schema).items() if depth < _DEEPEST else ():
        inner = known.of(schema)
        is_begun = (name in needed or "default" in inner.schema) and (
            inner.schema.get("readOnly") is not True)
        if is_begun and (value := _begin(inner, known, depth + 1)) is not ABSENT:
            made[name] = value
    return made


def begin_item(schema: Any, root: Any) -> Any:
    """Return what a new item of an array begins with, be it an empty field."""
    value = begin(schema, root)
    if value is not ABSENT:
        return value
    return "" if shape(schema, root).kind == "text" else Typed()
