"""Who changed what the service or a tenant is."""

from __future__ import annotations

from typing import Any

from flask import request

from flexdb.api.calls import Call, PageCalls
from flexdb.web.console.page import Shown, Within, page, paging, show, within

_NARROWS = ("operation", "caller", "since", "until")


@page("/events")
def events(calls: PageCalls) -> Shown:
    """Show who changed tenants, users, members, keys, roles, limits and webhooks."""
    given = _given()
    return _shown(calls.one("list_events", **_narrowed(given)), given, None)


@page("/t/<tenant_id>/events")
def tenant_events(calls: PageCalls, tenant_id: str) -> Shown:
    """Show who changed a tenant, its members, keys, roles, limits and webhooks."""
    given = _given()
    place, (listed,) = within(calls, tenant_id, Call(
        "list_events", {"tenant_id": tenant_id} | _narrowed(given)))
    return _shown(listed, given, place)


def _given() -> dict[str, str]:
    return {name: request.args.get(name, "").strip() for name in _NARROWS}


def _narrowed(given: dict[str, str]) -> dict[str, Any]:
    """Return what is asked; a day is meant from its beginning in UTC, or to its end."""
    asked = {name: value for name, value in given.items() if value}
    for name, hour in (("since", "00:00:00Z"), ("until", "23:59:59.999999Z")):
        if name in asked:
            asked[name] = f"{asked[name]}T{hour}"
    return asked | {"pagination": paging()}


def _shown(listed: dict[str, Any], given: dict[str, str], place: Within | None) -> Shown:
    return show("service/events.html", place=place, listed=listed, given=given,
                url=f"{place.url}/events" if place else "/console/events",
                asked_for={name: value for name, value in given.items() if value})
