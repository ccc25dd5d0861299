"""Nodes: JSON records, kept to the digit."""

import json
from typing import Any
from uuid import uuid4

import pytest

from tests.support.postgres import connect
from tests.support.refusals import refusal
from tests.support.service import RpcError, Service

pytestmark = pytest.mark.both_doors


def key_of(thing: dict[str, Any]) -> dict[str, str]:
    return {"tenant_id": thing["tenant_id"], "id": thing["id"]}


def update(service: Service, node: dict[str, Any], **change: Any) -> Any:
    return service.call("update_node", **key_of(node), **change)["node"]


def test_a_node_is_created_read_changed_and_deleted(service: Service) -> None:
    node_type = service.node_type(service.tenant())
    node = service.node(node_type, data={"title": "Write", "done": False})
    key = {"tenant_id": node["tenant_id"], "id": node["id"]}
    assert node["data"] == {"title": "Write", "done": False} and node["version"] == 1
    assert service.call("get_node", **key) == {"node": node}
    changed = service.call("update_node", **key, data={"title": "Read"})["node"]
    assert changed["data"] == {"title": "Read"} and changed["version"] == 2
    assert changed["created_at"] == node["created_at"] < changed["updated_at"]
    assert service.call("delete_node", **key) == {}
    with pytest.raises(RpcError) as refused:
        service.call("get_node", **key)
    assert refused.value.code == -32001


@pytest.mark.parametrize("absent", [{}, {"data": ""}, {"id": ""}])
def test_a_node_without_data_holds_an_empty_object(service: Service, absent: dict[str, str]
                                                   ) -> None:
    assert service.node(service.node_type(service.tenant()), **absent)["data"] == {}


@pytest.mark.parametrize("absent", [{}, {"data": ""}])
def test_an_update_leaves_absent_data(service: Service, absent: dict[str, str]) -> None:
    node = service.node(service.node_type(service.tenant()), data={"kept": 1})
    changed = update(service, node, **absent)
    assert changed == node | {name: changed[name] for name in ("version", "updated_at")}


@pytest.mark.parametrize("method", ["create_node", "update_node"])
@pytest.mark.parametrize("data", [
    None, True, 1, 1.5, [], [{}], " ", "null", "true", "1", "[]", '"{}"', "{", "{} {}", "{'a': 1}",
    '{"a": NaN}', '{"a": Infinity}', '{"a": 1e400}', "\ufeff{}", '{"a": "\\ud800"}', '{"a": 01}',
    '{"a": "\\u0000"}', {"a": "\0"}, {"\0": 1}, '{"a": 1,}', '{"a": 1e-400}'], ids=repr)
def test_data_is_a_json_object_or_json_text_that_holds_one(
        service: Service, method: str, data: Any) -> None:
    node_type = service.node_type(service.tenant())
    node = service.node(node_type)
    params = (key_of(node) if method == "update_node" else
              {"tenant_id": node["tenant_id"], "node_type_id": node_type["id"]})
    refused = refusal(service, method, params | {"data": data})
    assert (refused.code, refused.reason) == (-32602, "INVALID_PARAMS")
    assert set(refused.fields) == {"data"}
    listed = service.call("list_nodes", tenant_id=node["tenant_id"])
    assert listed["nodes"] == [node] and listed["pagination"]["total_count"] == 1


@pytest.mark.parametrize("data", [
    {}, {"": ""}, {"a": [1, {"b": None}]}, {"data": "{}"},
    {"é": "😀\u2028\\u0000 \"\\ /\b\f\n\r\t\x7f"},
    {"$ref": "#", "__proto__": 1, "a%sb": "%(id)s {time x}"}], ids=repr)
