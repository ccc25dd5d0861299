"""The roles that a tenant makes: which of its records their holders read and write."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from flexdb.api.calls import Call, PageCalls
from flexdb.errors import AlreadyExists, InvalidParams, NotFound, VersionConflict
from flexdb.web.console import confirming
from flexdb.web.console.access import grants
from flexdb.web.console.access.grants import GrantRow
from flexdb.web.console.faults import gathered, wrong_fields
from flexdb.web.console.messages import redirect_with
from flexdb.web.console.page import Shown, page, paging, show, within
from flexdb.web.console.typed import whole

# What flexdb itself knows in a tenant, from the one that may do least.
BUILT_IN = ("viewer", "member", "admin", "owner")
# As many as a tenant may have.
_ALL = 100


def roles_of(tenant_id: str) -> Call:
    """Return the call that lists the roles of a tenant."""
    return Call("list_roles", {"tenant_id": tenant_id, "sort": "name", "fields": ["name"],
                               "pagination": {"page_size": _ALL}})


def names_of(listed: dict[str, Any]) -> list[str]:
    """Return the names of the roles that there are in a tenant, flexdb's own first.

    :param listed: what the call of :func:`roles_of` gave
    """
    return [*BUILT_IN, *(one["name"] for one in listed["roles"])]


@page("/t/<tenant_id>/roles")
def roles(calls: PageCalls, tenant_id: str) -> Shown:
    """Show the roles of a tenant."""
    place, (listed,) = within(calls, tenant_id, Call("list_roles", {
        "tenant_id": tenant_id, "pagination": paging()}))
    return show("access/roles.html", place=place, listed=listed)


@page("/t/<tenant_id>/roles/new")
def new(calls: PageCalls, tenant_id: str) -> Shown:
    """Show the form of a role that is to be made."""
    return _form(calls, tenant_id, None, {}, [GrantRow()], {})


@page("/t/<tenant_id>/roles/new", "POST")
def create(calls: PageCalls, tenant_id: str) -> Shown | Response:
    """Make a role, or show the form with another row."""
    return _save(calls, tenant_id, None)


@page("/t/<tenant_id>/roles/<role_id>")
def role(calls: PageCalls, tenant_id: str, role_id: str) -> Shown:
    """Show a role as a form."""
    return _form(calls, tenant_id, role_id, {}, None, {})


@page("/t/<tenant_id>/roles/<role_id>", "POST")
def save(calls: PageCalls, tenant_id: str, role_id: str) -> Shown | Response:
    """Change a role, or show the form with another row."""
    return _save(calls, tenant_id, role_id)


@page("/t/<tenant_id>/roles/<role_id>/delete", "POST")
def delete(calls: PageCalls, tenant_id: str, role_id: str) -> Shown | Response:
    """Delete a role that nobody has."""
    name = request.form.get("name", "this role")
    if not confirming.is_sure():
        place, _ = within(calls, tenant_id)
        return confirming.ask(f"Delete the role {name}?", "Its grants are gone for good. A role "
                              "that a key, a member or an invitation has is not deleted.",
                              does="Delete the role", back=f"{_url(tenant_id)}/{role_id}",
                              place=place)
    try:
        calls.one("delete_role", tenant_id=tenant_id, id=role_id)
    except InvalidParams as error:
        return _form(calls, tenant_id, role_id, {}, None, wrong_fields(error), error.status)
    return redirect_with(_url(tenant_id), f"Deleted the role {name}.")


def _save(calls: PageCalls, tenant_id: str, role_id: str | None) -> Shown | Response:
    given = {name: request.form.get(name, "") for name in ("name", "based_on", "version")}
    rows = grants.posted(request.form)
    if request.form.get("does") != "save":
        # Rows come and go without scripts too.
        return _form(calls, tenant_id, role_id, given,
                     [*rows, GrantRow()] if request.form.get("does") == "more" else rows, {})
    params = {"tenant_id": tenant_id, "based_on": given["based_on"]}
    try:
        params["grants"] = grants.grants_of(rows)  # type: ignore[assignment]
        if role_id is None:
            calls.one("create_role", name=given["name"], **params)
        else:
            calls.one("update_role", id=role_id, **params, version=whole(
                given["version"], "version"))
    except (InvalidParams, AlreadyExists, NotFound, VersionConflict) as error:
        if isinstance(error, NotFound) and "fields" not in error.data:
            raise
        return _form(calls, tenant_id, role_id, given, rows, wrong_fields(error), error.status)
    return redirect_with(_url(tenant_id), f"Saved the role {given['name']}: it holds from now on, "
                         "for all who have it.")


def _form(calls: PageCalls, tenant_id: str, role_id: str | None, given: dict[str, Any],
          rows: list[GrantRow] | None, wrong: dict[str, str], status: int = 200) -> Shown:
    """Return the form of a role.

    :param role_id: None for one that is to be made
    :param given: what was typed, in the place of what the role is
    :param rows: what was typed of its grants; None for those that it has
    """
    if role_id is None:
        place, _ = within(calls, tenant_id)
        known: dict[str, Any] = {"based_on": "member"}
    else:
        place, (found,) = within(calls, tenant_id, Call(
            "get_role", {"tenant_id": tenant_id, "id": role_id}))
        known = found["role"]
    typed = {name: value for name, value in given.items() if value}
    if "version" in wrong:
        # Who saves once more has seen that it was changed.
        typed.pop("version", None)
    return show("access/role.html", status=status, place=place, role_id=role_id, role=known | typed,
                rows=grants.rows_of(known.get("grants", [])) if rows is None else rows,
                most_rows=grants.MOST_ROWS, wrong=_at_rows(wrong), now=known)


def _at_rows(wrong: dict[str, str]) -> dict[str, str]:
    """Return what is wrong at the fields that the form has: of a filter it says where in it."""
    def placed(name: str, told: str) -> tuple[str, str]:
        if not name.startswith("grants."):
            return name, told
        parts = name.split(".")
        return ".".join(parts[:3]), f"{'.'.join(parts[3:])} {told}".strip()

    return gathered(placed(name, told) for name, told in wrong.items())


def _url(tenant_id: str) -> str:
    return f"/console/t/{tenant_id}/roles"


