"""Many at once: all or none, and every one that is wrong is named by its place."""

import json
import threading
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from orjson import Fragment

from tests.support.postgres import connect
from tests.support.refusals import refusal
from tests.support.service import RpcError, Service, request

pytestmark = pytest.mark.both_doors
ABSENT = "0190163d-8694-739b-aea5-966c26f8ad91"
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


def nodes(node_type: dict[str, Any], *items: dict[str, Any]) -> dict[str, Any]:
    """Return parameters that create nodes of a type."""
    return {"tenant_id": node_type["tenant_id"],
            "nodes": [{"node_type_id": node_type["id"]} | item for item in items]}


def total(service: Service, tenant_id: str, kind: str = "nodes") -> int:
    listed = service.call(f"list_{kind}", tenant_id=tenant_id)
    return int(listed["pagination"]["total_count"])


def refused(service: Service, method: str, params: dict[str, Any]) -> RpcError:
    """Hold that a call is refused and leaves nothing behind."""
    kind = method.removeprefix("create_")
    before = total(service, params["tenant_id"], kind)
    error = refusal(service, method, params)
    assert total(service, params["tenant_id"], kind) == before
    for name, messages in list(error.fields.items())[:5]:
        assert f"{name} {messages[0]}" in str(error)
    return error


def test_nodes_are_created_in_the_order_given_and_are_as_if_made_one_by_one(service: Service
                                                                            ) -> None:
    first = service.node_type(service.tenant(), schema=SCHEMA)
    second = service.node_type({"id": first["tenant_id"]})
    ids = sorted((str(uuid4()) for _ in range(3)), reverse=True)
    given = [{"node_type_id": first["id"], "data": {"n": 0}, "id": ids[0].upper()},
             {"node_type_id": second["id"], "data": '{"text": "é"}', "id": ids[1]},
             {"node_type_id": first["id"], "data": {"n": 2}, "id": ids[2]},
             {"node_type_id": second["id"], "id": ""}, {"node_type_id": second["id"], "data": ""}]
    made = service.call("create_nodes", tenant_id=first["tenant_id"], nodes=given)
    assert list(made) == ["nodes"]
    assert [node["id"] for node in made["nodes"]][:3] == ids
    assert [node["data"] for node in made["nodes"]] == [{"n": 0}, {"text": "é"}, {"n": 2}, {}, {}]
    for node in made["nodes"]:
        key = {"tenant_id": node["tenant_id"], "id": node["id"]}
        assert service.call("get_node", **key) == {"node": node} and node["version"] == 1
    assert total(service, first["tenant_id"]) == 5


def test_relationships_are_created_in_the_order_given(service: Service) -> None:
    node_type = service.node_type(service.tenant())
    ends = service.call("create_nodes", nodes(node_type, *[{}] * 3))["nodes"]
    given = [{"source_node_id": ends[i]["id"], "target_node_id": ends[(i + 1) % 3]["id"],
              "relationship_type": f'is "{i}"', "data": {"i": i}} for i in range(3)]
    made = service.call("create_relationships", tenant_id=node_type["tenant_id"],
                        relationships=given)["relationships"]
    assert [{name: one[name] for name in given[0]} for one in made] == given
    for one in made:
        key = {"tenant_id": one["tenant_id"], "id": one["id"]}
        assert service.call("get_relationship", **key) == {"relationship": one}


def test_those_whose_ids_are_made_by_the_service_are_in_the_order_given_too(service: Service
                                                                            ) -> None:
    of_type = service.node_type(service.tenant())
    made = service.call("create_nodes", **nodes(of_type, *({"data": {"n": n}} for n in range(300))))
    assert [node["data"]["n"] for node in made["nodes"]] == list(range(300))
    ids = [node["id"] for node in made["nodes"]]
    edges = service.call("create_relationships", tenant_id=of_type["tenant_id"], relationships=[
        {"source_node_id": ids[0], "target_node_id": id, "relationship_type": "leads_to"}
        for id in reversed(ids)])
    assert [edge["target_node_id"] for edge in edges["relationships"]] == ids[::-1]


