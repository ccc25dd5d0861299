"""An answer weighs no more than it may, whatever is asked, and no write is lost to that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest

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
