"""A tenant's webhooks: where what changes is posted."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from flexdb.api.calls import Call, PageCalls
from flexdb.errors import AlreadyExists, FlexdbError, InvalidParams, NotFound, VersionConflict
from flexdb.web.console import confirming
from flexdb.web.console.faults import gathered, wrong_fields
from flexdb.web.console.finding import types_of
from flexdb.web.console.messages import Message, redirect_with
from flexdb.web.console.page import Shown, page, show, within
from flexdb.web.console.typed import json_of, whole
from flexdb.web.console.words import as_json

EVENTS = tuple(f"{kind}.{done}" for kind in ("node", "relationship", "node_type")
               for done in ("created", "updated", "deleted"))
ORDERINGS = {"record": "earlier ones of the same object", "all": "all earlier ones"}
# How long deliveries are signed with the secret before it too, in seconds.
OVERLAPS = {"86400": "a day", "3600": "an hour", "604800": "a week",
            "0": "not at all: it leaked"}
# As many as a tenant may have.
_ALL = 50


@page("/t/<tenant_id>/webhooks")
def webhooks(calls: PageCalls, tenant_id: str) -> Shown:
    """Show the webhooks of a tenant with how they are getting on."""
    place, (listed,) = within(calls, tenant_id, Call("list_webhooks", {
        "tenant_id": tenant_id, "pagination": {"page_size": _ALL}}))
    figures = calls.outcomes(*(
        Call("count_deliveries", {"tenant_id": tenant_id, "webhook_id": one["id"]})
        for one in listed["webhooks"])) if listed["webhooks"] else []
    told = [None if isinstance(one, FlexdbError) else one for one in figures]
    return show("webhooks/webhooks.html", place=place, rows=list(zip(listed["webhooks"], told)))


@page("/t/<tenant_id>/webhooks/new")
def new(calls: PageCalls, tenant_id: str) -> Shown:
    """Show the form of a webhook that is to be made."""
    return _form(calls, tenant_id, None, {}, {})


@page("/t/<tenant_id>/webhooks/new", "POST")
def create(calls: PageCalls, tenant_id: str) -> Shown | Response:
    """Make a webhook; the answer shows its secret, and no other does."""
    given = _posted()
    try:
        made = calls.one("create_webhook", tenant_id=tenant_id, **_params_of(given))["webhook"]
    except (InvalidParams, AlreadyExists, NotFound) as error:
        return _form(calls, tenant_id, None, given, _form_wrong(error), error.status)
    return _told_once(calls, made, f"It is posted to {made['url']} from now on.")


@page("/t/<tenant_id>/webhooks/<webhook_id>/edit")
def edit(calls: PageCalls, tenant_id: str, webhook_id: str) -> Shown:
    """Show a webhook as a form."""
    return _form(calls, tenant_id, webhook_id, {}, {})


@page("/t/<tenant_id>/webhooks/<webhook_id>/edit", "POST")
def save(calls: PageCalls, tenant_id: str, webhook_id: str) -> Shown | Response:
    """Change a webhook."""
    given = _posted()
    try:
        calls.one("update_webhook", tenant_id=tenant_id, id=webhook_id,
                  version=whole(given["version"], "version"), **_params_of(given))
    except (InvalidParams, NotFound, VersionConflict) as error:
        if isinstance(error, NotFound) and "id" in error.data.get("fields", {"id": ""}):
            raise
        return _form(calls, tenant_id, webhook_id, given, _form_wrong(error), error.status)
    return redirect_with(url_of(tenant_id, webhook_id), "Saved: it holds for what it was not yet "
                         "told of.")


@page("/t/<tenant_id>/webhooks/<webhook_id>/status", "POST")
def set_status(calls: PageCalls, tenant_id: str, webhook_id: str) -> Response:
    """Pause a webhook, or have it go on."""
    status = request.form.get("status", "")
    calls.one("update_webhook", tenant_id=tenant_id, id=webhook_id, status=status)
    url = url_of(tenant_id, webhook_id)
    if status == "active":
        return redirect_with(url, "It goes on where it was.")
    return redirect_with(url, Message("Paused: nothing is sent, and nothing lost as long as the "
                                      "feed keeps it.", f"{url}/status", {"status": "active"}))


@page("/t/<tenant_id>/webhooks/<webhook_id>/rotate", "POST")
def rotate(calls: PageCalls, tenant_id: str, webhook_id: str) -> Shown:
    """Give a webhook another secret, which the answer shows and no other does."""
    overlap = request.form.get("overlap", "")
    made = calls.one("rotate_webhook_secret", tenant_id=tenant_id, id=webhook_id,
                     overlap=whole(overlap, "overlap"))["webhook"]
    return _told_once(calls, made, "How long deliveries are signed with the secret before it too: "
                      f"{OVERLAPS.get(overlap, f'{overlap} seconds')}.")


@page("/t/<tenant_id>/webhooks/<webhook_id>/delete", "POST")
def delete(calls: PageCalls, tenant_id: str, webhook_id: str) -> Shown | Response:
    """Delete a webhook."""
    if not confirming.is_sure():
        place, (found,) = within(calls, tenant_id, Call(
            "get_webhook", {"tenant_id": tenant_id, "id": webhook_id}))
        return confirming.ask(
            f"Delete the webhook to {found['webhook']['url']}?", "Its deliveries go along, be they "
            "waiting or done, and so does its secret. To stop it for a while, pause it.",
            does="Delete the webhook", back=url_of(tenant_id, webhook_id), place=place)
    calls.one("delete_webhook", tenant_id=tenant_id, id=webhook_id)
    return redirect_with(url_of(tenant_id), "Deleted the webhook.")


def url_of(tenant_id: str, webhook_id: str = "") -> str:
    """Return the URL of a webhook's page, or of the list of all."""
    return f"/console/t/{tenant_id}/webhooks" + (f"/{webhook_id}" if webhook_id else "")