def test_data_is_taken_as_a_value_and_as_json_text(service: Service, data: Any) -> None:
    node_type = service.node_type(service.tenant())
    forms = [data, json.dumps(data), f"\r\n {json.dumps(data, ensure_ascii=False)} \t"]
    nodes = [service.node(node_type, data=form) for form in forms]
    assert [node["data"] for node in nodes] == [data] * len(forms)
    assert [update(service, nodes[0], data=form)["data"] for form in forms] == [data] * len(forms)


def test_of_members_with_one_name_the_last_is_kept(service: Service) -> None:
    assert service.node(service.node_type(service.tenant()),
                        data='{"a": 1, "a": 2}')["data"] == {"a": 2}


def test_a_given_id_is_kept_and_taken_once_in_a_tenant(service: Service) -> None:
    node_type, given = service.node_type(service.tenant()), str(uuid4())
    node = service.node(node_type, id=given, data={"first": True})
    assert node["id"] == given
    refused = refusal(service, "create_node", tenant_id=node["tenant_id"],
                      node_type_id=node_type["id"], id=given)
    assert (refused.code, refused.reason, set(refused.fields)) == (-32002, "ALREADY_EXISTS", {"id"})
    assert service.call("get_node", **key_of(node)) == {"node": node}


def test_the_same_id_may_be_used_in_two_tenants(service: Service) -> None:
    first = service.node(service.node_type(service.tenant()), data={"of": "first"})
    second = service.node(service.node_type(service.tenant()), id=first["id"])
    service.call("delete_node", **key_of(second))
    assert service.call("get_node", **key_of(first)) == {"node": first}


@pytest.mark.parametrize("tenant_is_there", [True, False])
@pytest.mark.parametrize("method", ["get_node", "update_node", "delete_node"])
def test_a_node_that_is_not_there_is_not_found(service: Service, method: str,
                                               tenant_is_there: bool) -> None:
    tenant_id = service.tenant()["id"] if tenant_is_there else str(uuid4())
    elsewhere = service.node(service.node_type(service.tenant()))
    for id in (str(uuid4()), elsewhere["id"]):
        refused = refusal(service, method, id=id, tenant_id=tenant_id)
        assert (refused.code, refused.reason, set(refused.fields)) == (
            -32001, "NOT_FOUND", {"id" if tenant_is_there else "tenant_id"})
    assert service.call("get_node", **key_of(elsewhere)) == {"node": elsewhere}


def test_a_node_needs_a_node_type_of_its_tenant(service: Service) -> None:
    tenant, elsewhere = service.tenant(), service.node_type(service.tenant())
    for node_type_id in (str(uuid4()), elsewhere["id"]):
        refused = refusal(service, "create_node", tenant_id=tenant["id"], node_type_id=node_type_id)
        assert (refused.code, set(refused.fields)) == (-32001, {"node_type_id"})
    assert service.call("list_nodes", tenant_id=tenant["id"])["nodes"] == []


def test_deleting_a_node_takes_its_relationships_in_both_directions(service: Service) -> None:
    node_type = service.node_type(service.tenant())
    node, left, right = (service.node(node_type) for _ in range(3))
    for source, target in [(node, left), (left, node), (node, node)]:
        service.relationship(source, target)
    stays = service.relationship(left, right)
    service.call("delete_node", **key_of(node))
    listed = service.call("list_relationships", tenant_id=node["tenant_id"])
    assert listed == {"relationships": [stays],
                      "pagination": {"next_page_token": "", "total_count": 1}}


def test_every_update_raises_the_version_also_one_by_the_original(service: Service) -> None:
    node = service.node(service.node_type(service.tenant()))
    assert update(service, node, data={"a": 1})["version"] == 2
    with connect(service.settings) as connection:
        connection.execute("UPDATE nodes SET data = %s, updated_at = NOW() "
                           "WHERE id = %s AND tenant_id = %s",
                           ['{"raw": true}', node["id"], node["tenant_id"]])
    found = service.call("get_node", **key_of(node))["node"]
    assert (found["version"], found["data"]) == (3, {"raw": True})
    assert update(service, node, data={})["version"] == 4
