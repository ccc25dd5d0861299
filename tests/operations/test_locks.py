"""Calls that write the same rows in other orders wait for each other, and never in a circle."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest

from flexdb.access.callers import Caller
from flexdb.contract.locks import lock_of, table_of
from flexdb.contract.operation import OPERATIONS, READS
from flexdb.plan import Lock
from flexdb.sql.locks import lock_statements
from tests.support import postgres
from tests.support.locks import locked, statistic, waiting
from tests.support.service import RpcError, Service, request
from tests.support.world import World

Call = tuple[str, dict[str, Any]]

# What writes a row that is there: its table, and what else it is told.
WRITES: list[tuple[str, str, dict[str, Any]]] = [
    ("update_node", "node", {}), ("update_node", "node", {"data": {"by": 1}}),
    ("patch_node", "node", {"patch": {"by": 1}}), ("delete_node", "node", {}),
    ("update_relationship", "relationship", {"data": {"by": 1}}),
    ("patch_relationship", "relationship", {"patch": {"by": 1}}),
    ("delete_relationship", "relationship", {}),
    ("update_node_type", "node_type", {"description": "x"}), ("delete_node_type", "node_type", {}),
    ("update_tenant", "tenant", {"name": "B"}), ("update_user", "user", {"display_name": "B"}),
    ("delete_user", "user", {}), ("add_user_to_tenant", "member", {"role": "x"}),
    ("remove_user_from_tenant", "member", {})]


@pytest.fixture
def service(new_service: Callable[..., Service]) -> Service:
    service = new_service()
    with postgres.connect(service.settings) as owner:
        owner.execute(f"ALTER DATABASE {service.settings.db_name} SET deadlock_timeout = '50ms'"
                      .encode())
    return service


class Rows:
    """Rows of each kind, one after the other in one tenant."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.of = service.tenant()
        self.type = service.node_type(self.of)

    def node(self, node_type: Any = None) -> Any:
        return self.service.node(node_type or self.type)

    def call(self, method: str, made: str, more: dict[str, Any]) -> Call:
        """Return a call that writes a row which is made for it."""
        service = self.service
        if made == "member":
            params = {"tenant_id": self.of["id"], "user_id": service.user()["id"]}
            service.call("add_user_to_tenant", params)
            return method, params | more
        row = (self.node() if made == "node" else
               service.relationship(self.node(), self.node()) if made == "relationship" else
               service.node_type(self.of) if made == "node_type" else getattr(service, made)())
        key = {name: row[name] for name in ("tenant_id", "id") if name in row}
        return method, key | more


def send(service: Service, how: str, calls: list[Call]) -> list[str]:
    """Send calls in one transaction or in one batch, and return what each is told."""
    if how == "batch":
        return [reply["error"]["data"]["reason"] if "error" in reply else "done"
                for reply in service.batch([request(*call) for call in calls])]
    try:
        service.call("transaction", calls=[{"method": method, "params": params}
                                           for method, params in calls])
        return ["done"] * len(calls)
    except RpcError as error:
        return [error.reason]


def fight(service: Service, how: str, first: Call, second: Call, gate: Any) -> list[str]:
    """Have two write the same two rows in opposite orders, and hold both up in between."""
    middle = "update_node", {"tenant_id": gate["tenant_id"], "id": gate["id"]}
    with ThreadPoolExecutor() as threads:
        with locked(service, "nodes", gate):
            sent = [threads.submit(send, service, how, [one, middle, other])
                    for one, other in ((first, second), (second, first))]
            waiting(service, 2)
        return [word for one in sent for word in one.result()]


@pytest.mark.long
@pytest.mark.parametrize("how", ["transaction", "batch"])
@pytest.mark.parametrize("write", WRITES, ids=lambda write: f"{write[0]} {' '.join(write[2])}")
def test_two_that_write_two_rows_in_opposite_orders_do_not_deadlock(
        service: Service, how: str, write: Any) -> None:
    rows = Rows(service)
    told = fight(service, how, rows.call(*write), rows.call(*write), rows.node())
    gone = write[0].startswith(("delete_", "remove_"))
    # Of two who delete the same, one comes too late.
    assert set(told) == ({"done", "NOT_FOUND"} if gone else {"done"})
    assert statistic(service, "deadlocks") == 0


