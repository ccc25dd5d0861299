"""The tenants: all of them, a new one, and what becomes of one."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from flexdb.api.calls import PageCalls
from flexdb.errors import AlreadyExists, FlexdbError, InvalidParams
from flexdb.web.console.messages import redirect_with
from flexdb.web.console.page import Shown, page, show

_PAGE = 50
STATUSES = ("active", "suspended")


def _listed(calls: PageCalls) -> dict[str, Any]:
    token = request.args.get("page_token", "")
    listed: dict[str, Any] = calls.one("list_tenants", pagination={
        "page_size": _PAGE} | ({"page_token": token} if token else {}))
    return listed


@page("/")
def tenants(calls: PageCalls) -> Shown:
    """Show the tenants that the caller sees."""
    return show("tenants.html", listed=_listed(calls), given={}, wrong={})


@page("/new-tenant", "POST")
def create(calls: PageCalls) -> Shown | Response:
    """Create a tenant."""
    given = {name: request.form.get(name, "") for name in ("name", "slug")}
    try:
        tenant = calls.one("create_tenant", **given)["tenant"]
    except (InvalidParams, AlreadyExists) as error:
        return show("tenants.html", status=error.status, listed=_listed(calls), given=given,
                    wrong=wrong_fields(error))
    return redirect_with(f"/console/t/{tenant['id']}", f"Created {tenant['name']}.")


def wrong_fields(error: FlexdbError) -> dict[str, str]:
    """Return what is wrong with each field of a form; under "" what no field says."""
    fields: dict[str, list[str]] = error.data.get("fields", {})
    if not fields and (field := error.data.get("field")):
        fields = {field: [str(error)]}
    return {name: "; ".join(told) for name, told in fields.items()} or {"": str(error)}
