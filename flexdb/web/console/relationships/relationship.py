"""One relationship: made, changed, deleted, and brought back."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from flexdb.api.calls import Call, PageCalls
from flexdb.contract.ids import new_id
from flexdb.documents.text import Number
from flexdb.errors import AlreadyExists, FlexdbError, InvalidParams, NotFound
from flexdb.web.console.finding import ENDS, allowed, id_of, names, types_of
from flexdb.web.console.messages import Message, redirect_with
from flexdb.web.console.page import Shown, page, show, within
from flexdb.web.console.picks import Picks, given
from flexdb.web.console.relationships.data import Said, schema_of
from flexdb.web.console.typed import whole
from flexdb.web.console.words import cut

# How many are brought back at once.
_MOST_RESTORED = 20


def _types(calls: PageCalls, tenant_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = calls.all(types_of(tenant_id))[0]["relationship_types"]
    return found


def _picks(calls: PageCalls, tenant_id: str, types: list[dict[str, Any]]) -> Picks:
    name = given("relationship_type")
    return Picks(calls, tenant_id, *ENDS, among={end: allowed(types, name, end) for end in ENDS})


def _form(calls: PageCalls, tenant_id: str, picks: Picks, types: list[dict[str, Any]], said: Said,
          error: FlexdbError | None = None) -> Shown:
    place, _ = within(calls, tenant_id)
    shown = said.shown(error)
    if request.method == "POST":
        shown["wrong"] |= picks.wrong
    status = error.status if error else 400 if shown["wrong"] or said.filled.wrong else 200
    # One that is taken by something else is not kept.
    id = "" if "id" in shown["wrong"] else given("id")
    return show("relationships/new_relationship.html", status=status, place=place, picks=picks,
                given=given, types=types, id=id or new_id(),
                has_fields=schema_of(types, given("relationship_type")), **shown)


@page("/t/<tenant_id>/relationships/new")
def new(calls: PageCalls, tenant_id: str) -> Shown:
    """Show the form of a relationship."""
    types = _types(calls, tenant_id)
    return _form(calls, tenant_id, _picks(calls, tenant_id, types), types,
                 Said.of(types, given("relationship_type"), {}))


@page("/t/<tenant_id>/relationships/new", "POST")
def create(calls: PageCalls, tenant_id: str) -> Shown | Response:
    """Relate two records, or do what a button in the form says."""
    types, name = _types(calls, tenant_id), given("relationship_type")
    picks, said = _picks(calls, tenant_id, types), Said.typed(types)
    try:
        if other := said.act(types, name, given("do")):
            picks.wrong.clear()
            return _form(calls, tenant_id, picks, types, other)
    except ValueError as error:
        return _form(calls, tenant_id, picks, types, said,
                     InvalidParams(fields={"data": [str(error)]}))
    picks.wrong |= {end: "say which record" for end in ENDS if not given(end)}
    if picks.wrong or said.filled.wrong:
        return _form(calls, tenant_id, picks, types, said)
    try:
        made = calls.one("create_relationship", tenant_id=tenant_id, id=given("id") or new_id(),
                         **picks.ids(), relationship_type=name, data=said.value)["relationship"]
    except FlexdbError as error:
        made = _made_before(calls, tenant_id, picks, name, error)
        if made is None:
            return _form(calls, tenant_id, picks, types, said, error)
    source, target = (picks.named[end].label for end in ENDS)
    return redirect_with(
        f"/console/t/{tenant_id}/nodes/{made['source_node_id']}/relationships",
        f"Related {source} to {target}: {cut(made['relationship_type'])}.")


def _made_before(calls: PageCalls, tenant_id: str, picks: Picks, name: str, error: FlexdbError
                 ) -> Any:
    """Return the relationship that a form made when it was sent before; None where it did not."""
    if not isinstance(error, AlreadyExists) or "id" not in error.data.get("fields", {}):
        return None
    (told,) = calls.outcomes(Call("get_relationship", {"tenant_id": tenant_id, "id": given("id")}))
    if isinstance(told, FlexdbError):
        return None
    asked = picks.ids() | {"relationship_type": name}
    made = told["relationship"]
    return made if asked == {member: made[member] for member in asked} else None


def _one(calls: PageCalls, tenant_id: str, id: str, said: Said | None = None,
         error: FlexdbError | None = None) -> Shown:
    place, (found, types) = within(
        calls, tenant_id, Call("get_relationship", {"tenant_id": tenant_id, "id": id}),
        types_of(tenant_id))
    one, contracts = found["relationship"], types["relationship_types"]
    ends = names(calls, tenant_id, (one[end] for end in ENDS))
    name = given("relationship_type") if said else one["relationship_type"]
    shown = (said or Said.of(contracts, name, one["data"])).shown(error)
    wrong = said is not None and said.filled.wrong
    return show("relationships/relationship.html",
                status=error.status if error else 400 if wrong else 200, place=place, one=one,
                ends=ends, types=contracts, name=name,
                version=given("version") if said and not shown["wrong"].get("version")
                else one["version"], **shown, description=next(
                    (each["description"] for each in contracts if each["name"] == name), None))


@page("/t/<tenant_id>/relationships/<id>")
def relationship(calls: PageCalls, tenant_id: str, id: str) -> Shown:
    """Show a relationship and the form of its data."""
    return _one(calls, tenant_id, id)


@page("/t/<tenant_id>/relationships/<id>", "POST")
def save(calls: PageCalls, tenant_id: str, id: str) -> Shown | Response:
    """Change a relationship's type or data, or do what a button in the form says."""
    said = Said.typed(_types(calls, tenant_id))
    if said.name and said.act([], said.name, given("do")) or said.filled.wrong:
        return _one(calls, tenant_id, id, said)
    try:
        changed = calls.one("update_relationship", tenant_id=tenant_id, id=id, data=said.value,
                            relationship_type=given("relationship_type"),
                            version=_version())["relationship"]
    except NotFound:
        raise
    except FlexdbError as error:
        return _one(calls, tenant_id, id, said, error)
    url = f"/console/t/{tenant_id}/relationships"
    # What changed nothing has the version that it had.
    before = _version() if str(changed["version"]) != given("version") else ""
    return redirect_with(f"{url}/{id}", Message(
        "Saved.", f"{url}/restore", {"ids": id, "version": str(before)})
        if before else "Nothing was changed.")


