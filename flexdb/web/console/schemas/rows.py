"""A JSON Schema as rows of a form, one for each member, and rows as a JSON Schema."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from flexdb.web.console.forms import ordered
from flexdb.web.console.schemas.fields import (
    OF_WHOLE,
    TYPES,
    Field,
    fields_of,
    parse,
    read,
    say,
)
from flexdb.web.console.words import indented

TOP = "m"
# How deep rows are shown, and how many in all; what is beyond is JSON.
DEEPEST, MOST_ROWS = 4, 300


@dataclass
class SchemaRow:
    """What stands at one place of a schema.

    :param place: what the names of its fields begin with
    :param type: one of TYPES
    :param said: what stands in the fields of its keywords
    :param further: the rest, as JSON text
    :param rows: the members of an object
    :param item: what a list holds
    :param wrong: what is wrong with its fields, by their names after the place
    """

    place: str
    name: str = ""
    type: str = "string"
    is_nullable: bool = False
    is_required: bool = False
    is_member: bool = True
    said: dict[str, str] = field(default_factory=dict)
    further: str = ""
    rows: list[SchemaRow] = field(default_factory=list)
    item: SchemaRow | None = None
    wrong: dict[str, str] = field(default_factory=dict)

    @property
    def is_top(self) -> bool:
        """Whether it stands for a whole schema."""
        return self.place == TOP

    @property
    def is_deepest(self) -> bool:
        """Whether there are no rows below."""
        return self.place.count(".") >= DEEPEST

    @property
    def fields(self) -> tuple[Field, ...]:
        """The fields of its keywords."""
        return OF_WHOLE if self.is_top else fields_of(self.type, self.is_member)

    def below(self) -> Iterator[SchemaRow]:
        """Give it and every row below it."""
        yield self
        for row in (*self.rows, *([self.item] if self.item else [])):
            yield from row.below()

    def member(self, name: str) -> SchemaRow | None:
        """Return the row of a member."""
        return next((row for row in self.rows if row.name == name), None)


def rows_of(schema: Any) -> SchemaRow:
    """Return a whole schema as a row.

    :param schema: as ``parse_exactly`` gave it; None for none
    """
    return _row({} if schema is None else schema, TOP, "", iter(range(MOST_ROWS)))


def _row(schema: Any, place: str, name: str, left: Iterator[int], is_member: bool = True
         ) -> SchemaRow:
    row = SchemaRow(place, name, "", is_member=is_member)
    if not isinstance(schema, dict):
        row.further = indented(schema)
        return row
    rest = dict(schema)
    types = rest.get("type")
    named = [types] if isinstance(types, str) else types if isinstance(types, list) else []
    plain = [one for one in named if one != "null"]
    if len(plain) == 1 and isinstance(plain[0], str) and plain[0] in TYPES and len(named) < 3:
        row.type, row.is_nullable = plain[0], len(named) == 2
        if row.is_top and (row.type != "object" or row.is_nullable):
            row.type, row.is_nullable = "", False
        else:
            del rest["type"]
    if (row.is_top or row.type == "object") and not row.is_deepest:
        _take_members(row, rest, left)
    if row.type == "array" and not row.is_deepest and next(left, None) is not None:
        # Items that may be anything are not told from none, unless they stay as they are.
        says_items = rest.get("items") != {} and isinstance(rest.get("items"), (dict, bool))
        row.item = _row(rest.pop("items") if says_items else {}, f"{place}.i", "", left, False)
    for keyed in row.fields:
        if keyed.keyword in rest:
            said = say(keyed, row.type, rest[keyed.keyword])
            if said is not None:
                row.said[keyed.keyword] = said
                del rest[keyed.keyword]
    row.further = indented(rest) if rest else ""
    return row


def _take_members(row: SchemaRow, rest: dict[str, Any], left: Iterator[int]) -> None:
    """Take the members out of a schema, as far as there may be rows."""
    listed, required = rest.get("properties"), rest.get("required", [])
    if not isinstance(listed, dict) or not _are_names(required):
        return
    remaining = dict(listed)
    for name in ordered(rest):
        if isinstance(remaining.get(name), (dict, bool)) and _fits_field(name):
            if next(left, None) is None:
                break
            row.rows.append(_row(remaining.pop(name), f"{row.place}.{len(row.rows)}", name, left,
                                 row.is_member))
    if row.rows:
        rest["properties"] = {name: remaining[name] for name in ordered(rest) if name in remaining}
    needed, shown = set(required), {one.name for one in row.rows}
    for one in row.rows:
        one.is_required = one.name in needed
    if required:
        rest["required"] = [name for name in required if name not in shown]
    if isinstance(rest.get("x-order"), list):
        del rest["x-order"]
    for keyword, was in (("properties", listed), ("required", required)):
        if was and not rest[keyword]:
            del rest[keyword]


def _are_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


def _fits_field(name: str) -> bool:
    """Tell whether a field of one line says a name."""
    return bool(name) and name == name.strip() and name.isprintable()


def schema_of(row: SchemaRow) -> Any:
    """Return the schema that rows say, or None where they say nothing; mark what is wrong.

    What is wrong stands in ``wrong`` of its row then.
    """
    row.wrong = {}
    made: dict[str, Any] = {}
    further = further_of(row)
    if isinstance(further, bool):
        if row.type or row.said or row.rows:
            row.wrong["further"] = "must be an object beside what the fields say"
        return further
    if row.type:
        made["type"] = [row.type, "null"] if row.is_nullable else row.type
    for keyed in row.fields:
        if said := row.said.get(keyed.keyword, ""):
            try:
                made[keyed.keyword] = read(keyed, row.type, said)
            except ValueError as error:
                row.wrong[f"k.{keyed.keyword}"] = str(error)
    if row.item and (item := schema_of(row.item)) != {}:
        made["items"] = item
    for keyword, value in further.items():
        if keyword in made:
            row.wrong["further"] = f"says {keyword} too, which has a field of its own"
        made.setdefault(keyword, value)
    _put_members(row, made)
    return made or (None if row.is_top else {})


def further_of(row: SchemaRow) -> Any:
    """Return what a row has as JSON: an object, or a schema that is true or false."""
    if not row.further.strip():
        return {}
    try:
        further = parse(row.further)
    except ValueError as error:
        row.wrong["further"] = f"is no JSON: {error}"
        return {}
    if not isinstance(further, (dict, bool)):
        row.wrong["further"] = 'must be an object, such as {"readOnly": true}'
        return {}
    return further


def _put_members(row: SchemaRow, made: dict[str, Any]) -> None:
    if not row.rows:
        return
    others, required = made.get("properties", {}), made.get("required", [])
    members: dict[str, Any] = {}
    for one in row.rows:
        schema = schema_of(one)
        if not one.name:
            one.wrong["name"] = "is missing"
            continue
        if one.name in members or (isinstance(others, dict) and one.name in others):
            one.wrong["name"] = "is there twice"
        members[one.name] = {} if schema is None else schema
    if not isinstance(others, dict) or not _are_names(required):
        row.wrong["further"] = "must have an object as properties, an array of names as required"
        return
    made["properties"] = members | others
    if names := [one.name for one in row.rows if one.is_required]:
        made["required"] = [*dict.fromkeys([*names, *required])]
