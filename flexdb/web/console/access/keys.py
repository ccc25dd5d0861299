"""The API keys of a tenant: each is shown once, when it is made."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from flexdb.api.calls import Call, PageCalls
from flexdb.errors import FlexdbError, InvalidParams, NotFound, PermissionDenied, QuotaExceeded
from flexdb.web.console import confirming
from flexdb.web.console.access.roles import names_of, roles_of
from flexdb.web.console.faults import gathered, wrong_fields
from flexdb.web.console.messages import redirect_with
from flexdb.web.console.page import Shown, page, paging, show, within
from flexdb.web.console.typed import json_of, whole
from flexdb.web.console.words import as_json, days_ahead

# How long one that is replaced may stay good, in seconds.
OVERLAPS = {"0": "not at all", "3600": "an hour", "86400": "a day", "604800": "a week",
            "2592000": "30 days"}
_FIELDS = ("name", "role", "operations", "expires", "attributes", "replaces", "overlap")
_DAYS = 90


@page("/t/<tenant_id>/keys")
def keys(calls: PageCalls, tenant_id: str) -> Shown:
    """Show the keys of a tenant, newest first, and the form of another one."""
    replaced = request.args.get("replaces", "")
    return _shown(calls, tenant_id, {"replaces": replaced} if replaced else {}, {})


def _shown(calls: PageCalls, tenant_id: str, given: dict[str, str], wrong: dict[str, str],
           status: int = 200) -> Shown:
    of_tenant = {"tenant_id": tenant_id}
    replaced = given.get("replaces")
    place, (listed, roles, *found) = within(
        calls, tenant_id, Call("list_keys", of_tenant | {"pagination": paging()}),
        roles_of(tenant_id),
        *([Call("list_keys", of_tenant | {"filter": {"id": replaced}})] if replaced else []))
    old = next(iter(found[0]["keys"]), None) if found else None
    return show("access/keys.html", status=status, place=place, listed=listed,
                roles=names_of(roles), url=_url(tenant_id), given=_usual(old) | given, wrong=wrong,
                replaced=old, overlaps=OVERLAPS)


@page("/t/<tenant_id>/keys", "POST")
def create(calls: PageCalls, tenant_id: str) -> Shown | Response:
    """Make a key; the answer shows its secret, and no other does."""
    given = {name: request.form.get(name, "").strip() for name in _FIELDS}
    try:
        made = calls.one("create_key", tenant_id=tenant_id, **_params_of(given))["key"]
    except (InvalidParams, NotFound, PermissionDenied, QuotaExceeded) as error:
        return _shown(calls, tenant_id, given, _wrong(error), error.status)
    place, _ = within(calls, tenant_id)
    told = [f"It is good until {made['expires_at'][:10]}, for whoever has it. Programs send it as "
            "the header Authorization: Bearer …"]
    if given["replaces"]:
        told.append("How long the key that it replaces stays good: "
                    f"{OVERLAPS.get(given['overlap'], given['overlap'] + ' seconds')}.")
    return show("secret.html", place=place, title=f"The key {made['name']}", secret=made["secret"],
                told=told, back=_url(tenant_id), does="All keys")


@page("/t/<tenant_id>/keys/<key_id>/delete", "POST")
def delete(calls: PageCalls, tenant_id: str, key_id: str) -> Shown | Response:
    """Delete a key."""
    name = request.form.get("name", "")
    if not confirming.is_sure():
        place, _ = within(calls, tenant_id)
        return confirming.ask(
            f"Delete the key {name}?", "A second later it is good nowhere, and what calls with it "
            "is refused.", *warned(calls, key_id), does="Delete the key",
            back=_url(tenant_id), place=place)
    calls.one("delete_key", tenant_id=tenant_id, id=key_id)
    return redirect_with(_url(tenant_id), f"Deleted the key {name}.")


def warned(calls: PageCalls, key_id: str) -> list[str]:
    """Return what the question before a key is deleted says of the caller's own."""
    is_own = calls.context.caller.name == f"key:{key_id}"
    return ["This is the key that you are logged in with."] if is_own else []


def _url(tenant_id: str) -> str:
    return f"/console/t/{tenant_id}/keys"


def _usual(old: dict[str, Any] | None) -> dict[str, str]:
    """Return what the form of a key begins with: what the one says that it is to replace."""
    begun = {"role": "member", "expires": days_ahead(_DAYS), "overlap": "86400"}
    if old is None:
        return begun
    attributes = old.get("attributes")
    return begun | {
        "name": old["name"], "role": old["role"], "operations": " ".join(old["operations"] or ()),
        "attributes": as_json(attributes) if attributes else ""}


def _params_of(given: dict[str, str]) -> dict[str, Any]:
    """Return what a form asks of the operation that makes a key.

    :raises InvalidParams: where the attributes are no JSON, or the overlap is no number
    """
    params: dict[str, Any] = {"name": given["name"], "role": given["role"]}
    if names := given["operations"].replace(",", " ").split():
        params["operations"] = names
    if given["expires"]:
        params["expires_at"] = f"{given['expires']}T23:59:59Z"
    if given["attributes"]:
        params["attributes"] = json_of(given["attributes"], "attributes")
    if given["replaces"]:
        params |= {"replaces": given["replaces"], "overlap": whole(given["overlap"], "overlap")}
    return params


def _wrong(error: FlexdbError) -> dict[str, str]:
    """Return what is wrong with each field of the form."""
    return gathered(("expires" if name == "expires_at" else name.partition(".")[0], told)
                    for name, told in wrong_fields(error).items())
