"""Upserts: what is not there is made, and what is there is changed, by id or by what is unique."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest

from tests.support.locks import waiting
from tests.support.postgres import connect
from tests.support.service import RpcError, Service

pytestmark = pytest.mark.both_doors
SCHEMA = {"properties": {"sku": {"x-unique": True}, "code": {"x-unique": True},
                         "n": {"type": ["number", "null"]}}, "x-unique": [["a", "b.c"]]}


@pytest.fixture
def product(service: Service) -> dict[str, Any]:
    """A type whose nodes have a sku, a code, and two members together, of their own."""
    made: dict[str, Any] = service.node_type(service.tenant(), schema=SCHEMA)
    return made


def upsert(service: Service, node_type: dict[str, Any], data: Any, **more: Any) -> Any:
    return service.call("upsert_node", {"tenant_id": node_type["tenant_id"],
                                        "node_type_id": node_type["id"], "data": data} | more)


def upserts(service: Service, node_type: dict[str, Any], *items: Any, **more: Any) -> Any:
    return service.call("upsert_nodes", {
        "tenant_id": node_type["tenant_id"],
        "nodes": [{"node_type_id": node_type["id"]} | item for item in items]} | more)["outcomes"]


def stored(service: Service, node_type: dict[str, Any]) -> list[Any]:
    return sorted((node["data"] for node in service.call(
        "list_nodes", tenant_id=node_type["tenant_id"])["nodes"]), key=str)


def refused(service: Service, node_type: dict[str, Any], *items: Any, **more: Any) -> Any:
    before = stored(service, node_type), entries(service)
    with pytest.raises(RpcError) as error:
        upserts(service, node_type, *items, **more)
    assert (stored(service, node_type), entries(service)) == before
    return error.value.reason, error.value.fields


def entries(service: Service) -> int:
    with connect(service.settings) as connection:
        row = connection.execute("SELECT count(*) FROM flexdb_unique u").fetchone()
    assert row
    return int(row[0])


@pytest.mark.parametrize("key", [None, ["sku"], ["a", "b.c"]])
def test_a_node_is_created_changed_or_stays(
        service: Service, product: dict[str, Any], key: list[str] | None) -> None:
    id = str(uuid4())
    by = {"id": id} | ({} if key is None else {"key": key})
    data = {"sku": "A", "a": 1, "b": {"c": "x"}, "n": 1.0}
    made = upsert(service, product, data, **by)
    assert (made["outcome"], made["node"]["id"], made["node"]["version"]) == ("created", id, 1)
    if key is not None:
        # Another id is for a node that is made.
        by["id"] = str(uuid4())
    same = upsert(service, product, data, **by)
    assert same == {"outcome": "unchanged", "node": made["node"]}
    changed = upsert(service, product, data | {"n": 2, "m": 1}, **by)
    assert (changed["outcome"], changed["node"]["id"], changed["node"]["version"]) == (
        "changed", id, 2)
    assert changed["node"]["updated_at"] > made["node"]["updated_at"]
    merged = upsert(service, product, {"sku": "A", "a": 1, "b": {"c": "x", "d": None}, "n": None},
                    mode="merge", **by)
    assert (merged["outcome"], merged["node"]["data"]) == (
        "changed", {"sku": "A", "a": 1, "b": {"c": "x"}, "m": 1})
    replaced = upsert(service, product, {"sku": "A", "a": 1, "b": {"c": "x"}}, **by)
    assert replaced["node"]["data"] == {"sku": "A", "a": 1, "b": {"c": "x"}}
    assert len(stored(service, product)) == 1


def test_another_way_to_write_a_number_is_a_change(service: Service, product: dict[str, Any]
                                                   ) -> None:
    by = {"key": ["sku"]}
    assert upsert(service, product, '{"sku": 1, "n": 1}', **by)["outcome"] == "created"
    assert upsert(service, product, '{"sku": 1.0, "n": 1}', **by)["outcome"] == "changed"
    assert upsert(service, product, '{"sku": 1.0, "n": 1.0}', **by)["outcome"] == "changed"
    assert upsert(service, product, '{ "n":1.0, "sku":1.0}', **by)["outcome"] == "unchanged"


def test_several_are_told_in_their_order(service: Service, product: dict[str, Any]) -> None:
    first = upsert(service, product, {"sku": "B", "n": 1})["node"]
    found = upserts(service, product, {"data": {"sku": "C"}}, {"data": {"sku": "B", "n": 1}},
                    {"data": {"sku": "A", "n": None}}, key=["sku"])
    assert [one["outcome"] for one in found] == ["created", "unchanged", "created"]
    assert found[1] == {"outcome": "unchanged", "node": first, "error": None}
    again = upserts(service, product, {"data": {"sku": "A", "n": 5}, "id": first["id"]},
                    {"data": {"sku": "C"}}, key=["sku"])
    assert [(one["outcome"], one["node"]["id"]) for one in again] == [
        ("changed", found[2]["node"]["id"]), ("unchanged", found[0]["node"]["id"])]


def test_all_or_none_are_written(service: Service, product: dict[str, Any]) -> None:
    taken = upsert(service, product, {"sku": "A", "code": 1})["node"]
    other = service.node(service.node_type({"id": product["tenant_id"]}))
    good = {"data": {"sku": "new"}}
    by = {"key": ["sku"]}
    assert refused(service, product, good, {"data": {"sku": "B", "n": "x"}}, **by) == (
        "INVALID_PARAMS", {"nodes.1.data": ["violates the node type's schema"]})
    assert refused(service, product, good, {"data": {"n": 1}}, **by) == (
        "INVALID_PARAMS", {"nodes.1.data": ["has no value for the key"]})
    assert refused(service, product, good, good, **by) == (
        "ALREADY_EXISTS", {"nodes.1.data": ["is given twice"]})
    assert refused(service, product, good, {"data": {"sku": "B", "code": 1}}, **by) == (
        "ALREADY_EXISTS", {"nodes.1.data.code": ["is taken"]})
    assert refused(service, product, good, {"data": {"sku": "B"}, "id": taken["id"]}, **by) == (
        "ALREADY_EXISTS", {"nodes.1.id": ["is taken"]})
    same_id = {"id": str(uuid4())}
    assert refused(service, product, good | same_id, {"data": {"sku": "B"}} | same_id, **by) == (
        "ALREADY_EXISTS", {"nodes.1.id": ["is given twice"]})
    assert refused(service, product, good, {"data": {}, "id": taken["id"]},
                   {"data": {}, "id": taken["id"]}) == (
        "ALREADY_EXISTS", {"nodes.2.id": ["is given twice"]})
    assert refused(service, product, good, {"data": {}, "id": other["id"]}) == (
        "INVALID_PARAMS", {"nodes.1.node_type_id": ["is not the type of the node that is there"]})
    assert refused(service, product, good, {"data": {}, "node_type_id": str(uuid4())}) == (
        "NOT_FOUND", {"nodes.1.node_type_id": ["names no node type"]})
    for key in (["n"], ["b.c", "a"], ["sku", "code"]):
        reason, fields = refused(service, product, good, key=key)
        assert reason == "INVALID_PARAMS" and "x-unique" in fields["key"][0]
    assert refused(service, product, good, key=["a..b"])[0] == "INVALID_PARAMS"
    with pytest.raises(RpcError) as error:
        upsert(service, product, {"sku": "B", "n": "x"}, key="sku")
    assert error.value.fields == {"data": ["violates the node type's schema"]}
    assert error.value.error["data"]["violations"][0]["path"] == "/n"
    with pytest.raises(RpcError) as error:
        upsert(service, product, {"sku": "B", "code": 1}, key=["sku"])
    assert error.value.fields == {"data.code": ["is taken"]}


@pytest.mark.parametrize("key", [None, ["sku"]])
def test_or_each_by_itself(service: Service, product: dict[str, Any], key: Any) -> None:
    taken = upsert(service, product, {"sku": "A", "code": 1})["node"]
    other = service.node(service.node_type({"id": product["tenant_id"]}))
    items: list[Any] = [
        {"data": {"sku": "B"}}, {"data": {"sku": "C", "n": "x"}}, {"data": {"sku": "D", "code": 1}},
        {"data": {"sku": "E", "code": 2}}, {"data": {"sku": "F", "code": 2}},
        {"data": {"sku": "G"}, "node_type_id": str(uuid4())},
        {"data": {"sku": "A", "code": 3}, "id": taken["id"]},
        {"data": {"sku": "H"}, "id": other["id"]}, {"data": {"n": 1}}]
    found = upserts(service, product, *items, all_or_none=False, **({"key": key} if key else {}))
    outcomes = [one["outcome"] for one in found]
    if key:
        assert outcomes == ["created", "refused", "refused", "created", "refused", "refused",
                            "changed", "refused", "refused"]
        assert found[7]["error"]["message"] == "nodes.7.id is taken"
        assert found[8]["error"]["message"].endswith("nodes.8.data has no value for the key")
    else:
        assert outcomes == ["created", "refused", "refused", "created", "refused", "refused",
                            "changed", "refused", "created"]
    assert found[6]["node"]["id"] == taken["id"]
    assert found[2]["error"]["message"] == "nodes.2.data.code is taken"
    assert found[1]["error"]["reason"] == "INVALID_PARAMS" and found[1]["node"] is None
    written = [one for one, outcome in zip(items, outcomes) if outcome != "refused"]
    assert stored(service, product) == sorted(
        [one["data"] for one in written] + [other["data"]], key=str)
    # Nothing is left of what was claimed for the others.
    again = upserts(service, product, *({"data": {"sku": sku}} for sku in "CDFGH"))
    assert {one["outcome"] for one in again} == {"created"}


def test_what_is_made_gets_the_defaults_and_what_is_there_does_not(service: Service) -> None:
    node_type = service.node_type(service.tenant(), schema={
        "x-defaults": True, "properties": {"n": {"default": 7}}})
    id = str(uuid4())
    assert upsert(service, node_type, {}, id=id)["node"]["data"] == {"n": 7}
    assert upsert(service, node_type, {"m": 1}, id=id)["node"]["data"] == {"m": 1}


@pytest.mark.parametrize("key", [None, "sku"])
def test_eight_who_upsert_one_at_once_make_one(
        service: Service, product: dict[str, Any], key: str | None) -> None:
    by = {"key": [key]} if key else {"id": str(uuid4())}

    def write(number: int) -> list[str]:
        return [upsert(service, product, {"sku": str(turn), "n": number}, **by)["outcome"]
                for turn in range(3)]

    with ThreadPoolExecutor(8) as threads:
        found = Counter(one for outcomes in threads.map(write, range(8)) for one in outcomes)
    assert found["created"] == (3 if key else 1) and found.total() == 24
    assert len(stored(service, product)) == found["created"]


def test_who_waits_for_another_s_node_changes_it(service: Service, product: dict[str, Any]
                                                 ) -> None:
    with connect(service.settings) as other, ThreadPoolExecutor(1) as thread:
        with other.transaction():
            made = other.execute(
                "INSERT INTO nodes (id, tenant_id, node_type_id, data) VALUES"
                " (gen_random_uuid(), %s, %s, '{\"sku\": \"A\"}') RETURNING id::text",
                (product["tenant_id"], product["id"])).fetchone()
            found = thread.submit(upsert, service, product, {"sku": "A", "n": 1}, key=["sku"])
            waiting(service, 1)
        assert made and found.result()["node"]["id"] == made[0]
        assert found.result()["outcome"] == "changed"


def test_where_nothing_else_is_unique_each_by_itself_is_known_by_its_key(service: Service) -> None:
    node_type = service.node_type(service.tenant(), schema={
        "properties": {"sku": {"x-unique": True}}})
    upsert(service, node_type, {"sku": "a"}, key=["sku"])
    found = upserts(service, node_type, {"data": {"sku": "a", "n": 1}}, {"data": {"sku": "b"}},
                    {"data": {"sku": "b"}}, {"data": {"n": 2}}, key=["sku"], all_or_none=False)
    assert [one["outcome"] for one in found] == ["changed", "created", "refused", "refused"]
    # Without a key, an entry of another is seen too.
    found = upserts(service, node_type, {"data": {"sku": "c"}}, {"data": {"sku": "a"}},
                    all_or_none=False)
    assert [one["outcome"] for one in found] == ["created", "refused"]
    assert stored(service, node_type) == [{"sku": "a", "n": 1}, {"sku": "b"}, {"sku": "c"}]


def test_texts_of_any_kind_come_back_as_they_were_given(service: Service) -> None:
    node_type = service.node_type(service.tenant())
    texts = ["a\nb", "a\\nb", 'a"b', "{}", "a\u2028b\u0085", "\r\n", ""]
    found = upserts(service, node_type, *({"data": {"text": text}} for text in texts))
    assert [one["node"]["data"]["text"] for one in found] == texts
