"""The log of changes: whatever writes, each row's change is in it once, with what was before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from psycopg.types.json import Jsonb

from flexdb.config import Settings
from flexdb.db.load import Place
from flexdb.db.upkeep import keep_up
from flexdb.sql.loader import CLEARS, FORMS, STATEMENTS, filled
from flexdb.transfer.loading import Way, import_rows
from tests.support import original, postgres
from tests.support.change_log import NODES, Log, Told
from tests.support.row_security import switched_on
from tests.support.service import RpcError, Service
from tests.support.transfers import TENANT, small, taken, written


@pytest.fixture(scope="module")
def settings(new_database: Callable[..., Settings]) -> Settings:
    return new_database()


@pytest.fixture
def log(settings: Settings) -> Iterator[Log]:
    log = Log(settings)
    yield log
    log.close()


def test_each_call_that_writes_is_logged_once(log: Log) -> None:
    node = log.service.node(log.type)
    other = log.service.node(log.type)
    assert log.new() == [("n", "c", 1), ("n", "c", 1)]
    edge = log.service.relationship(node, other)
    assert log.new() == [("r", "c", 1)]
    log.call("update_node", id=node["id"], data={"a": 1})
    log.call("patch_node", id=node["id"], patch={"a": 2})
    log.call("update_relationship", id=edge["id"], relationship_type="knows")
    assert log.new() == [("n", "u", 2), ("n", "u", 3), ("r", "u", 2)]
    log.call("create_nodes", nodes=[{"node_type_id": log.type["id"]}] * 3)
    log.call("create_relationships", relationships=[{
        "source_node_id": node["id"], "target_node_id": other["id"], "relationship_type": "a"}] * 2)
    assert log.new() == [("n", "c", 1)] * 3 + [("r", "c", 1)] * 2
    log.call("update_nodes", filter={"data.a": 2}, update={"$set": {"a": 3}}, max_affected=9)
    assert log.new() == [("n", "u", 4)]
    of_type = {"node_type_id": log.type["id"]}
    log.call("upsert_nodes", nodes=[of_type | {"id": node["id"], "data": {"a": 4}},
                                    of_type | {"data": {}}])
    assert sorted(log.new()) == [("n", "c", 1), ("n", "u", 5)]
    log.call("delete_relationship", id=edge["id"])
    log.call("delete_node", id=node["id"])
    # Whatever goes along comes after what it goes along with.
    assert log.new() == [("r", "d", 3), ("n", "d", 6), ("r", "d", 2), ("r", "d", 2)]
    log.call("delete_nodes", filter={"node_type_id": log.type["id"]}, max_affected=99)
    assert log.new() == [("n", "d", 2)] * 5
    log.call("update_node_type", id=log.type["id"], name="Renamed", schema={"type": "object"})
    log.call("delete_node_type", id=log.type["id"])
    assert log.new() == [("t", "u", 2), ("t", "d", 3)]


def test_a_call_that_is_refused_or_changes_nothing_is_not_logged(log: Log) -> None:
    node = log.node(data={"a": 1})
    for method, params in (("update_node", {"data": {}, "version": 7}),
                           ("delete_node", {"version": 7})):
        with pytest.raises(Exception, match="meanwhile"):
            log.call(method, id=node["id"], **params)
    log.call("update_nodes", filter={"data.a": 1}, update={"$set": {"a": 1}}, max_affected=9)
    log.call("upsert_nodes", nodes=[{"node_type_id": log.type["id"], "id": node["id"],
                                     "data": {"a": 1}}])
    log.service.batch([])
    assert log.new() == []


@pytest.mark.parametrize(("write", "logged"), [
    (NODES, [("n", "c", 1)] * 3),
    ("UPDATE nodes SET data = '{}' WHERE id = %(node)s", [("n", "u", 2)]),
    ("UPDATE nodes SET version = 0 WHERE id = %(node)s", [("n", "u", 2)]),
    ("UPDATE nodes SET version = 7 WHERE id = %(node)s", [("n", "u", 7)]),
    ("UPDATE nodes SET id = gen_random_uuid() WHERE tenant_id = %(tenant)s AND id = %(other)s",
     [("n", "d", 2), ("n", "c", 2)]),
    ("DELETE FROM nodes WHERE tenant_id = %(tenant)s", [("n", "d", 2)] * 3 + [("r", "d", 2)]),
    ("DELETE FROM relationships WHERE tenant_id = %(tenant)s", [("r", "d", 2)]),
    ("DELETE FROM node_types WHERE tenant_id = %(tenant)s",
     [("t", "d", 2)] + [("n", "d", 2)] * 3 + [("r", "d", 2)]),
    ("DELETE FROM tenants WHERE id = %(tenant)s", []),
    ("INSERT INTO nodes (id, tenant_id, node_type_id) VALUES (%(node)s, %(tenant)s, %(type)s)"
     " ON CONFLICT (tenant_id, id) DO UPDATE SET data = '{}'", [("n", "u", 2)]),
    ("WITH gone AS (DELETE FROM relationships WHERE tenant_id = %(tenant)s RETURNING *)"
     " INSERT INTO nodes (id, tenant_id, node_type_id)"
     " SELECT g.id, g.tenant_id, %(type)s FROM gone g",
     [("r", "d", 2), ("n", "c", 1)]),
    ("SELECT set_config('flexdb.unlogged', 'on', false)", []),
])
def test_each_write_of_another_program_is_logged_once(
        log: Log, write: str, logged: list[Told]) -> None:
    node, other, third = log.node(), log.node(), log.node()
    log.service.relationship(node, third)
    log.new()
    log.run(write, node=node["id"], other=other["id"])
    assert log.new() == logged


def test_what_is_copied_is_logged_and_what_is_to_be_unlogged_is_not(log: Log) -> None:
    for unlogged, logged in (("off", [("n", "c", 7)] * 5), ("on", [])):
        with log.connection.transaction():
            log.run(f"SET LOCAL flexdb.unlogged = '{unlogged}'")
            with log.connection.cursor().copy("COPY nodes (id, tenant_id, node_type_id, version)"
                                              " FROM STDIN") as copy:
                for _ in range(5):
                    copy.write_row((uuid4(), log.tenant["id"], log.type["id"], 7))
        assert log.new() == logged


def test_the_statements_of_the_original_give_each_change_a_version_of_its_own(log: Log) -> None:
    id = uuid4()
    original.insert(log.connection, "nodes", id=id, tenant_id=log.tenant["id"],
                    node_type_id=log.type["id"], data={}, created_at="2024-01-01",
                    updated_at="2024-01-01")
    for number in range(3):
        original.update(log.connection, "nodes", {"id": id}, data={"n": number})
    original.update(log.connection, "node_types", {"id": log.type["id"]}, name="Other")
    original.delete(log.connection, "nodes", id=id)
    assert log.new() == [("n", "c", 1), ("n", "u", 2), ("n", "u", 3), ("n", "u", 4), ("t", "u", 2),
                         ("n", "d", 5)]


def test_what_was_before_is_kept_to_the_digit(log: Log) -> None:
    node = log.service.node(log.type, data={"a": 1.0})
    other = log.service.node(log.type)
    edge = log.service.relationship(node, other, data={"b": 2})
    log.new()
    log.call("update_node", id=node["id"], data={"a": 2})
    log.call("update_relationship", id=edge["id"], relationship_type="knows", data={})
    log.call("delete_node", id=node["id"])
    log.call("update_node_type", id=log.type["id"], description="Said anew")
    columns = ("object_id::text, old_data::text, old_type, type_id::text, relationship_type,"
               " source_node_id::text, target_node_id::text, created_at IS NOT NULL,"
               " old_updated_at IS NOT NULL")
    ends = node["id"], other["id"]
    first, second, fourth, third, fifth = log.rows(columns)
    assert first == (node["id"], '{"a": 1.0}', None, log.type["id"], None, None, None, True, True)
    assert second == (edge["id"], '{"b": 2}', "depends_on", None, "knows", *ends, True, True)
    assert third == (edge["id"], "{}", "knows", None, "knows", *ends, True, True)
    assert fourth[:4] == (node["id"], '{"a": 2}', None, log.type["id"])
    assert log.type["name"] in fifth[1] and fifth[0] == fifth[3] == log.type["id"]


def test_who_did_it_is_told_of_each_change_and_of_nobody_else_s(log: Log) -> None:
    who = "actor, request_id"
    log.service.post({"jsonrpc": "2.0", "id": 1, "method": "create_node", "params": {
        "tenant_id": log.tenant["id"], "node_type_id": log.type["id"]}},
        headers={"X-Request-ID": "a-request"})
    log.run(NODES)
    assert log.rows(who) == [("open", "a-request")] + [(None, None)] * 3


def test_each_statement_that_may_write_what_is_logged_tells_who_calls() -> None:
    queries = [query for form in FORMS for query in STATEMENTS[form].values()]
    queries.append(filled("delete_nodes", "value"))
    writes = [query for query in queries if query.kind == "write" and any(
        f"{verb} {table}" in query.text.decode() for verb in ("INTO", "UPDATE", "DELETE FROM")
        for table in ("nodes ", "relationships ", "node_types ", "tenant_users tu\n", "users u\n"))]
    assert len({query.name for query in writes}) >= 15
    asked = {"add_user_to_tenant", "create_user", "update_user", "claim_keys"}
    assert [query.name for query in writes
            if "actor" not in query.arguments and query.name not in asked] == []


def test_a_schema_may_keep_what_its_nodes_were_out_of_the_log(log: Log) -> None:
    log.call("update_node_type", id=log.type["id"], schema={"x-history": False})
    log.new()
    node = log.service.node(log.type, data={"a": 1})
    log.call("update_node", id=node["id"], data={"a": 2})
    log.call("delete_node", id=node["id"])
    assert log.rows("op, version, old_data, created_at, old_updated_at") == [
        ("c", 1, None, None, None), ("u", 2, None, None, None), ("d", 3, None, None, None)]
    log.call("update_node_type", id=log.type["id"], schema={})
    log.new()
    node = log.service.node(log.type, data={"a": 1})
    log.call("delete_node", id=node["id"])
    assert log.rows("old_data") == [(None,), ({"a": 1},)]
    assert log.tables()["histories"] == 0


def test_a_node_that_is_given_another_id_is_kept_out_of_the_log_as_its_type_says(log: Log) -> None:
    log.call("update_node_type", id=log.type["id"], schema={"x-history": False})
    node = log.node(data={"a": 1})
    log.connection.execute("UPDATE nodes SET id = gen_random_uuid() WHERE tenant_id = %s"
                           " AND id = %s", (node["tenant_id"], node["id"]))
    assert log.rows("op, old_data, created_at, old_updated_at") == [
        ("d", None, None, None), ("c", None, None, None)]


def test_nodes_that_go_with_their_type_are_kept_out_of_the_log_as_it_says(log: Log) -> None:
    log.call("update_node_type", id=log.type["id"], schema={"x-history": False})
    log.node(data={"a": 1})
    log.call("delete_node_type", id=log.type["id"])
    assert log.rows("kind, op, old_data IS NULL") == [("t", "d", False), ("n", "d", True)]


def test_a_tenant_that_goes_leaves_nothing_and_one_with_its_id_begins_anew(log: Log) -> None:
    log.call("update_node_type", id=log.type["id"], schema={"x-keep-deleted": 3})
    log.node()
    assert log.number() == 3
    before = log.head()
    with log.connection.transaction():
        log.run("DELETE FROM tenants WHERE id = %(tenant)s")
        assert set(log.tables().values()) == {0}
        log.run("INSERT INTO tenants (id, slug, name) VALUES (%(tenant)s, 'again', 'Again')")
        log.run("INSERT INTO node_types (id, tenant_id, name) VALUES (%(type)s, %(tenant)s, 'T')")
    assert log.number() == 1
    assert log.head()[0] == before[0] and log.head()[1] != before[1]
    log.run("DELETE FROM tenants WHERE id = %(tenant)s")
    assert set(log.tables().values()) == {0}


def test_what_somebody_numbered_while_the_tenant_was_deleted_is_no_one_s(log: Log) -> None:
    node = log.node()
    with postgres.connect(log.settings) as other:
        other.autocommit = False
        assert log.number(other) == 2
        # As that one would leave it, had it come later.
        other.execute("DELETE FROM flexdb_change_heads WHERE tenant_id = %s", [log.tenant["id"]])
        other.execute("INSERT INTO flexdb_change_heads (tenant_id, epoch, position)"
                      " VALUES (%s, 'old', 2)", [log.tenant["id"]])
        other.rollback()
    log.run("DELETE FROM tenants WHERE id = %(tenant)s")
    log.run("INSERT INTO flexdb_change_positions VALUES (%(tenant)s, 1, 1)")
    log.run("INSERT INTO flexdb_change_heads (tenant_id, epoch, position)"
            " VALUES (%(tenant)s, 'old', 1)")
    log.run("INSERT INTO tenants (id, slug, name) VALUES (%(tenant)s, %(node)s::text, 'Again')",
            node=node["id"])
    assert log.tables() == {"changes": 0, "change_positions": 0, "change_heads": 1, "histories": 0}
    epoch, last = log.head()[1:]
    # Its numbers go on, so that who remembers them meets none twice.
    assert epoch != "old" and last == log.number() == 1


def test_a_truncated_table_gives_the_feed_another_name(log: Log) -> None:
    for table in ("relationships", "nodes CASCADE", "node_types CASCADE"):
        before = log.head()
        log.run(f"TRUNCATE {table}")
        assert log.head()[0] != before[0] and log.head()[1:] == before[1:]
    log.run("TRUNCATE tenants CASCADE")
    assert set(log.tables().values()) == {0}


def test_a_database_that_takes_no_writes_keeps_the_name_of_its_feed(log: Log) -> None:
    """A service starts beside one while it is switched over, as long as nothing is to be done."""
    renamed = "SELECT flexdb_rename_feed(false)"
    log.run(renamed)
    with log.connection.transaction():
        log.run("SET TRANSACTION READ ONLY")
        assert log.connection.execute(renamed).fetchone() == (None,)


def test_a_copy_of_the_database_names_its_feed_anew_and_once(log: Log) -> None:
    renamed = "SELECT flexdb_rename_feed(false)"
    log.run(renamed)
    own, = log.connection.execute("SELECT name FROM flexdb_feed").fetchone() or ("",)
    assert log.connection.execute(renamed).fetchone() == (None,)
    for column in ("system_identifier", "database_id"):
        log.run(f"UPDATE flexdb_feed SET {column} = 7")
        name, = log.connection.execute(renamed).fetchone() or ("",)
        assert name and name != own and log.connection.execute(renamed).fetchone() == (None,)
        own = name


def test_positions_are_given_once_in_one_order_and_only_after_the_commit(log: Log) -> None:
    with postgres.connect(log.settings) as other:
        other.autocommit = False
        other.execute(NODES.encode(), log.ids)
        log.node()
        assert log.number() == 2
        other.commit()
    assert log.number() == 5 and log.number() == 5
    found = log.connection.execute(
        "SELECT p.position FROM flexdb_change_positions p JOIN flexdb_changes c"
        " USING (tenant_id, seq) WHERE p.tenant_id = %s ORDER BY 1", [log.tenant["id"]]).fetchall()
    assert [position for position, in found] == [1, 2, 3, 4, 5]


def test_a_numberer_that_is_killed_leaves_the_rest_to_the_next(log: Log) -> None:
    log.node()
    with postgres.connect(log.settings) as other:
        other.autocommit = False
        assert log.number(other) == 2
        # It is a try: nobody waits for it.
        assert log.number() == 0
        log.run("SELECT pg_terminate_backend(%(pid)s, 60000)", pid=other.info.backend_pid)
        other.close()
    assert log.number() == 2


def test_a_node_that_stands_for_a_member_is_logged_when_it_goes_along(log: Log) -> None:
    user = log.service.user()
    log.call("add_user_to_tenant", user_id=user["id"])
    log.call("update_node_type", id=log.type["id"], schema={"x-user": True})
    log.node(id=user["id"])
    log.call("remove_user_from_tenant", user_id=user["id"])
    assert log.rows("kind, op, version, object_id, actor") == [
        ("n", "d", 2, UUID(user["id"]), "open")]


def test_an_import_is_unlogged_and_one_in_a_tenants_place_begins_an_epoch_with_nothing(
        new_database: Callable[..., Settings]) -> None:
    settings = new_database()
    seen = []
    with postgres.connect(settings) as connection:
        for place in (None, Place(CLEARS)):
            taken(settings, written(small()), place)
            seen.append(connection.execute(
                "SELECT h.epoch, (SELECT count(*) FROM flexdb_changes),"
                " flexdb_number_changes(%s, 9) FROM flexdb_change_heads h", [TENANT]).fetchall())
            connection.execute("UPDATE nodes SET data = '{}'")
            assert connection.execute("SELECT flexdb_number_changes(%s, 9)", [TENANT]
                                      ).fetchone() == (3 * len(seen),)
    ((first, *rest),), ((second, *others),) = seen
    assert first != second and rest == [0, 0] and others == [0, 3]
    with closing(Service.of(settings)) as service:
        found = service.call("list_changes", tenant_id=TENANT)["position"]
    assert found.split(".")[1:] == [second, "6"]


def test_rows_that_are_imported_into_a_type_are_logged_as_the_command_s(
        log: Log, tmp_path: Path) -> None:
    file = tmp_path / "rows.ndjson"
    file.write_text('{"a": 1}\n{"a": 2}\n')
    import_rows(log.settings, log.tenant["id"], log.type["id"], str(file), Way("ndjson"))
    assert log.rows("op, actor, request_id") == [("c", "command", None)] * 2


@pytest.mark.parametrize(("schema", "wrong"), [
    ({"x-history": "no"}, "/x-history must be true or false"),
    ({"x-keep-deleted": True}, "/x-keep-deleted must be a number of days, 0 to 36,500"),
    ({"x-keep-deleted": -1}, "/x-keep-deleted must be a number of days, 0 to 36,500"),
    ({"x-keep-deleted": 1.5}, "/x-keep-deleted must be a number of days, 0 to 36,500")])
def test_what_a_schema_says_of_history_must_make_sense(log: Log, schema: Any, wrong: str) -> None:
    with pytest.raises(RpcError) as refused:
        log.call("update_node_type", id=log.type["id"], schema=schema)
    assert wrong in refused.value.fields["schema"][0]
    # Another program may have stored it all the same.
    log.run("UPDATE node_types SET schema = %(schema)s WHERE id = %(type)s", schema=Jsonb(schema))


def test_a_user_with_row_security_logs_and_deletes_a_tenant_with_all_that_was_logged(
        new_database: Callable[..., Settings]) -> None:
    settings = new_database()
    with closing(Service.of(switched_on(settings))) as service:
        tenant = service.tenant()
        node = service.node(service.node_type(tenant), data={"a": 1})
        key = {"tenant_id": tenant["id"], "id": node["id"]}
        since = service.call("list_changes", tenant_id=tenant["id"])["position"]
        service.call("update_node", **key, data={"a": 2})
        (change,) = service.call("list_changes", tenant_id=tenant["id"], since=since, old=True
                                 )["changes"]
        assert change["old"]["data"] == {"a": 1}
        assert keep_up(replace(service.settings, changes_most=1)) == 2
        service.call("erase_node", **key)
        service.call("delete_tenant", id=tenant["id"])
    with postgres.connect(settings) as connection:
        for table in ("changes", "change_positions", "change_heads"):
            assert connection.execute(f"SELECT FROM flexdb_{table}".encode()).fetchall() == []
