"""Forms of JSON Schemas: which field shows which value.

A field is named by the JSON Pointer (RFC 6901) of its value. What a field cannot carry to the
digit and to the character, or does not understand, is shown as JSON: nothing is lost on the way
through a form. :mod:`flexdb.web.console.forms.reading` reads what comes back.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from flexdb.documents.pointers import pointer_of
from flexdb.web.console.forms import shapes
from flexdb.web.console.forms.controls import choose, write
from flexdb.web.console.forms.hints import help_of
from flexdb.web.console.forms.shapes import FormShape, Option, Shapes, TooMuch, ordered
from flexdb.web.console.forms.values import ABSENT, REST, Typed, TypedJson, in_json
from flexdb.web.console.forms.variants import best, name_of
from flexdb.web.console.forms.widget import Widget
from flexdb.web.console.words import as_json, cut, indented

# How many fields a form has, and how deep they are; beyond, it is JSON.
MOST_WIDGETS, DEEPEST = 600, 8
# How large a value may be that is shown as a form, in bytes of JSON.
MOST_BYTES = 256 * 1024
# How many options count as a further field; how long a label may be, in characters.
_OPTIONS, _LABEL = 20, 100
# What a field cannot carry: browsers make every end of a line the same.
_UNFIT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


class FormPlace(NamedTuple):
    """Where a widget is, and what it is there for."""

    pointer: str
    label: str
    is_required: bool = False
    is_item: bool = False
    depth: int = 0
    path: str = ""


def widgets(schema: Any, value: Any, wrong: dict[str, str] | None = None,
            variants: dict[str, int] | None = None, root: Any = None) -> Widget:
    """Return the form of a value.

    :param schema: what it is to fit
    :param value: as :func:`flexdb.documents.text.parse_exactly` gives it, or as it was posted
    :param wrong: what is wrong, by the JSON Pointer of the place
    :param variants: which variant was chosen, by the JSON Pointer of the place
    :param root: where ``$ref`` leads, if that is not the schema itself
    """
    form, top = _Form(schema if root is None else root, variants or {}), FormPlace("", "Data")
    try:
        made = form.widget(schema, value, top)
    except (TooMuch, RecursionError):
        made = form.of(FormShape("any", {}), value, top)
    for at, told in (wrong or {}).items():
        _blame(made, at, told)
    return made


def _blame(top: Widget, pointer: str, told: str) -> None:
    """Say at a field what is wrong with it, or with what it has as JSON."""
    at = pointer
    while (found := top.at(at)) is None:
        at = at.rpartition("/")[0]
    told = told if at == pointer else f"{pointer[len(at):]}: {told}"
    found.wrong = f"{found.wrong}; {told}" if found.wrong else told


def _text(value: Any) -> str:
    try:
        return indented(in_json(value))
    except RecursionError:
        # Nothing that is so deep was typed into fields.
        return indented(value)


class _Form:
    def __init__(self, root: Any, variants: dict[str, int]) -> None:
        self.known, self.variants, self.made = Shapes(root), variants, 0

    def widget(self, schema: Any, value: Any, place: FormPlace) -> Widget:
        """Return the widget of a value."""
        found = self.known.of(schema)
        if found.kind == "variants" and place.depth < DEEPEST:
            return self._variants(found, value, place)
        return self.of(found, value, place)

    def _made(self, place: FormPlace, kind: str, found: FormShape, value: Any) -> Widget:
        label = cut(found.schema.get("title") or place.label, _LABEL)
        # The title of a whole is not one of what is in it.
        path = f"{place.path}, {label}" if place.path else label if place.pointer else ""
        return Widget(place.pointer, label, kind, found, value, help_of(found),
                      is_required=place.is_required, is_item=place.is_item, path=path)

    def of(self, found: FormShape, value: Any, place: FormPlace) -> Widget:
        """Return the widget of a value that no variant is to be chosen of."""
        self.made += 1
        made = self._made(place, "json", found, value)
        if found.schema.get("readOnly") is True:
            return self._fixed(made)
        if not self._can_show(found, value, place.depth):
            made.text = str(value) if isinstance(value, Typed) else (
                "" if value is ABSENT else _text(value))
        elif found.kind == "object":
            self._members(made, place.depth)
        elif found.kind == "array":
            made.kind = "array"
            made.inner = [self.widget(found.item(number), item, FormPlace(
                f"{place.pointer}/{number}", str(number + 1), True, True, place.depth + 1,
                made.path))
                for number, item in enumerate(value or [])]
            # What is said of each is said once.
            made.help = f"{made.help} {help_of(self.known.of(found.item(0)))}".strip()
        elif found.kind in ("choice", "boolean"):
            choose(made)
            self.made += len(made.options) // _OPTIONS
        else:
            write(made)
        return made

    def _can_show(self, found: FormShape, value: Any, depth: int) -> bool:
        if found.kind in ("any", "variants") or isinstance(value, TypedJson):
            return False
        if found.kind in ("object", "array"):
            most = MOST_WIDGETS - self.made
            names = shapes.properties(found.schema)
            size = len(value) if isinstance(value, list) else len(names)
            return (depth < DEEPEST and size <= most and (value is ABSENT or found.fits(value))
                    and not any("\n" in name or _UNFIT.search(name) for name in names))
        if value is ABSENT or value is None or isinstance(value, Typed):
            return True
        return found.fits(value) and not (isinstance(value, str) and _UNFIT.search(value))

    def _members(self, made: Widget, depth: int) -> None:
        made.kind = "object"
        if made.is_absent:
            return
        members, needed = shapes.properties(made.shape.schema), shapes.required(made.shape.schema)
        made.inner = [self.widget(members[name], made.value.get(name, ABSENT), FormPlace(
            made.pointer + pointer_of([name]), name, name in needed, False, depth + 1, made.path))
            for name in ordered(made.shape.schema)]
        if REST in made.value:
            made.rest = str(made.value[REST])
        elif rest := {name: one for name, one in made.value.items() if name not in members}:
            made.rest = indented(rest)

    def _variants(self, found: FormShape, value: Any, place: FormPlace) -> Widget:
        chosen = self.variants.get(place.pointer)
        if chosen is None or not 0 <= chosen < len(found.variants):
            chosen = best(found, value, self.known)
        inner = self.known.of(found.variants[chosen])
        made = self._made(place, "variants", found, value)
        made.text = str(chosen)
        made.options = [Option(number, name_of(one, number, self.known))
                        for number, one in enumerate(found.variants)]
        made.inner = [self.of(inner._replace(
            is_nullable=inner.is_nullable or found.is_nullable), value, place)]
        return made

    @staticmethod
    def _fixed(made: Widget) -> Widget:
        made.kind = "fixed"
        made.text = "" if made.is_absent else as_json(made.value)
        return made
