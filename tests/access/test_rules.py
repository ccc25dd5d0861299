"""Rules: what is hidden is absent, by every method; what is written must fit before and after."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple
from uuid import uuid4

import orjson
import pytest

from flexdb.access.callers import ANYONE, Caller
from flexdb.access.rules import Heed
from flexdb.config import Settings
from flexdb.context import Context
from flexdb.contract.fields import Id
from flexdb.contract.operation import OPERATIONS, READS, SERVICE, operation
from flexdb.contract.params import Params
from flexdb.plan import Statement
from flexdb.sql.loader import LISTS, NAMES, STATEMENTS, filled
from flexdb.sql.pages import NEWEST_FIRST, page_query
from flexdb.sql.sights import _TABLE, Sight, seen
from tests.support.callers import closed, with_key
from tests.support.locks import locked, waiting
from tests.support.service import RpcError, Service, request, rest_request
from tests.support.world import World

BY_RULES = {heed: {name for name, one in OPERATIONS.items() if one.rules is heed} for heed in Heed}
DOORS = ["jsonrpc", "rest"]
# Parameters that name a record which must be there.
RECORDS = [(name, param) for name in sorted(BY_RULES[Heed.HELD])
           for param, field in OPERATIONS[name].fields.items() if isinstance(field, Id)
           and param in ("id", "start", "source_node_id", "target_node_id")
           and (name, param) != ("check_node_type", "id")
           and not (name.startswith(("create_", "upsert_")) and param == "id")]
OWN: Any = {"data.owner": {"$caller": "attributes.name"}}


class There(NamedTuple):
    """A tenant, of whose two types a key sees one; and the service, open and closed."""

    open: Service
    closed: Service
    world: World
    hidden: World

    def role(self, grants: list[dict[str, Any]], **given: Any) -> Any:
        """Make a role of the tenant."""
        params = {"tenant_id": self.world.tenant["id"], "name": uuid4().hex, "grants": grants}
        return self.open.call("create_role", params | given)["role"]

    def key(self, role: str, door: str = "jsonrpc", **attributes: Any) -> Service:
        """Return the service as who has a role reaches it."""
        key = self.open.call("create_key", tenant_id=self.world.tenant["id"], name="A key",
                             role=role, attributes=attributes)["key"]
        return with_key(self.closed, key["secret"], door)

    def caller(self, *grants: dict[str, Any], base: str = "member", **attributes: Any) -> Service:
        """Return the service as who has a role with these grants reaches it."""
        return self.key(self.role(list(grants), based_on=base)["name"], **attributes)

    def node(self, **data: Any) -> Any:
        """Make a node of the type that is seen."""
        return self.open.node(self.world.node_type, data=data)


@pytest.fixture(scope="module")
def there(new_database: Callable[..., Settings]) -> Iterator[There]:
    settings = new_database()
    open_service, closed_service = Service.of(settings), closed(settings)
    world, hidden = World(open_service), World(open_service)
    # One of everything in the same tenant, of a type of its own.
    hidden.tenant, hidden.node_type = world.tenant, open_service.node_type(world.tenant)
    hidden.node, hidden.target = (open_service.node(hidden.node_type) for _ in range(2))
    hidden.relationship = open_service.relationship(hidden.node, hidden.target)
    yield There(open_service, closed_service, world, hidden)
    open_service.close()
    closed_service.close()


@pytest.fixture(scope="module")
def one_type(there: There) -> Service:
    """The service as an admin reaches it who sees one type."""
    return there.caller({"node_type_id": there.world.node_type["id"], "write": True}, base="admin")


def reason(caller: Service, method: str, params: Any = None, /, **given: Any) -> str:
    """Return the reason of a refusal, or ok."""
    try:
        caller.call(method, params or given)
        return "ok"
    except RpcError as error:
        return error.reason


def answer(caller: Service, method: str, params: Any, door: str) -> tuple[int, bytes]:
    """Return the status and the bytes of an answer."""
    said = rest_request(method, params) if door == "rest" else None
    response = caller.client().open(**said) if said else caller.post(request(method, params))
    return response.status_code, response.data


def test_every_operation_says_what_becomes_of_it_under_rules() -> None:
    assert BY_RULES[Heed.HELD] == {name for name, one in OPERATIONS.items() if one.kind in (
        "nodes", "relationships", "graph", "bulk", "updates", "upserts", "checks",
        "aggregates")}
    assert BY_RULES[Heed.FREE] == {
        "get_tenant", "get_user", "list_tenant_users", "get_node_type", "list_node_types",
        "get_relationship_type", "list_relationship_types", "get_caller", "transaction",
        "list_user_tenants"}

    class Named(Params):
        id = Id("An id.")

    with pytest.raises(TypeError, match="rules"):
        operation(Named, gives=OPERATIONS["get_node"].gives, effect=READS,  # type: ignore[call-arg]
                  of=SERVICE, access=OPERATIONS["get_node"].access)


def test_the_documents_say_it_too(there: There) -> None:
    client = there.open.client()
    methods = orjson.loads(client.get("/openrpc.json").data)["methods"]
    assert {one["name"]: one["x-rules"] for one in methods} == {
        name: one.rules.value for name, one in OPERATIONS.items()}
    urls = orjson.loads(client.get("/openapi.json").data)["paths"].values()
    shown = [one for url in urls for one in url.values() if "x-access" in one]
    assert all(one["x-rules"] in {heed.value for heed in Heed} for one in shown) and shown


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("method", sorted(BY_RULES[Heed.REFUSED]))
def test_what_would_give_more_than_the_rules_is_refused(
        there: There, one_type: Service, method: str, door: str) -> None:
    params = there.world.params(method)
    assert reason(with_key(one_type, one_type.secret, door), method, params) == "PERMISSION_DENIED"
    if OPERATIONS[method].alone:
        return
    with pytest.raises(RpcError) as refused:
        one_type.call("transaction", calls=[{"method": "get_caller"},
                                            {"method": method, "params": params}])
    assert refused.value.reason == "PERMISSION_DENIED" and refused.value.error["data"]["index"] == 1


@pytest.mark.parametrize("moment", [{"version": 1}, {"as_of": "2026-01-01T00:00:00Z"}])
@pytest.mark.parametrize("kind", ["node", "relationship"])
def test_what_a_record_was_is_refused_through_every_door(
        there: There, one_type: Service, kind: str, moment: dict[str, Any]) -> None:
    thing = getattr(there.world, kind)
    params = {"tenant_id": thing["tenant_id"], "id": thing["id"]} | moment
    method = f"get_{kind}"
    for door in DOORS:
        assert reason(with_key(one_type, one_type.secret, door), method, params
                      ) == "PERMISSION_DENIED"
    replies = one_type.batch([request(method, params, place) for place in (1, 2)])
    assert {one["error"]["data"]["reason"] for one in replies} == {"PERMISSION_DENIED"}
    assert reason(one_type, "transaction", calls=[{"method": method, "params": params}]
                  ) == "PERMISSION_DENIED"
    stream = one_type.client().get(f"/tenants/{thing['tenant_id']}/changes/stream")
    assert stream.status_code == 403


@pytest.mark.parametrize("method", sorted(BY_RULES[Heed.FREE] - {"get_caller", "transaction"}))
def test_what_has_nothing_to_do_with_records_is_as_for_others(
        there: There, one_type: Service, method: str) -> None:
    params = there.world.params(method)
    assert answer(one_type, method, params, "jsonrpc") == answer(
        there.key("admin"), method, params, "jsonrpc")


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("method, param", RECORDS)
def test_what_is_hidden_is_answered_as_what_is_not_there(
        there: There, one_type: Service, statements: list[str], method: str, param: str, door: str
) -> None:
    params = there.world.params(method) | {"version": ""}
    params = {name: params[name] for name in OPERATIONS[method].fields if name in params}
    kind = "relationship" if method.endswith("relationship") and param == "id" else "node"
    told = []
    one_type.call("get_caller")
    for id in (getattr(there.hidden, kind)["id"], str(uuid4())):
        statements.clear()
        status, data = answer(one_type, method, params | {param: id}, door)
        told.append((status, data.replace(id.encode(), b""), list(statements)))
    assert told[0] == told[1] and told[0][2]
    if not method.startswith(("list_", "count_", "aggregate_")):
        assert b'"NOT_FOUND"' in told[0][1]


def test_in_lists_of_ids_what_is_hidden_is_answered_as_what_is_not_there(
        there: There, one_type: Service) -> None:
    for method, ids in (("create_relationships", ("source_node_id", "target_node_id")),):
        for name in ids:
            told = {answer(one_type, method, {"relationships": [
                {"source_node_id": there.world.node["id"], "relationship_type": "x",
                 "target_node_id": there.world.target["id"]} | {name: id}]}, "jsonrpc")
                for id in (there.hidden.node["id"], str(uuid4()))}
            assert len(told) == 1 and b'"NOT_FOUND"' in told.pop()[1]


def test_lists_filters_totals_and_pages_know_only_what_is_seen(there: There) -> None:
    mine = [there.node(owner="lists", rank=rank) for rank in range(5)]
    there.node(owner="another", rank=9)
    caller = there.caller({"read": {"data.owner": {"$caller": "attributes.name"}}}, name="lists")
    edge = there.open.relationship(mine[0], mine[1])
    there.open.relationship(mine[0], there.world.node)
    for asked in ({}, {"filter": {"version": 1}}, {"sort": ["data.rank"]}, {"fields": ["id"]},
                  {"node_type_id": there.world.node_type["id"]}):
        page = caller.call("list_nodes", asked | {"pagination": {"page_size": 3}})
        assert page["pagination"]["total_count"] == 5
        token = page["pagination"]["next_page_token"]
        rest = caller.call("list_nodes", asked | {"pagination": {"page_token": token}})
        ids = [node["id"] for node in page["nodes"] + rest["nodes"]]
        assert sorted(ids) == sorted(node["id"] for node in mine), asked
        assert rest["pagination"]["next_page_token"] == ""
    listed = caller.call("list_relationships")
    assert listed["relationships"] == [edge] and listed["pagination"]["total_count"] == 1
    neighbors = caller.call("get_neighbors", id=mine[0]["id"])
    assert [one["node"]["id"] for one in neighbors["neighbors"]] == [mine[1]["id"]]
    assert neighbors["pagination"]["total_count"] == 1
    # With its id in a filter, too.
    assert caller.call("list_nodes", filter={"id": there.world.node["id"]})["nodes"] == []


@pytest.mark.long
def test_a_total_is_counted_up_to_a_bound(there: There) -> None:
    caller = there.caller({"read": OWN, "write": True}, name="many")
    items = [{"node_type_id": there.world.node_type["id"], "data": {"owner": "many"}}] * 10_000
    caller.call("create_nodes", nodes=items)
    assert caller.call("list_nodes")["pagination"]["total_count"] == 10_000
    caller.call("create_node", items[0])
    assert "total_count" not in caller.call("list_nodes")["pagination"]


def test_walks_do_not_pass_what_is_hidden(there: There) -> None:
    a, b, c = (there.node(owner="walks") for _ in range(3))
    wall = there.node(owner="another")
    there.open.relationship(a, wall)
    there.open.relationship(wall, c)
    there.open.relationship(a, b)
    caller = there.caller({"read": OWN}, name="walks")
    walk = caller.call("traverse", start=a["id"], max_depth=5)
    assert [one["node"]["id"] for one in walk["visits"]] == [b["id"]] and not walk["truncated"]
    path = {"source_node_id": a["id"], "target_node_id": c["id"]}
    assert caller.call("shortest_path", path) == {"path": None, "truncated": False}
    detour = there.open.relationship(b, c)
    found = caller.call("shortest_path", path)["path"]
    assert found["length"] == 2 and found["relationships"][1]["id"] == detour["id"]
    assert there.open.call("shortest_path", path | {
        "tenant_id": there.world.tenant["id"]})["path"]["length"] == 2


def test_a_condition_of_a_hidden_row_tells_nothing(there: There, one_type: Service) -> None:
    for headers in ({"If-None-Match": "*"}, {"If-None-Match": '"1-0"'}, {}):
        replies = []
        for id in (there.hidden.node["id"], str(uuid4())):
            url = f"/tenants/{there.world.tenant['id']}/nodes/{id}"
            reply = one_type.client().get(url, headers=headers)
            replies.append((reply.status_code, reply.data, "ETag" in reply.headers))
        assert replies[0] == replies[1] and replies[0][0] == 404
    for method in ("PUT", "DELETE"):
        refused = []
        for id in (there.hidden.node["id"], str(uuid4())):
            reply = one_type.client().open(
                f"/tenants/{there.world.tenant['id']}/nodes/{id}", method=method,
                headers={"If-Match": '"1-0"'}, json={"data": {}} if method == "PUT" else None)
            refused.append((reply.status_code, reply.data))
        assert refused[0] == refused[1] and refused[0][0] == 404


def test_an_id_that_a_hidden_row_has_is_taken_and_nothing_more_is_told(
        there: There, one_type: Service) -> None:
    given = {"node_type_id": there.world.node_type["id"], "id": there.hidden.node["id"]}
    with pytest.raises(RpcError) as refused:
        one_type.call("create_node", given)
    assert (refused.value.reason, refused.value.fields) == ("ALREADY_EXISTS", {"id": ["is taken"]})
    assert reason(one_type, "create_nodes", nodes=[given]) == "ALREADY_EXISTS"
    # Who may make no node of the type does not learn that either.
    reader = there.caller({"read": True})
    assert reason(reader, "create_node", given) == "PERMISSION_DENIED"
    assert reason(reader, "create_nodes", nodes=[given]) == "PERMISSION_DENIED"


def test_what_is_written_must_fit_before_and_after(there: There) -> None:
    caller = there.caller({"write": OWN}, name="ann")
    anns, bobs = there.node(owner="ann"), there.node(owner="bob")
    type_id = there.world.node_type["id"]

    def stored(node: dict[str, Any]) -> Any:
        return there.open.call("get_node", id=node["id"], tenant_id=node["tenant_id"])["node"]

    # Before.
    for method, params in (("update_node", {"data": {"owner": "ann"}}), ("delete_node", {}),
                           ("patch_node", {"patch": {"owner": "ann"}}), ("update_node", {}),
                           ("update_node", {"data": {}, "version": 7})):
        assert reason(caller, method, params | {"id": bobs["id"]}) == "PERMISSION_DENIED", method
    assert stored(bobs) == bobs
    # After.
    for method, change in (("update_node", {"data": {"owner": "bob"}}),
                           ("patch_node", {"patch": {"owner": None}})):
        assert reason(caller, method, change | {"id": anns["id"]}) == "PERMISSION_DENIED", method
    assert stored(anns) == anns
    for made in ({"owner": "bob"}, {}):
        id = str(uuid4())
        assert reason(caller, "create_node", node_type_id=type_id, data=made, id=id
                      ) == "PERMISSION_DENIED"
        assert reason(caller, "get_node", id=id) == "NOT_FOUND"
    good = {"node_type_id": type_id, "data": {"owner": "ann"}}
    bad = {"node_type_id": type_id, "data": {"owner": "bob"}}
    before = there.open.call("list_nodes", tenant_id=there.world.tenant["id"])
    assert reason(caller, "create_nodes", nodes=[good, bad]) == "PERMISSION_DENIED"
    assert reason(caller, "transaction", calls=[
        {"method": "create_node", "params": good}, {"method": "create_node", "params": bad}
    ]) == "PERMISSION_DENIED"
    assert there.open.call("list_nodes", tenant_id=there.world.tenant["id"]) == before
    replies = caller.batch([request("create_node", bad), request("create_node", good)])
    assert ["error" in reply for reply in replies] == [True, False]
    # And what fits is done.
    assert caller.call("patch_node", id=anns["id"], patch={"x": 1})["node"]["version"] == 2
    assert reason(caller, "delete_node", id=anns["id"]) == "ok"


def test_a_relationship_is_part_of_the_node_that_it_starts_from(there: There) -> None:
    caller = there.caller({"write": OWN}, name="ann")
    anns, bobs = there.node(owner="ann"), there.node(owner="bob")
    out = {"source_node_id": anns["id"], "target_node_id": bobs["id"], "relationship_type": "x"}
    back = {"source_node_id": bobs["id"], "target_node_id": anns["id"], "relationship_type": "x"}
    assert reason(caller, "create_relationship", back) == "PERMISSION_DENIED"
    assert reason(caller, "create_relationships", relationships=[out, back]) == "PERMISSION_DENIED"
    assert caller.call("list_relationships", source_node_id=anns["id"])["relationships"] == []
    made = caller.call("create_relationship", out)["relationship"]
    theirs = there.open.call("create_relationship", back | {
        "tenant_id": there.world.tenant["id"]})["relationship"]
    for method, params in (("update_relationship", {"data": {"a": 1}}), ("update_relationship", {}),
                           ("patch_relationship", {"patch": {"a": 2}}),
                           ("delete_relationship", {})):
        assert reason(caller, method, params | {"id": made["id"]}) == "ok", method
        assert reason(caller, method, params | {"id": theirs["id"]}) == "PERMISSION_DENIED", method
    assert caller.call("get_relationship", id=theirs["id"])["relationship"] == theirs


def test_update_nodes_changes_what_may_be_written_and_leaves_nothing_that_may_not(
        there: There) -> None:
    caller = there.caller({"read": True, "write": OWN}, name="dan")
    dans = [there.node(owner="dan", many=n) for n in range(3)]
    there.node(owner="bob", many=0)
    more = {"filter": {"data.many": {"$exists": True}}, "update": {"$inc": {"many": 1}}}
    assert caller.call("update_nodes", more | {"max_affected": 3}) == {"updated": 3}
    assert reason(caller, "update_nodes", more | {"max_affected": 2}) == "INVALID_PARAMS"
    away = {"filter": {"data.many": 3}, "update": {"$set": {"owner": "bob"}}}
    assert reason(caller, "update_nodes", away) == "PERMISSION_DENIED"
    found = caller.call("list_nodes", filter=more["filter"], sort=["data.many"])["nodes"]
    assert [(node["data"], node["version"]) for node in found] == [
        ({"owner": "bob", "many": 0}, 1), *(({"owner": "dan", "many": n + 1}, 2) for n in range(3))]
    assert [node["id"] for node in found[1:]] == [node["id"] for node in dans]
    # Where nothing may be written, nothing fits.
    assert there.caller({"read": True}).call("update_nodes", more) == {"updated": 0}


def test_an_update_and_its_condition_are_held_to_the_rules(there: There) -> None:
    caller = there.caller({"read": True, "write": OWN}, name="ann")
    anns, bobs = there.node(owner="ann", n=1), there.node(owner="bob", n=1)
    # What is told of a row depends on whether it may be written, never on whether it fits.
    for fits in (1, 2):
        given = {"update": {"$inc": {"n": 1}}, "only_if": {"data.n": fits}}
        assert reason(caller, "patch_node", given | {"id": bobs["id"]}) == "PERMISSION_DENIED"
    gone = {"update": {"$set": {"owner": "bob"}}, "only_if": {"data.n": 1}}
    assert reason(caller, "patch_node", gone | {"id": anns["id"]}) == "PERMISSION_DENIED"
    assert reason(caller, "patch_node", given | {"id": anns["id"]}) == "PRECONDITION_FAILED"
    assert reason(caller, "delete_node", id=anns["id"], only_if={"data.n": 2}
                  ) == "PRECONDITION_FAILED"
    assert reason(caller, "delete_node", id=anns["id"], only_if={"data.n": 1}) == "ok"
    edge = there.open.relationship(bobs, bobs, data={"n": 1})
    for method in ("update_relationship", "delete_relationship"):
        for fits in (1, 2):
            assert reason(caller, method, id=edge["id"], only_if={"data.n": fits}
                          ) == "PERMISSION_DENIED"


def test_an_upsert_changes_what_may_be_written_and_finds_nothing_else_to_change(
        there: There) -> None:
    node_type = there.open.node_type(there.world.tenant, schema={
        "properties": {"sku": {"x-unique": True}}})
    anns, bobs = (there.open.node(node_type, data={"owner": name, "sku": name})
                  for name in ("ann", "bob"))
    caller, reader = there.caller({"write": OWN}, name="ann"), there.caller({"read": True})
    of = {"node_type_id": node_type["id"]}
    for method, by_name in (("upsert_node", lambda item: item),
                            ("upsert_nodes", lambda item: {"nodes": [item]})):
        for item, more in (({"id": bobs["id"], "data": {"owner": "ann", "sku": method}}, {}),
                           ({"data": {"owner": "ann", "sku": "bob"}}, {"key": ["sku"]})):
            with pytest.raises(RpcError) as refused:
                caller.call(method, by_name(of | item) | more)
            assert refused.value.reason == "ALREADY_EXISTS" and bobs["id"] not in str(
                refused.value.error)
            assert reason(reader, method, by_name(of | item) | more) == "PERMISSION_DENIED"
        for item, more in (({"id": anns["id"], "data": {"owner": "bob", "sku": "ann"}}, {}),
                           ({"data": {"owner": "bob", "sku": "ann"}}, {"key": ["sku"]}),
                           ({"data": {"owner": "bob", "sku": "new"}}, {"key": ["sku"]})):
            assert reason(caller, method, by_name(of | item) | more) == "PERMISSION_DENIED"
    found = caller.call("upsert_nodes", key=["sku"], all_or_none=False, nodes=[
        of | {"data": {"owner": "ann", "sku": sku, "n": 1}} for sku in ("ann", "bob", "new")])
    assert [one["outcome"] for one in found["outcomes"]] == ["changed", "refused", "created"]
    assert bobs["id"] not in str(found)


def test_delete_nodes_deletes_what_may_be_written(there: There) -> None:
    caller = there.caller({"write": OWN}, base="admin", name="eve")
    eves, bobs = there.node(owner="eve", old=True), there.node(owner="bob", old=True)
    assert caller.call("delete_nodes", filter={"data.old": True}, max_affected=1) == {"deleted": 1}
    assert reason(caller, "get_node", id=eves["id"]) == "NOT_FOUND"
    assert reason(caller, "get_node", id=bobs["id"]) == "ok"


def test_check_node_type_shows_what_is_seen(there: There) -> None:
    there.node(owner="check"), there.node(owner="another")
    caller = there.caller({"read": OWN}, base="admin", name="check")
    found = caller.call("check_node_type", id=there.world.node_type["id"], schema=False)
    assert [one["node"]["data"] for one in found["refused"]] == [{"owner": "check"}]
    assert found["checked"] == 1


@pytest.mark.parametrize("filter", [
    {"data.owner": {"$caller": "attributes.none"}},
    {"data.owner": {"$ne": {"$caller": "attributes.none"}}},
    {"$not": {"data.owner": {"$caller": "attributes.none"}}},
    {"$or": [{"version": 1}, {"data.owner": {"$caller": "attributes.none"}}]},
    {"version": {"$ne": {"$caller": "attributes.name"}}, "data": {"$exists": True}},
    {"id": {"$in": {"$caller": "attributes.name"}}},
    {"data.owner": {"$not": {"$startswith": {"$caller": "attributes.number"}}}},
    False])
def test_what_is_not_known_of_the_caller_lets_nothing_through(there: There, filter: Any) -> None:
    if filter and "version" in filter:
        # A text that stands for a number is known when somebody calls.
        with pytest.raises(RpcError, match="must be a whole number"):
            there.role([{"read": filter}])
        return
    caller = there.caller({"read": filter, "write": True}, name="nobody", number=1)
    assert caller.call("list_nodes")["nodes"] == []
    assert reason(caller, "create_node", node_type_id=there.world.node_type["id"]
                  ) == "PERMISSION_DENIED"


def test_what_stands_for_the_caller_is_compared_as_a_value_and_never_read_as_a_filter(
        there: There) -> None:
    one, other = there.node(team="red", who="x"), there.node(team="blue", who="y")
    reads = {"data.team": {"$in": {"$caller": "attributes.teams"}}}
    for teams, seen_by_it in (["red", "none"], [one]), ("blue", [other]), (["red", "blue"],
                                                                         [other, one]):
        assert there.caller({"read": reads}, teams=teams).call("list_nodes")["nodes"] == seen_by_it
    for value in ({"$exists": True}, [{"$ne": 1}], None, [["red"]]):
        with pytest.raises(RpcError) as refused:
            there.key("viewer", teams=value)
        assert list(refused.value.fields) == ["attributes"]
    ranked = there.node(rank=2.0)
    for operator, rank, found in (("$eq", 2, [ranked]), ("$gt", 1.5, [ranked]), ("$gt", 2, []),
                                  ("$in", [1, 2], [ranked]), ("$eq", True, []), ("$eq", "2", [])):
        caller = there.caller({"read": {"data.rank": {operator: {"$caller": "attributes.rank"}},
                                        "data.owner": {"$exists": False}}}, rank=rank)
        assert caller.call("list_nodes")["nodes"] == found, (operator, rank)
    key = there.caller({"read": {"data.who": {"$caller": "id"}}})
    id = key.call("get_caller")["caller"]["name"].partition(":")[2]
    mine = there.node(who=id)
    assert key.call("list_nodes")["nodes"] == [mine]


@pytest.mark.parametrize("grant, fitting, others", [
    ({"data.owner": {"$caller": "attributes.name"}}, "ann", [["ann"], "annabel"]),
    ({"data.owner": {"$in": {"$caller": "attributes.name"}}}, "ann", [["ann"]]),
    ({"data.owner": {"$contains": {"$caller": "attributes.name"}}}, ["bob", "ann"], ["annabel"]),
    ({"data.owner": {"$all": [{"$caller": "attributes.name"}]}}, ["bob", "ann"], ["ann"]),
    ({"data.owner": {"$elemMatch": {"id": {"$caller": "attributes.name"}}}}, [{"id": "ann"}],
     [[{"id": ["ann"]}], {"id": "ann"}])])
def test_to_a_rule_a_value_is_a_whole(
        there: There, grant: dict[str, Any], fitting: Any, others: list[Any]) -> None:
    caller = there.caller({"node_type_id": there.world.node_type["id"], "read": grant}, name="ann")
    mark = uuid4().hex
    wanted, *_ = [there.node(owner=owner, mark=mark) for owner in (fitting, *others)]
    listed = caller.call("list_nodes", filter={"data.mark": mark})
    assert [node["id"] for node in listed["nodes"]] == [wanted["id"]]


def test_a_grant_of_a_type_goes_before_that_of_all_others(there: There) -> None:
    seen_type, hidden_type = there.world.node_type["id"], there.hidden.node_type["id"]
    caller = there.caller({"node_type_id": hidden_type, "read": True}, {"read": OWN, "write": True},
                          name="ann")
    mine = there.node(owner="ann")
    found = {node["id"] for node in caller.call("list_nodes", pagination={"page_size": 1000})[
        "nodes"]}
    assert {there.hidden.node["id"], mine["id"]} <= found and there.world.node["id"] not in found
    assert reason(caller, "update_node", id=there.hidden.node["id"]) == "PERMISSION_DENIED"
    assert reason(caller, "update_node", id=mine["id"]) == "ok"
    none = there.caller({"node_type_id": seen_type, "read": False}, {"read": True})
    assert reason(none, "get_node", id=mine["id"]) == "NOT_FOUND"
    assert reason(none, "get_node", id=there.hidden.node["id"]) == "ok"


def test_who_has_no_rules_pays_nothing(there: There, statements: list[str]) -> None:
    world, key = there.world, there.key("member")
    for caller in (ANYONE, Caller("key:x", "member", world.tenant["id"])):
        for name in ("get_node", "get_relationship", "shortest_path", "delete_node"):
            params = world.params(name) | ({"version": ""} if name == "delete_node" else {})
            for asked in ("only_if", "expand"):
                params.pop(asked, None)
            plan = OPERATIONS[name].plan(Context(caller=caller), params, bytes)
            assert isinstance(plan, Statement) and plan.query is STATEMENTS["value"][name]
    one = {"id": world.node["id"]}
    for name, params, count in (("get_node", one, 1), ("list_nodes", {}, 1),
                                ("update_node", one, 1), ("update_node", one | {"data": {}}, 2)):
        key.call("get_caller")
        statements.clear()
        key.call(name, params)
        assert len(statements) == count, (name, statements)


@pytest.mark.parametrize("name", sorted(NAMES | LISTS.keys()))
def test_wherever_a_statement_reads_records_it_says_so_in_the_one_form_that_sights_know(name: str
                                                                                        ) -> None:
    query = (page_query(name, "value", (), "0", NEWEST_FIRST, True) if name in LISTS
             else STATEMENTS["value"].get(name) or filled(name, "value", "TRUE"))
    text = re.sub(r"'[^']*'|\b(INSERT INTO|UPDATE|DELETE FROM) \w+", "", query.text.decode())
    left = _TABLE.sub(b"", text.encode()).decode()
    assert not re.search(r"(\b(FROM|JOIN|USING|ONLY|TABLE)\b|,)\s*(nodes|relationships)\b", left)
    sight = Sight("n.version = %(a)s", "TRUE")
    assert ("a" in seen(query, sight).arguments) is (left != text)


def test_two_callers_of_one_role_see_each_their_own(there: There) -> None:
    role = there.role([{"read": OWN}])["name"]
    for name, mine in [(name, there.node(owner=name)) for name in ("role a", "role b")]:
        assert there.key(role, name=name).call("list_nodes")["nodes"] == [mine]


@pytest.mark.parametrize("method, change", [
    ("update_relationship", {"relationship_type": "mine"}), ("delete_relationship", {}),
    ("patch_relationship", {"patch": {"mine": 1}})])
def test_who_waited_for_a_relationship_looks_at_its_nodes_anew(there: There, method: str,
                                                               change: dict[str, Any]) -> None:
    caller = there.caller({"read": OWN, "write": True}, name="waits")
    mine, target = (there.node(owner="waits") for _ in range(2))
    edge = there.open.relationship(mine, target)
    with ThreadPoolExecutor(1) as threads:
        with locked(there.open, "nodes", mine) as other:
            other.execute("UPDATE nodes SET data = '{}' WHERE id = %s", (mine["id"],))
            other.execute("UPDATE relationships SET data = '{\"theirs\": 1}' WHERE id = %s",
                          (edge["id"],))
            told = threads.submit(reason, caller, method, {"id": edge["id"]} | change)
            waiting(there.open, 1)
        assert told.result() == "NOT_FOUND"
    kept = there.open.call("get_relationship", tenant_id=mine["tenant_id"], id=edge["id"])
    assert kept["relationship"]["data"] == {"theirs": 1}
