"""A node type: made, changed and deleted, its schema in a form or as text."""

from __future__ import annotations

from typing import Any, NamedTuple

import orjson
from flask import Response, request

from flexdb.api.calls import Call, PageCalls
from flexdb.documents.declarations import members_of
from flexdb.errors import FlexdbError, VersionConflict
from flexdb.web.console import forms
from flexdb.web.console.messages import redirect_with
from flexdb.web.console.page import Shown, Within, page, show, within
from flexdb.web.console.schemas import Draft, fields
from flexdb.web.console.schemas.posting import act

# Of how many indexes it is told whether they are ready; a type has no more.
_MOST_INDEXES = 4


class MemberIndex(NamedTuple):
    """An index of a member, and whether lists are served from it."""

    member: str
    is_ready: bool


@page("/t/<tenant_id>/new-type")
def new_type(calls: PageCalls, tenant_id: str) -> Shown:
    """Show an empty editor."""
    place, _ = within(calls, tenant_id)
    return editor(place, Draft(tab=request.args.get("tab", "form")))


@page("/t/<tenant_id>/new-type", "POST")
def create(calls: PageCalls, tenant_id: str) -> Shown | Response:
    """Do what a button of the editor says; create the type where it says so."""
    draft = Draft.of_post(request.form)
    if (made := _schema_to_save(draft)) is None:
        place, _ = within(calls, tenant_id)
        return editor(place, draft, is_unsaved=True)
    try:
        node_type = calls.one("create_node_type", tenant_id=tenant_id, **draft.params(made[0])
                              )["node_type"]
    except FlexdbError as error:
        draft.blame(error)
        place, _ = within(calls, tenant_id)
        return editor(place, draft, status=error.status, is_unsaved=True)
    return redirect_with(f"/console/t/{tenant_id}/types/{node_type['id']}",
                         f"Created {node_type['name']}.")


@page("/t/<tenant_id>/types/<id>/schema")
def edit(calls: PageCalls, tenant_id: str, id: str) -> Shown:
    """Show a node type in the editor, and whether its indexes are ready."""
    place, node_type, total = found(calls, tenant_id, id)
    paths = [path for path, member in members_of(node_type["schema"])
             if member.get("x-index") is True][:_MOST_INDEXES]
    members = ["data." + ".".join(map(_named, path)) for path in paths]
    told = calls.outcomes(*(Call("list_nodes", {
        "tenant_id": tenant_id, "node_type_id": id, "sort": [member], "explain": True,
        "count": "none", "fields": ["id"], "pagination": {"page_size": 1}})
        for member in members)) if members else []
    # An explanation says the names as they are.
    indexes = [MemberIndex(member, f"data.{'.'.join(path)}" in one["explain"]["page"]["indexes"])
               for member, path, one in zip(members, paths, told)
               if not isinstance(one, FlexdbError)]
    return editor(place, Draft.of_type(node_type, request.args.get("tab", "form")),
                  node_type=node_type, total=total, indexes=indexes)


@page("/t/<tenant_id>/types/<id>/schema", "POST")
def save(calls: PageCalls, tenant_id: str, id: str) -> Shown | Response:
    """Do what a button of the editor says; save the type where it says so."""
    draft = Draft.of_post(request.form)
    made = _schema_to_save(draft)
    shown: dict[str, Any] = {}
    if made is not None:
        try:
            node_type = calls.one("update_node_type", tenant_id=tenant_id, id=id,
                                  **draft.params(made[0]))["node_type"]
        except VersionConflict as error:
            shown = {"stale": True, "status": error.status}
        except FlexdbError as error:
            draft.blame(error)
            shown = {"clashes": error.data.get("clashes"), "status": error.status}
        else:
            return redirect_with(f"/console/t/{tenant_id}/types/{id}/schema?tab={draft.tab}",
                                 f"Saved {node_type['name']}.")
    place, node_type, total = found(calls, tenant_id, id)
    if shown.pop("stale", False):
        shown["differs"] = draft.differs(node_type)
        # Who has seen both may save once more.
        draft.version = str(node_type["version"])
    return editor(place, draft, node_type=node_type, total=total, is_unsaved=True, **shown)


@page("/t/<tenant_id>/types/<id>/delete", "POST")
def delete(calls: PageCalls, tenant_id: str, id: str) -> Shown | Response:
    """Delete a node type with all its records, if its name was typed."""
    place, node_type, total = found(calls, tenant_id, id)
    if request.form.get("typed", "") != node_type["name"]:
        return editor(place, Draft.of_type(node_type, "form"), node_type=node_type, total=total,
                      status=400, not_deleted="Type the name exactly as it is.")
    calls.one("delete_node_type", tenant_id=tenant_id, id=id)
    return redirect_with(place.url, f"Deleted {node_type['name']} and its records.")


def _schema_to_save(draft: Draft) -> tuple[Any] | None:
    """Return the schema to save; None where a button does something else, or where it is none."""
    does = request.form.get("do", "save")
    try:
        if does == "save":
            schema = draft.schema()
            # An update would take it as that of before.
            return (schema,) if draft.is_named() else None
        if does in ("form", "json"):
            draft.turn(does)
        elif draft.tab == "form":
            draft.focus = act(draft.top, does)
    except ValueError:
        pass
    return None


def found(calls: PageCalls, tenant_id: str, id: str) -> tuple[Within, dict[str, Any], Any]:
    """Return where it is, the node type, and how many records it has."""
    place, (found, listed) = within(
        calls, tenant_id, Call("get_node_type", {"tenant_id": tenant_id, "id": id}),
        Call("list_nodes", {"tenant_id": tenant_id, "node_type_id": id, "fields": ["id"],
                            "pagination": {"page_size": 1}}))
    return place, found["node_type"], listed["pagination"]["total_count"]


def editor(place: Within, draft: Draft, *, status: int = 200, **names: Any) -> Shown:
    """Show a draft, and what is wrong with it."""
    return show("schemas/node_type.html", status=400 if draft.faults and status == 200 else status,
                place=place, draft=draft, preview=draft.sketch(), fields=fields,
                widgets=forms.widgets, start=forms.begin, **names)


def _named(name: str) -> str:
    """Return a name as it stands in a path, quoted where it has what parts a path."""
    plain = name and "." not in name and not name.startswith('"')
    return name if plain else orjson.dumps(name).decode()
