"""Rows as a form sends them, and what its buttons do with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from flexdb.web.console.schemas.fields import EVERY_FIELD, TYPES, Field, read
from flexdb.web.console.schemas.rows import MOST_ROWS, TOP, SchemaRow, further_of
from flexdb.web.console.words import indented

Form = Mapping[str, str]


def posted(form: Form, place: str = TOP, is_member: bool = True,
           left: Iterator[int] | None = None) -> SchemaRow:
    """Return the rows that a form says."""
    left = iter(range(MOST_ROWS)) if left is None else left
    type = form.get(f"{place}.type", "")
    row = SchemaRow(place, form.get(f"{place}.name", "").strip(), type if type in TYPES else "",
                    f"{place}.null" in form, f"{place}.required" in form, is_member,
                    further=form.get(f"{place}.further", "").replace("\r\n", "\n"))
    known = {keyed.keyword for keyed in row.fields}
    for keyword in {*EVERY_FIELD, *known}:
        if said := form.get(f"{place}.k.{keyword}", "").replace("\r\n", "\n"):
            if keyword in known:
                row.said[keyword] = said
            else:
                _keep(row, EVERY_FIELD[keyword], said)
    if row.type == "":
        row.is_nullable = False
    if row.is_deepest:
        return row
    count = form.get(f"{place}.count", "")
    for number in range(int(count) if count.isascii() and count.isdigit() and len(count) < 4
                        else 0):
        if f"{place}.{number}.type" in form and next(left, None) is not None:
            row.rows.append(posted(form, f"{place}.{number}", is_member, left))
    if row.type == "array" and next(left, None) is not None:
        row.item = posted(form, f"{place}.i", False, left)
    return row


def _keep(row: SchemaRow, keyed: Field, said: str) -> None:
    """Keep what stood in a field that a type does not have, as JSON."""
    further = further_of(row)
    if isinstance(further, dict):
        try:
            row.further = indented({keyed.keyword: read(keyed, "", said)} | further)
        except ValueError:
            pass
    row.wrong = {}


def act(top: SchemaRow, does: str) -> str:
    """Do what a button says, and return the place of the row that one looks at then, or "".

    :param does: ``add``, ``remove``, ``up`` or ``down``, a colon, and the place of a row
    """
    what, _, place = does.partition(":")
    row = next((row for row in top.below() if row.place == place), None)
    if row is None:
        return ""
    if what == "add":
        row.rows.append(SchemaRow(f"{place}.{len(row.rows)}", is_member=row.is_member))
        if row.is_top and not row.type and not row.further.strip():
            row.type = "object"
        return row.rows[-1].place
    within = next((one for one in top.below() if row in one.rows), None)
    if within is None or what not in ("remove", "up", "down"):
        return ""
    at = next(number for number, one in enumerate(within.rows) if one is row)
    within.rows.pop(at)
    if what != "remove":
        within.rows.insert(max(0, at + (1 if what == "down" else -1)), row)
    _renumber(within)
    return row.place if what != "remove" else ""


def _renumber(row: SchemaRow) -> None:
    for number, one in enumerate(row.rows):
        one.place = f"{row.place}.{number}"
        _renumber(one)
    if row.item:
        row.item.place = f"{row.place}.i"
        _renumber(row.item)
