"""Who is shown some records only learns of no other by what one node alone may have."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from flexdb.config import Settings
from tests.support.callers import closed, with_key
from tests.support.service import RpcError, Service


@pytest.fixture
def author(settings: Settings) -> tuple[Service, dict[str, Any], dict[str, Any]]:
    """A caller who sees no nodes but those of the own team, a type, and a node of another team."""
    service = Service.of(settings)
    tenant = service.tenant()
    node_type = service.node_type(tenant, schema={"properties": {"sku": {"x-unique": True}}})
    hidden = service.node(node_type, data={"sku": 1, "team": "b"})
    service.call("create_role", tenant_id=tenant["id"], name="team-a", based_on="admin", grants=[
        {"read": {"data.team": "a"}, "write": True}])
    secret = service.call("create_key", tenant_id=tenant["id"], name="A", role="team-a")["key"][
        "secret"]
    service.close()
    return with_key(closed(settings), secret), node_type, hidden


def test_a_clash_with_a_hidden_node_tells_no_id(
        author: tuple[Service, dict[str, Any], dict[str, Any]]) -> None:
    service, node_type, hidden = author
    mine = service.node(node_type, data={"sku": 2, "team": "a"})
    of_type = {"node_type_id": node_type["id"], "data": {"sku": 1, "team": "a"}}
    for method, params, field in (
            ("create_node", of_type, "data.sku"),
            ("create_nodes", {"nodes": [of_type]}, "nodes.0.data.sku"),
            ("patch_node", {"id": mine["id"], "patch": {"sku": 1}}, "data.sku")):
        with pytest.raises(RpcError) as error:
            service.call(method, tenant_id=node_type["tenant_id"], **params)
        assert error.value.fields == {field: ["is taken"]}
        assert hidden["id"] not in str(error.value.error)
    service.close()


def test_a_check_tells_of_clashes_among_the_nodes_that_are_seen_alone(
        author: tuple[Service, dict[str, Any], dict[str, Any]]) -> None:
    service, node_type, _ = author
    check = {"tenant_id": node_type["tenant_id"], "id": node_type["id"],
             "schema": {"properties": {"n": {"x-unique": True}}}}
    everyone = Service.of(replace(service.settings, auth="open"))
    everyone.node(node_type, data={"n": 1, "team": "b"})
    mine = [service.node(node_type, data={"n": 1, "team": "a"})["id"]]
    assert service.call("check_node_type", **check)["clashes"] == []
    mine.append(service.node(node_type, data={"n": 1, "team": "a"})["id"])
    (clash,) = service.call("check_node_type", **check)["clashes"]
    assert (clash["ids"], clash["total"]) == (mine, 2)
    for one in (service, everyone):
        one.close()
