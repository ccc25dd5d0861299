"""Which of several variants a value looks like, and what they are called."""

from __future__ import annotations

from typing import Any

from flexdb.documents.text import dump_exactly
from flexdb.web.console.forms import shapes
from flexdb.web.console.forms.shapes import FormShape, Shapes, ordered
from flexdb.web.console.forms.values import ABSENT, Typed
from flexdb.web.console.words import cut


def best(found: FormShape, value: Any, known: Shapes) -> int:
    """Return the place of the variant that a value looks most like."""
    return max(range(len(found.variants)), default=0,
               key=lambda number: (_likeness(known.of(found.variants[number]), value, known),
                                   -number))


def _likeness(found: FormShape, value: Any, known: Shapes) -> int:
    if value is ABSENT or value is None:
        return 0
    if not found.fits(value) or isinstance(value, Typed):
        return -1000
    if found.kind == "choice":
        text = dump_exactly(value)
        return 1 if any(dump_exactly(one.value) == text for one in found.options) else -100
    if not isinstance(value, dict):
        return 0 if found.kind == "any" else 1
    members = shapes.properties(found.schema)
    likeness = -sum(name not in value for name in shapes.required(found.schema))
    for name, one in value.items():
        inner = known.of(members[name]) if name in members else None
        likeness += (-1 if inner is None else _likeness(inner, one, known) * 2
                     if inner.kind == "choice" else 1 if inner.fits(one) else -2)
    return likeness


def name_of(variant: Any, number: int, known: Shapes) -> str:
    """Return what a variant is called: its title, or what tells it from others."""
    found = known.of(variant)
    if title := found.schema.get("title"):
        return str(title)
    for name, member in shapes.properties(found.schema).items():
        if isinstance(member, dict) and "const" in member:
            return f"{name}: {cut(member['const'])}"
    return {"any": f"variant {number + 1}", "choice": " or ".join(
        one.label for one in found.options[:5])}.get(found.kind) or (
            ", ".join(ordered(found.schema)[:3]) if found.kind == "object" else found.kind)
