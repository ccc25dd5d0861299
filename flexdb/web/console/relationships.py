"""Relationships: all of a tenant, a new one, its data, and what is taken back."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from flexdb.api.calls import Call, PageCalls
from flexdb.documents import text as json_text
from flexdb.errors import FlexdbError, NotFound
from flexdb.web.console import finding
from flexdb.web.console.finding import Labelled, names
from flexdb.web.console.messages import Message, redirect_with
from flexdb.web.console.page import Shown, page, show, within
from flexdb.web.console.tenants import wrong_fields

PAGE = 50
ENDS = ("source_node_id", "target_node_id")
# How many contracts are offered as types.
_MOST_TYPES = 200


def given(name: str) -> str:
    """Return what a form says under a name: one that was chosen comes after what was typed."""
    return ([""] + request.values.getlist(name))[-1].strip()


def _types(tenant_id: str) -> Call:
    return Call("list_relationship_types", {
        "tenant_id": tenant_id, "pagination": {"page_size": _MOST_TYPES}})


class Picks:
    """The records that a form's fields mean.

    ``named`` has those that are clear, ``choices`` what the others may be, ``wrong`` what is to be
    told of those that mean nothing.
    """

    def __init__(self, calls: PageCalls, tenant_id: str, *fields: str) -> None:
        self.named: dict[str, Labelled] = {}
        self.choices: dict[str, list[Labelled]] = {}
        self.wrong: dict[str, str] = {}
        for field in fields:
            if not (words := given(field)):
                continue
            found = finding.picked(calls, tenant_id, words)
            if isinstance(found, Labelled):
                self.named[field] = found
            elif found:
                self.choices[field] = found
                self.wrong[field] = "may be one of several: choose which"
            else:
                self.wrong[field] = "is no record's id, and none is called so"

    def ids(self) -> dict[str, str]:
        """Return the ids of the records that are clear, by their fields."""
        return {field: one.id for field, one in self.named.items()}


@page("/t/<tenant_id>/relationships")
def relationships(calls: PageCalls, tenant_id: str) -> Shown:
    """Show a tenant's relationships, the newest first."""
    picks = Picks(calls, tenant_id, *ENDS)
    name, token = given("relationship_type"), request.args.get("page_token", "")
    asked = {"tenant_id": tenant_id, "pagination": {
        "page_size": PAGE, **({"page_token": token} if token else {})}, **picks.ids()} | (
            {"relationship_type": name} if name else {})
    place, (listed, types) = within(calls, tenant_id, Call("list_relationships", asked),
                                    _types(tenant_id))
    if picks.wrong:
        listed = {"relationships": [], "pagination": {}}
    found = listed["relationships"]
    ends = names(calls, tenant_id, (one[end] for one in found for end in ENDS))
    return show("relationships.html", status=400 if picks.wrong else 200, place=place,
                listed=listed, ends=ends, picks=picks, name=name, page_size=PAGE,
                types=[one["name"] for one in types["relationship_types"]],
                chosen={field: value for field in (*ENDS, "relationship_type")
                       if (value := given(field))})


def _form(calls: PageCalls, tenant_id: str, error: FlexdbError | None = None,
          picks: Picks | None = None) -> Shown:
    picks = picks or Picks(calls, tenant_id, *ENDS)
    place, (types,) = within(calls, tenant_id, _types(tenant_id))
    wrong = dict(picks.wrong) if request.method == "POST" else {}
    return show("new_relationship.html", place=place, picks=picks, given=given,
                status=error.status if error else 400 if wrong else 200,
                types=types["relationship_types"], wrong=wrong | (_wrong(error) if error else {}))


def _wrong(error: FlexdbError) -> dict[str, str]:
    """Return what is wrong by field; of data, where in it."""
    wrong = wrong_fields(error)
    if places := [f"{one['path']}: {one['message']}" if one["path"] else one["message"]
                  for one in error.data.get("violations", [])]:
        wrong["data"] = "; ".join(places)
    return wrong


@page("/t/<tenant_id>/relationships/new")
def new(calls: PageCalls, tenant_id: str) -> Shown:
    """Show the form of a relationship."""
    return _form(calls, tenant_id)


