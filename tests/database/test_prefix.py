"""What is ours in a database has names of its own, whatever made it: version 1.0, or its owner."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from flexdb.config import Settings
from flexdb.db import migrate as migrations
from flexdb.db.migrate import migrate, rollback
from tests.support.postgres import connect
from tests.support.service import Service

VERSION_1_0 = Path(__file__).parent / "version_1_0"
LEDGER = {"flexdb_counts", "flexdb_count_changes"}
OURS = LEDGER | {"flexdb_keys", "flexdb_events", "flexdb_limits", "flexdb_roles",
                 "flexdb_invitations", "flexdb_rate_usage", "flexdb_usage",
                 "flexdb_declarations", "flexdb_unique", "flexdb_search",
                 "flexdb_relationship_types", "flexdb_relationship_keys",
                 "flexdb_index", "flexdb_index_builds",
                 "flexdb_webhooks", "flexdb_deliveries",
                 "flexdb_changes", "flexdb_change_positions", "flexdb_change_heads",
                 "flexdb_feed", "flexdb_histories", "flexdb_idempotency_keys"}
SEED = {"tenants", "users", "tenant_users", "node_types", "nodes", "relationships",
        "schema_migrations"}
FUNCTIONS = """
    SELECT p.proname FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace
    UNION ALL SELECT t.tgname FROM pg_trigger t WHERE NOT t.tgisinternal
"""
# What lists of version 1.0 call, which may run on beside this one.
STAYS = {"nil", "list_key", "total_count"}


@pytest.fixture
def of_version_1_0(new_database: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
                   ) -> Settings:
    """A database as version 1.0 left it, with a tenant that has two nodes."""
    settings = new_database(template=None)
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "FOLDER", VERSION_1_0)
        assert len(migrate(settings)) == 4
    with connect(settings) as connection:
        connection.execute("""
            INSERT INTO tenants (id, slug, name) VALUES (gen_random_uuid(), 'acme', 'Acme');
            INSERT INTO node_types (id, tenant_id, name)
            SELECT gen_random_uuid(), t.id, 'Task' FROM tenants t;
            INSERT INTO nodes (id, tenant_id, node_type_id)
            SELECT gen_random_uuid(), nt.tenant_id, nt.id
            FROM node_types nt, generate_series(1, 2)""")
    return settings


def names(connection: psycopg.Connection, query: str) -> set[str]:
    return {name for name, in connection.execute(query.encode()).fetchall()}


def tables(connection: psycopg.Connection) -> set[str]:
    return {name for name in names(
        connection, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        if not name.lstrip("_").startswith("yoyo")}


def test_all_that_is_ours_has_the_prefix(new_database: Callable[..., Settings]) -> None:
    with connect(new_database()) as connection:
        assert tables(connection) == SEED | OURS
        assert {name for name in names(connection, FUNCTIONS)
                if not name.startswith("flexdb_")} == set()


def test_a_database_of_version_1_0_goes_on_with_its_totals_and_counts_on(
        of_version_1_0: Settings) -> None:
    assert migrate(of_version_1_0) == migrations.migration_ids()[3:]
    with connect(of_version_1_0) as connection:
        assert tables(connection) == SEED | OURS
        assert {name for name in names(connection, FUNCTIONS)
                if not name.startswith("flexdb_")} == STAYS
        row = connection.execute(
            "SELECT total_count(t.id, 'nodes', nil()) FROM tenants t").fetchone()
        assert row == (2,)
    service = Service.of(of_version_1_0)
    (tenant,) = service.call("list_tenants")["tenants"]
    (node_type,) = service.call("list_node_types", tenant_id=tenant["id"])["node_types"]
    node = service.node(node_type)
    assert service.call("list_nodes", tenant_id=tenant["id"])["pagination"]["total_count"] == 3
    with connect(of_version_1_0) as connection:
        connection.execute("UPDATE nodes SET data = '{}' WHERE id = %s", [node["id"]])
    assert service.call("get_node", tenant_id=tenant["id"], id=node["id"])["node"]["version"] == 2
    service.close()


def test_who_may_write_to_the_ledger_of_version_1_0_still_may(of_version_1_0: Settings) -> None:
    with connect(of_version_1_0) as connection:
        connection.execute("GRANT INSERT ON counts, count_changes TO pg_monitor")
    migrate(of_version_1_0)
    with connect(of_version_1_0) as connection:
        assert names(connection, "SELECT table_name FROM information_schema.role_table_grants"
                                 " WHERE grantee = 'pg_monitor' AND privilege_type = 'INSERT'"
                                 " AND table_schema = 'public'") == LEDGER


def test_version_1_0_makes_its_ledger_again_after_a_rollback(
        of_version_1_0: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    migrate(of_version_1_0)
    until = migrations.migration_ids()[:2:-1]
    assert [rollback(of_version_1_0) for _ in until] == until and until[-1] == "0005-ledger"
    monkeypatch.setattr(migrations, "FOLDER", VERSION_1_0)
    assert migrate(of_version_1_0) == ["0003-counts"]
    with connect(of_version_1_0) as connection:
        assert connection.execute(
            "SELECT total_count(t.id, 'nodes', nil()) FROM tenants t").fetchone() == (2,)


def test_what_an_adopted_database_has_under_such_names_stays_as_it_is(
        new_database: Callable[..., Settings]) -> None:
    settings = new_database(template=None)
    with connect(settings) as connection:
        connection.execute("""
            CREATE TABLE counts (mine int); INSERT INTO counts VALUES (7);
            CREATE FUNCTION nil() RETURNS int LANGUAGE sql AS 'SELECT 7';
            CREATE FUNCTION total_count(a uuid, b text, c uuid) RETURNS bigint LANGUAGE sql
            AS 'SELECT 7::bigint';
            CREATE FUNCTION raise_version() RETURNS trigger LANGUAGE plpgsql
            AS 'BEGIN RETURN NEW; END'""")
    migrate(settings)
    service = Service.of(settings)
    service.node(service.node_type(service.tenant()))
    service.close()
    with connect(settings) as connection:
        assert connection.execute("SELECT mine, nil(), total_count(NULL, '', NULL) FROM counts"
                                  ).fetchall() == [(7, 7, 7)]
        assert names(connection, FUNCTIONS) >= {"nil", "total_count", "raise_version"}
