"""A tenant: what is in it, and what to do first."""

from __future__ import annotations

from flexdb.api.calls import PageCalls
from flexdb.web.console.page import Shown, page, show, within


@page("/t/<tenant_id>")
def overview(calls: PageCalls, tenant_id: str) -> Shown:
    """Show a tenant's node types."""
    place, _ = within(calls, tenant_id)
    return show("overview.html", place=place)
