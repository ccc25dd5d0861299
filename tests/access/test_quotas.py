"""Quotas: a tenant has no more nodes, relationships and bytes than it may, whoever writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flexdb.config import Settings
from flexdb.db.connection import Connection
from flexdb.plan import Statement
from tests.support import postgres
from tests.support.served import Served, variables_of
from tests.support.service import RpcError, Service, request
from tests.support.waiting import wait_until

pytestmark = pytest.mark.both_doors


@pytest.fixture(scope="module")
def service(new_database: Callable[..., Settings], request: pytest.FixtureRequest
            ) -> Iterator[Service]:
    """The service where every tenant may have 5 nodes, 3 relationships and 1,000 bytes."""
    service = Service.of(new_database(max_nodes=5, max_relationships=3, max_bytes=1000),
                         request.param)
    yield service
    service.close()


def refused(call: Callable[[], Any]) -> dict[str, Any]:
    with pytest.raises(RpcError) as error:
        call()
    assert (error.value.code, error.value.reason) == (-32013, "QUOTA_EXCEEDED")
    data: dict[str, Any] = error.value.error["data"]
    assert data["retryable"] is False
    return {name: data[name] for name in ("limit", "most", "used")}


def used(service: Service, tenant: dict[str, Any]) -> tuple[int, int, int]:
    limits = service.call("get_limits", tenant_id=tenant["id"])["limits"]
    return limits["used_nodes"], limits["used_relationships"], limits["used_bytes"]


def weighed(service: Service, tenant: dict[str, Any]) -> tuple[int, int, int]:
    """Count and weigh the rows themselves."""
    with postgres.connect(service.settings) as connection:
        row = connection.execute("""
            SELECT (SELECT count(*) FROM nodes WHERE tenant_id = %(id)s),
                   (SELECT count(*) FROM relationships WHERE tenant_id = %(id)s),
                   (SELECT coalesce(sum(octet_length(json::text)), 0) FROM (
                       SELECT data AS json FROM nodes WHERE tenant_id = %(id)s
                       UNION ALL SELECT data FROM relationships WHERE tenant_id = %(id)s
                       UNION ALL SELECT schema FROM node_types WHERE tenant_id = %(id)s) j)""",
                                 {"id": tenant["id"]}).fetchone()
    assert row
    return row


def test_a_node_too_many_is_refused_and_one_that_is_deleted_makes_room(service: Service) -> None:
    tenant = service.tenant()
    node_type = service.node_type(tenant)
    nodes = [service.node(node_type) for _ in range(5)]
    for _ in range(2):
        assert refused(lambda: service.node(node_type)) == {
            "limit": "nodes", "most": 5, "used": 5}
    other = service.tenant()
    service.node(service.node_type(other))
    service.call("delete_node", tenant_id=tenant["id"], id=nodes[0]["id"])
    service.node(node_type)
    assert refused(lambda: service.node(node_type))
    assert used(service, tenant) == weighed(service, tenant) == (5, 0, 10)


def test_relationships_have_a_limit_of_their_own(service: Service) -> None:
    node_type = service.node_type(tenant := service.tenant())
    one, two = (service.node(node_type) for _ in range(2))
    for _ in range(3):
        service.relationship(one, two)
    assert refused(lambda: service.relationship(two, one)) == {
        "limit": "relationships", "most": 3, "used": 3}
    # They go with their node, and make room.
    service.call("delete_node", tenant_id=tenant["id"], id=two["id"])
    two = service.node(node_type)
    assert service.relationship(one, two)


@pytest.mark.parametrize("method", ["create_node", "update_node", "patch_node",
                                    "create_relationship", "update_relationship",
                                    "patch_relationship", "create_node_type", "update_node_type"])
def test_bytes_are_those_of_all_json(service: Service, method: str) -> None:
    tenant = service.tenant()
    node_type = service.node_type(tenant)
    node = service.node(node_type)
    edge = service.relationship(node, node)
    verb, _, kind = method.partition("_")
    id = {"node": node, "relationship": edge, "node_type": node_type}[kind]["id"]
    member = "schema" if kind == "node_type" else "patch" if verb == "patch" else "data"

    def write(length: int) -> Any:
        text = {"x" if kind != "node_type" else "title": "a" * length}
        params: dict[str, Any] = {"tenant_id": tenant["id"], member: text}
        if verb != "create":
            return service.call(method, params | {"id": id})
        return service.call(method, params | {
            "node": {"node_type_id": node_type["id"]},
            "relationship": {"source_node_id": node["id"], "target_node_id": node["id"],
                             "relationship_type": "is"},
            "node_type": {"name": "Another"}}[kind])

    before = used(service, tenant)[2]
    room = 1000 - before - len('{"x": ""}') - 4 * (kind == "node_type")
    room += 2 * (verb != "create" and kind != "node_type")
    assert refused(lambda: write(room + 1)) == {"limit": "bytes", "most": 1000, "used": before}
    write(room)
    assert used(service, tenant) == weighed(service, tenant) and used(service, tenant)[2] == 1000


def test_above_a_lowered_limit_all_but_more_is_let_through(service: Service) -> None:
    tenant = service.tenant()
    node_type = service.node_type(tenant)
    nodes = [service.node(node_type, data={"a": "b" * 50}) for _ in range(4)]
    service.call("update_limits", tenant_id=tenant["id"], max_nodes=2, max_bytes=20)
    of = {"tenant_id": tenant["id"], "id": nodes[0]["id"]}
    assert refused(lambda: service.node(node_type)) == {"limit": "nodes", "most": 2, "used": 4}
    assert refused(lambda: service.call("update_node", of | {"data": {"a": "b" * 51}}))[
        "limit"] == "bytes"
    # As much, less, the names of things, deletes.
    service.call("update_node", of | {"data": {"a": "c" * 50}})
    service.call("patch_node", of | {"patch": {"a": "b"}})
    service.call("update_node_type", tenant_id=tenant["id"], id=node_type["id"], name="Renamed")
    service.call("delete_node", tenant_id=tenant["id"], id=nodes[1]["id"])
    assert service.call("list_nodes", tenant_id=tenant["id"])["pagination"]["total_count"] == 3
    service.call("update_limits", tenant_id=tenant["id"], max_nodes=0, max_bytes=0)
    wait_until(lambda: not _fails(lambda: service.node(node_type)), 10)


def _fails(call: Callable[[], Any]) -> bool:
    try:
        call()
        return False
    except RpcError:
        return True


def test_of_many_at_once_all_are_made_or_none(service: Service) -> None:
    tenant = service.tenant()
    node_type = service.node_type(tenant)
    item = {"node_type_id": node_type["id"], "data": {"a": 1}}
    make = partial(service.call, "create_nodes", tenant_id=tenant["id"])
    assert refused(lambda: make(nodes=[item] * 6)) == {"limit": "nodes", "most": 5, "used": 0}
    (one, *_) = make(nodes=[item] * 4)["nodes"]
    assert refused(lambda: make(nodes=[item] * 2))["used"] == 4
    edges = {"tenant_id": tenant["id"], "relationships": [
        {"source_node_id": one["id"], "target_node_id": one["id"], "relationship_type": "is"}] * 4}
    assert refused(lambda: service.call("create_relationships", edges))["limit"] == "relationships"
    assert used(service, tenant) == weighed(service, tenant) == (4, 0, 32)


def test_a_transaction_is_asked_for_what_it_leaves(service: Service) -> None:
    tenant, other = service.tenant(), service.tenant()
    node_type = service.node_type(tenant)
    nodes = [service.node(node_type) for _ in range(5)]

    def call(method: str, **params: Any) -> dict[str, Any]:
        return {"method": method, "params": {"tenant_id": tenant["id"]} | params}

    create = call("create_node", node_type_id=node_type["id"])
    delete = call("delete_node", id=nodes[0]["id"])
    run = partial(service.call, "transaction")
    for dry_run in (False, True):
        assert refused(partial(run, calls=[create], dry_run=dry_run))["used"] == 5
        # Of two tenants' things, those of the other are taken back too.
        assert refused(partial(run, calls=[
            call("create_node_type", tenant_id=other["id"], name="T"), create], dry_run=dry_run))
    assert refused(lambda: run(calls=[create, delete, create]))
    # One is made before one is deleted, and none is more at the end.
    assert len(run(calls=[create, delete])["results"]) == 2
    assert used(service, tenant) == weighed(service, tenant) == (5, 0, 10)
    assert service.call("list_node_types", tenant_id=other["id"])["node_types"] == []


def test_of_a_batch_what_fits_is_made_and_what_does_not_is_refused(service: Service) -> None:
    tenants = [service.tenant() for _ in range(2)]
    types = [service.node_type(tenant) for tenant in tenants]
    replies = service.batch([request("create_node", {
        "tenant_id": types[place % 2]["tenant_id"], "node_type_id": types[place % 2]["id"]}, place)
        for place in range(14)])
    assert ["error" in reply for reply in replies] == [False] * 10 + [True] * 4
    assert {reply["error"]["data"]["reason"] for reply in replies[10:]} == {"QUOTA_EXCEEDED"}
    assert [used(service, tenant) for tenant in tenants] == [(5, 0, 10)] * 2


WRITE = st.tuples(
    st.sampled_from(["create", "create", "update", "patch", "delete", "edge", "many"]),
    st.integers(0, 4), st.integers(0, 300))


@pytest.mark.longest
@pytest.mark.long
@settings(max_examples=40, derandomize=True,
          suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(writes=st.lists(WRITE, min_size=1, max_size=25))
def test_whatever_is_written_what_is_used_is_what_is_there_and_never_more_than_may_be(
        service: Service, writes: list[tuple[str, int, int]]) -> None:
    tenant = service.tenant()
    of = {"tenant_id": tenant["id"]}
    node_type = service.node_type(tenant)
    living: list[str] = []
    for verb, place, length in writes:
        data, id = {"a": "x" * length}, living[place % len(living)] if living else ""
        before = weighed(service, tenant)
        try:
            if verb == "create":
                living.append(service.node(node_type, data=data)["id"])
            elif verb == "many":
                living += [node["id"] for node in service.call("create_nodes", of | {"nodes": [
                    {"node_type_id": node_type["id"], "data": data}] * (place + 1)})["nodes"]]
            elif not id:
                continue
            elif verb == "update":
                service.call("update_node", of | {"id": id, "data": data})
            elif verb == "patch":
                service.call("patch_node", of | {"id": id, "patch": data})
            elif verb == "edge":
                service.relationship({"id": id} | of, {"id": living[0]}, data=data)
            else:
                service.call("delete_node", of | {"id": id})
                living.remove(id)
        except RpcError as error:
            assert error.reason == "QUOTA_EXCEEDED" and weighed(service, tenant) == before
        there = weighed(service, tenant)
        assert used(service, tenant) == there
        assert all(have <= most for have, most in zip(there, (5, 3, 1000)))


def test_who_has_no_quota_sends_what_was_always_sent(
        service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []
    fetch = Connection.fetch

    def noting(self: Connection, statement: Statement) -> Any:
        sent.append(statement.name)
        return fetch(self, statement)

    free = Service.of(replace(service.settings, max_nodes=0, max_relationships=0, max_bytes=0),
                      service.door)
    node_type = free.node_type(free.tenant())
    free.node(node_type)
    monkeypatch.setattr(Connection, "fetch", noting)
    for _ in range(20):
        free.node(node_type)
    # But for once a second, when the tenants' own limits are asked for.
    assert [name for name in sent if name != "list_own_limits"] == ["create_node"] * 20
    free.close()


def test_who_comes_second_waits_until_the_first_is_committed_and_sees_what_it_took(
        service: Service) -> None:
    tenant = service.tenant()
    node_type = service.node_type(tenant)
    nodes = [service.node(node_type) for _ in range(4)]
    for taken, end in (("COMMIT", True), ("ROLLBACK", False)):
        with postgres.connect(service.settings) as first, ThreadPoolExecutor(1) as threads, \
                postgres.connect(service.settings) as observer:
            first.execute("BEGIN")
            first.execute("INSERT INTO nodes (tenant_id, id, node_type_id)"
                          " VALUES (%s, gen_random_uuid(), %s)", [tenant["id"], node_type["id"]])
            assert first.execute("SELECT exceeded FROM flexdb_check_quota(%s, 5, 0, 0)",
                                 [tenant["id"]]).fetchall() == []
            second = threads.submit(_fails, lambda: service.node(node_type))
            wait_until(lambda: observer.execute(
                "SELECT FROM pg_stat_activity WHERE datname = current_database()"
                " AND cardinality(pg_blocking_pids(pid)) > 0").fetchall(), 60)
            first.execute(taken.encode())
            assert second.result(60) is end
        if end:
            service.call("delete_node", tenant_id=tenant["id"], id=nodes[0]["id"])
    assert used(service, tenant) == weighed(service, tenant) == (5, 0, 10)


@pytest.mark.longest
@pytest.mark.long
def test_eight_clients_of_several_processes_make_all_that_there_is_room_for_and_no_more(
        service: Service, tmp_path: Path) -> None:
    tenants = [service.tenant() for _ in range(2)]
    types = [service.node_type(tenant) for tenant in tenants]
    most = 400
    variables = variables_of(service.settings, WORKERS=3, MAX_NODES=most, MAX_BYTES=most * 20)
    with Served(tmp_path, **variables).wait() as served:
        def create(place: int) -> dict[str, Any]:
            of = types[place % 2]
            return {"tenant_id": of["tenant_id"], "node_type_id": of["id"], "data": {"a": place}}

        def client(number: int) -> set[str]:
            reasons = set()
            for turn in range(40):
                own, kind = create(number + turn), (number + turn) % 4
                other = create(number + turn + 1)
                if kind == 0:
                    replies = [served.call("create_node", **own)]
                elif kind == 1:
                    replies = [served.call("create_nodes", tenant_id=own["tenant_id"], nodes=[
                        {"node_type_id": own["node_type_id"], "data": own["data"]}] * 9)]
                elif kind == 2:
                    replies = [served.call("transaction", calls=[
                        {"method": "create_node", "params": one} for one in (own, other) * 3])]
                else:
                    replies = served.get("/jsonrpc", "POST", orjson.dumps([
                        request("create_node", one) for one in (other, own) * 3]).decode())[1]
                reasons |= {reply["error"]["data"]["reason"] for reply in replies
                            if "error" in reply}
            return reasons

        with postgres.connect(service.settings) as connection, ThreadPoolExecutor(8) as threads:
            assert set().union(*threads.map(client, range(8))) == {"QUOTA_EXCEEDED"}
            assert connection.execute("SELECT deadlocks FROM pg_stat_database"
                                      " WHERE datname = current_database()").fetchone() == (0,)
        # What is left is less than what they asked for at once.
        for place in range(2):
            while "error" not in served.call("create_node", **create(place)):
                pass
    for tenant in tenants:
        assert used(service, tenant) == weighed(service, tenant)
        assert weighed(service, tenant)[0] == most


def test_a_tenant_has_a_thousand_keys_at_most(service: Service) -> None:
    tenant, other = service.tenant(), service.tenant()
    make = partial(service.call, "create_key", name="A key")
    (one, _) = (make(tenant_id=tenant["id"])["key"] for _ in range(2))
    with postgres.connect(service.settings) as connection:
        connection.execute("""
            INSERT INTO flexdb_keys (id, tenant_id, name, role, hash, hint, created_by, expires_at)
            SELECT gen_random_uuid(), tenant_id, name, role, n::text::bytea, hint, created_by,
                   expires_at
            FROM flexdb_keys, generate_series(1, 998) n WHERE id = %s""", [one["id"]])
    assert refused(lambda: make(tenant_id=tenant["id"])) == {
        "limit": "keys", "most": 1000, "used": 1000}
    # What it would have replaced goes on as before.
    refused(lambda: make(tenant_id=tenant["id"], replaces=one["id"], overlap=0))
    listed = service.call("list_keys", tenant_id=tenant["id"])["keys"]
    assert one["expires_at"] in [key["expires_at"] for key in listed]
    assert make(tenant_id=other["id"])
    service.call("delete_key", tenant_id=tenant["id"], id=one["id"])
    assert make(tenant_id=tenant["id"])
