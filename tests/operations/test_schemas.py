"""Schemas hold: what is written fits the node type's JSON Schema, at its version of the moment."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from flexdb.documents.schemas import KEPT_BYTES, SchemaCache, compile_schema
from flexdb.errors import InvalidParams
from flexdb.transfer.files import import_file
from tests.support import postgres
from tests.support.refusals import violations
from tests.support.service import RpcError, Service

pytestmark = pytest.mark.both_doors

TASK: dict[str, Any] = {"type": "object", "required": ["title"], "properties": {
    "title": {"type": "string", "minLength": 1}, "priority": {"type": "integer", "maximum": 5}}}


def refusal(service: Service, method: str, **params: Any) -> RpcError:
    with pytest.raises(RpcError) as refused:
        service.call(method, **params)
    assert refused.value.code == -32602, refused.value
    return refused.value


def test_every_violation_is_told_with_its_place_and_keyword(service: Service) -> None:
    node_type = service.node_type(service.tenant(), schema=TASK | {
        "properties": TASK["properties"] | {"a/b~c": {"type": "array", "items": {"type": "null"}}}})
    key = {"tenant_id": node_type["tenant_id"], "node_type_id": node_type["id"]}
    error = refusal(service, "create_node", **key, data={"priority": 6.5, "a/b~c": [None, 1]})
    assert violations(error) == [("", "required"), ("/a~1b~0c/1", "type"),
                                 ("/priority", "maximum"), ("/priority", "type")]
    assert list(error.fields) == ["data"]
    assert service.call("list_nodes", tenant_id=key["tenant_id"])["nodes"] == []


@pytest.mark.parametrize("method", ["update_node", "patch_node"])
def test_a_change_that_violates_the_schema_is_refused_and_changes_nothing(
        service: Service, method: str) -> None:
    node = service.node(service.node_type(service.tenant(), schema=TASK), data={"title": "A"})
    key = {"tenant_id": node["tenant_id"], "id": node["id"]}
    given = {"data": {"title": ""}} if method == "update_node" else {"patch": {"title": ""}}
    assert violations(refusal(service, method, **key, **given)) == [("/title", "minLength")]
    assert service.call("get_node", **key)["node"] == node


@pytest.mark.parametrize("schema", [
    {"type": "objekt"}, {"properties": 1}, {"pattern": "("}, {"$ref": "#/nowhere"},
    {"$ref": "http://127.0.0.1:9/schema"}, {"$ref": "file:///etc/hostname"},
    {"$schema": "http://127.0.0.1:9/dialect"}, {"minimum": "1"},
    {"$schema": "http://json-schema.org/draft-07/schema#", "type": "objekt"}])
def test_what_is_no_json_schema_is_refused_when_it_is_set(service: Service, schema: Any) -> None:
    tenant = service.tenant()
    error = refusal(service, "create_node_type", tenant_id=tenant["id"], name="T", schema=schema)
    assert list(error.fields) == ["schema"]
    node_type = service.node_type(tenant)
    refusal(service, "update_node_type", tenant_id=tenant["id"], id=node_type["id"], schema=schema)
    assert service.call("get_node_type", tenant_id=tenant["id"],
                        id=node_type["id"])["node_type"] == node_type


def test_a_changed_schema_holds_at_once_and_leaves_existing_nodes_alone(service: Service) -> None:
    node_type = service.node_type(service.tenant(), schema=TASK)
    node = service.node(node_type, data={"title": "A"})
    key = {"tenant_id": node_type["tenant_id"], "id": node_type["id"]}
    service.call("update_node_type", **key, schema={"required": ["owner"]})
    refused = {"tenant_id": key["tenant_id"], "node_type_id": key["id"], "data": {"title": "B"}}
    assert violations(refusal(service, "create_node", **refused)) == [("", "required")]
    assert service.node(node_type, data={"owner": "me"})
    assert service.call("get_node", tenant_id=key["tenant_id"], id=node["id"])["node"] == node
    service.call("update_node_type", **key, schema=None)
    assert service.node(node_type, data={"title": 1})


def test_a_schema_that_another_worker_changed_holds_at_once(service: Service) -> None:
    node_type = service.node_type(service.tenant(), schema=TASK)
    service.node(node_type, data={"title": "now it is in the cache"})
    with postgres.connect(service.settings) as elsewhere:
        elsewhere.execute("UPDATE node_types SET schema = '{\"required\": [\"x\"]}' WHERE id = %s",
                          (node_type["id"],))
    refusal(service, "create_node", tenant_id=node_type["tenant_id"],
            node_type_id=node_type["id"], data={"title": "A"})
    assert service.node(node_type, data={"x": 1})


def test_in_a_batch_a_schema_holds_for_what_comes_after_its_change(service: Service) -> None:
    node_type = service.node_type(service.tenant(), schema=TASK)
    key = {"tenant_id": node_type["tenant_id"], "node_type_id": node_type["id"]}

    def call(method: str, **params: Any) -> dict[str, Any]:
        return {"jsonrpc": "2.0", "method": method, "params": params, "id": 1}

    for _ in range(2):
        replies = service.batch([
            call("update_node_type", tenant_id=key["tenant_id"], id=node_type["id"], schema=TASK),
            call("create_node", **key, data={"title": "A"}),
            call("create_node", **key, data={"owner": "me"}),
            call("update_node_type", tenant_id=key["tenant_id"], id=node_type["id"],
                 schema={"required": ["owner"]}),
            call("create_node", **key, data={"title": "A"}),
            call("create_node", **key, data={"owner": "me"})])
        assert ["error" in reply for reply in replies] == [False, False, True, False, True, False]


@pytest.mark.long
def test_no_unchecked_node_gets_in_while_the_schema_changes(service: Service) -> None:
    node_type = service.node_type(service.tenant(), schema={"const": {"v": 0}})
    tenant_id = node_type["tenant_id"]
    changes, stop = 25, threading.Event()
    position = service.call("list_changes", tenant_id=tenant_id)["position"]

    def create() -> None:
        while not stop.is_set():
            for value in range(changes):
                try:
                    service.node(node_type, data={"v": value})
                except RpcError as refused:
                    assert refused.code == -32602

    threads = [threading.Thread(target=create) for _ in range(3)]
    for thread in threads:
        thread.start()
    for value in range(1, changes):
        service.call("update_node_type", tenant_id=tenant_id, id=node_type["id"],
                     schema={"const": {"v": value}})
        time.sleep(0.02)
    stop.set()
    for thread in threads:
        thread.join()
    # What happened is in the order in which it was let happen, which times of statements are not.
    more, now, seen = True, 0, set()
    while more:
        page = service.call("list_changes", tenant_id=tenant_id, limit=1000, since=position)
        position, more = page["position"], page["more"]
        for change in page["changes"]:
            if change["kind"] == "node_type":
                now += 1
            else:
                assert change["node"]["data"]["v"] == now
                seen.add(now)
    assert now == changes - 1 and len(seen) > 3


def test_a_type_that_is_created_anew_under_its_id_is_held_to_its_new_schema(service: Service
                                                                            ) -> None:
    tenant, id = service.tenant(), str(uuid4())
    for kind, data in (("string", {"v": "a"}), ("integer", {"v": 1})):
        node_type = service.node_type(
            tenant, id=id, schema={"properties": {"v": {"type": kind}}})
        service.node(node_type, data=data)
        assert refusal(service, "create_node", tenant_id=tenant["id"], node_type_id=id,
                       data={"v": None}).code == -32602
        service.call("delete_node_type", tenant_id=tenant["id"], id=id)


def test_the_cache_keeps_the_newest_and_is_bounded() -> None:
    cache = SchemaCache()
    first = cache.put(("a",), "1", b'{"type": "object"}')
    assert cache.put(("a",), "1", None) is first and cache.get(("b",)) is None
    assert cache.put(("a",), "2", None).version == "2"
    big = json.dumps({"description": "x" * (KEPT_BYTES // 4)}).encode()
    for name in "bcdef":
        cache.put((name,), "1", big)
    assert cache.get(("a",)) is None and cache.get(("f",))


def test_a_schema_of_a_database_that_was_adopted_may_be_none_at_all(service: Service) -> None:
    node_type = service.node_type(service.tenant())
    with postgres.connect(service.settings) as elsewhere:
        elsewhere.execute("UPDATE node_types SET schema = '{\"type\": \"objekt\"}' WHERE id = %s",
                          (node_type["id"],))
    error = refusal(service, "create_node", tenant_id=node_type["tenant_id"],
                    node_type_id=node_type["id"], data={})
    assert "schema" in str(error)


def test_compile_schema_says_what_is_wrong() -> None:
    with pytest.raises(InvalidParams, match="schema is not a JSON Schema: /type"):
        compile_schema(b'{"type": "objekt"}')


def test_a_type_that_an_import_makes_anew_holds_to_its_own_schema_at_once(
        service: Service, tmp_path: Path) -> None:
    """Its version and its times are those of the one before, which the cache knows."""
    strict = {"type": "object", "required": ["title"]}
    node_type = service.node_type(service.tenant(), schema=strict)
    tenant_id = node_type["tenant_id"]
    service.node(node_type, data={"title": "known by now"})
    line = (f'{{"tenant":{{"id":"{tenant_id}","slug":"{tenant_id}","name":"A"}}}}\n'
            + json.dumps({"node_type": node_type | {"schema": {"maxProperties": 0}}}) + "\n")
    file = tmp_path / "anew.ndjson"
    file.write_text(line)
    for _ in range(3):
        service.call("delete_tenant", id=tenant_id)
        import_file(service.settings, str(file))
        again = service.call("get_node_type", tenant_id=tenant_id, id=node_type["id"])["node_type"]
        assert again["version"] == 1 and again["updated_at"] == node_type["updated_at"]
        service.node(node_type, data={})
        with pytest.raises(RpcError, match="violates"):
            service.node(node_type, data={"title": "no longer fits"})
        service.call("create_nodes", tenant_id=tenant_id, nodes=[
            {"node_type_id": node_type["id"]}])