@page("/t/<tenant_id>/relationships/new", "POST")
def create(calls: PageCalls, tenant_id: str) -> Shown | Response:
    """Relate two records."""
    picks = Picks(calls, tenant_id, *ENDS)
    for end in ENDS:
        if not given(end):
            picks.wrong[end] = "say which record"
    if picks.wrong:
        return _form(calls, tenant_id, picks=picks)
    try:
        # The text itself is sent, in which every digit stands as it was typed.
        made = calls.one("create_relationship", tenant_id=tenant_id, **picks.ids(),
                         relationship_type=given("relationship_type"),
                         data=given("data") or "{}")["relationship"]
    except FlexdbError as error:
        return _form(calls, tenant_id, error, picks)
    source, target = (picks.named[end].label for end in ENDS)
    return redirect_with(
        f"/console/t/{tenant_id}/nodes/{made['source_node_id']}/relationships",
        f"Related {source} to {target}: {made['relationship_type']}.")


def _one(calls: PageCalls, tenant_id: str, id: str, error: FlexdbError | None = None) -> Shown:
    place, (found, types) = within(
        calls, tenant_id, Call("get_relationship", {"tenant_id": tenant_id, "id": id}),
        _types(tenant_id))
    one = found["relationship"]
    ends = names(calls, tenant_id, (one[end] for end in ENDS))
    contract = next((each for each in types["relationship_types"]
                     if each["name"] == one["relationship_type"]), None)
    return show("relationship.html", status=error.status if error else 200, place=place, one=one,
                ends=ends, contract=contract, wrong=_wrong(error) if error else {},
                types=types["relationship_types"], given=given)


@page("/t/<tenant_id>/relationships/<id>")
def relationship(calls: PageCalls, tenant_id: str, id: str) -> Shown:
    """Show a relationship and the form of its data."""
    return _one(calls, tenant_id, id)


@page("/t/<tenant_id>/relationships/<id>", "POST")
def save(calls: PageCalls, tenant_id: str, id: str) -> Shown | Response:
    """Change a relationship's type or data."""
    try:
        changed = calls.one(
            "update_relationship", tenant_id=tenant_id, id=id, data=given("data") or "{}",
            relationship_type=given("relationship_type"), version=_version())["relationship"]
    except FlexdbError as error:
        if isinstance(error, NotFound):
            raise
        return _one(calls, tenant_id, id, error)
    url = f"/console/t/{tenant_id}/relationships"
    before = int(changed["version"]) - 1
    undo = {"ids": id, "version": str(before)} if before else {}
    return redirect_with(f"{url}/{id}", Message("Saved.", f"{url}/restore" if undo else "", undo))


def _version() -> Any:
    text = given("version")
    return json_text.Number(int(text)) if text.isdecimal() else text


@page("/t/<tenant_id>/relationships/<id>/delete", "POST")
def delete(calls: PageCalls, tenant_id: str, id: str) -> Response:
    """Delete a relationship; its records stay."""
    calls.one("delete_relationship", tenant_id=tenant_id, id=id)
    url = f"/console/t/{tenant_id}/relationships"
    return redirect_with(_back(tenant_id, url), Message(
        "Deleted the relationship.", f"{url}/restore", {"ids": id}))


def _back(tenant_id: str, otherwise: str) -> str:
    """Return the page of a tenant's record that a form was on, or another page."""
    node = given("node")
    return f"/console/t/{tenant_id}/nodes/{node}/relationships" if finding.is_id(
        node) else otherwise


@page("/t/<tenant_id>/relationships/restore", "POST")
def restore(calls: PageCalls, tenant_id: str) -> Response:
    """Bring relationships back, or make one what it was at a version."""
    ids = [id for id in given("ids").split(",") if id]
    told = calls.outcomes(*(
        Call("restore_relationship", {"tenant_id": tenant_id, "id": id} | (
            {"version": _version()} if given("version") else {})) for id in ids))
    for one in told:
        if isinstance(one, FlexdbError):
            raise one
    url = f"/console/t/{tenant_id}/relationships"
    return redirect_with(f"{url}/{ids[0]}" if len(ids) == 1 else url, "Undone.")
