"""Transactions: several calls as one, all or nothing."""

from typing import Any
from uuid import uuid4

import pytest
from orjson import Fragment

from flexdb.contract.operation import OPERATIONS
from tests.support.refusals import refusal
from tests.support.service import RpcError, Service, request
from tests.support.world import World

pytestmark = pytest.mark.both_doors
UUID = "0190163d-8694-739b-aea5-966c26f8ad91"


def call(method: str, name: str | None = None, /, **params: Any) -> dict[str, Any]:
    made: dict[str, Any] = {"method": method, "params": params}
    return made | {"as": name} if name else made


def whole(tenant_id: str = "$t.id") -> list[dict[str, Any]]:
    """Return calls of which each builds on the ones before."""
    return [
        call("create_tenant", "t", slug=uuid4().hex, name="A tenant"),
        call("create_node_type", "type", tenant_id=tenant_id, name="Task"),
        call("create_node", "a", tenant_id=tenant_id, node_type_id="$type.id", data={"a": "$t.id"}),
        call("create_node", "b", tenant_id=tenant_id, node_type_id="$a.node_type_id"),
        call("create_relationship", tenant_id=tenant_id, source_node_id="$a.id",
             target_node_id="$b.id", relationship_type="$a.id"),
        call("list_nodes", tenant_id=tenant_id)]


def run(service: Service, *calls: Any, **more: Any) -> Any:
    return service.call("transaction", calls=[*calls], **more)["results"]


def fails(service: Service, *calls: Any) -> RpcError:
    """Hold that a transaction fails and leaves nothing behind."""
    before = service.call("list_tenants", pagination={"page_size": 1})
    error = refusal(service, "transaction", calls=[*calls])
    assert service.call("list_tenants", pagination={"page_size": 1}) == before
    return error


def test_later_calls_name_what_earlier_ones_made(service: Service) -> None:
    tenant, node_type, a, b, edge, listed = run(service, *whole())
    assert edge["relationship"]["source_node_id"] == a["node"]["id"]
    assert edge["relationship"]["target_node_id"] == b["node"]["id"]
    assert b["node"]["node_type_id"] == node_type["node_type"]["id"]
    assert listed["nodes"] == [b["node"], a["node"]]
    key = {"tenant_id": tenant["tenant"]["id"], "id": a["node"]["id"]}
    assert service.call("get_node", **key) == a


def test_only_ids_are_references_never_data_or_text(service: Service) -> None:
    _, _, a, _, edge, _ = run(service, *whole())
    assert a["node"]["data"] == {"a": "$t.id"}
    assert edge["relationship"]["relationship_type"] == "$a.id"


def test_parameters_may_go_by_position_and_digits_survive(service: Service) -> None:
    digits = 10**17 + 1
    first, second = run(
        service, call("create_tenant", "t", slug=uuid4().hex, name="A"),
        {"method": "create_node_type", "params": ["$t.id", "Task", None, {"maximum": digits}]})
    assert second["node_type"]["schema"] == {"maximum": digits}
    assert second["node_type"]["tenant_id"] == first["tenant"]["id"]


def test_a_dry_run_gives_the_results_and_changes_nothing(service: Service) -> None:
    calls = whole()
    dry = run(service, *calls, dry_run=True)
    id = dry[0]["tenant"]["id"]
    assert [list(one) for one in dry] == [list(one) for one in run(service, *calls)]
    assert refusal(service, "get_tenant", id=id).code == -32001


def test_a_dry_run_in_a_batch_leaves_its_neighbours_be(service: Service) -> None:
    slugs = [uuid4().hex for _ in range(3)]
    replies = service.batch([
        request("create_tenant", {"slug": slugs[0], "name": "A"}),
        request("transaction", {"calls": [call("create_tenant", slug=slugs[1], name="B")],
                                "dry_run": True}),
        request("create_tenant", {"slug": slugs[2], "name": "C"})])
    assert all("result" in reply for reply in replies)
    tenants = service.call("list_tenants", pagination={"page_size": 5})["tenants"]
    assert [slug in {tenant["slug"] for tenant in tenants} for slug in slugs] == [True, False, True]


