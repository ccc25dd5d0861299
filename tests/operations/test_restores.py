"""Restores: what was is there again, one version higher, and what holds today holds for it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from flexdb.db.connection import Connection
from tests.support.postgres import connect
from tests.support.refusals import refusal
from tests.support.service import Service

pytestmark = pytest.mark.both_doors


def key_of(thing: dict[str, Any]) -> dict[str, str]:
    return {"tenant_id": thing["tenant_id"], "id": thing["id"]}


def unlike(thing: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in thing.items() if name not in names}


@pytest.fixture
def node(service: Service) -> Any:
    """A node, changed once."""
    node = service.node(service.node_type(service.tenant()), data={"n": 1.50})
    service.call("update_node", **key_of(node), data={"n": 2})
    return node


def restore(service: Service, thing: dict[str, Any], kind: str = "node", **asked: Any) -> Any:
    return service.call(f"restore_{kind}", **key_of(thing), **asked)[kind]


def test_the_last_change_is_taken_back_in_a_further_version(service: Service, node: Any) -> None:
    back = restore(service, node)
    assert unlike(back, "updated_at") == unlike(node, "updated_at") | {"version": 3}
    assert restore(service, node)["data"] == {"n": 2}
    assert restore(service, node, version=1)["data"] == {"n": 1.5}
    assert service.call("get_node", **key_of(node))["node"]["version"] == 5


def test_a_deleted_node_is_there_again(service: Service, node: Any) -> None:
    service.call("delete_node", **key_of(node))
    back = restore(service, node)
    assert unlike(back, "updated_at", "data") == unlike(node, "updated_at", "data") | {"version": 4}
    assert back["data"] == {"n": 2} and back["updated_at"] > node["updated_at"]
    assert service.call("get_node", **key_of(node)) == {"node": back}
    # No version is given twice, however often it goes and comes.
    service.call("delete_node", **key_of(node))
    assert restore(service, node, version=1)["version"] == 6
    told = service.call("get_node_history", **key_of(node))["history"]
    assert [one["version"] for one in told] == [6, 5, 4, 3, 2, 1]


def test_its_relationships_come_back_where_their_other_end_is_there(
        service: Service, node: Any) -> None:
    type_of = {"tenant_id": node["tenant_id"], "id": node["node_type_id"]}
    near, far = (service.node(type_of) for _ in range(2))
    edges = [service.relationship(node, near, data={"w": 1}), service.relationship(near, node),
             service.relationship(node, node), service.relationship(node, far)]
    alone = service.relationship(near, node)
    service.call("delete_relationship", **key_of(alone))
    service.call("delete_node", **key_of(node))
    service.call("delete_node", **key_of(far))
    assert restore(service, node, with_relationships=True)["version"] == 4
    found = service.call("list_relationships", tenant_id=node["tenant_id"])["relationships"]
    assert {one["id"]: unlike(one, "updated_at") for one in found} == {
        one["id"]: unlike(one, "updated_at") | {"version": 3} for one in edges[:3]}
    service.call("delete_node", **key_of(node))
    restore(service, node)
    assert service.call("count_relationships", tenant_id=node["tenant_id"])["count"] == 0


def test_many_relationships_come_back_a_few_at_a_time(
        service: Service, node: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    edges = [service.relationship(node, node, data={"n": number, "text": "a" * 150_000})
             for number in range(5)]
    service.call("delete_node", **key_of(node))
    fetch, sizes = Connection.fetch, []

    def note(self: Connection, statement: Any) -> Any:
        row = fetch(self, statement)
        if statement.query.name == "get_relationships_to_restore" and row and row[2]:
            sizes.append(len(row[2]))
        return row

    monkeypatch.setattr(Connection, "fetch", note)
    small = Service.of(replace(service.settings, max_page_bytes=350_000), service.door)
    restore(small, node, with_relationships=True)
    small.close()
    found = service.call("list_relationships", tenant_id=node["tenant_id"])["relationships"]
    assert {one["id"] for one in found} == {one["id"] for one in edges} and sizes == [2, 2, 1]


def test_a_relationship_is_restored(service: Service, node: Any) -> None:
    edge = service.relationship(node, node, data={"w": 1})
    service.call("update_relationship", **key_of(edge), relationship_type="near", data={"w": 2})
    back = restore(service, edge, "relationship")
    assert unlike(back, "updated_at") == unlike(edge, "updated_at") | {"version": 3}
    service.call("delete_relationship", **key_of(edge))
    assert unlike(restore(service, edge, "relationship"), "updated_at") == unlike(
        back, "updated_at") | {"version": 5}
    service.call("delete_node", **key_of(node))
    refused = refusal(service, "restore_relationship", key_of(edge))
    assert refused.code == -32001 and refused.fields == {"id": ["has an end that is gone"]}


def test_what_holds_today_holds_for_what_was(service: Service, node: Any) -> None:
    type_key = {"tenant_id": node["tenant_id"], "id": node["node_type_id"]}
    service.call("update_node_type", **type_key, schema={
        "properties": {"n": {"type": "integer", "x-unique": True}}})
    refused = refusal(service, "restore_node", key_of(node) | {"version": 1})
    assert refused.code == -32602 and refused.error["data"]["violations"]
    service.call("delete_node", **key_of(node))
    assert refusal(service, "restore_node", key_of(node) | {"version": 1}).code == -32602
    other = service.node(type_key, data={"n": 2})
    refused = refusal(service, "restore_node", key_of(node))
    assert (refused.code, [*refused.fields]) == (-32002, ["data.n"])
    service.call("delete_node", **key_of(other))
    assert restore(service, node)["data"] == {"n": 2}
    service.call("delete_node_type", **type_key)
    refused = refusal(service, "restore_node", key_of(node))
    assert refused.code == -32001 and refused.fields == {"id": ["is of a node type that is gone"]}


def test_what_would_be_more_than_a_tenant_may_have_is_not_restored(
        service: Service, node: Any) -> None:
    service.call("delete_node", **key_of(node))
    service.node({"tenant_id": node["tenant_id"], "id": node["node_type_id"]})
    limited = Service.of(replace(service.settings, max_nodes=1), service.door)
    assert refusal(limited, "restore_node", key_of(node)).reason == "QUOTA_EXCEEDED"
    limited.close()


def test_what_cannot_be_restored_is_not_found(service: Service, node: Any) -> None:
    new = service.node({"tenant_id": node["tenant_id"], "id": node["node_type_id"]})
    assert refusal(service, "restore_node", key_of(new)).fields == {
        "id": ["was not changed since it was created"]}
    assert refusal(service, "restore_node", key_of(new) | {"version": 2}).fields == {
        "version": ["names a state that it was not in"]}
    absent = key_of(node) | {"id": "0190163d-8694-739b-aea5-966c26f8ad91"}
    for kind in ("node", "relationship"):
        assert refusal(service, f"restore_{kind}", absent).fields == {"id": [f"names no {kind}"]}
    with connect(service.settings) as connection:
        connection.execute("UPDATE flexdb_changes SET old_data = NULL, created_at = NULL "
                           "WHERE object_id = %s", [node["id"]])
    assert refusal(service, "restore_node", key_of(node)).fields == {
        "version": ["names a state that is not kept"]}
