"""What a JSON Schema says of a value, as far as a form can show it."""

from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import unquote

from flexdb.documents.pointers import names_of
from flexdb.documents.text import Number
from flexdb.web.console.forms.values import value_at
from flexdb.web.console.words import cut

Schema = dict[str, Any]

# How many steps reading a schema may take for one form, each of some microseconds.
MOST_STEPS = 20_000
# How many values there may be to choose from, and how many variants: of more, text is typed.
MOST_OPTIONS, MOST_VARIANTS = 300, 50
_KINDS = {"string": "text", "integer": "number", "number": "number", "boolean": "boolean",
          "object": "object", "array": "array"}
# What a schema without a type speaks of.
_HINTS = {"object": ("properties",), "array": ("items", "prefixItems"),
          "text": ("format", "pattern", "minLength", "maxLength"),
          "number": ("minimum", "maximum", "multipleOf", "exclusiveMinimum", "exclusiveMaximum")}
# What makes a branch of oneOf more than a condition.
_SAYS_WHAT = ("$ref", "type", "properties", "items", "const", "enum", "oneOf", "anyOf", "allOf")


class Option(NamedTuple):
    """A value that may be chosen, and how it is called."""

    value: Any
    label: str


class FormShape(NamedTuple):
    """What is to stand at a place.

    :param kind: text, number, boolean, choice, object, array, variants, or any
    :param schema: what the schema says of it, references followed and parts put together
    :param is_nullable: whether it may be null
    :param options: of a choice
    :param variants: the schemas of which one is to be chosen
    """

    kind: str
    schema: Schema
    is_nullable: bool = False
    options: tuple[Option, ...] = ()
    variants: tuple[Schema, ...] = ()

    def item(self, place: int) -> Any:
        """Return the schema of an item of an array."""
        first = self.schema.get("prefixItems")
        if isinstance(first, list) and place < len(first):
            return first[place]
        return self.schema.get("items")

    def fits(self, value: Any) -> bool:
        """Tell whether a field of this kind can show a value."""
        is_text = isinstance(value, str) and not isinstance(value, Number)
        if self.kind == "number":
            return isinstance(value, Number) or (
                isinstance(value, (int, float)) and not isinstance(value, bool))
        return {"text": is_text, "boolean": isinstance(value, bool),
                "choice": not isinstance(value, (dict, list)),
                "object": isinstance(value, dict), "array": isinstance(value, list)}.get(
                    self.kind, True)


class TooMuch(ValueError):
    """A schema says more than a form is made of."""