def test_a_schema_that_was_rolled_back_is_forgotten(service: Service) -> None:
    tenant, id = service.tenant(), str(uuid4())
    make = [call("create_node_type", tenant_id=tenant["id"], name="T", id=id,
                 schema={"required": ["old"]}),
            call("create_node", tenant_id=tenant["id"], node_type_id=id, data={"old": 1})]
    run(service, *make, dry_run=True)
    node_type = service.node_type(tenant, id=id, schema={"required": ["new"]})
    assert refusal(service, "create_node", tenant_id=tenant["id"], node_type_id=id,
                   data={"old": 1}).code == -32602
    assert service.node(node_type, data={"new": 1})


@pytest.mark.parametrize("last, code, reason, field", [
    (call("get_user", id=str(uuid4())), -32001, "NOT_FOUND", "id"),
    (call("create_tenant", slug="taken by the first", name="A"), -32002, "ALREADY_EXISTS", "slug"),
    (call("create_user", email="nobody", display_name="A"), -32602, "INVALID_PARAMS", "email"),
    (call("create_nodes", tenant_id="$t.id", nodes=[{
        "node_type_id": "0190163d-8694-739b-aea5-966c26f8ad91"}]),
     -32001, "NOT_FOUND", "nodes.0.node_type_id"),
    (call("create_node", tenant_id="$t.id", node_type_id="$t.id"),
     -32001, "NOT_FOUND", "node_type_id")])
def test_the_call_that_fails_is_named_and_nothing_stays(
        service: Service, last: Any, code: int, reason: str, field: str) -> None:
    error = fails(service, call("create_tenant", "t", slug="taken by the first", name="A"),
                  call("list_users"), last)
    assert (error.code, error.reason) == (code, reason)
    assert error.error["data"]["index"] == 2
    assert set(error.fields) == {f"calls.2.params.{field}"}


@pytest.mark.parametrize("reference", [
    "$nobody.id", "$t.nothing", "$t", "$t.", "$.id", "$t.id.id", "$later.id", "$t.slug", " $t.id"])
def test_a_reference_that_names_nothing_is_named(service: Service, reference: str) -> None:
    error = fails(service, call("create_tenant", "t", slug=uuid4().hex, name="A"),
                  call("get_tenant", id=reference), call("list_users", "later"))
    assert (error.code, error.error["data"]["index"]) == (-32602, 1)
    assert set(error.fields) == {"calls.1.params.id"}


@pytest.mark.parametrize("wrong, field", [
    ({}, "method"), ({"method": "no_such"}, "method"), ({"method": "transaction"}, "method"),
    ({"method": "rpc.discover"}, "method"), ({"method": 1}, "method"),
    ({"method": "list_users", "params": 1}, "params"),
    ({"method": "list_users", "params": None}, "params"),
    ({"method": "list_users", "as": "a b"}, "as"), ({"method": "list_users", "as": "x" * 65}, "as"),
    ({"method": "list_users", "as": "first"}, "as"),
    ({"method": "list_users", "id": 1}, "id")])
def test_a_call_that_is_none_is_named_before_anything_runs(service: Service, wrong: Any,
                                                           field: str) -> None:
    error = fails(service, call("list_users", "first"), wrong)
    assert error.code == -32602 and set(error.fields) == {f"calls.1.{field}"}


def test_one_to_a_thousand_calls_may_be_sent(service: Service) -> None:
    tenant = service.tenant()
    gets = [call("get_tenant", id=tenant["id"])] * 1000
    assert run(service, *gets) == [{"tenant": tenant}] * 1000
    for calls in ([], [*gets, gets[0]]):
        assert set(fails(service, *calls).fields) == {"calls"}