@pytest.mark.long
@pytest.mark.parametrize("how", ["transaction", "batch"])
@pytest.mark.parametrize("first, second", [
    (("update_relationship", "relationship", {}), ("update_node", "node", {"data": {}})),
    (("update_user", "user", {}), ("update_tenant", "tenant", {})),
    (("update_node_type", "node_type", {"schema": {}}), ("update_node", "node", {"data": {}})),
    (("add_user_to_tenant", "member", {}), ("patch_node", "node", {"patch": {}}))])
def test_rows_of_several_kinds_are_taken_in_one_order_too(
        service: Service, how: str, first: Any, second: Any) -> None:
    rows = Rows(service)
    assert set(fight(service, how, rows.call(*first), rows.call(*second), rows.node())) == {"done"}
    assert statistic(service, "deadlocks") == 0


@pytest.mark.parametrize("how", ["transaction", "batch"])
def test_nodes_that_share_relationships_are_deleted_without_a_deadlock(
        service: Service, how: str) -> None:
    rows = Rows(service)
    nodes = [[rows.node(), rows.node()] for _ in range(2)]
    for one, other in (nodes, nodes[::-1]):
        for source, target in zip(one, other):
            service.relationship(source, target)
    gate = rows.node()
    calls: list[list[Call]] = [
        [("delete_node", {"tenant_id": node["tenant_id"], "id": node["id"]}) for node in pair]
        for pair in nodes]
    middle = "update_node", {"tenant_id": gate["tenant_id"], "id": gate["id"]}
    with ThreadPoolExecutor() as threads:
        with locked(service, "nodes", gate):
            sent = [threads.submit(send, service, how, [*pair, middle]) for pair in calls]
            waiting(service, 2)
        assert [word for one in sent for word in one.result()] == ["done"] * 6
    assert statistic(service, "deadlocks") == 0


def test_deletions_by_filters_whose_nodes_share_relationships_do_not_deadlock(
        service: Service) -> None:
    node_type = service.node_type(service.tenant())
    left, right, *held = [service.node(node_type, data={"side": side}) for side in "lrxx"]
    service.relationship(left, right)
    service.relationship(right, left)
    # Each is held up after it has found the first of them.
    gates = [service.relationship(node, gate) for node, gate in zip((left, right), held)]
    with ThreadPoolExecutor() as threads:
        with locked(service, "relationships", gates[0]), locked(service, "relationships", gates[1]):
            sent = [threads.submit(service.call, "delete_nodes", {
                "tenant_id": left["tenant_id"], "filter": {"data.side": side}}) for side in "lr"]
            waiting(service, 2)
        assert [one.result() for one in sent] == [{"deleted": 1}] * 2
    assert statistic(service, "deadlocks") == 0


def test_only_what_still_fits_when_it_is_its_turn_is_deleted(service: Service) -> None:
    node_type = service.node_type(service.tenant())
    nodes = [service.node(node_type, data={"old": True}) for _ in range(3)]
    with ThreadPoolExecutor() as threads:
        with locked(service, "nodes", nodes[1]) as holder:
            sent = threads.submit(service.call, "delete_nodes", {
                "tenant_id": node_type["tenant_id"], "filter": {"data.old": True}})
            waiting(service, 1)
            holder.execute("UPDATE nodes SET data = '{}' WHERE id = %s", [nodes[1]["id"]])
        assert sent.result() == {"deleted": 2}
    (left,) = service.call("list_nodes", tenant_id=node_type["tenant_id"])["nodes"]
    assert left["id"] == nodes[1]["id"]


@pytest.mark.long
def test_thirty_pairs_in_opposite_orders_all_come_to_their_end(
        new_service: Callable[..., Service]) -> None:
    service = new_service(db_pool_size=30, db_pool_queue=60, threads=100, db_pool_timeout=60,
                          statement_timeout=60)
    rows = Rows(service)
    calls: list[Call] = [rows.call("update_node", "node", {"data": {"by": n}}) for n in range(2)]
    look = "get_node", calls[0][1] | {}
    look[1].pop("data")
    with ThreadPoolExecutor(60) as threads:
        told = list(threads.map(
            lambda n: send(service, "transaction", [
                calls[n % 2], *[look] * 10, calls[1 - n % 2]]), range(60)))
    assert told == [["done"] * 12] * 60
    assert statistic(service, "deadlocks") == 0


