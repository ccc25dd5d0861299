"""Nodes that fit a filter are patched or updated, all of them or none, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from flexdb.operations.updates import MOST_PAGES, MOST_UPDATED
from tests.support.locks import locked, statistic, waiting
from tests.support.refusals import refusal
from tests.support.service import RpcError, Service

pytestmark = pytest.mark.both_doors
DUE = {"data.due": {"$lte": 2}}


def make(service: Service, **given: Any) -> tuple[dict[str, str], list[Any]]:
    """Make a type with nodes that are due at 0 to 4, and return its key and them."""
    node_type = service.node_type(service.tenant(), **given)
    return {"tenant_id": node_type["tenant_id"]}, [
        service.node(node_type, data={"due": due, "tags": ["a"]}) for due in range(5)]


def stored(service: Service, key: dict[str, str]) -> list[Any]:
    return service.call("list_nodes", **key, sort=["data.due"])["nodes"]  # type: ignore[no-any-return]


@pytest.mark.parametrize("change, made", [
    ({"patch": {"tags": None, "late": True}}, {"late": True}),
    ({"patch": [{"op": "add", "path": "/tags/-", "value": "b"}]}, {"tags": ["a", "b"]}),
    ({"update": {"$inc": {"n": 0.1}, "$addToSet": {"tags": "b"}}}, {"n": 0.1, "tags": ["a", "b"]})])
def test_what_fits_is_changed_and_nothing_else(service: Service, change: Any, made: Any) -> None:
    key, nodes = make(service)
    assert service.call("update_nodes", **key, filter=DUE, **change) == {"updated": 3}
    found = stored(service, key)
    assert found[3:] == nodes[3:]
    for due, (before, after) in enumerate(zip(nodes[:3], found)):
        assert after["data"] == {"due": due} | made
        assert after | {"data": 0, "updated_at": 0} == before | {
            "data": 0, "updated_at": 0, "version": 2}


def test_what_stays_as_it_is_keeps_its_version_and_does_not_count(service: Service) -> None:
    key, nodes = make(service)
    service.call("patch_node", **key, id=nodes[0]["id"], patch={"tags": ["a", "b"]})
    more = key | {"filter": DUE, "update": {"$addToSet": {"tags": "b"}}}
    assert service.call("update_nodes", more) == {"updated": 2}
    assert service.call("update_nodes", more) == {"updated": 0}
    assert [node["version"] for node in stored(service, key)] == [2, 2, 2, 1, 1]
    # 1 and 1.0 are equal, but not the same digits.
    assert service.call("update_nodes", **key, filter={"data.due": 1},
                        update={"$set": {"due": 1.0}}) == {"updated": 1}


def test_a_type_may_be_named_and_then_the_filter_may_be_empty(service: Service) -> None:
    key, nodes = make(service)
    other = service.node(service.node_type({"id": key["tenant_id"]}), data={"due": 0})
    more = key | {"patch": {"seen": True}}
    assert service.call("update_nodes", **more, filter={"data.due": 0},
                        node_type_id=other["node_type_id"]) == {"updated": 1}
    assert service.call("update_nodes", **more, filter={},
                        node_type_id=nodes[0]["node_type_id"]) == {"updated": 5}
    assert refusal(service, "update_nodes", **more, filter={}).fields == {
        "filter": ["may not be empty: say which nodes"]}
    assert service.call("update_nodes", **more, filter={}, node_type_id=key["tenant_id"]
                        ) == {"updated": 0}


@pytest.mark.parametrize("given, fields", [
    ({"max_affected": 2}, {"max_affected": ["is less than the nodes that fit; none was changed"]}),
    ({"max_affected": 0}, {"max_affected": ["must be at least 1"]}),
    ({"max_affected": MOST_UPDATED + 1}, {"max_affected": ["may be at most 10,000"]}),
    ({"patch": {}}, {"update": ["stands beside patch: give one of them"]}),
    ({"update": ""}, {"patch": ["is missing, and so is update: give one of them"]}),
    ({"filter": {"data.due": {"$is": 1}}}, None), ({"update": {"$inc": {"due": "1"}}}, None),
    ({"update": {"$inc": {"tags": 1}}}, None), ({"patch": [{"op": "remove", "path": "/x"}],
                                                 "update": ""}, None)])
def test_what_cannot_be_done_to_all_is_done_to_none(service: Service, given: Any, fields: Any
                                                    ) -> None:
    key, nodes = make(service)
    refused = refusal(service, "update_nodes", key | {
        "filter": DUE, "update": {"$inc": {"due": 1}}} | given)
    assert refused.code == -32602
    assert fields is None or refused.fields == fields
    assert stored(service, key) == nodes


def test_what_cannot_be_applied_names_the_node(service: Service) -> None:
    key, nodes = make(service)
    service.call("patch_node", **key, id=nodes[1]["id"], patch={"n": "x"})
    refused = refusal(service, "update_nodes", **key, filter=DUE, update={"$inc": {"n": 1}})
    assert refused.fields == {"update.$inc.n": [
        f"adds to a number, and there is a text, in node {nodes[1]['id']}"]}
    assert refused.error["data"]["id"] == nodes[1]["id"]
    assert stored(service, key)[0] == nodes[0]


def test_each_must_fit_its_type_s_schema_and_those_that_do_not_are_told(service: Service) -> None:
    key, nodes = make(service, schema={"properties": {"due": {"maximum": 5}}})
    other = service.node(service.node_type({"id": key["tenant_id"]}), data={"due": 3})
    more = key | {"filter": {"data.due": {"$gte": 2}}, "update": {"$inc": {"due": 2}}}
    refused = refusal(service, "update_nodes", more)
    assert (refused.code, list(refused.fields)) == (-32602, ["update"])
    assert [(told["id"], told["path"], told["keyword"])
            for told in refused.error["data"]["violations"]] == [
                (nodes[4]["id"], "/due", "maximum")]
    assert {node["version"] for node in stored(service, key)} == {1}
    assert service.call("update_nodes", more | {"filter": {"data.due": 3}}) == {"updated": 2}
    assert service.call("get_node", **key, id=other["id"])["node"]["data"] == {"due": 5}


def test_of_no_tenant_none_is_changed(service: Service) -> None:
    _, nodes = make(service)
    assert refusal(service, "update_nodes", tenant_id=nodes[0]["id"], filter=DUE, patch={}
                   ).reason == "NOT_FOUND"


def test_only_what_still_fits_when_it_is_its_turn_is_changed(service: Service) -> None:
    key, nodes = make(service)
    with ThreadPoolExecutor() as threads:
        with locked(service, "nodes", nodes[1]) as holder:
            sent = threads.submit(service.call, "update_nodes", key | {
                "filter": DUE, "update": {"$inc": {"due": 10}}})
            waiting(service, 1)
            holder.execute("UPDATE nodes SET data = '{\"due\": 9}' WHERE id = %s",
                           [nodes[1]["id"]])
        assert sent.result() == {"updated": 2}
    assert sorted(node["data"]["due"] for node in stored(service, key)) == [3, 4, 9, 10, 12]


def test_by_many_at_once_nothing_is_lost_and_nobody_waits_in_a_circle(
        new_service: Callable[..., Service]) -> None:
    service = new_service()
    key, nodes = make(service)

    def update(place: int) -> Any:
        own = {"data.due": {"$exists": True}, "data.tags": {"$exists": bool(place < 8)}}
        return service.call("update_nodes", **key, filter=own, update={"$inc": {"n": 1}})

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(update, range(8))) == [{"updated": 5}] * 8
    assert {node["data"]["n"] for node in stored(service, key)} == {8}
    assert statistic(service, "deadlocks") == 0


def test_no_more_is_read_and_written_at_once_than_a_few_pages(
        new_service: Callable[..., Service], sent: list[str]) -> None:
    service = new_service(max_page_bytes=1024)
    key, nodes = make(service)
    for text, parts in (("", 1), ("x" * 200, 2), ("x" * 700, 5)):
        service.call("update_nodes", **key, filter={"version": {"$gt": 0}},
                     update={"$set": {"text": text}})
        sent.clear()
        assert service.call("update_nodes", **key, filter={"version": {"$gt": 0}},
                            update={"$inc": {"n": 1}}) == {"updated": 5}
        assert sent.count("get_data_of_nodes") == parts
        assert sent.count("update_nodes") <= parts + 1
    # What little text makes large is bounded too.
    many = [{"node_type_id": nodes[0]["node_type_id"], "data": {"one": n}} for n in range(20)]
    service.call("create_nodes", **key, nodes=many)
    with pytest.raises(RpcError, match=f"weigh more than {MOST_PAGES * 1024:,} bytes") as refused:
        service.call("update_nodes", **key, filter={"data.one": {"$gte": 0}},
                     update={"$set": {"text": "x" * 900}})
    assert list(refused.value.fields) == ["filter"]
    assert {node["version"] for node in service.call(
        "list_nodes", **key, filter={"data.one": {"$gte": 0}})["nodes"]} == {1}


def test_what_only_one_may_have_stays_so(service: Service) -> None:
    key, nodes = make(service, schema={"properties": {"sku": {"x-unique": True}}})
    refused = refusal(service, "update_nodes", **key, filter=DUE, update={"$set": {"sku": "a"}})
    assert refused.reason == "ALREADY_EXISTS" and stored(service, key) == nodes
    assert service.call("update_nodes", **key, filter={"data.due": 1},
                        update={"$set": {"sku": "a"}}) == {"updated": 1}
