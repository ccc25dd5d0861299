"""The tenants: all of them, a new one, and what becomes of one."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from flexdb.api.calls import Call, PageCalls
from flexdb.errors import AlreadyExists, FlexdbError, InvalidParams, PermissionDenied
from flexdb.web.console import me
from flexdb.web.console.faults import wrong_fields
from flexdb.web.console.messages import redirect_with
from flexdb.web.console.page import Shown, Within, page, paging, show, within

STATUSES = ("active", "suspended")


def _list(calls: PageCalls, status: int = 200, **names: Any) -> Shown:
    """Return the page of those whose name or slug holds what is looked for."""
    words = request.args.get("name", "").strip()
    asked: dict[str, Any] = {"pagination": paging()}
    if words:
        asked["filter"] = {"$or": [{"name": {"$icontains": words}},
                                   {"slug": {"$icontains": words}}]}
    listed = calls.one("list_tenants", **asked)
    told = calls.outcomes(*(Call("get_limits", {"tenant_id": tenant["id"]})
                            for tenant in listed["tenants"]), remembered=False)
    held = [None if isinstance(one, FlexdbError) else one["limits"] for one in told]
    return show("tenants.html", status=status, listed=listed, words=words,
                rows=list(zip(listed["tenants"], held)), **names)


@page("/")
def tenants(calls: PageCalls) -> Shown | Response:
    """Show all tenants and how much each has, or lead who does not see all to the own ones."""
    try:
        return _list(calls, given={}, wrong={})
    except PermissionDenied as refused:
        return me.home(calls, refused)


@page("/new-tenant", "POST")
def create(calls: PageCalls) -> Shown | Response:
    """Create a tenant."""
    given = {name: request.form.get(name, "") for name in ("name", "slug")}
    try:
        tenant = calls.one("create_tenant", **given)["tenant"]
    except (InvalidParams, AlreadyExists) as error:
        return _list(calls, error.status, given=given, wrong=wrong_fields(error))
    return redirect_with(f"/console/t/{tenant['id']}", f"Created {tenant['name']}.")


@page("/t/<tenant_id>/settings")
def settings(calls: PageCalls, tenant_id: str) -> Shown:
    """Show what may be changed of a tenant, and what would go along with it."""
    place, told = within(calls, tenant_id, Call("get_limits", {"tenant_id": tenant_id}))
    return _settings(place, told[0]["limits"])


def _settings(place: Within, held: dict[str, Any], status: int = 200,
              given: dict[str, str] | None = None, wrong: dict[str, str] | None = None,
              confirmed: str = "", not_deleted: str = "") -> Shown:
    statuses = dict.fromkeys((*STATUSES, place.tenant["status"]))
    return show("tenant.html", status=status, place=place, held=held, statuses=statuses,
                given=given or place.tenant, wrong=wrong or {}, confirmed=confirmed,
                not_deleted=not_deleted)


@page("/t/<tenant_id>/settings", "POST")
def change(calls: PageCalls, tenant_id: str) -> Shown | Response:
    """Rename a tenant, or suspend it."""
    given = {name: request.form.get(name, "") for name in ("name", "slug", "status")}
    try:
        # To the operation, what is empty is what stays.
        if empty := {name: ["is missing"] for name, value in given.items() if not value.strip()}:
            raise InvalidParams(fields=empty)
        tenant = calls.one("update_tenant", id=tenant_id, **given)["tenant"]
    except (InvalidParams, AlreadyExists) as error:
        place, told = within(calls, tenant_id, Call("get_limits", {"tenant_id": tenant_id}))
        return _settings(place, told[0]["limits"], error.status, given, wrong_fields(error))
    return redirect_with(f"/console/t/{tenant_id}/settings", f"Saved {tenant['name']}.")


@page("/t/<tenant_id>/delete", "POST")
def delete(calls: PageCalls, tenant_id: str) -> Shown | Response:
    """Delete a tenant with all that it has, if its slug is typed."""
    place, told = within(calls, tenant_id, Call("get_limits", {"tenant_id": tenant_id}))
    typed = request.form.get("slug", "").strip()
    if typed != place.tenant["slug"]:
        return _settings(place, told[0]["limits"], 400, confirmed=typed, not_deleted=(
            f"is not the slug of this tenant, which is {place.tenant['slug']}"))
    calls.one("delete_tenant", id=tenant_id)
    return redirect_with("/console/", f"Deleted {place.tenant['name']} with all that it had.")
