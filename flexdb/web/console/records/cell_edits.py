"""One member of a record, changed where it stands in a table."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from flexdb.api.calls import Call, PageCalls
from flexdb.documents.pointers import pointer_of
from flexdb.errors import FlexdbError, InvalidParams, NotFound
from flexdb.web.console.forms.shapes import properties, required, shape
from flexdb.web.console.labels import label
from flexdb.web.console.messages import Message, redirect_with
from flexdb.web.console.page import Shown, page, show, within
from flexdb.web.console.records import columns
from flexdb.web.console.records.cells import MISSING, value_of
from flexdb.web.console.records.filter_rows import read_value, written
from flexdb.web.console.typed import whole

_URL = "/t/<tenant_id>/nodes/<id>/cell"
_STATES = ("value", "null", "missing")
# What is larger is changed on the page of its record, as JSON.
_MOST_CHARACTERS = 100_000


@page(_URL)
def ask(calls: PageCalls, tenant_id: str, id: str) -> Shown:
    """Show the form of one member, named by the query's ``path``."""
    found = _Found(calls, tenant_id, id, request.args.get("path", ""))
    value = value_of(found.node, found.column.parts)
    state = "missing" if value is MISSING else "null" if value is None else "value"
    text = written(value, found.column) if state == "value" else ""
    if len(text) > _MOST_CHARACTERS:
        raise InvalidParams(f"{found.column.name} is too large for a cell: open the record itself")
    return found.shown(text, state, found.node["version"])


@page(_URL, "POST")
def change(calls: PageCalls, tenant_id: str, id: str) -> Shown | Response:
    """Save one member by a patch of it alone, if the record is still what was shown."""
    found = _Found(calls, tenant_id, id, request.form.get("path", ""))
    text, state = request.form.get("value", ""), request.form.get("state", "value")
    version = request.form.get("version", "")
    place = pointer_of(list(found.column.parts[1:]))
    is_there = value_of(found.node, found.column.parts) is not MISSING
    try:
        if state not in _STATES:
            raise InvalidParams("the form is not whole: open it again")
        if state == "missing":
            patch: list[dict[str, Any]] = [{"op": "remove", "path": place}] if is_there else []
        else:
            value = read_value(text, found.column) if state == "value" else None
            # Into an array something is added before what is there.
            patch = [{"op": "replace" if is_there else "add", "path": place, "value": value}]
        calls.one("patch_node", tenant_id=tenant_id, id=id, patch=patch,
                  version=whole(version, "version"))
    except ValueError as error:
        return found.shown(text, state, version, [str(error)], InvalidParams.status)
    except FlexdbError as error:
        return found.shown(text, state, _version_after(error, version), _told(error),
                           error.status)
    return redirect_with(found.next, Message(
        f"Saved {found.column.name} of {label(found.node)}.",
        f"/console/t/{tenant_id}/nodes/{id}/revert", {"version": version}))


def _version_after(error: FlexdbError, version: str) -> str:
    """Return the version that a second try is meant for, after the first was told of another."""
    return str(error.data["version"]) if error.reason == "VERSION_CONFLICT" else version


def _told(error: FlexdbError) -> list[str]:
    if error.reason == "VERSION_CONFLICT":
        return ["It was changed meanwhile. Save once more to write over it."]
    if violations := error.data.get("violations"):
        return [str(one["message"]) for one in violations]
    return [str(error)]


class _Found:
    """A record and one member of it."""

    def __init__(self, calls: PageCalls, tenant_id: str, id: str, path: str) -> None:
        self.place, (found,) = within(calls, tenant_id, Call(
            "get_node", {"tenant_id": tenant_id, "id": id}))
        self.node: dict[str, Any] = found["node"]
        type_id = self.node["node_type_id"]
        self.node_type: dict[str, Any] = calls.one(
            "get_node_type", tenant_id=tenant_id, id=type_id)["node_type"]
        self.schema = self.node_type.get("schema")
        known = columns.members(self.schema, [self.node])
        if not columns.is_path(path):
            raise NotFound(f"{path[:60]} is no path in the data of a record")
        self.column = columns.column(known, path)
        if not self.column.is_data:
            raise NotFound(f"{path[:60]} is nothing that a form can change")
        self.base = f"{self.place.url}/types/{type_id}"
        wanted = request.values.get("next", "")
        is_own = wanted == self.base or wanted.startswith(f"{self.base}?")
        self.next = wanted if is_own and wanted.isprintable() else self.base

    def shown(self, text: str, state: str, version: Any, wrong: list[str] | None = None,
              status: int = 200) -> Shown:
        """Return the page with the form."""
        return show("records/cell.html", status=status, place=self.place, node_type=self.node_type,
                    base=self.base, node=self.node, called=label(self.node), column=self.column,
                    text=text, state=state, states=self._states(), version=version,
                    wrong=wrong or [], next=self.next)

    def _states(self) -> list[str]:
        above = shape(self.schema, self.schema)
        for part in self.column.parts[1:-1]:
            above = shape(properties(above.schema).get(part, {}), self.schema)
        may_be_null = self.column.is_nullable or None in self.column.options or (
            self.column.kind == "any")
        return ["value", *(["null"] if may_be_null else []),
                *([] if self.column.parts[-1] in required(above.schema) else ["missing"])]
