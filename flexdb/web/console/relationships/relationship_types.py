"""Relationship types: the contract that relationships of a name keep."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from flexdb.api.calls import Call, PageCalls
from flexdb.errors import FlexdbError, InvalidParams, VersionConflict
from flexdb.web.console.faults import wrong_fields
from flexdb.web.console.lines import line_of
from flexdb.web.console.messages import redirect_with
from flexdb.web.console.page import Shown, Within, page, paging, show, within
from flexdb.web.console.schemas import fields, order
from flexdb.web.console.schemas.drafts import version_of
from flexdb.web.console.schemas.faults import pointer_in

# What a cardinality says of one record, in words.
CARDINALITIES = {
    "n:m": "any number from one record, any number to one",
    "n:1": "one at most from one record, any number to one",
    "1:n": "any number from one record, one at most to one",
    "1:1": "one at most from one record, one at most to one"}
ON_DELETE = {
    "cascade": "goes along when its target is deleted",
    "restrict": "keeps its target from being deleted"}
_ENDS = ("source_node_type_ids", "target_node_type_ids")
_NEW: dict[str, Any] = {
    "name": "", "description": "", "source_node_type_ids": [], "target_node_type_ids": [],
    "cardinality": "n:m", "unique_pair": False, "acyclic": False, "on_delete": "cascade",
    "schema": "", "version": ""}


@page("/t/<tenant_id>/relationship-types")
def relationship_types(calls: PageCalls, tenant_id: str) -> Shown:
    """List the relationship types of a tenant."""
    place, (listed,) = within(calls, tenant_id, Call("list_relationship_types", {
        "tenant_id": tenant_id, "pagination": paging()}))
    return show("relationships/relationship_types.html", place=place, listed=listed,
                names=place.type_names)


@page("/t/<tenant_id>/new-relationship-type")
def new(calls: PageCalls, tenant_id: str) -> Shown:
    """Show an empty contract."""
    place, _ = within(calls, tenant_id)
    return _form(place, dict(_NEW))


@page("/t/<tenant_id>/new-relationship-type", "POST")
def create(calls: PageCalls, tenant_id: str) -> Shown | Response:
    """Create a relationship type."""
    given = _given()
    try:
        made = calls.one("create_relationship_type", tenant_id=tenant_id, **_params(given)
                         )["relationship_type"]
    except FlexdbError as error:
        place, _ = within(calls, tenant_id)
        return _refused(place, given, error)
    return redirect_with(f"/console/t/{tenant_id}/relationship-types", f"Created {made['name']}.")


@page("/t/<tenant_id>/relationship-types/<id>")
def edit(calls: PageCalls, tenant_id: str, id: str) -> Shown:
    """Show a contract, to be changed."""
    place, (found,) = within(calls, tenant_id, _get(tenant_id, id))
    there = found["relationship_type"]
    return _form(place, _as_given(there), there=there, total=_total(calls, there))


@page("/t/<tenant_id>/relationship-types/<id>", "POST")
def save(calls: PageCalls, tenant_id: str, id: str) -> Shown | Response:
    """Change a contract."""
    given = _given()
    try:
        made = calls.one("update_relationship_type", tenant_id=tenant_id, id=id, **_params(given)
                         )["relationship_type"]
    except FlexdbError as error:
        place, (found,) = within(calls, tenant_id, _get(tenant_id, id))
        there = found["relationship_type"]
        if isinstance(error, VersionConflict):
            # Who has seen both may save once more.
            given["version"] = str(there["version"])
        return _refused(place, given, error, there=there, total=_total(calls, there))
    return redirect_with(f"/console/t/{tenant_id}/relationship-types", f"Saved {made['name']}.")


@page("/t/<tenant_id>/relationship-types/<id>/delete", "POST")
def delete(calls: PageCalls, tenant_id: str, id: str) -> Response:
    """Delete a contract; the relationships stay."""
    there = calls.one("get_relationship_type", tenant_id=tenant_id, id=id)["relationship_type"]
    calls.one("delete_relationship_type", tenant_id=tenant_id, id=id)
    return redirect_with(f"/console/t/{tenant_id}/relationship-types",
                         f"Deleted the type {there['name']}; its relationships stay, and are free.")


def _get(tenant_id: str, id: str) -> Call:
    return Call("get_relationship_type", {"tenant_id": tenant_id, "id": id})


def _total(calls: PageCalls, there: dict[str, Any]) -> Any:
    """Return how many relationships there are of a type."""
    return calls.one("list_relationships", tenant_id=there["tenant_id"], fields=["id"],
                     relationship_type=there["name"], pagination={"page_size": 1}
                     )["pagination"]["total_count"]


def _given() -> dict[str, Any]:
    """Return what was typed."""
    form = request.form
    return {name: form.get(name, "").replace("\r\n", "\n") for name in _NEW} | {
        name: form.getlist(name) for name in _ENDS} | {
        name: name in form for name in ("unique_pair", "acyclic")}


def _as_given(there: dict[str, Any]) -> dict[str, Any]:
    return {name: there[name] for name in _NEW} | {
        "description": there["description"] or "", "version": str(there["version"]),
        "schema": fields.laid_out(order.in_order(there["schema"], is_stored=True))} | {
        name: there[name] or [] for name in _ENDS}


def _params(given: dict[str, Any]) -> dict[str, Any]:
    """Return what is to be saved.

    :raises InvalidParams: when the schema is no JSON
    """
    try:
        schema = fields.parse(given["schema"]) if given["schema"].strip() else None
    except ValueError as error:
        raise InvalidParams(fields={"schema": [f"is no JSON: {error}"]}) from None
    version = {"version": version_of(given["version"])} if given["version"] else {}
    return {name: given[name] for name in _NEW if name != "version"} | version | {
        "description": given["description"] or None, "schema": order.in_order(schema)} | {
        name: given[name] or None for name in _ENDS}


def _refused(place: Within, given: dict[str, Any], error: FlexdbError, **names: Any) -> Shown:
    wrong, line = wrong_fields(error), 0
    if isinstance(error, VersionConflict):
        wrong = {"": f"somebody changed the type meanwhile, to version {given['version']}. Save "
                     "once more to put yours in its place."}
    elif (told := wrong.get("schema")) and (pointer := pointer_in(told)):
        line = line_of(given["schema"], pointer)
        wrong["schema"] = f"line {line}: {told}"
    return _form(place, given, wrong=wrong, line=line, broken=error.data.get("broken_by", []),
                 status=error.status, is_stale=isinstance(error, VersionConflict), **names)


def _form(place: Within, given: dict[str, Any], *, status: int = 200, **names: Any) -> Shown:
    listed = [(one["id"], one["name"]) for one in place.node_types]
    known = {id for id, _ in listed}
    # Beyond those that the frame lists there may be more.
    listed += [(id, id) for end in _ENDS for id in dict.fromkeys(given[end]) if id not in known]
    return show("relationships/relationship_type.html", status=status, place=place, given=given,
                types=listed, cardinalities=CARDINALITIES, on_delete=ON_DELETE,
                **{"wrong": {}, "broken": []} | names)