def _form(calls: PageCalls, tenant_id: str, webhook_id: str | None, given: dict[str, Any],
          wrong: dict[str, str], status: int = 200) -> Shown:
    """Return the form of a webhook.

    :param webhook_id: None for one that is to be made
    :param given: what was typed, in the place of what the webhook is
    """
    further = [types_of(tenant_id)]
    if webhook_id:
        further.append(Call("get_webhook", {"tenant_id": tenant_id, "id": webhook_id}))
    place, (types, *found) = within(calls, tenant_id, *further)
    now = found[0]["webhook"] if found else {}
    filter = now.get("filter")
    known = now | {"events": now.get("events") or [], "node_type_ids": now.get("node_type_ids") or (
        []), "relationship_types": "\n".join(now.get("relationship_types") or ()),
        "filter": as_json(filter) if filter is not None else ""}
    known |= given
    if now and "version" in wrong:
        # Who saves once more has seen that it was changed.
        known["version"] = now["version"]
    names = place.type_names
    # Of more types than the frame lists, those that are chosen are there too.
    names |= {id: id for id in known["node_type_ids"] if id not in names}
    return show("webhooks/form.html", status=status, place=place, webhook_id=webhook_id,
                given=known, wrong=wrong, events=[(name, name) for name in EVENTS],
                orderings=ORDERINGS, types=list(names.items()),
                known_types=[one["name"] for one in types["relationship_types"]])


def _posted() -> dict[str, Any]:
    form = request.form
    return {name: form.get(name, "").strip() for name in (
        "url", "relationship_types", "filter", "ordering", "version")} | {
        name: form.getlist(name) for name in ("events", "node_type_ids")}


def _params_of(given: dict[str, Any]) -> dict[str, Any]:
    """Return what a form asks of the operations; null for what it does not narrow."""
    return {
        "url": given["url"], "events": given["events"] or None,
        "node_type_ids": given["node_type_ids"] or None,
        "relationship_types": given["relationship_types"].splitlines() or None,
        "filter": json_of(given["filter"], "filter") if given["filter"] else None,
        "ordering": given["ordering"] or "record"}


def _form_wrong(error: FlexdbError) -> dict[str, str]:
    """Return what is wrong with each field of the form; of one with parts, which."""
    parts = ((name.partition("."), told) for name, told in wrong_fields(error).items())
    return gathered((field, f"{inner} {told}".strip()) for (field, _, inner), told in parts)


def _told_once(calls: PageCalls, webhook: dict[str, Any], *told: str) -> Shown:
    """Return the page that shows the secret of a webhook that was just made, or given another."""
    place, _ = within(calls, webhook["tenant_id"])
    return show("secret.html", place=place, title="The secret of the webhook",
                secret=webhook["secret"], told=[*told, "Whoever receives its deliveries verifies "
                "them with this secret, by Standard Webhooks: docs/how-to/webhooks.md has the code "
                "for it."], back=url_of(webhook["tenant_id"], webhook["id"]), does="To the webhook")
