"""What was filled into the form of a JSON Schema, as a value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flexdb.documents.pointers import pointer_of
from flexdb.documents.text import NUMBER, Number, parse, parse_exactly
from flexdb.web.console.forms import shapes
from flexdb.web.console.forms.fields import DEEPEST, MOST_WIDGETS
from flexdb.web.console.forms.fresh import begin
from flexdb.web.console.forms.hints import whole
from flexdb.web.console.forms.shapes import (
    MOST_STEPS,
    FormShape,
    Shapes,
    TooMuch,
    ordered,
    shape,
)
from flexdb.web.console.forms.values import ABSENT, REST, Typed, TypedJson

# Numbers beyond a double, which others may have stored: no reason to refuse what is beside.
_LARGE = re.compile(r"(?<=[0-9])[eE]\+?[0-9]{3,}|[0-9]{300,}")


@dataclass
class Posted:
    """A value that was filled in.

    :param value: what was typed and is no value stands in it as it was typed
    :param wrong: what is wrong with that, by the JSON Pointer of the place
    :param variants: which variant was chosen, by the JSON Pointer of the place
    :param is_switched: whether one was chosen that the form does not show yet
    """

    value: Any = ABSENT
    wrong: dict[str, str] = field(default_factory=dict)
    variants: dict[str, int] = field(default_factory=dict)
    is_switched: bool = False


def posted(schema: Any, form: Mapping[str, str], root: Any = None) -> Posted:
    """Return what a form of :func:`flexdb.web.console.forms.fields.widgets` was filled in with.

    :param schema: the one that the form was made of
    :param form: its fields by their names
    :param root: where ``$ref`` leads, if that is not the schema itself
    """
    reading = _Reading(schema if root is None else root, form)
    try:
        reading.posted.value = reading.read(schema, "", False, 0)
    except (TooMuch, RecursionError):
        return Posted(TypedJson(form.get("json:", "")), {"": "does not stand in a form: use JSON"})
    return reading.posted


def read_text(schema: Any, text: str, root: Any = None) -> Any:
    """Return what a text says as the value of a place; a number keeps its digits.

    :param schema: of the place
    :param text: a text or a number as it is, one of the options, true, false, null, else JSON
    :param root: where ``$ref`` leads, if that is not the schema itself
    :raises ValueError: when it says none, with what would be right
    """
    found = shape(schema, schema if root is None else root)
    if found.kind == "text":
        return text.replace("\r\n", "\n")
    if text.strip() == "null" and found.is_nullable:
        return None
    if found.kind == "number":
        return read_number(text)
    if found.kind == "choice":
        for option in found.options:
            if option.label == text:
                return option.value
    if found.kind == "boolean":
        if text.strip().lower() in ("true", "false"):
            return text.strip().lower() == "true"
        raise ValueError("must be true or false")
    try:
        return read_json(text)
    except ValueError:
        if found.kind == "choice":
            return text
        raise


def read_number(text: str) -> Number:
    """Return a number as it was typed.

    :raises ValueError: when it is none
    """
    text = text.strip()
    if not NUMBER.fullmatch(text):
        raise ValueError("must be a number, such as 12 or 0.5")
    return Number(text)


def read_json(text: str) -> Any:
    """Return the value of JSON text, in which numbers are as they were written.

    :raises ValueError: saying where it is no JSON
    """
    try:
        parse(_LARGE.sub("1", text).encode())
        return parse_exactly(text.encode())
    except ValueError as error:
        raise ValueError(f"is no JSON: {error}") from None


class _Reading:
    def __init__(self, root: Any, form: Mapping[str, str]) -> None:
        # What was shown is not to take too much when it comes back.
        self.known = Shapes(root, 3 * MOST_STEPS)
        self.root, self.form, self.posted = root, form, Posted()

    def read(self, schema: Any, at: str, is_item: bool, depth: int) -> Any:
        """Return what stands at a place: the names of its fields tell how it was shown."""
        found, form = self.known.of(schema), self.form
        if found.kind == "variants" and found.variants and f"variant:{at}" in form:
            chosen = whole(form[f"variant:{at}"]) or 0
            chosen = chosen if 0 <= chosen < len(found.variants) else 0
            self.posted.variants[at] = chosen
            variant = found.variants[chosen]
            found = self.known.of(variant)
            if form.get(f"shown:{at}", str(chosen)) != str(chosen):
                self.posted.is_switched = True
                return self._switched(variant, self._read(found, at, is_item, depth))
        return self._read(found, at, is_item, depth)

    def _switched(self, variant: Any, value: Any) -> Any:
        """Return what another variant begins with, and what it has in common with the one before.
        """
        if value is ABSENT:
            return value
        begun = begin(variant, self.root)
        if not isinstance(begun, dict):
            return begun
        members = shapes.properties(self.known.of(variant).schema)
        kept = {name: one for name, one in value.items() if "const" not in self.known.of(
            members.get(name)).schema} if isinstance(value, dict) else {}
        return {**begun, **kept}

    def _read(self, found: FormShape, at: str, is_item: bool, depth: int) -> Any:
        form = self.form
        if f"json:{at}" in form:
            return self._json(form[f"json:{at}"], at, at)
        if f"object:{at}" in form and depth < DEEPEST:
            return self._object(found, at, depth)
        if f"size:{at}" in form and depth < DEEPEST:
            return self._array(found, at, depth)
        return self._one(found, form[at], at, is_item) if at in form else ABSENT

    def _json(self, text: str, at: str, place: str) -> Any:
        if not text.strip():
            return ABSENT
        try:
            return read_json(text)
        except ValueError as error:
            self.posted.wrong[place] = str(error)
            return TypedJson(text.replace("\r\n", "\n"))

    def _object(self, found: FormShape, at: str, depth: int) -> dict[str, Any]:
        made: dict[str, Any] = {}
        members = shapes.properties(found.schema)
        for name in ordered(found.schema):
            place = at + pointer_of([name])
            value = self.read(members[name], place, False, depth + 1)
            if value is not ABSENT:
                made[name] = value
        rest = self._json(self.form.get(f"rest:{at}", ""), at, at)
        if isinstance(rest, dict):
            # Of one that is there twice, the field of its own counts.
            return {**rest, **made}
        if rest is not ABSENT:
            self.posted.wrong.setdefault(at, "further members must be a JSON object")
            made[REST] = TypedJson(self.form[f"rest:{at}"])
        return made

    def _array(self, found: FormShape, at: str, depth: int) -> list[Any]:
        size = whole(self.form[f"size:{at}"]) or 0
        made = []
        for number in range(min(size, MOST_WIDGETS)):
            item = self.read(found.item(number), f"{at}/{number}", True,
                             depth + 1)
            if item is ABSENT:
                item = Typed()
                self.posted.wrong[f"{at}/{number}"] = "must be filled in or removed"
            made.append(item)
        return made

    def _one(self, found: FormShape, text: str, at: str, is_item: bool) -> Any:
        if text == "" or found.kind in ("choice", "boolean"):
            return self._chosen(found, text, at, is_item)
        if found.kind == "number":
            try:
                return read_number(text)
            except ValueError as error:
                self.posted.wrong[at] = str(error)
                return Typed(text)
        return text.replace("\r\n", "\n")

    def _chosen(self, found: FormShape, text: str, at: str, is_item: bool) -> Any:
        if text:
            return self._json(text, at, at)
        meaning = self.form.get(f"empty:{at}", "")
        if meaning == "null":
            return None
        is_text = found.kind == "text" and (meaning == "text" or is_item and not meaning)
        return "" if is_text else ABSENT
