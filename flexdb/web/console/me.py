"""Who looks at the console, and what of it is theirs."""

from __future__ import annotations

from typing import Any

from flask import Response

from flexdb.api.calls import Call, PageCalls
from flexdb.errors import FlexdbError, PermissionDenied
from flexdb.web.console.messages import redirect_to
from flexdb.web.console.page import Shown, page, show


@page("/me")
def me(calls: PageCalls) -> Shown:
    """Show who is logged in, and in which tenants."""
    return _shown(calls, calls.one("get_caller")["caller"])


def home(calls: PageCalls, refused: PermissionDenied) -> Shown | Response:
    """Lead who does not see all tenants to the only one, or show the own ones.

    :param refused: what the list of all was answered with
    :raises PermissionDenied: that, where the caller is of no tenant, as a narrowed operator's key
    """
    caller = calls.one("get_caller")["caller"]
    if caller["tenant"]:
        return redirect_to(f"/console/t/{caller['tenant']}")
    if caller["memberships"] is None:
        raise refused
    return _shown(calls, caller)


def _shown(calls: PageCalls, caller: dict[str, Any]) -> Shown:
    kind, _, id = caller["name"].partition(":")
    roles = {one["tenant_id"]: one["role"] for one in caller["memberships"] or ()}
    if caller["tenant"]:
        roles.setdefault(caller["tenant"], caller["role"])
    # Names come of one call for a user, and of one of its own for a key.
    named = (calls.outcomes(Call("list_user_tenants", {
        "user_id": id, "pagination": {"page_size": 1000}})) if kind == "user" else
        calls.outcomes(*(Call("get_tenant", {"id": one}) for one in roles)) if roles else [])
    names: dict[str, str] = {}
    for told in named:
        if isinstance(told, FlexdbError):
            continue
        for one in told.get("user_tenants", ()):
            names[one["tenant_id"]] = one["name"]
        if "tenant" in told:
            names[told["tenant"]["id"]] = told["tenant"]["name"]
    return show("me.html", who=caller, kind=kind, id=id, names=names, roles=roles)
