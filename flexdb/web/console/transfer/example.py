"""Example data for a tenant, so that there is something to look at."""

from __future__ import annotations

from flask import Response

from flexdb.api.calls import PageCalls
from flexdb.errors import AlreadyExists
from flexdb.web.console.messages import redirect_with
from flexdb.web.console.page import page
from flexdb.web.console.transfer import example_packages


@page("/t/<tenant_id>/example", "POST")
def load(calls: PageCalls, tenant_id: str) -> Response:
    """Fill a tenant with packages, their versions and their licences, all or nothing."""
    here = f"/console/t/{tenant_id}"
    made = example_packages.calls(tenant_id)
    try:
        calls.one("transaction", calls=made)
    except AlreadyExists:
        return redirect_with(here, "Nothing was loaded: the tenant has example data already, or "
                                   "types of its own with the same names.")
    nodes, relationships = (len(made[place]["params"][name]) for place, name in (
        (-2, "nodes"), (-1, "relationships")))
    return redirect_with(here, f"Loaded {nodes} records and {relationships} "
                               "relationships: packages, their versions and their licences.")