@pytest.mark.parametrize("how", ["transaction", "batch"])
def test_what_writes_no_two_rows_that_are_there_sends_no_further_statement(
        service: Service, sent: list[str], how: str) -> None:
    rows = Rows(service)
    update, other, edge = (rows.call(*WRITES[place]) for place in (0, 0, 4))
    new = {"tenant_id": rows.of["id"], "node_type_id": rows.type["id"]}
    for calls in ([update], [update, update], [update, ("get_node", update[1]),
                                               ("create_node", new), ("create_node", new)]):
        sent.clear()
        assert set(send(service, how, calls)) == {"done"}
        assert not [name for name in sent if name.startswith("lock_")], calls
    for calls, wanted in (([update, other], 1), ([update, other, update, edge], 1)):
        sent.clear()
        assert set(send(service, how, calls)) == {"done"}
        assert [name for name in sent if name.startswith("lock_")] == ["lock_changed"] * wanted
        assert sent[0] == "lock_changed"


def test_every_operation_that_writes_a_row_by_its_id_says_which(service: Service) -> None:
    world = World(service)
    for name, operation in OPERATIONS.items():
        found = lock_of(operation, world.params(name))
        stored = operation.effect is not READS and name.split("_")[0] in (
            "update", "patch", "delete", "add", "remove") and name not in (
                # Many are found by a filter; of these others nobody writes several at once.
                "update_nodes", "delete_nodes", "delete_key", "delete_operator_key",
                "update_role", "delete_role", "update_limits", "delete_invitation",
                "update_relationship_type", "delete_relationship_type",
                "update_webhook", "delete_webhook")
        assert (found is not None) is (table_of(operation) is not None) is stored, name
        if found:
            by_position = lock_of(operation, list(world.params(name).values()))
            assert found == by_position and found.deletes is name.startswith(("delete", "remove"))


@pytest.mark.parametrize("params", [
    None, 1, "x", [], {}, [1], {"id": 1, "tenant_id": 2},
    {"id": "$a.id", "tenant_id": str(uuid4())},
    {"id": str(uuid4())}, {"id": str(uuid4()), "tenant_id": "x"},
    {"id": [], "tenant_id": str(uuid4())}, {"id": None, "tenant_id": None}])
def test_what_names_no_row_locks_none(params: Any) -> None:
    assert lock_of(OPERATIONS["update_node"], params) is None


def test_one_row_is_one_however_its_id_is_written() -> None:
    of, id = str(uuid4()), str(uuid4())
    same = [lock_of(OPERATIONS["update_node"], {"tenant_id": of, "id": spelt})
            for spelt in (id, id.upper())]
    assert same == [Lock("nodes", of, id)] * 2
    assert lock_statements([lock for lock in same if lock]) == []
    assert lock_statements([Lock("nodes", of, id), Lock("nodes", of, id, True)]) == []


def test_a_batch_of_what_is_no_call_is_answered_as_before(service: Service) -> None:
    rows = Rows(service)
    good = rows.call("update_node", "node", {})
    told = service.batch([1, {"method": []}, {"jsonrpc": "2.0", "method": "update_node", "id": 1,
                                              "params": 7}, request(*good), request(*good)])
    assert [reply.get("error", {}).get("code", 0) for reply in told] == [-32600] * 3 + [0, 0]


def test_of_a_caller_s_own_tenant_alone_rows_are_told(service: Service) -> None:
    world = World(service)
    id = world.tenant["id"]
    own, other = (Caller("key:a", "owner", tenant_id) for tenant_id in (id, str(uuid4())))
    for name, operation in OPERATIONS.items():
        params = world.params(name)
        if operation.tenant and lock_of(operation, params):
            expected = lock_of(operation, params)
            assert lock_of(operation, params, own) == expected
            without = {key: value for key, value in params.items() if key != operation.tenant}
            assert lock_of(operation, without, own) == expected
            assert lock_of(operation, params, other) is None
            assert lock_of(operation, params | {operation.tenant: id.upper()}, own) == expected
