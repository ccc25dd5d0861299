"""Example data: a tenant to look at."""

from __future__ import annotations

from typing import Any

import orjson

from flexdb.web.console.transfer import example_packages


def test_it_fills_a_tenant_once(console: Any) -> None:
    service, tenant = console.service, console.service.tenant()
    url = f"/t/{tenant['id']}/example"
    assert "Loaded 57 records" in console.followed(console.post(url))
    types = {one["name"]: one for one in service.call(
        "list_node_types", tenant_id=tenant["id"])["node_types"]}
    totals = {name: service.call("list_nodes", tenant_id=tenant["id"], node_type_id=one["id"])[
        "pagination"]["total_count"] for name, one in types.items()}
    assert totals == {"Package": 20, "Version": 33, "Licence": 4}
    assert types["Package"]["schema"]["x-order"][0] == "name"
    # Nothing comes twice, and nothing of the second time stays.
    assert "Nothing was loaded" in console.followed(console.post(url))
    listed = service.call("list_relationships", tenant_id=tenant["id"])
    assert listed["pagination"]["total_count"] == len(example_packages.records()[1])
    assert service.call("list_nodes", tenant_id=tenant["id"])["pagination"]["total_count"] == 57


def test_its_schemas_say_what_a_form_and_a_search_need(console: Any) -> None:
    tenant = console.service.tenant()
    console.post(f"/t/{tenant['id']}/example")
    found = console.service.call("list_nodes", tenant_id=tenant["id"], search="graph shortest")
    assert [one["data"]["name"] for one in found["nodes"]] == ["pathfinder"]
    said = orjson.dumps(example_packages.SCHEMAS)
    for word in (b'"title"', b'"enum"', b'"x-search"', b'"x-unique"', b'"x-order"', b'"default"'):
        assert word in said


def test_a_tenant_without_types_offers_it(console: Any) -> None:
    tenant = console.service.tenant()
    assert f'action="/console/t/{tenant["id"]}/example"' in console.get(f"/t/{tenant['id']}")
