"""The users of the service, and what they are in tenants."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from flexdb.api.calls import Call, PageCalls
from flexdb.errors import AlreadyExists, InvalidParams
from flexdb.web.console import confirming
from flexdb.web.console.faults import wrong_fields
from flexdb.web.console.messages import redirect_with
from flexdb.web.console.page import Shown, page, paging, show
from flexdb.wording import number_of

_URL = "/console/users"
_FIELDS = ("email", "display_name")


@page("/users")
def users(calls: PageCalls) -> Shown:
    """Show the users, newest first, or those whose address or name holds what is sought."""
    return _list(calls, {}, {})


def _list(calls: PageCalls, given: dict[str, str], wrong: dict[str, str], status: int = 200
          ) -> Shown:
    sought = request.args.get("search", "").strip()
    narrowed: dict[str, Any] = {"filter": {"$or": [
        {name: {"$icontains": sought}} for name in _FIELDS]}} if sought else {}
    return show("access/users.html", status=status, sought=sought, given=given, wrong=wrong,
                listed=calls.one("list_users", pagination=paging(), **narrowed))


@page("/users/new", "POST")
def create(calls: PageCalls) -> Shown | Response:
    """Create a user."""
    given = _given()
    try:
        user = calls.one("create_user", **given)["user"]
    except (InvalidParams, AlreadyExists) as error:
        return _list(calls, given, wrong_fields(error), error.status)
    return redirect_with(f"{_URL}/{user['id']}", f"Created {user['email']}.")


@page("/users/<user_id>")
def user(calls: PageCalls, user_id: str) -> Shown:
    """Show a user with the tenants."""
    return _one(calls, user_id, {}, {})


def _one(calls: PageCalls, user_id: str, given: dict[str, str], wrong: dict[str, str],
         status: int = 200) -> Shown:
    found, tenants = calls.all(
        Call("get_user", {"id": user_id}),
        Call("list_user_tenants", {"user_id": user_id, "pagination": paging()}))
    return show("access/user.html", status=status, user=found["user"], listed=tenants,
                given=found["user"] | given, wrong=wrong)


@page("/users/<user_id>", "POST")
def save(calls: PageCalls, user_id: str) -> Shown | Response:
    """Change a user."""
    given = _given()
    try:
        calls.one("update_user", id=user_id, **given)
    except (InvalidParams, AlreadyExists) as error:
        return _one(calls, user_id, given, wrong_fields(error), error.status)
    return redirect_with(f"{_URL}/{user_id}", f"Saved {given['email']}.")


@page("/users/<user_id>/delete", "POST")
def delete(calls: PageCalls, user_id: str) -> Shown | Response:
    """Delete a user with all memberships."""
    found = calls.one("get_user", id=user_id)["user"]
    if not confirming.is_sure():
        tenants = calls.one("list_user_tenants", user_id=user_id, pagination={"page_size": 1})
        total = tenants["pagination"]["total_count"]
        return confirming.ask(
            f"Delete {found['email']}?", "The user is a member of "
            f"{number_of(int(total), 'tenant')}, and is so no more. What the user wrote stays.",
            does="Delete the user", back=f"{_URL}/{user_id}")
    calls.one("delete_user", id=user_id)
    return redirect_with(_URL, f"Deleted {found['email']}.")


def _given() -> dict[str, str]:
    return {name: request.form.get(name, "").strip() for name in _FIELDS}
