"""Example data for a tenant, so that there is something to look at."""

from __future__ import annotations

from flask import Response

from flexdb.api.calls import PageCalls
from flexdb.contract.ids import new_id
from flexdb.errors import AlreadyExists
from flexdb.web.console.messages import redirect_with
from flexdb.web.console.page import page
from flexdb.web.console.transfer import example_packages


@page("/t/<tenant_id>/example", "POST")
def load(calls: PageCalls, tenant_id: str) -> Response:
    """Fill a tenant with packages, their versions and their licences, all or nothing."""
    here = f"/console/t/{tenant_id}"
    types = {name: new_id() for name in example_packages.SCHEMAS}
    records, links = example_packages.records()
    ids = {data["name"]: new_id() for of_type in records.values() for data in of_type}
    nodes = [{"node_type_id": types[name], "id": ids[data["name"]], "data": data}
             for name, of_type in records.items() for data in of_type]
    relationships = [
        {"source_node_id": ids[source], "relationship_type": kind, "target_node_id": ids[target],
         "data": data} for source, kind, target, data in links]
    made = [
        *(("create_node_type", {"name": name, "id": types[name], "schema": schema})
          for name, schema in example_packages.SCHEMAS.items()),
        *(("create_relationship_type", {
            "name": name, "source_node_type_ids": [types[source]],
            "target_node_type_ids": [types[target]], **more})
          for name, (source, target, more) in example_packages.KINDS.items()),
        ("create_nodes", {"nodes": nodes}),
        ("create_relationships", {"relationships": relationships})]
    try:
        calls.one("transaction", calls=[
            {"method": method, "params": {"tenant_id": tenant_id} | params}
            for method, params in made])
    except AlreadyExists:
        return redirect_with(here, "Nothing was loaded: the tenant has example data already, or "
                                   "types of its own with the same names.")
    return redirect_with(here, f"Loaded {len(nodes)} records and {len(relationships)} "
                               "relationships: packages, their versions and their licences.")
