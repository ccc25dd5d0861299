"""How much a tenant has and asks for, and how much it may."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from flask import Response, request

from flexdb.api.calls import Call, PageCalls
from flexdb.errors import FlexdbError, InvalidParams, PermissionDenied
from flexdb.web.console.faults import wrong_fields
from flexdb.web.console.messages import redirect_with
from flexdb.web.console.page import Shown, page, show, within
from flexdb.web.console.typed import whole

# What a tenant may have, with what it has of it; and what it may ask for.
LIMITS = {"max_nodes": ("Records", "used_nodes"),
          "max_relationships": ("Relationships", "used_relationships"),
          "max_bytes": ("Bytes of JSON", "used_bytes"),
          "calls_per_second": ("Calls a second", ""), "burst": ("Calls at once", "")}
PERIODS = {"0": "today", "7": "the last 7 days", "30": "the last 30 days", "90": "the last 90 days"}
MEASURES = {"database_ms": "Time of PostgreSQL", "calls": "Calls", "errors": "Errors",
            "rows": "Rows", "bytes": "Bytes of answers"}


@page("/t/<tenant_id>/usage")
def usage(calls: PageCalls, tenant_id: str) -> Shown:
    """Show what a tenant has and asked for, and its limits."""
    return _shown(calls, tenant_id, {}, {})


@page("/t/<tenant_id>/usage", "POST")
def save(calls: PageCalls, tenant_id: str) -> Shown | Response:
    """Change a tenant's own limits: what is left empty is the service's again."""
    given = {name: request.form.get(name, "").strip() for name in LIMITS}
    wrong: dict[str, str] = {}
    limits: dict[str, int] = {}
    for name, text in given.items():
        try:
            if text:
                limits[name] = whole(text, name)
        except InvalidParams as error:
            wrong |= wrong_fields(error)
    status = 400
    if not wrong:
        try:
            calls.one("update_limits", tenant_id=tenant_id, **limits,
                      reset=[name for name in LIMITS if name not in limits])
            return redirect_with(f"/console/t/{tenant_id}/usage", "Saved the limits: they hold "
                                 "within a second.")
        except (InvalidParams, PermissionDenied) as error:
            wrong, status = wrong_fields(error), error.status
    return _shown(calls, tenant_id, given, wrong, status)


def _shown(calls: PageCalls, tenant_id: str, given: dict[str, str], wrong: dict[str, str],
           status: int = 200) -> Shown:
    period, since = _since()
    place, (limits,) = within(calls, tenant_id, Call("get_limits", {"tenant_id": tenant_id}))
    (asked,) = calls.outcomes(Call("get_usage", {"tenant_id": tenant_id} | since))
    if isinstance(asked, FlexdbError) and not isinstance(asked, PermissionDenied):
        raise asked
    own = {name: limits["limits"][name] for name in limits["limits"]["own"]}
    return show("service/usage.html", status=status, place=place, limits=limits["limits"],
                usage=None if isinstance(asked, FlexdbError) else asked["usage"],
                given=own | given, wrong=wrong, names=LIMITS, measures=MEASURES, period=period,
                periods=PERIODS, may_change=calls.context.caller.sees_all)


@page("/usage")
def all_usage(calls: PageCalls) -> Shown:
    """Show the tenants that ask for most."""
    period, since = _since()
    by = request.args.get("by", "")
    measure = by if by in MEASURES else "database_ms"
    listed = calls.one("list_usage", by=measure, limit=50, **since)["usages"]
    tenants = calls.one("list_tenants", filter={"id": {"$in": [
        one["tenant_id"] for one in listed]}}, fields=["id", "name"],
        pagination={"page_size": 50})["tenants"] if listed else []
    return show("service/all_usage.html", listed=listed, by=measure, measures=MEASURES,
                period=period, periods=PERIODS, names={one["id"]: one["name"] for one in tenants})


def _since() -> tuple[str, dict[str, Any]]:
    """Return the period that is asked for, in days, and the parameter that says so."""
    days = request.args.get("days", "")
    if days not in PERIODS or days == "0":
        return "0", {}
    return days, {"since": (datetime.now(timezone.utc) - timedelta(days=int(days))).isoformat()}
