"""Where a schema is wrong: from the place that the service names to the field of a form."""

from __future__ import annotations

import re
from typing import NamedTuple

from flexdb.documents.pointers import names_of
from flexdb.web.console.schemas.fields import EVERY_FIELD
from flexdb.web.console.schemas.rows import TOP, SchemaRow

# Where the service begins to say where, and the place, which is a JSON Pointer (RFC 6901).
_PLACE = re.compile(r"(?:^|: )(/\S*?)(?::| (?:must|may|names|has)\b)")
# One whose default does not fit is named by the place of the member in the data.
_DEFAULT = re.compile(r"the default of (/\S*) does not fit")
_FIELDS = {"name": "name", "type": "type", "further": "other keywords"}


class Fault(NamedTuple):
    """What is wrong.

    :param field: the name of the field; "text" for the schema as text, "" for none
    :param called: what people call the field
    :param pointer: of the place in the schema
    :param line: in the text; None where the pointer tells
    """

    field: str
    called: str
    told: str
    pointer: str = ""
    line: int | None = None


def placed(top: SchemaRow | None, told: str) -> Fault:
    """Return what the service said of a schema, with its place.

    :param top: the rows of the form; None where the schema is text
    """
    place = pointer_in(told)
    short = told.partition(f"{place}: ")[2] if place else ""
    if top is None:
        return Fault("text", "the schema", told, place)
    row, name = _field(top, names_of(place))
    # Where the field is, the place need not be said.
    return Fault(f"{row.place}.{name}", called(row, name), short or told, place)


def called(row: SchemaRow, name: str) -> str:
    """Return what people call a field of a row."""
    keyed = EVERY_FIELD.get(name.removeprefix("k."))
    field = _FIELDS.get(name) or (keyed.label.lower() if keyed else name.removeprefix("k."))
    whose = "the schema" if row.is_top else row.name or (
        "an item" if row.place.endswith(".i") else
        f"member {int(row.place.rpartition('.')[2]) + 1}")
    return f"{whose}: {field}"


def pointer_in(told: str) -> str:
    """Return the JSON Pointer (RFC 6901) of a place that a message names, or ""."""
    if found := _DEFAULT.search(told):
        names = found[1].split("/")[1:]
        return "".join(f"/properties/{name}" for name in names) + "/default"
    found = _PLACE.search(told)
    return found[1] if found else ""


def _field(row: SchemaRow, parts: list[str]) -> tuple[SchemaRow, str]:
    """Return the row and the field of a place, as far as there are any."""
    if len(parts) > 1 and parts[0] == "properties" and (member := row.member(parts[1])):
        return _field(member, parts[2:])
    if parts and parts[0] == "items" and row.item:
        return _field(row.item, parts[1:])
    keyword = parts[0] if parts else ""
    if keyword in row.said:
        return row, f"k.{keyword}"
    if keyword == "type" and not row.is_top:
        return row, "type"
    return row, "further" if row.further or row.place == TOP or not row.name else "name"