@pytest.mark.parametrize("given", [{}, {"id": ABSENT}], ids=["new", "with its id"])
def test_relationship_types_may_have_any_character(service: Service, given: dict[str, str]) -> None:
    of_type = service.node_type(service.tenant())
    (node,) = service.call("create_nodes", **nodes(of_type, {}))["nodes"]
    types = ['"', "\\", '\\"', "{a,b}", "NULL", "a b", "é'", ","]
    for names in (types, ["{a,b}", "NULL", "é'"]):
        made = service.call("create_relationships", tenant_id=of_type["tenant_id"], relationships=[
            {"source_node_id": node["id"], "target_node_id": node["id"], "relationship_type": name}
            | (given if place == 0 and names is types else {}) for place, name in enumerate(names)])
        assert [edge["relationship_type"] for edge in made["relationships"]] == names


def test_a_list_gives_what_was_made_at_once_newest_first(service: Service) -> None:
    params = nodes(service.node_type(service.tenant()), *({"data": {"i": i}} for i in range(7)))
    made = service.call("create_nodes", params)["nodes"]
    listed = service.call("list_nodes", tenant_id=params["tenant_id"])["nodes"]
    assert listed == made[::-1]


def test_every_wrong_item_is_named_with_what_is_wrong(service: Service) -> None:
    node_type = service.node_type(service.tenant())
    params = nodes(node_type, {}, {"data": []}, {"surplus": 1, "id": "x"}, {"data": None})
    params["nodes"] += [1, {}, {"node_type_id": ""}, [], {"data": {"a": "\0"}}]
    error = refused(service, "create_nodes", params)
    assert (error.code, error.reason) == (-32602, "INVALID_PARAMS")
    assert set(error.fields) == {
        "nodes.1.data", "nodes.2.surplus", "nodes.2.id", "nodes.3.data", "nodes.4",
        "nodes.5.node_type_id", "nodes.6.node_type_id", "nodes.7", "nodes.8.node_type_id",
        "nodes.8.data"}
    many = refused(service, "create_nodes", nodes(node_type, *[{"data": 1}] * 1000))
    assert set(many.fields) == {f"nodes.{place}.data" for place in range(1000)}


def test_data_that_violates_its_type_s_schema_is_named_with_every_violation(service: Service
                                                                            ) -> None:
    node_type = service.node_type(service.tenant(), schema=SCHEMA)
    error = refused(service, "create_nodes", nodes(
        node_type, {"data": {"n": 1}}, {"data": {"n": "x"}}, {}, {"data": {"n": 1.5}}))
    assert set(error.fields) == {"nodes.1.data", "nodes.2.data", "nodes.3.data"}
    assert error.code == -32602
    assert [(one["index"], one["path"], one["keyword"])
            for one in error.error["data"]["violations"]] == [
        (1, "/n", "type"), (2, "", "required"), (3, "/n", "type")]


def test_what_points_nowhere_in_this_tenant_is_named(service: Service) -> None:
    own, other = (service.node_type(service.tenant()) for _ in range(2))
    error = refused(service, "create_nodes", nodes(
        own, {}, {"node_type_id": other["id"]}, {"node_type_id": ABSENT}))
    assert error.code == -32001
    assert set(error.fields) == {"nodes.1.node_type_id", "nodes.2.node_type_id"}
    here, there = service.node(own)["id"], service.node(other)["id"]
    pairs = [(here, here), (there, here), (here, ABSENT), (ABSENT, there)]
    error = refused(service, "create_relationships", {
        "tenant_id": own["tenant_id"], "relationships": [
            {"source_node_id": source, "target_node_id": target, "relationship_type": "x"}
            for source, target in pairs]})
    assert error.code == -32001
    assert set(error.fields) == {f"relationships.{name}" for name in (
        "1.source_node_id", "2.target_node_id", "3.source_node_id", "3.target_node_id")}


