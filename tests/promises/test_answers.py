"""An answer weighs no more than it may, whatever is asked, and no write is lost to that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from flexdb.errors import AnswerTooLarge, Overloaded
from flexdb.plan import Budget, Result, Room
from tests.support.service import RpcError, Service, request

MOST = 64 * 1024
# What is told in the place of an answer, for each call of a batch.
TOLD = 400
BIG = "x" * 20_000


@pytest.fixture
def service(new_service: Callable[..., Service]) -> Service:
    return new_service(max_answer_bytes=MOST, max_page_bytes=MOST // 2)


@pytest.fixture
def nodes(service: Service) -> list[Any]:
    """Five nodes, each related to the next."""
    node_type = service.node_type(service.tenant())
    made = [service.node(node_type, data={"big": BIG}) for _ in range(5)]
    for source, target in zip(made, made[1:]):
        service.relationship(source, target)
    return made


@pytest.fixture
def node(nodes: list[Any]) -> Any:
    return nodes[-1]


def key(node: Any) -> dict[str, str]:
    return {"tenant_id": node["tenant_id"], "id": node["id"]}


def outcomes(service: Service, calls: list[dict[str, Any]]) -> list[Any]:
    """Send a batch, and return "ok" or the error of each call."""
    response = service.post(calls)
    assert len(response.data) <= MOST + TOLD * len(calls)
    return [reply.get("error", "ok") for reply in orjson.loads(response.data)]


def is_too_large(error: Any) -> bool:
    return bool(error != "ok" and error["code"] == -32600
                and error["data"]["reason"] == "TOO_LARGE")


@pytest.mark.parametrize("method, more", [
    ("list_nodes", {}), ("list_nodes", {"filter": {"version": 1}}), ("get_node", {"id": ""}),
    ("check_node_type", {"id": "", "schema": False})])
def test_the_read_that_reaches_the_limit_and_those_behind_it_are_refused(
        service: Service, node: Any, method: str, more: dict[str, Any]) -> None:
    ids = {"get_node": node["id"], "check_node_type": node["node_type_id"]}
    params = {"tenant_id": node["tenant_id"], **more} | (
        {"id": ids[method]} if method in ids else {})
    told = outcomes(service, [request(method, params)] * 40)
    refused = [is_too_large(one) for one in told]
    assert not refused[0] and refused[-1] and refused == sorted(refused)
    assert all(one == "ok" or is_too_large(one) for one in told)
    assert "fewer calls" in told[-1]["message"]


def test_a_small_read_behind_the_limit_is_refused_too(service: Service, node: Any) -> None:
    calls = [request("get_node", key(node))] * 4 + [request("list_users")]
    assert [is_too_large(one) for one in outcomes(service, calls)] == [False] * 3 + [True] * 2


@pytest.mark.parametrize("method, change, steps", [
    ("update_node", {}, False), ("patch_node", {"patch": {"a": 1}}, True)])
def test_a_write_behind_the_limit_is_done_and_said_to_be(
        service: Service, node: Any, method: str, change: dict[str, Any], steps: bool) -> None:
    told = outcomes(service, [request(method, key(node) | change)] * 9)
    assert told[:3] == ["ok"] * 3
    for place, error in enumerate(told[3:], 5):
        assert is_too_large(error) and error["data"]["done"] is True
        assert error["data"]["id"] == node["id"] and error["data"]["version"] == place
    assert service.call("get_node", **key(node))["node"]["version"] == 10


def test_a_delete_and_a_create_behind_the_limit_are_done(service: Service, node: Any) -> None:
    reads = [request("get_node", key(node))] * 4
    new = {"tenant_id": node["tenant_id"], "node_type_id": node["node_type_id"]}
    told = outcomes(service, [*reads, request("create_node", new),
                              request("delete_node", key(node))])
    assert told[4]["data"]["done"] is told[5]["data"]["done"] is True
    made = service.call("get_node", tenant_id=node["tenant_id"], id=told[4]["data"]["id"])
    assert made["node"]["version"] == told[4]["data"]["version"] == 1
    with pytest.raises(RpcError, match="no such node"):
        service.call("get_node", **key(node))


def test_a_transaction_whose_answer_would_be_too_large_is_rolled_back(
        service: Service, node: Any) -> None:
    calls = [{"method": "update_node", "params": key(node)}] * 4
    with pytest.raises(RpcError) as refused:
        service.call("transaction", calls=calls)
    assert refused.value.reason == "TOO_LARGE" and refused.value.error["data"]["index"] == 3
    assert service.call("get_node", **key(node))["node"]["version"] == 1


def test_errors_count_too(service: Service) -> None:
    wrong = request("create_nodes", {"tenant_id": "x", "nodes": [{"": 1}] * 300})
    told = outcomes(service, [wrong] * 20)
    assert told[0]["code"] == -32602 and is_too_large(told[-1])


def test_what_the_document_of_the_methods_weighs_counts_too(service: Service) -> None:
    assert is_too_large(outcomes(service, [request("rpc.discover")] * 20)[-1])


def test_a_path_is_weighed_before_it_is_written(service: Service, nodes: list[Any]) -> None:
    of = {"tenant_id": nodes[0]["tenant_id"], "source_node_id": nodes[0]["id"]}
    short = service.call("shortest_path", **of, target_node_id=nodes[2]["id"])
    assert short["path"]["length"] == 2
    with pytest.raises(RpcError) as refused:
        service.call("shortest_path", **of, target_node_id=nodes[4]["id"])
    assert refused.value.reason == "TOO_LARGE"


def test_rest_answers_413_where_an_answer_is_too_large(service: Service, nodes: list[Any]
                                                       ) -> None:
    response = service.app.test_client().get(
        f"/tenants/{nodes[0]['tenant_id']}/nodes/{nodes[0]['id']}/shortest-path",
        query_string={"target_node_id": nodes[4]["id"]})
    assert response.status_code == 413
    assert response.get_json()["error"]["data"]["reason"] == "TOO_LARGE"


def test_large_answers_wait_for_room_and_small_ones_never_do() -> None:
    room = Room(1000, patience=0.01)
    first, second, small = (Budget(1000, room) for _ in range(3))
    result, few = Result(b"x" * 900), Result(b"x" * 31)
    assert first.admit(result) is result and first.held == 900 - 1000 // 32
    assert isinstance(second.admit(result), Overloaded)
    told = second.admit(Result(b"x" * 99, id="a"), wrote=True)
    assert isinstance(told, AnswerTooLarge) and told.data["done"] and told.data["id"] == "a"
    assert small.admit(few) is few and small.held == 0
    first.release()
    assert room.left == 1000 and Budget(1000, room).admit(result) is result
    # That one is gone, and what it had with it.
    assert room.left == 1000


def test_a_page_gets_half_of_what_is_left_and_one_alone_all_it_wants() -> None:
    room = Room(64)
    assert [room.lend(32) for _ in range(7)] == [32, 16, 8, 4, 2, 2, 2]
    for size in (32, 16, 8, 4, 2, 2, 2):
        room.give(size)
    assert room.left == 64 and room.lend(32) == 32


def test_an_answer_leaves_its_room_when_it_is_sent_through_either_door(
        service: Service, nodes: list[Any]) -> None:
    client = service.app.test_client()
    of = f"/tenants/{nodes[0]['tenant_id']}/nodes/{nodes[0]['id']}"
    # More than there is room for, had one of them stayed.
    for _ in range(8):
        assert client.get(of).status_code == 200
        assert outcomes(service, [request("get_node", key(nodes[0]))] * 3) == ["ok"] * 3
        assert service.call("transaction", calls=[
            {"method": "get_node", "params": key(node)} for node in nodes[:3]])["results"]
        assert outcomes(service, [request("list_nodes", {"tenant_id": "x"}),
                                  request("get_node", key(nodes[0]))])[1] == "ok"
