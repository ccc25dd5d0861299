"""Databases that are none of flexdb's and none that it can adopt are refused with the reason."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest

from flexdb.config import Settings
from flexdb.db.migrate import MigrationError, migrate, migration_ids
from tests.support import original, postgres
from tests.support.commands import failure, finish, flexdb

_TABLES = dict(table.partition(" (")[::2] for table in
               original.SCHEMA.strip().removeprefix("CREATE TABLE ").split("CREATE TABLE "))


def table(name: str, *more: str) -> str:
    """Return what makes one of the original's tables, with further columns."""
    return f"CREATE TABLE {name} ({', '.join([*more, _TABLES[name]])}"


PEOPLE = [table("schema_migrations"), table("tenants"), table("users"), table("tenant_users")]
A_TENANT = f"INSERT INTO tenants (id, slug, name) VALUES ('{uuid4()}', 'acme', 'Acme')"
MAPPED = ("CREATE TABLE tenant_databases (tenant_id uuid PRIMARY KEY REFERENCES tenants (id),"
          " database_name text NOT NULL UNIQUE, status text NOT NULL DEFAULT 'active')")
CONTROL = {
    "tenants only": [table("tenants"), A_TENANT],
    "tenants, users and members": [*PEOPLE, A_TENANT],
    "a table of databases, no tenant yet": [*PEOPLE, MAPPED],
    "a table of databases and tenants": [*PEOPLE, MAPPED, A_TENANT],
    "a table of each tenant's migrations": [
        *PEOPLE, "CREATE TABLE tenant_migrations (tenant_id uuid, version text)"],
    **{f"a column {name}": [table("tenants", f"{name} text")]
       for name in ("database_name", "db_name", "connection_string", "database_url", "dsn")},
}
OF_ONE_TENANT = {
    "nodes without a tenant": [table("schema_migrations"), """
        CREATE TABLE node_types (id uuid PRIMARY KEY, name text NOT NULL UNIQUE, schema jsonb);
        CREATE TABLE nodes (id uuid PRIMARY KEY, node_type_id uuid REFERENCES node_types (id),
                            data jsonb);
        CREATE TABLE relationships (id uuid PRIMARY KEY, source_node_id uuid REFERENCES nodes (id),
                                    target_node_id uuid REFERENCES nodes (id), data jsonb)"""],
}


@pytest.mark.long
@pytest.mark.parametrize("made, told", [
    *((made, "it is the control database of a flex-db") for made in CONTROL.values()),
    *((made, "it is one tenant's database of a flex-db") for made in OF_ONE_TENANT.values())],
    ids=[*CONTROL, *OF_ONE_TENANT])
def test_a_flex_db_with_a_database_for_each_tenant_is_refused_and_left_as_it_is(
        new_database: Callable[..., Settings], made: list[str], told: str) -> None:
    settings = new_database(template=None)
    with postgres.connect(settings) as connection:
        for statement in made:
            connection.execute(statement.encode())
        before = original.catalog(connection)
        for _ in range(2):
            with pytest.raises(MigrationError, match=told) as refused:
                migrate(settings)
            assert "Set DB_NAME to an empty database" in str(refused.value)
            assert original.catalog(connection) == before


def test_the_command_tells_it_in_one_line(new_database: Callable[..., Settings]) -> None:
    settings = new_database(template=None)
    with postgres.connect(settings) as connection:
        for statement in [*PEOPLE, MAPPED, A_TENANT]:
            connection.execute(statement.encode())
    assert "control database" in failure(flexdb(settings, "migrate"))


@pytest.mark.long
@pytest.mark.parametrize("made", [
    [], ["CREATE TABLE others (id int)"], [table("schema_migrations"), table("tenants")], PEOPLE],
    ids=["empty", "another program's table", "no tenant yet", "the original's first tables"])
def test_a_database_without_any_tenant_is_no_control_database(
        new_database: Callable[..., Settings], made: list[str]) -> None:
    settings = new_database(template=None)
    with postgres.connect(settings) as connection:
        for statement in made:
            connection.execute(statement.encode())
    assert finish(flexdb(settings, "migrate"))[0] == 0
    with postgres.connect(settings) as connection:
        marked = connection.execute("SELECT migration_id FROM _yoyo_migration").fetchall()
    assert sorted(name for (name,) in marked) == migration_ids()
