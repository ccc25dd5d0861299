"""Upkeep: nodes are checked against a schema, and those that fit a filter are deleted."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.service import RpcError, Service

pytestmark = pytest.mark.both_doors


def walk(service: Service, **params: Any) -> list[Any]:
    """Check all nodes, a few a call, and return the replies."""
    replies: list[Any] = []
    token = ""
    while not replies or token:
        replies.append(service.call("check_node_type", **params, pagination={
            "page_size": 3, "page_token": token}))
        token = replies[-1]["next_page_token"]
    return replies


def test_nodes_that_do_not_fit_the_schema_are_told_with_their_violations(service: Service) -> None:
    node_type = service.node_type(service.tenant())
    nodes = [service.node(node_type, data={"n": n} if n % 3 else {"n": "x", "m": 1})
             for n in range(10)]
    other = service.node_type({"id": node_type["tenant_id"]})
    service.node(other, data={"n": "of another type"})
    key = {"tenant_id": node_type["tenant_id"], "id": node_type["id"]}
    assert service.call("check_node_type", **key) == {
        "checked": 10, "refused": [], "clashes": [], "next_page_token": ""}
    schema = {"properties": {"n": {"type": "integer"}}, "additionalProperties": False}
    for given in ({"schema": schema}, {}):
        if not given:
            service.call("update_node_type", **key, schema=schema)
        replies = walk(service, **key, **given)
        assert [reply["checked"] for reply in replies] == [3, 3, 3, 1]
        refused = [one for reply in replies for one in reply["refused"]]
        assert [one["node"] for one in refused] == nodes[::-3]
        for one in refused:
            assert sorted((told["path"], told["keyword"]) for told in one["violations"]) == [
                ("", "additionalProperties"), ("/n", "type")]


def test_a_thousand_nodes_are_checked_unless_asked_otherwise(service: Service) -> None:
    node_type = service.node_type(service.tenant())
    key = {"tenant_id": node_type["tenant_id"], "id": node_type["id"]}
    item = {"node_type_id": node_type["id"]}
    service.call("create_nodes", tenant_id=key["tenant_id"], nodes=[item] * 1001)
    asked: Any
    for asked in ({}, {"pagination": ""}, {"pagination": {}}, {"pagination": {"page_token": ""}}):
        first = service.call("check_node_type", **key, **asked)
        assert first["checked"] == 1000 and first["next_page_token"]
    assert service.call("check_node_type", **key, pagination={
        "page_token": first["next_page_token"]})["checked"] == 1
    assert service.call("check_node_type", **key, pagination={"page_size": 20_000}
                        )["checked"] == 1001


def test_checking_gives_the_same_where_json_is_given_back_as_text(service: Service) -> None:
    node_type = service.node_type(service.tenant())
    service.node(node_type, data={"n": 1})
    url = f"/tenants/{node_type['tenant_id']}/node-types/{node_type['id']}/check"
    answer: Any = service.app.test_client().post(
        url, json={"schema": {"maxProperties": 0}}, headers={"Prefer": "json-fields=string"})
    (refused,) = answer.json["refused"]
    assert refused["node"]["data"] == '{"n": 1}' and len(refused["violations"]) == 1


def test_checking_refuses_a_wrong_schema_and_a_type_that_is_not_there(service: Service) -> None:
    tenant = service.tenant()
    node_type = service.node_type(tenant)
    for params, code, field in (
            ({"id": node_type["id"], "schema": {"type": "objekt"}}, -32602, "schema"),
            ({"id": tenant["id"]}, -32001, "id"),
            ({"id": node_type["id"], "pagination": {"page_token": "x"}}, -32602,
             "pagination.page_token")):
        with pytest.raises(RpcError) as refused:
            service.call("check_node_type", tenant_id=tenant["id"], **params)
        assert (refused.value.code, list(refused.value.fields)) == (code, [field])


def test_nodes_that_fit_a_filter_are_deleted_with_their_relationships(service: Service) -> None:
    node_type = service.node_type(service.tenant())
    nodes = [service.node(node_type, data={"n": n}) for n in range(6)]
    for source, target in zip(nodes, nodes[1:]):
        service.relationship(source, target)
    tenant_id = node_type["tenant_id"]
    given = {"tenant_id": tenant_id, "filter": {"data.n": {"$gte": 3}}}
    with pytest.raises(RpcError) as refused:
        service.call("delete_nodes", **given, max_affected=2)
    assert list(refused.value.fields) == ["max_affected"]
    assert service.call("list_nodes", tenant_id=tenant_id)["pagination"]["total_count"] == 6
    assert service.call("delete_nodes", **given, max_affected=3) == {"deleted": 3}
    assert service.call("delete_nodes", **given) == {"deleted": 0}
    left = service.call("list_nodes", tenant_id=tenant_id)
    assert left["nodes"] == nodes[2::-1] and left["pagination"]["total_count"] == 3
    edges = service.call("list_relationships", tenant_id=tenant_id)["pagination"]
    assert edges["total_count"] == 2


def test_deleting_by_a_filter_reaches_no_other_tenant(service: Service) -> None:
    mine, other = (service.node(service.node_type(service.tenant()), data={"n": 1})
                   for _ in range(2))
    assert service.call("delete_nodes", tenant_id=mine["tenant_id"],
                        filter={"data.n": 1}) == {"deleted": 1}
    assert service.call("get_node", tenant_id=other["tenant_id"], id=other["id"])


@pytest.mark.parametrize("filter, field", [({}, "filter"), ({"data.n": {"$x": 1}}, "filter")])
def test_an_empty_or_a_wrong_filter_deletes_nothing(
        service: Service, filter: Any, field: str) -> None:
    node = service.node(service.node_type(service.tenant()))
    with pytest.raises(RpcError) as refused:
        service.call("delete_nodes", tenant_id=node["tenant_id"], filter=filter)
    assert refused.value.code == -32602 and list(refused.value.fields)[0].startswith(field)
    assert service.call("get_node", tenant_id=node["tenant_id"], id=node["id"])


def test_in_a_tenant_that_is_not_there_nothing_is_deleted_and_that_is_told(
        service: Service) -> None:
    node = service.node(service.node_type(service.tenant()))
    with pytest.raises(RpcError) as refused:
        service.call("delete_nodes", tenant_id=node["id"], filter={"data.n": 1})
    assert (refused.value.code, list(refused.value.fields)) == (-32001, ["tenant_id"])


def test_a_walk_gives_only_nodes_that_fit_a_filter_and_goes_on_through_others(
        service: Service) -> None:
    node_type = service.node_type(service.tenant())
    nodes = [service.node(node_type, data={"n": n}) for n in range(5)]
    for source, target in zip(nodes, nodes[1:]):
        service.relationship(source, target)
    key = {"tenant_id": node_type["tenant_id"], "start": nodes[0]["id"], "max_depth": 4}
    for filter, expected in (({"data.n": {"$in": [0, 2, 4]}}, [2, 4]), ({}, [1, 2, 3, 4]),
                             ({"data.n": 9}, []),
                             ({"node_type_id": node_type["id"]}, [1, 2, 3, 4])):
        for more in ({}, {"node_type_ids": [node_type["id"]]}):
            visits = service.call("traverse", **key, filter=filter, **more)["visits"]
            assert [visit["node"]["data"]["n"] for visit in visits] == expected
    visits = service.call("traverse", **key, filter={"data.n": {"$in": [0, 2]}}, min_depth=0,
                          limit=1)
    assert [visit["node"] for visit in visits["visits"]] == [nodes[0]] and visits["truncated"]
