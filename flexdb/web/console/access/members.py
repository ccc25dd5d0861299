"""A tenant's members, and who is invited to become one."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from flexdb.api.calls import Call, PageCalls
from flexdb.errors import FlexdbError, InvalidParams, PermissionDenied
from flexdb.web.console import confirming
from flexdb.web.console.access.roles import names_of, roles_of
from flexdb.web.console.faults import wrong_fields
from flexdb.web.console.messages import Message, redirect_with
from flexdb.web.console.page import Shown, page, paging, show, within

_OWNER = "owner"


@page("/t/<tenant_id>/members")
def members(calls: PageCalls, tenant_id: str) -> Shown:
    """Show who is a member, who is invited, and forms to change that."""
    return _shown(calls, tenant_id, {}, {})


def _shown(calls: PageCalls, tenant_id: str, given: dict[str, str], wrong: dict[str, str],
           status: int = 200) -> Shown:
    sought = request.args.get("email", "").strip()
    narrowed: dict[str, Any] = {"filter": {"email": {"$icontains": sought}}} if sought else {}
    place, (listed,) = within(calls, tenant_id, Call("list_tenant_users", {
        "tenant_id": tenant_id, "pagination": paging()} | narrowed))
    invited, roles = calls.outcomes(
        Call("list_invitations", {"tenant_id": tenant_id, "pagination": {"page_size": 200}}),
        roles_of(tenant_id))
    # Who may see the members need not be let change them.
    refused = next((one for one in (invited, roles) if isinstance(one, PermissionDenied)), None)
    for one in (invited, roles):
        if isinstance(one, FlexdbError) and not refused:
            raise one
    return show("access/members.html", status=status, place=place, listed=listed, sought=sought,
                invited=None if refused else invited, refused=refused, given=given, wrong=wrong,
                roles=[] if refused else names_of(roles))


@page("/t/<tenant_id>/members/invite", "POST")
def invite(calls: PageCalls, tenant_id: str) -> Shown | Response:
    """Make a member of who has an e-mail address, now or when there is such a user."""
    given = {name: request.form.get(name, "").strip() for name in ("email", "role")}
    try:
        calls.one("create_invitation", tenant_id=tenant_id, **given)
    except (InvalidParams, PermissionDenied) as error:
        return _shown(calls, tenant_id, given, wrong_fields(error), error.status)
    return redirect_with(_url(tenant_id), f"{given['email']} is a member, or becomes one when "
                         "there is a user with this address within 30 days.")


@page("/t/<tenant_id>/members/role", "POST")
def change_role(calls: PageCalls, tenant_id: str) -> Shown | Response:
    """Give a member another role, or somebody who was one the role from before."""
    form = request.form
    user_id, role, was = (form.get(name, "") for name in ("user_id", "role", "was"))
    if was == _OWNER != role and not confirming.is_sure() and _is_last(calls, tenant_id, user_id):
        return _ask_last(calls, tenant_id, f"Make the last owner {role}?", f"Make {role}")
    calls.one("add_user_to_tenant", tenant_id=tenant_id, user_id=user_id, role=role)
    who = form.get("email", "The member")
    if not was:
        return redirect_with(_url(tenant_id), f"{who} is {role}.")
    return redirect_with(_url(tenant_id), Message(
        f"{who} is {role}, and was {was}.", f"{_url(tenant_id)}/role",
        {"user_id": user_id, "role": was, "email": who}))


@page("/t/<tenant_id>/members/remove", "POST")
def remove(calls: PageCalls, tenant_id: str) -> Shown | Response:
    """Remove a member; the user stays."""
    form = request.form
    user_id, was, who = (form.get(name, "") for name in ("user_id", "was", "email"))
    if was == _OWNER and not confirming.is_sure() and _is_last(calls, tenant_id, user_id):
        return _ask_last(calls, tenant_id, f"Remove the last owner, {who}?", "Remove")
    calls.one("remove_user_from_tenant", tenant_id=tenant_id, user_id=user_id)
    # Who was no active member would be one after that.
    undo = f"{_url(tenant_id)}/role" if was and form.get("status") == "active" else ""
    return redirect_with(_url(tenant_id), Message(f"Removed {who}.", undo, {
        "user_id": user_id, "role": was, "email": who} if undo else {}))


@page("/t/<tenant_id>/members/take-back", "POST")
def take_back(calls: PageCalls, tenant_id: str) -> Response:
    """Take an invitation back."""
    calls.one("delete_invitation", tenant_id=tenant_id, id=request.form.get("id", ""))
    return redirect_with(_url(tenant_id), f"{request.form.get('email', 'Nobody')} is invited no "
                         "more.")


def _is_last(calls: PageCalls, tenant_id: str, user_id: str) -> bool:
    """Tell whether a user is the only owner."""
    owners = calls.one("list_tenant_users", tenant_id=tenant_id, fields=["user_id"],
                       filter={"role": _OWNER}, pagination={"page_size": 2})["tenant_users"]
    return [one["user_id"] for one in owners] == [user_id]


def _ask_last(calls: PageCalls, tenant_id: str, title: str, does: str) -> Shown:
    place, _ = within(calls, tenant_id)
    return confirming.ask(
        title, "The tenant has no other owner. Without one, its name can be changed by an operator "
        "alone, and only an operator makes somebody an owner again.",
        does=does, back=_url(tenant_id), place=place)


def _url(tenant_id: str) -> str:
    return f"/console/t/{tenant_id}/members"