def test_a_schema_that_changes_in_the_transaction_holds_from_then_on(service: Service) -> None:
    node_type = service.node_type(service.tenant())
    node = service.node(node_type)
    key = {"tenant_id": node["tenant_id"]}
    error = fails(service, call("update_node_type", **key, id=node_type["id"],
                                schema={"required": ["n"]}),
                  call("create_node", **key, node_type_id=node_type["id"], data={"n": 1}),
                  call("create_node", **key, node_type_id=node_type["id"], data={}))
    assert (error.code, error.error["data"]["index"]) == (-32602, 2)
    assert service.node(node_type)


@pytest.mark.parametrize("method", sorted(
    name for name, called in OPERATIONS.items() if not called.alone))
def test_a_call_gives_in_a_transaction_what_it_gives_alone(service: Service, method: str) -> None:
    params = World(service).params(method)
    (dry,) = run(service, {"method": method, "params": params}, dry_run=True)
    alone = service.call(method, params)
    assert list(dry) == list(alone)
    for name in alone.keys() - {"pagination"}:
        assert type(dry[name]) is type(alone[name])


@pytest.mark.parametrize("by_position", [False, True])
def test_a_reference_stands_for_every_id_of_items_and_lists(service: Service, by_position: bool
                                                            ) -> None:
    digits = "0.10000000000000000000000000000001"
    data = Fragment(f'{{"$t.id": "$t.id", "n": {digits}}}')
    items = [{"node_type_id": "$type.id", "data": data}, {"node_type_id": "$type.id"}]
    edges = [{"source_node_id": "$a.id", "target_node_id": "$a.id", "relationship_type": "$a.id"}]
    bulk: Any = ["$t.id", items] if by_position else {"tenant_id": "$t.id", "nodes": items}
    *_, made, related, walked = run(
        service, *whole()[:3], {"method": "create_nodes", "params": bulk},
        call("create_relationships", tenant_id="$t.id", relationships=edges),
        call("traverse", tenant_id="$t.id", start="$a.id", min_depth=0,
             node_type_ids=["$type.id"]))
    assert [node["data"] for node in made["nodes"]] == [{"$t.id": "$t.id", "n": float(digits)}, {}]
    id = walked["visits"][0]["node"]["id"]
    (edge,) = related["relationships"]
    assert (edge["source_node_id"], edge["target_node_id"], edge["relationship_type"]) == (
        id, id, "$a.id")
    node = made["nodes"][0]
    exact = service.call("list_nodes", tenant_id=node["tenant_id"],
                         filter={"data.n": Fragment(digits)})["nodes"]
    assert exact == [node], "every digit of what is stored survives"


@pytest.mark.parametrize("method, params, field", [
    ("create_nodes", {"nodes": [{"node_type_id": "$t.id"}, {"node_type_id": "$x.id"}]},
     "nodes.1.node_type_id"),
    ("create_relationships", {"relationships": [{
        "source_node_id": "$t", "target_node_id": UUID, "relationship_type": "a"}]},
     "relationships.0.source_node_id"),
    ("traverse", {"start": UUID, "node_type_ids": [UUID, "$t.nothing"]}, "node_type_ids.1")])
def test_a_reference_in_items_that_names_nothing_is_named(
        service: Service, method: str, params: dict[str, Any], field: str) -> None:
    error = fails(service, call("create_tenant", "t", slug=uuid4().hex, name="A"),
                  call(method, tenant_id="$t.id", **params))
    assert (error.code, set(error.fields)) == (-32602, {f"calls.1.params.{field}"})


@pytest.mark.parametrize("wrong", [
    ["$t.id"], [1], {"a": "$t.id"}, "$t.id", [{"data": "$t.id"}], [[]]])
def test_what_are_no_items_is_told_as_it_is_alone(service: Service, wrong: Any) -> None:
    error = fails(service, call("create_tenant", "t", slug=uuid4().hex, name="A"),
                  call("create_nodes", tenant_id="$t.id", nodes=wrong))
    assert error.code == -32602 and all(
        name.startswith("calls.1.params.nodes") for name in error.fields)
