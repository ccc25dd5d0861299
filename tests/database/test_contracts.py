"""Contracts are held by the database: whoever writes, at once with others, by COPY or by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from flexdb.config import Settings
from flexdb.errors import AlreadyExists, InvalidParams
from tests.support.callers import closed, with_key
from tests.support.postgres import connect
from tests.support.row_security import switched_on
from tests.support.service import RpcError, Service
from tests.support.transfers import small, taken, written
from tests.support.waiting import wait_until

WRITERS = 8


@pytest.fixture(scope="module")
def service(new_database: Callable[..., Settings]) -> Iterator[Service]:
    """The service on a database of this file, at which others wait."""
    service = Service.of(new_database())
    yield service
    service.close()


@pytest.fixture
def nodes(service: Service) -> list[Any]:
    node_type = service.node_type(service.tenant())
    return [service.node(node_type) for _ in range(WRITERS)]


@pytest.fixture
def database(service: Service) -> Iterator[psycopg.Connection]:
    with connect(service.settings) as connection:
        yield connection


def contract(service: Service, node: Any, **given: Any) -> Any:
    return service.relationship_type({"id": node["tenant_id"]}, name="of", **given)


def insert(connection: psycopg.Connection, source: Any, target: Any) -> str:
    id = str(uuid4())
    connection.execute(
        "INSERT INTO relationships (tenant_id, id, source_node_id, target_node_id,"
        " relationship_type) VALUES (%s, %s, %s, %s, 'of')",
        (source["tenant_id"], id, source["id"], target["id"]))
    return id


def at_once(*works: Callable[[], Any]) -> list[Any]:
    """Do works at once, and return what each gave, or the error that it met."""
    def done(work: Callable[[], Any]) -> Any:
        try:
            return work()
        except RpcError as error:
            return error

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(done, works))


@pytest.mark.parametrize("given, reason", [
    ({"cardinality": "n:1"}, "ALREADY_EXISTS"), ({"unique_pair": True}, "ALREADY_EXISTS")])
def test_of_writers_at_once_as_many_come_through_as_may(
        service: Service, nodes: list[Any], given: dict[str, Any], reason: str) -> None:
    contract(service, nodes[0], **given)
    told = at_once(*[lambda: service.relationship(nodes[0], nodes[1], relationship_type="of")
                     ] * WRITERS)
    refused = [one.reason for one in told if isinstance(one, RpcError)]
    assert refused == [reason] * (WRITERS - 1)


def test_writers_at_once_close_no_circle(service: Service, nodes: list[Any]) -> None:
    contract(service, nodes[0], acyclic=True)
    told = at_once(*[
        lambda source=source, target=target: service.relationship(
            source, target, relationship_type="of")
        for source, target in zip(nodes, nodes[1:] + nodes[:1])])
    (refused,) = [one for one in told if isinstance(one, RpcError)]
    assert refused.fields == {
        "target_node_id": ["leads back to the source, and relationships of this type may not"]}


def test_a_contract_waits_for_who_writes_and_looks_at_what_was_written(
        service: Service, nodes: list[Any], database: psycopg.Connection) -> None:
    with connect(service.settings) as writer:
        writer.autocommit = False
        made = insert(writer, nodes[0], nodes[0])

        def commit() -> None:
            wait_until(lambda: database.execute(
                "SELECT FROM pg_stat_activity WHERE datname = current_database()"
                " AND wait_event_type = 'Lock'").fetchall(), 60)
            writer.commit()

        refused, _ = at_once(lambda: contract(service, nodes[0], acyclic=True), commit)
    assert refused.error["data"]["broken_by"] == [
        {"relationship_id": made, "parameter": "acyclic"}]


def test_data_is_held_against_a_schema_that_came_while_it_waited(
        service: Service, nodes: list[Any], database: psycopg.Connection) -> None:
    node = nodes[0]
    with connect(service.settings) as other:
        other.autocommit = False
        other.execute("INSERT INTO flexdb_relationship_types (tenant_id, id, name, schema)"
                      " VALUES (%s, %s, 'of', '{\"required\": [\"a\"]}')",
                      (node["tenant_id"], str(uuid4())))

        def commit() -> None:
            wait_until(lambda: database.execute(
                "SELECT FROM pg_stat_activity WHERE datname = current_database()"
                " AND wait_event_type = 'Lock'").fetchall(), 60)
            other.commit()

        refused, _ = at_once(
            lambda: service.relationship(node, node, relationship_type="of"), commit)
    assert refused.fields == {"data": ["violates the relationship type's schema"]}


def test_a_node_is_kept_by_a_relationship_that_came_while_it_was_to_be_deleted(
        service: Service, nodes: list[Any], database: psycopg.Connection) -> None:
    contract(service, nodes[0], on_delete="restrict")
    source, target = nodes[:2]
    key = {"tenant_id": target["tenant_id"], "id": target["id"]}
    with connect(service.settings) as writer:
        writer.autocommit = False
        insert(writer, source, target)

        def commit() -> None:
            wait_until(lambda: database.execute(
                "SELECT FROM pg_stat_activity WHERE datname = current_database()"
                " AND wait_event_type = 'Lock'").fetchall(), 60)
            writer.commit()

        kept, _ = at_once(lambda: service.call("delete_node", key), commit)
    assert kept.reason == "IN_USE"


def test_other_programs_obey_too(service: Service, nodes: list[Any], database: psycopg.Connection
                                 ) -> None:
    contract(service, nodes[0], cardinality="1:1", acyclic=True)
    insert(database, nodes[0], nodes[1])
    for source, target in ((nodes[0], nodes[2]), (nodes[2], nodes[1]), (nodes[1], nodes[0])):
        with pytest.raises(psycopg.errors.CheckViolation, match="the contract"):
            insert(database, source, target)
    with pytest.raises(psycopg.errors.CheckViolation):
        database.execute("UPDATE relationships SET target_node_id = source_node_id"
                         " WHERE tenant_id = %s", (nodes[0]["tenant_id"],))
    database.execute("UPDATE relationships SET target_node_id = %s WHERE tenant_id = %s",
                     (nodes[2]["id"], nodes[0]["tenant_id"]))
    insert(database, nodes[3], nodes[1])


@pytest.mark.parametrize("given, wrong, error", [
    ({"cardinality": "1:1"}, (0, 2), AlreadyExists), ({"acyclic": True}, (2, 0), InvalidParams),
    ({"unique_pair": True}, (0, 1), AlreadyExists),
    ({"target_node_type_ids": [str(UUID(int=99))]}, (0, 1), InvalidParams)])
def test_an_import_obeys_and_names_the_line(new_database: Callable[..., Settings],
                                            given: dict[str, Any], wrong: tuple[int, int],
                                            error: type[Exception]) -> None:
    database, lines = new_database(), small()
    lines.insert(4, {"relationship_type": {"name": "depends_on", **given}})
    edge = dict(lines[-1]["relationship"], id=str(uuid4()),
                **dict(zip(("source_node_id", "target_node_id"),
                           (lines[5 + place]["node"]["id"] for place in wrong))))
    if "target_node_type_ids" in given:
        del lines[-2:]
    lines.append({"relationship": edge})
    # Of a circle, any is the one that closes it.
    with pytest.raises(error, match="line (9|10|11): relationship\\.(source|target)_node_id"):
        taken(database, written(lines))
    del lines[-1]
    assert taken(database, written(lines))["relationship_type"] == 1


def test_a_relationship_s_keys_go_with_it_and_with_the_type(
        service: Service, nodes: list[Any], database: psycopg.Connection) -> None:
    def keys() -> int:
        row = database.execute("SELECT count(*) FROM flexdb_relationship_keys k"
                               " WHERE k.tenant_id = %s", (nodes[0]["tenant_id"],)).fetchone()
        return int(row[0]) if row else 0

    made = contract(service, nodes[0], cardinality="n:1")
    for node in nodes[:3]:
        insert(database, node, nodes[3])
    assert keys() == 3
    service.call("delete_node", tenant_id=nodes[0]["tenant_id"], id=nodes[0]["id"])
    assert keys() == 2
    service.call("update_relationship_type", tenant_id=made["tenant_id"], id=made["id"],
                 cardinality="n:m")
    assert keys() == 0
    service.call("update_relationship_type", tenant_id=made["tenant_id"], id=made["id"],
                 cardinality="n:1", description="again")
    assert keys() == 2
    with database.transaction(force_rollback=True):
        database.execute("TRUNCATE relationships")
        assert keys() == 0
    service.call("delete_relationship_type", tenant_id=made["tenant_id"], id=made["id"])
    assert keys() == 0


@pytest.mark.long
def test_a_chain_that_is_longer_than_is_looked_at_is_refused(
        service: Service, nodes: list[Any], database: psycopg.Connection) -> None:
    tenant, node_type = nodes[0]["tenant_id"], nodes[0]["node_type_id"]
    database.execute(
        "INSERT INTO nodes (tenant_id, id, node_type_id)"
        " SELECT %s, md5('chain ' || n)::uuid, %s FROM generate_series(0, 20004) n",
        (tenant, node_type))
    database.execute(
        "INSERT INTO relationships (tenant_id, id, source_node_id, target_node_id,"
        " relationship_type) SELECT %s, gen_random_uuid(), md5('chain ' || n)::uuid,"
        " md5('chain ' || n + 1)::uuid, 'of' FROM generate_series(0, 20003) n WHERE n <> 10001",
        (tenant,))
    database.execute("ANALYZE relationships")
    with connect(service.settings) as other:
        # What is there is left out: it is what comes that is looked at.
        other.execute("SET session_replication_role = replica")
        other.execute("INSERT INTO flexdb_relationship_types (tenant_id, id, name, acyclic)"
                      " VALUES (%s, %s, 'of', true)", (tenant, str(uuid4())))
    row = database.execute("SELECT array_agg(md5('chain ' || n)::uuid::text ORDER BY n)"
                           " FROM unnest(ARRAY[0, 10001, 10002, 20004]) n").fetchone()
    assert row
    first, before, behind, last = ({"tenant_id": tenant, "id": id} for id in row[0])
    with pytest.raises(RpcError) as refused:
        service.relationship(before, behind, relationship_type="of")
    assert "more than 10,000 nodes" in refused.value.fields["target_node_id"][0]
    # From one of the two ends all is seen.
    service.relationship(last, nodes[0], relationship_type="of")
    service.relationship(nodes[1], first, relationship_type="of")


def person(service: Service, tenant: Any, user: Any, **schema: Any) -> tuple[Any, Any]:
    """Make the node of a user, and a task that is assigned to it."""
    people = service.node_type(tenant, name="Person", schema=schema)
    task = service.node(service.node_type(tenant))
    node = service.node(people, id=user["id"])
    service.relationship(task, node, relationship_type="assigned_to")
    return node, task


@pytest.mark.parametrize("secured", [False, pytest.param(True, marks=pytest.mark.long)])
@pytest.mark.parametrize("method", ["delete_user", "remove_user_from_tenant"])
def test_a_member_who_goes_takes_along_the_node_and_leaves_nothing_that_points_nowhere(
        new_database: Callable[..., Settings], method: str, secured: bool) -> None:
    settings = new_database()
    service = Service.of(switched_on(settings) if secured else settings)
    user = service.user()
    gone, stays = service.tenant(), service.tenant()
    for tenant in (gone, stays):
        service.call("add_user_to_tenant", tenant_id=tenant["id"], user_id=user["id"])
        service.relationship_type(tenant, name="assigned_to", on_delete="restrict")
    (node, task), (other, _) = (person(service, gone, user, **{"x-user": True}),
                                person(service, stays, user))
    service.call(method, {"id": user["id"]} if method == "delete_user" else
                 {"tenant_id": gone["id"], "user_id": user["id"]})

    def is_there(one: Any) -> bool:
        found = service.call("list_nodes", tenant_id=one["tenant_id"], filter={"id": one["id"]})
        return bool(found["nodes"])

    # Where the type does not say so, the node stays.
    assert (is_there(node), is_there(task), is_there(other)) == (False, True, True)
    left = service.call("list_relationships", tenant_id=gone["id"])
    assert left["relationships"] == [] and left["pagination"]["total_count"] == 0
    service.close()


def test_a_caller_with_rules_is_not_told_what_keeps_a_node(
        service: Service, nodes: list[Any]) -> None:
    source, target = nodes[:2]
    contract(service, source, on_delete="restrict")
    hidden = service.node(service.node_type({"id": source["tenant_id"]}))
    service.relationship(hidden, target, relationship_type="of")
    of = {"tenant_id": source["tenant_id"]}
    service.call("create_role", of | {"name": "own", "grants": [
        {"node_type_id": source["node_type_id"], "write": True}]})
    secret = service.call("create_key", of | {"name": "k", "role": "own"})["key"]["secret"]
    caller = with_key(closed(service.settings), secret)
    for method, given in (("delete_node", {"id": target["id"]}),):
        with pytest.raises(RpcError) as kept:
            caller.call(method, of | given)
        assert kept.value.reason == "IN_USE" and kept.value.error["data"].keys() == {
            "reason", "retryable"}
    assert service.call("get_node", of | {"id": target["id"]})