def test_an_id_that_is_taken_or_given_twice_is_named(service: Service) -> None:
    node_type, fresh = service.node_type(service.tenant()), str(uuid4())
    node, elsewhere = service.node(node_type), service.node(service.node_type(service.tenant()))
    error = refused(service, "create_nodes", nodes(
        node_type, {}, {"id": fresh}, {"id": node["id"]}, {"id": fresh.upper()}, {}))
    assert (error.code, error.reason) == (-32002, "ALREADY_EXISTS")
    assert error.fields == {"nodes.2.id": ["is taken"], "nodes.3.id": ["is given twice"]}
    made = service.call("create_nodes", nodes(node_type, {"id": elsewhere["id"]}))["nodes"]
    assert made[0]["id"] == elsewhere["id"]
    edge = service.relationship(node, node)
    item = {name: edge[name] for name in ("source_node_id", "target_node_id", "relationship_type")}
    error = refused(service, "create_relationships", {
        "tenant_id": node["tenant_id"], "relationships": [item, item | {"id": edge["id"]}]})
    assert error.fields == {"relationships.1.id": ["is taken"]}


def test_one_to_ten_thousand_may_be_sent(service: Service) -> None:
    node_type = service.node_type(service.tenant())
    assert len(service.call("create_nodes", nodes(node_type, *[{}] * 10_000))["nodes"]) == 10_000
    for count in (0, 10_001):
        assert set(refused(service, "create_nodes", nodes(node_type, *[{}] * count)).fields) == {
            "nodes"}


def test_two_who_send_the_same_ids_in_other_orders_do_not_deadlock(service: Service) -> None:
    node_type = service.node_type(service.tenant())
    items = [{"id": str(uuid4())} for _ in range(300)]
    codes: list[int] = []

    def send(order: int) -> None:
        reply = service.post(request("create_nodes", nodes(node_type, *items[::order]))).json
        codes.append(reply.get("error", {}).get("code", 0))

    threads = [threading.Thread(target=send, args=(order,)) for order in (1, -1, 1, -1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == [-32002] * 3 + [0]
    assert total(service, node_type["tenant_id"]) == 300


NUMBERS = st.integers(-10**40, 10**40).map(str) | st.decimals(
    -10**20, 10**20, places=30).map(lambda number: f"{number:f}").filter(
    lambda text: not text.startswith("-0.0000"))


@given(st.lists(NUMBERS, min_size=1, max_size=8))
@settings(derandomize=True, max_examples=20,
          suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_digit_survives(service: Service, numbers: list[str]) -> None:
    node_type = service.node_type(service.tenant())
    params = nodes(node_type, *({"data": Fragment(f'{{"n":{number}}}')} for number in numbers))
    service.call("create_nodes", params)
    with connect(service.settings) as connection:
        kept = connection.execute("SELECT n.data ->> 'n' FROM nodes n WHERE n.tenant_id = %s "
                                  "ORDER BY n.id", (node_type["tenant_id"],)).fetchall()
    assert [text for text, in kept] == numbers


def test_members_are_given_as_text_where_that_is_preferred(new_service: Callable[..., Service]
                                                           ) -> None:
    service = new_service(json_fields="string")
    node_type = service.node_type(service.tenant())
    made = service.call("create_nodes", nodes(node_type, {"data": {"a": 1}}))["nodes"]
    assert json.loads(made[0]["data"]) == {"a": 1}


def test_a_batch_may_hold_several_and_one_that_fails_leaves_the_others(service: Service) -> None:
    node_type, id = service.node_type(service.tenant()), str(uuid4())
    call = request("create_nodes", nodes(node_type, {}, {"id": id}))
    replies = service.batch([call, call, request("create_nodes", nodes(node_type, {}))])
    assert ["error" in reply for reply in replies] == [False, True, False]
    assert total(service, node_type["tenant_id"]) == 3


@pytest.mark.parametrize("verb", ["GET", "PUT", "PATCH", "DELETE"])
def test_the_url_for_many_is_no_node_s_url(service: Service, verb: str) -> None:
    response = service.app.test_client().open(f"/tenants/{ABSENT}/nodes/batch", method=verb)
    assert (response.status_code, response.headers["Allow"]) == (405, "OPTIONS, POST")
    assert json.loads(response.data)["error"]["code"] == -32601