def _version() -> Number:
    return Number(whole(given("version"), "version"))


@page("/t/<tenant_id>/relationships/<id>/delete", "POST")
def delete(calls: PageCalls, tenant_id: str, id: str) -> Response:
    """Delete a relationship; its records stay."""
    calls.one("delete_relationship", tenant_id=tenant_id, id=id)
    url = f"/console/t/{tenant_id}/relationships"
    return redirect_with(_back(tenant_id, url), Message(
        "Deleted the relationship.", f"{url}/restore", {"ids": id}))


def _back(tenant_id: str, otherwise: str) -> str:
    """Return the page of a tenant's record that a form was on, or another page."""
    node = id_of(given("node"))
    return f"/console/t/{tenant_id}/nodes/{node}/relationships" if node else otherwise


@page("/t/<tenant_id>/relationships/restore", "POST")
def restore(calls: PageCalls, tenant_id: str) -> Response:
    """Bring relationships back, or make one what it was at a version."""
    ids = [id for id in given("ids").split(",") if id][:_MOST_RESTORED]
    calls.all(*(Call("restore_relationship", {"tenant_id": tenant_id, "id": id} | (
        {"version": _version()} if given("version") else {})) for id in ids))
    url = f"/console/t/{tenant_id}/relationships"
    return redirect_with(f"{url}/{ids[0]}" if len(ids) == 1 else url, "Undone.")