class Shapes:
    """Reads the places of one schema, for one form.

    :param root: the whole schema, into which ``$ref`` leads
    :param most: how many steps that may take in all: schemas refer to themselves, and twice
    """

    def __init__(self, root: Any, most: int = MOST_STEPS) -> None:
        self._root, self._left = root, most
        # Each with its schema, whose place in memory no other may take meanwhile.
        self._known: dict[int, tuple[Any, FormShape]] = {}

    def of(self, schema: Any) -> FormShape:
        """Return what is to stand at a place.

        :param schema: of the place
        :raises TooMuch: when more was asked than a form may take
        """
        self._take(1)
        known = self._known.get(id(schema))
        if known is None:
            known = self._known[id(schema)] = schema, self._read(schema)
        return known[1]

    def _take(self, steps: int) -> None:
        self._left -= steps
        if self._left < 0:
            raise TooMuch("says more than a form is made of")

    def _read(self, schema: Any) -> FormShape:
        said = self.followed(schema)
        is_nullable = False
        while branches := _branches(said):
            keyword, parts = branches
            rest = [part for part in parts if not _is_null(part)]
            is_nullable = is_nullable or len(rest) < len(parts)
            without = {name: told for name, told in said.items() if name != keyword}
            if len(rest) == 1:
                said = self._merged(without, self.followed(rest[0]))
            elif len(rest) > MOST_VARIANTS:
                return FormShape("any", without, is_nullable)
            elif options := _titled(rest):
                return FormShape("choice", without, is_nullable, options)
            else:
                return FormShape("variants", without, is_nullable, variants=tuple(
                    self._merged(without, self.followed(part)) for part in rest))
        return _plain(said, is_nullable)

    def followed(self, schema: Any) -> Schema:
        """Return a schema with what it refers to and all its parts in one."""
        said: Schema = schema if isinstance(schema, dict) else {}
        while isinstance(ref := said.get("$ref"), str):
            rest = {name: told for name, told in said.items() if name != "$ref"}
            said = self._merged(_target(ref, self._root), rest)
        if isinstance(parts := said.get("allOf"), list):
            said = {name: told for name, told in said.items() if name != "allOf"}
            for part in parts:
                said = self._merged(said, self.followed(part))
        return said

    def _merged(self, one: Schema, other: Schema) -> Schema:
        self._take(1 + (len(one) + len(other) + len(properties(one)) + len(properties(other))
                        + len(_texts(one.get("required")))) // 20)
        return merged(one, other)


def shape(schema: Any, root: Any) -> FormShape:
    """Return what is to stand at one place; any value where the schema says too much of it.

    :param schema: of the place
    :param root: the whole schema, into which ``$ref`` leads
    """
    try:
        return Shapes(root).of(schema)
    except (TooMuch, RecursionError):
        return FormShape("any", {})


def _plain(said: Schema, is_nullable: bool) -> FormShape:
    types = said.get("type")
    types = [types] if isinstance(types, str) else _texts(types)
    is_nullable = is_nullable or "null" in types
    if "const" in said:
        return FormShape("choice", said, is_nullable and said["const"] is not None,
                         _options([said["const"]]))
    if isinstance(listed := said.get("enum"), list):
        if len(listed) > MOST_OPTIONS:
            is_text = all(isinstance(one, str) and not isinstance(one, Number) for one in listed)
            return FormShape("text" if is_text else "any", said, None in listed)
        return FormShape("choice", said, False, _options(listed))
    kinds = {_KINDS.get(one, "any") for one in types if one != "null"}
    if not kinds and "null" not in types:
        kinds = {kind for kind, names in _HINTS.items() if not said.keys().isdisjoint(names)}
    kind = kinds.pop() if len(kinds) == 1 else "any"
    # Without a word on what is in it, its text says more than a form.
    if kind == "object" and not properties(said) or kind == "array" and not (
            said.get("items") or said.get("prefixItems")):
        kind = "any"
    return FormShape(kind, said, is_nullable)


def ordered(schema: Any) -> list[str]:
    """Return the names of a schema's members: by its ``x-order``, else the required first."""
    try:
        said = Shapes(schema).followed(schema)
    except (TooMuch, RecursionError):
        return []
    members = properties(said)
    listed = [name for keyword in ("x-order", "required") for name in _texts(said.get(keyword))]
    return [*dict.fromkeys(name for name in [*listed, *sorted(members)] if name in members)]


def properties(said: Schema) -> dict[str, Any]:
    """Return the schemas of an object's members, by name."""
    found = said.get("properties")
    return found if isinstance(found, dict) else {}


def required(said: Schema) -> set[str]:
    """Return the names of the members that must be there."""
    return set(_texts(said.get("required")))


def merged(one: Schema, other: Schema) -> Schema:
    """Return what two schemas of the same place say together; the other where both say."""
    made = {**one, **other}
    if properties(one) and properties(other):
        made["properties"] = {**properties(one), **properties(other)}
    for name in ("required", "x-order"):
        if one.get(name) and other.get(name):
            made[name] = [*dict.fromkeys([*_texts(one[name]), *_texts(other[name])])]
    return made


def _target(ref: str, root: Any) -> Schema:
    """Return what a reference within the schema leads to; {} where it leads elsewhere."""
    if not ref.startswith("#"):
        return {}
    found = value_at(root, names_of(unquote(ref[1:])))
    return found if isinstance(found, dict) else {}


def _branches(said: Schema) -> tuple[str, list[Any]] | None:
    for keyword in ("oneOf", "anyOf"):
        parts = said.get(keyword)
        if isinstance(parts, list) and parts and all(
                isinstance(part, dict) and not part.keys().isdisjoint(_SAYS_WHAT)
                for part in parts) and not all(map(_is_null, parts)):
            return keyword, parts
    return None


def _is_null(part: Any) -> bool:
    return isinstance(part, dict) and (part.get("type") == "null" or (
        "const" in part and part["const"] is None))


def _titled(parts: list[Any]) -> tuple[Option, ...]:
    """Return the options of branches that are one value each."""
    if not all("const" in part for part in parts):
        return ()
    return tuple(Option(part["const"], str(part.get("title") or option.label))
                 for part, option in zip(parts, _options([part["const"] for part in parts])))


def _options(values: list[Any]) -> tuple[Option, ...]:
    return tuple(Option(value, cut(value)) for value in values)


def _texts(value: Any) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
