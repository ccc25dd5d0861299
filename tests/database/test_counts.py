"""The ledger of totals: it always says what counting the rows would say."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flexdb.config import Settings
from flexdb.db.migrate import migrate
from tests.support import postgres
from tests.support.service import Service
from tests.support.totals import differences

NIL = UUID(int=0)
TENANTS, USERS, TYPES = ([UUID(int=kind << 64 | n) for n in range(1, 5)] for kind in (1, 2, 3))
LISTS = ["tenant_users", "node_types", "nodes", "relationships"]


@pytest.fixture
def database(new_database: Callable[..., Settings]) -> Settings:
    return new_database()


@pytest.fixture
def connection(database: Settings) -> Iterator[psycopg.Connection]:
    with postgres.connect(database) as connection:
        yield connection


def total(connection: psycopg.Connection, tenant: UUID) -> int:
    row = connection.execute("SELECT flexdb_total_count(%s, 'nodes', flexdb_nil())",
                             [tenant]).fetchone()
    assert row
    return int(row[0])


def populate(connection: psycopg.Connection, nodes: int = 0) -> None:
    """Make two tenants with two node types each, and nodes in the first."""
    for tenant, types in ((TENANTS[0], TYPES[:2]), (TENANTS[1], TYPES[2:])):
        connection.execute("INSERT INTO tenants (id, slug, name) VALUES (%s, %s, 'A tenant')",
                           [tenant, str(tenant)])
        for node_type in types:
            connection.execute("INSERT INTO node_types (id, tenant_id, name) VALUES (%s, %s, %s)",
                               [node_type, tenant, str(node_type)])
    connection.execute("INSERT INTO nodes (id, tenant_id, node_type_id)"
                       " SELECT gen_random_uuid(), %s, %s FROM generate_series(1, %s)",
                       [TENANTS[0], TYPES[0], nodes])


# Each takes a tenant, a user, two node types, two names and a number; whatever the rows that are
# there, each of them succeeds.
WRITES = (
    "INSERT INTO tenants (id, slug, name) VALUES (%(tenant)s, %(tenant)s::text, 'T')"
    " ON CONFLICT (id) DO UPDATE SET name = 'again'",
    "INSERT INTO users (id, email, display_name) VALUES (%(user)s, %(user)s::text, 'U')"
    " ON CONFLICT DO NOTHING",
    "INSERT INTO tenant_users (tenant_id, user_id) SELECT t.id, u.id FROM tenants t, users u"
    " WHERE u.id = %(user)s ON CONFLICT (tenant_id, user_id) DO UPDATE SET role = excluded.role",
    "INSERT INTO node_types (id, tenant_id, name) SELECT %(type)s, id, %(type)s::text FROM tenants"
    " WHERE id = %(tenant)s ON CONFLICT DO NOTHING",
    "INSERT INTO nodes (id, tenant_id, node_type_id)"
    " SELECT md5(%(step)s || t.id::text || t.tenant_id::text || n)::uuid, t.tenant_id, t.id"
    " FROM node_types t, generate_series(1, %(number)s) n",
    "INSERT INTO relationships (id, tenant_id, source_node_id, target_node_id, relationship_type)"
    " SELECT md5(%(step)s || s.id::text)::uuid, s.tenant_id, s.id, t.id,"
    " CASE WHEN s.id < t.id THEN %(name)s ELSE %(other)s END FROM nodes s JOIN LATERAL"
    " (SELECT id FROM nodes n WHERE n.tenant_id = s.tenant_id ORDER BY id LIMIT 1) t ON true"
    " ORDER BY s.id LIMIT 2 * %(number)s",
    "UPDATE nodes SET node_type_id = %(type)s FROM node_types t"
    " WHERE (t.tenant_id, t.id) = (nodes.tenant_id, %(type)s)",
    "UPDATE nodes SET data = '{}', version = version + 1",
    "UPDATE relationships SET relationship_type = %(name)s WHERE tenant_id = %(tenant)s",
    "UPDATE tenant_users u SET tenant_id = %(tenant)s WHERE user_id = %(user)s"
    " AND EXISTS (SELECT FROM tenants WHERE id = %(tenant)s)"
    " AND (SELECT count(*) FROM tenant_users x WHERE x.user_id = %(user)s) = 1",
    "DELETE FROM tenants WHERE id = %(tenant)s",
    "DELETE FROM users WHERE id = %(user)s",
    "DELETE FROM node_types WHERE id = %(type)s",
    "DELETE FROM nodes WHERE id IN (SELECT id FROM nodes ORDER BY id LIMIT %(number)s)",
    "DELETE FROM relationships WHERE relationship_type = %(name)s",
    "WITH gone AS (DELETE FROM nodes WHERE node_type_id = %(type)s RETURNING *)"
    " INSERT INTO nodes (id, tenant_id, node_type_id) SELECT md5(%(step)s || id)::uuid, tenant_id,"
    " node_type_id FROM gone LIMIT %(number)s",
    "SELECT flexdb_fold_counts(t.id, l) FROM unnest(%(lists)s::text[]) l, tenants t",
    "SELECT flexdb_fold_counts(flexdb_nil(), 'tenants'), flexdb_fold_counts(flexdb_nil(), 'users')",
    "TRUNCATE relationships",
    "TRUNCATE nodes CASCADE",
    "ROLLBACK TO SAVEPOINT here",
    "SAVEPOINT here",
)
WRITE = st.tuples(
    st.sampled_from(WRITES),
    st.fixed_dictionaries({
        "tenant": st.sampled_from(TENANTS[:2]), "user": st.sampled_from(USERS[:2]),
        "type": st.sampled_from(TYPES[:3]), "number": st.integers(1, 4),
        "name": st.sampled_from("ab"), "other": st.sampled_from("bc"), "lists": st.just(LISTS)}))
TRANSACTION = st.tuples(st.lists(WRITE, min_size=1, max_size=12),
                        st.sampled_from(["COMMIT", "COMMIT", "ROLLBACK"]))


@pytest.fixture(scope="module")
def walked(new_database: Callable[..., Settings]) -> Iterator[psycopg.Connection]:
    with postgres.connect(new_database()) as connection:
        yield connection


@pytest.mark.long
@settings(max_examples=40, derandomize=True,
          suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(transactions=st.lists(TRANSACTION, min_size=1, max_size=6))
def test_totals_are_right_after_whatever_is_written(
    walked: psycopg.Connection, transactions: list[tuple[list[tuple[str, dict[str, Any]]], str]]
) -> None:
    walked.execute("TRUNCATE tenants, users CASCADE")
    assert walked.execute("TABLE flexdb_counts").fetchall() == []
    assert walked.execute("TABLE flexdb_count_changes").fetchall() == []
    populate(walked)
    for number, (writes, end) in enumerate(transactions):
        walked.execute("BEGIN")
        walked.execute("SAVEPOINT here")
        try:
            for place, (statement, arguments) in enumerate(writes):
                walked.execute(statement.encode(), arguments | {"step": f"{number}/{place}/"})
                assert differences(walked) == []
        except BaseException:
            walked.execute("ROLLBACK")
            raise
        walked.execute(end.encode())
        assert differences(walked) == []


def test_a_deleted_tenant_leaves_nothing_in_the_ledger(connection: psycopg.Connection) -> None:
    populate(connection, 10)
    connection.execute("INSERT INTO relationships (id, tenant_id, source_node_id, target_node_id,"
                       " relationship_type) SELECT id, tenant_id, id, id, 'is' FROM nodes")
    for fold in (False, True):
        for listed in LISTS if fold else ():
            connection.execute("SELECT flexdb_fold_counts(%s, %s)", [TENANTS[1], listed])
        connection.execute("DELETE FROM tenants WHERE id = %s", [TENANTS[fold]])
        assert connection.execute(
            "SELECT list, total FROM flexdb_counts WHERE tenant_id = %(tenant)s UNION ALL"
            " SELECT list, change FROM flexdb_count_changes WHERE tenant_id = %(tenant)s",
            {"tenant": TENANTS[fold]}).fetchall() == []
    assert differences(connection) == []


def test_a_tenant_may_be_deleted_and_made_again_in_one_transaction(
    connection: psycopg.Connection
) -> None:
    populate(connection, 10)
    with connection.transaction():
        connection.execute("DELETE FROM tenants")
        populate(connection, 3)
        assert total(connection, TENANTS[0]) == 3
    assert total(connection, TENANTS[0]) == 3 and differences(connection) == []


def test_deleting_a_tenant_with_the_nil_id_leaves_the_totals_of_tenants_and_users(
    new_service: Callable[..., Service]
) -> None:
    service = new_service()
    service.tenant(), service.user(), service.tenant(id=str(NIL))
    service.call("delete_tenant", id=str(NIL))
    assert [service.call(f"list_{listed}")["pagination"]["total_count"]
            for listed in ("tenants", "users")] == [1, 1]


def test_a_node_type_with_the_nil_id_has_a_total_of_its_own(service: Service) -> None:
    tenant = service.tenant()
    nil = service.node_type(tenant, id=str(NIL))
    for node_type in (nil, service.node_type(tenant)):
        service.node(node_type)
    given = {"tenant_id": tenant["id"], "node_type_id": nil["id"]}
    assert service.call("list_nodes", **given)["pagination"]["total_count"] == 1


STEP = {
    "inserts": "INSERT INTO nodes (id, tenant_id, node_type_id) VALUES (gen_random_uuid(),"
               f" '{TENANTS[0]}', '{TYPES[0]}')",
    "deletes": "DELETE FROM nodes WHERE (tenant_id, id) ="
               f" (SELECT tenant_id, id FROM nodes WHERE tenant_id = '{TENANTS[0]}' LIMIT 1)",
    "moves": f"UPDATE nodes SET node_type_id = CASE node_type_id WHEN '{TYPES[0]}' THEN"
             f" '{TYPES[1]}'::uuid ELSE '{TYPES[0]}'::uuid END WHERE (tenant_id, id) ="
             f" (SELECT tenant_id, id FROM nodes WHERE tenant_id = '{TENANTS[0]}' LIMIT 1)",
}


@pytest.mark.long
@pytest.mark.parametrize("kind", STEP)
def test_the_ledger_stays_short(connection: psycopg.Connection, kind: str) -> None:
    populate(connection, 3000 if kind == "deletes" else 1)
    # The triggers throw dice: with this they always fall the same way.
    connection.execute("SELECT setseed(0.5)")
    connection.execute(
        f"DO $$ BEGIN FOR i IN 1..3000 LOOP {STEP[kind]}; COMMIT; END LOOP; END $$".encode())
    row = connection.execute("SELECT count(*) FROM flexdb_count_changes").fetchone()
    assert row and row[0] < 2500
    assert differences(connection) == []


def test_running_the_migration_again_replaces_the_totals(
    database: Settings, connection: psycopg.Connection
) -> None:
    populate(connection, 10)
    connection.execute("INSERT INTO flexdb_counts VALUES (%s, 'nodes', flexdb_nil(), 7)",
                       [TENANTS[1]])
    connection.execute("DELETE FROM _yoyo_migration WHERE migration_id LIKE '0005%'")
    assert migrate(database) == ["0005-ledger"]
    assert differences(connection) == [] and total(connection, TENANTS[0]) == 10


@pytest.mark.long
def test_the_total_of_a_long_list_is_read_without_reading_the_list(
    connection: psycopg.Connection
) -> None:
    populate(connection, 50_000)
    connection.execute("VACUUM ANALYZE nodes, flexdb_count_changes, flexdb_counts")

    def pages(statement: str) -> int:
        row = connection.execute(
            f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}".encode()).fetchone()
        assert row
        plan = row[0][0]["Plan"]
        return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])

    of_type = f" AND node_type_id = '{TYPES[0]}'"
    for key, condition in (("flexdb_nil()", ""), (f"flexdb_list_key('{TYPES[0]}')", of_type)):
        counted = pages(f"SELECT count(*) FROM nodes WHERE tenant_id = '{TENANTS[0]}'{condition}")
        summed = f"SELECT flexdb_total_count('{TENANTS[0]}', 'nodes', {key})"
        connection.execute(summed.encode())  # the first call in a session reads the catalog too
        assert pages(summed) < 20 < 100 < counted
    assert total(connection, TENANTS[0]) == 50_000


def write(connection: psycopg.Connection, dice: random.Random, rounds: int) -> None:
    """Write into both tenants, now and then in a transaction that is rolled back."""
    mine: list[tuple[UUID, UUID]] = []
    for _ in range(rounds):
        kept = list(mine)
        with connection.transaction(force_rollback=dice.random() < 0.2) as block:
            for _ in range(dice.randint(1, 4)):
                place = dice.randrange(4)
                key = TENANTS[place // 2], uuid4()
                connection.execute("INSERT INTO nodes (tenant_id, id, node_type_id)"
                                   " VALUES (%s, %s, %s)", [*key, TYPES[place]])
                connection.execute(
                    "INSERT INTO relationships (id, tenant_id, source_node_id, target_node_id,"
                    " relationship_type) VALUES (%s, %s, %s, %s, %s)",
                    [uuid4(), *key, key[1], dice.choice("ab")])
                mine.append(key)
            if dice.random() < 0.5:
                gone = mine.pop(dice.randrange(len(mine)))
                connection.execute("DELETE FROM nodes WHERE (tenant_id, id) = (%s, %s)", gone)
            if dice.random() < 0.5:
                connection.execute("SELECT flexdb_fold_counts(%s, %s)",
                                   [dice.choice(TENANTS[:2]), dice.choice(LISTS)])
        if block.force_rollback:
            mine = kept


def test_many_writers_at_once_leave_the_totals_right(
    database: Settings, connection: psycopg.Connection
) -> None:
    populate(connection)

    def writer(seed: int) -> None:
        with postgres.connect(database) as own:
            own.execute("SET lock_timeout = '10s'")
            write(own, random.Random(seed), 60)

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(writer, range(6)))
    assert differences(connection) == []
    for tenant in TENANTS[:2]:
        for listed in LISTS:
            connection.execute("SELECT flexdb_fold_counts(%s, %s)", [tenant, listed])
    assert differences(connection) == []


def test_folding_many_times_at_once_counts_every_change_once(
    database: Settings, connection: psycopg.Connection
) -> None:
    populate(connection)

    def fold(number: int) -> None:
        with postgres.connect(database) as own:
            for _ in range(30):
                if number == 0:
                    own.execute(STEP["inserts"].encode())
                own.execute("SELECT flexdb_fold_counts(%s, 'nodes')", [TENANTS[0]])

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(fold, range(4)))
    connection.execute("SELECT flexdb_fold_counts(%s, 'nodes')", [TENANTS[0]])
    assert total(connection, TENANTS[0]) == 30 and differences(connection) == []
    assert connection.execute(
        "SELECT total FROM flexdb_counts WHERE tenant_id = %s AND list = 'nodes'",
        [TENANTS[0]]).fetchall() == [(30,), (30,)]


@pytest.mark.parametrize("end", ["COMMIT", "ROLLBACK"])
def test_a_writer_in_an_open_transaction_makes_no_other_wait(
    database: Settings, connection: psycopg.Connection, end: str
) -> None:
    populate(connection, 5)
    fold = (f"SELECT flexdb_fold_counts('{TENANTS[0]}', 'nodes'),"
            " flexdb_fold_counts(flexdb_nil(), 'tenants')")
    tenant = ("INSERT INTO tenants (id, slug, name)"
              " VALUES (gen_random_uuid(), gen_random_uuid(), 'T')")
    with postgres.connect(database) as other:
        connection.execute("BEGIN")
        for each in (connection, other):
            each.execute("SET lock_timeout = '2s'")
            for statement in (tenant, *STEP.values(), fold):
                if each is connection or statement is not STEP["deletes"]:
                    each.execute(statement.encode())
        connection.execute(end.encode())
        assert differences(other) == []


@pytest.mark.parametrize("isolation", ["REPEATABLE READ", "SERIALIZABLE"])
def test_folding_does_not_fail_a_writer_that_reads_an_older_snapshot(
    database: Settings, connection: psycopg.Connection, isolation: str
) -> None:
    populate(connection, 5)
    fold = f"SELECT flexdb_fold_counts('{TENANTS[0]}', 'nodes')"
    with postgres.connect(database) as other:
        other.execute(f"BEGIN ISOLATION LEVEL {isolation}".encode())
        assert total(other, TENANTS[0]) == 5
        connection.execute(STEP["inserts"].encode())
        connection.execute(fold.encode())
        assert total(other, TENANTS[0]) == 5
        other.execute(STEP["inserts"].encode())
        other.execute(fold.encode())
        assert total(other, TENANTS[0]) == 6
        other.execute("COMMIT")
    assert total(connection, TENANTS[0]) == 7 and differences(connection) == []
