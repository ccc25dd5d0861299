"""A tenant that is not there is blamed for what is not found in it, to who sees all tenants."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import orjson
import pytest

from flexdb.contract.operation import OPERATIONS
from tests.support.callers import with_key
from tests.support.service import RpcError, Service, request, rest_request
from tests.support.world import World

ABSENT = str(uuid4())
SAID: dict[str, Any] = {"code": -32001, "message": "there is no such tenant", "data": {
    "reason": "NOT_FOUND", "retryable": False, "fields": {"tenant_id": ["names no tenant"]}}}
# Of a tenant that is gone there are events still, so to filter by it is no error.
IN_A_TENANT = [name for name, operation in OPERATIONS.items()
               if "tenant_id" in operation.fields and name != "list_events"]
IN_A_TRANSACTION = [name for name in IN_A_TENANT if not OPERATIONS[name].alone]


@pytest.fixture(scope="module")
def world(operator: Service) -> World:
    return World(operator)


def in_absent(world: World, method: str) -> dict[str, Any]:
    """Return parameters of a method in which all but the tenant is there."""
    return world.params(method) | {"tenant_id": ABSENT}


def inside(place: int, method: str) -> dict[str, Any]:
    """Return what a transaction says where a call in it names a tenant that is not there."""
    return SAID | {"message": f"calls.{place} ({method}): {SAID['message']}", "data": {
        **SAID["data"], "index": place,
        "fields": {f"calls.{place}.params.tenant_id": ["names no tenant"]}}}


@pytest.mark.parametrize("method", IN_A_TENANT)
def test_each_operation_blames_the_tenant(operator: Service, world: World, method: str) -> None:
    params = in_absent(world, method)
    assert orjson.loads(operator.post(request(method, params)).data)["error"] == SAID
    said = rest_request(method, params)
    if said is None:
        pytest.skip("a URL cannot say it")
    response = operator.client().open(**said)
    assert (response.status_code, orjson.loads(response.data)["error"]) == (404, SAID)


def test_in_a_batch_each_call_is_told_so_and_the_tenants_are_asked_for_once(
        operator: Service, world: World, statements: list[str]) -> None:
    calls = [request("get_tenant", {"id": world.tenant["id"]}, "there")]
    # upsert_nodes, which tells of each node by itself, asks for the tenant on its own.
    wrong = [method for method in IN_A_TENANT if method != "upsert_nodes"]
    calls += [request(method, in_absent(world, method), method) for method in wrong]
    calls += [request("get_node", {"tenant_id": str(uuid4()), "id": ABSENT}, "another")]
    statements.clear()
    replies = {reply["id"]: reply for reply in operator.batch(calls)}
    assert replies.pop("there")["result"]["tenant"] == world.tenant
    assert [reply["error"] for reply in replies.values()] == [SAID] * (len(wrong) + 1)
    assert statements.count("find_absent_tenants") == 1


@pytest.mark.parametrize("method", IN_A_TRANSACTION)
def test_in_a_transaction_the_call_is_named_with_it(
        operator: Service, world: World, method: str) -> None:
    calls = [{"method": "get_tenant", "params": {"id": world.tenant["id"]}},
             {"method": method, "params": in_absent(world, method)}]
    reply = orjson.loads(operator.post(request("transaction", {"calls": calls})).data)
    assert reply["error"] == inside(1, method)


@pytest.mark.parametrize("method, params, field", [
    ("create_node", {"node_type_id": ABSENT}, "node_type_id"),
    # What PostgreSQL itself refuses leaves a transaction in which nothing more is asked.
    ("add_user_to_tenant", {"user_id": ABSENT}, "user_id")])
def test_a_tenant_that_the_transaction_itself_makes_is_not_blamed(
        operator: Service, method: str, params: dict[str, Any], field: str) -> None:
    with pytest.raises(RpcError) as refused:
        operator.call("transaction", calls=[
            {"method": "create_tenant", "as": "t",
             "params": {"slug": f"tenant-{uuid4().hex}", "name": "Made here"}},
            {"method": method, "params": params | {"tenant_id": "$t.id"}}])
    assert [*refused.value.fields] == [f"calls.1.params.{field}"]


@pytest.mark.parametrize("others", [[], ["add_user_to_tenant", "get_node"]])
def test_an_answer_that_is_given_once_more_blames_it_too(
        operator: Service, world: World, others: list[str]) -> None:
    made = {"tenant_id": world.tenant["id"], "node_type_id": world.node_type["id"]}
    calls = [request("create_node", made), request("create_node", made | {"tenant_id": ABSENT}),
             *(request(method, in_absent(world, method)) for method in others)]
    key = {"Idempotency-Key": uuid4().hex}
    first, again = (operator.post(calls, headers=key) for _ in range(2))
    assert (again.data, again.headers.get("Idempotency-Replayed")) == (first.data, "true")
    done, *refused = first.json
    assert "result" in done and [one["error"] for one in refused] == [SAID] * (1 + len(others))


@pytest.mark.parametrize("method", ["create_node", "add_user_to_tenant"])
def test_with_a_key_a_request_by_itself_blames_it(
        operator: Service, world: World, method: str) -> None:
    call, key = request(method, in_absent(world, method)), uuid4().hex
    assert operator.post(call, headers={"Idempotency-Key": key}).json["error"] == SAID


def test_a_tenant_that_is_there_is_not_blamed(operator: Service, world: World) -> None:
    with pytest.raises(RpcError, match="there is no such node type"):
        operator.call("create_node", tenant_id=world.tenant["id"], node_type_id=ABSENT)


def test_anyone_is_told_so_where_no_key_is_needed(service: Service) -> None:
    with pytest.raises(RpcError, match="there is no such tenant"):
        service.call("get_node", tenant_id=ABSENT, id=ABSENT)


def test_who_finds_what_was_looked_for_and_who_sees_one_tenant_alone_ask_for_none(
        operator: Service, world: World, statements: list[str]) -> None:
    there = {"tenant_id": world.tenant["id"], "id": world.node["id"]}
    key = operator.call("create_key", tenant_id=world.tenant["id"], name="k", role="owner")["key"]
    statements.clear()
    operator.call("get_node", there)
    caller = with_key(operator, key["secret"])
    for wrong in (there | {"id": ABSENT}, there | {"tenant_id": ABSENT}):
        with pytest.raises(RpcError):
            caller.call("get_node", wrong)
    assert statements == ["get_node", "get_node"]
