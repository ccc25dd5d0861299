"""Distributing a database by its tenants, and undoing it, each in one transaction.

What hangs on the tables is taken away first, so that nothing fires while rows are copied, and made
again behind them. What a distributed database cannot have is set aside in a table of its own.
"""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
from psycopg import sql

from flexdb.config import Settings
from flexdb.db.address import reason
from flexdb.db.citus import definitions
from flexdb.db.citus.cluster import (
    Database,
    DistributionError,
    check_citus,
    is_logical,
    places,
    scalar,
    stray_triggers,
    undone,
)
from flexdb.db.citus.fitness import in_use, unfit_triggers
from flexdb.db.citus.tables import COLUMN, FIRST, FORGOTTEN, TABLES, Spread, tables_of
from flexdb.db.migrate import ON_CITUS, connected, locked, unapplied

SHARDS = 32
_FAILED = "nothing was changed"
# In sequence, since what one transaction makes is seen by one connection to a machine alone.
_BEGIN = [f"SET LOCAL {name} = '{value}'" for name, value in ON_CITUS.items()]
_SET_ASIDE = """CREATE TABLE IF NOT EXISTS flexdb_set_aside (
    place integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, definition text NOT NULL)"""
# In microseconds, as no sequence goes on from one machine to another.
_BY_TIME = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
_NO_FEED = """CREATE OR REPLACE FUNCTION flexdb_number_changes(of_tenant uuid, most integer)
RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a distributed database gives no positions to changes' USING ERRCODE = 'FD001';
END $$"""
_REFUSE = """CREATE OR REPLACE FUNCTION flexdb_refuse_distributed() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'not in a distributed database' USING ERRCODE = 'FD001';
END $$"""
_REFUSED = ("flexdb_webhooks", "flexdb_invitations")
# What was kept by triggers of tables that are on each machine: totals, and the places of followers,
# who begin anew. Changes are numbered anew, behind all that have a number.
_ANEW = [
    "UPDATE flexdb_changes c SET seq = n.seq FROM (SELECT o.ctid AS row, (SELECT max(m.seq) "
    "FROM flexdb_changes m) + row_number() OVER (ORDER BY o.seq, o.at) AS seq "
    "FROM flexdb_changes o) n WHERE c.ctid = n.row",
    "UPDATE flexdb_histories SET swept = 0",
    "DELETE FROM flexdb_counts WHERE list IN ('tenants', 'users')",
    "DELETE FROM flexdb_count_changes WHERE list IN ('tenants', 'users')",
    "INSERT INTO flexdb_counts (tenant_id, list, key, total) "
    "SELECT flexdb_nil(), 'tenants', flexdb_nil(), count(*) FROM tenants HAVING count(*) > 0 "
    "UNION ALL SELECT flexdb_nil(), 'users', flexdb_nil(), count(*) FROM users HAVING count(*) > 0",
    "INSERT INTO flexdb_change_heads (tenant_id) SELECT t.id FROM tenants t "
    "ON CONFLICT (tenant_id) DO NOTHING",
    "SELECT flexdb_rename_feed(true)",
]


def distribute(settings: Settings, shards: int | None, only_check: bool) -> Iterator[str]:
    """Distribute what is not yet distributed, and give a line on each thing to know.

    :param shards: over how many shards; :data:`SHARDS` when None
    :param only_check: whether to give the statements, and run none
    :raises DistributionError: when it cannot be; nothing was changed then
    :raises MigrationError: when PostgreSQL refuses; nothing was changed then
    :raises NotReachable: when PostgreSQL does not answer
    """
    with connected(settings, _FAILED) as connection, locked(connection, settings):
        check_citus(connection)
        if left := unapplied(connection):
            raise DistributionError(f"migrations are to be applied, {len(left)} from {left[0]} on: "
                                    "run `flexdb migrate` first")
        if not is_logical(connection):
            yield ("wal_level is not logical on each machine: who writes to a shard waits while it "
                   "is moved")
        tables = undone(connection)
        if not (tables or stray_triggers(connection)):
            yield "nothing to do: the database is distributed"
            return
        if FIRST not in tables and shards:
            raise DistributionError("--shards is for the first time: the tables have their shards")
        statements = distributing(connection, tables, shards or SHARDS)
        if only_check:
            yield from map(shortened, statements)
        for why in in_use(connection, settings):
            raise DistributionError(why)
        if unfit := unfit_triggers(connection, [*{*tables} & {*tables_of(Spread.DISTRIBUTED)}]):
            raise DistributionError("these triggers read the rows of a statement together with a "
                                    f"table, which no shard can: {', '.join(unfit)}")
        if only_check:
            return
        _run(connection, statements)
        yield f"distributed {', '.join(tables)}"
        try:
            for table in tables:
                # What the coordinator had is only hidden.
                connection.execute("SELECT truncate_local_data_after_distributing_table(%s)",
                                   (table,))
                connection.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(table)))
        except psycopg.Error as error:
            yield f"the coordinator keeps a hidden copy of what it had: {reason(error)}"


def undo(settings: Settings, only_check: bool) -> Iterator[str]:
    """Bring all tables back to the coordinator, and give a line on each thing to know.

    :param only_check: whether to give the statements, and run none
    :raises DistributionError: when nothing is distributed
    :raises MigrationError: when PostgreSQL refuses; nothing was changed then
    :raises NotReachable: when PostgreSQL does not answer
    """
    with connected(settings, _FAILED) as connection, locked(connection, settings):
        check_citus(connection)
        found = places(connection)
        tables = [table for table in TABLES if found.get(table, Spread.LOCAL) is not Spread.LOCAL]
        if not tables:
            yield "nothing to do: the database is not distributed"
            return
        statements = undoing(connection, tables)
        if only_check:
            yield from map(shortened, statements)
            return
        _run(connection, statements)
        yield f"undone for {', '.join(tables)}"


def distributing(connection: Database, tables: list[str], shards: int) -> list[str]:
    """Return the statements that distribute some tables, in their order.

    :param tables: none of which is distributed
    """
    spread = [table for table in tables if TABLES[table] is Spread.DISTRIBUTED]
    everywhere = [table for table in tables if TABLES[table] is Spread.REFERENCE]
    keys = definitions.foreign_keys(connection, tables)
    kept, of_truncate = definitions.triggers(connection, spread)
    # A later migration may have made some of a table that is distributed already.
    of_everywhere = sum(definitions.triggers(connection, tables_of(Spread.REFERENCE)), [])
    policies = definitions.policies(connection, tables)
    numbered = definitions.identities(connection, spread)
    keyless = definitions.keyless(connection, spread)
    indexing = definitions.index_functions(connection, tables)
    aside = [*keyless, *numbered, *policies, *of_everywhere, *of_truncate]
    first = FIRST in spread
    statements = [*_BEGIN, *_locking(tables), _SET_ASIDE]
    statements += [_set_aside(made.make) for made in aside]
    if first:
        was = scalar(connection, "SELECT pg_get_functiondef(to_regproc('flexdb_number_changes'))")
        statements += [_set_aside(was), _NO_FEED, _REFUSE,
                       "DELETE FROM flexdb_change_positions", "DELETE FROM flexdb_change_heads"]
    statements += [made.drop for made in
                   [*keys, *kept, *of_everywhere, *of_truncate, *policies, *numbered, *keyless]]
    statements += [f"ALTER TABLE {made.table} ALTER COLUMN {made.name} SET DEFAULT {_BY_TIME}"
                   for made in numbered]
    forgotten = [table for table in FORGOTTEN if table in spread]
    statements += [f"DELETE FROM {table} c WHERE NOT EXISTS "
                   f"(SELECT FROM tenants t WHERE t.id = c.{COLUMN})" for table in forgotten]
    statements += [f"SELECT create_distributed_function('{name}')" for name in indexing]
    statements += [f"SELECT create_reference_table('{table}')" for table in everywhere]
    statements += [
        f"SELECT create_distributed_table('{table}', '{COLUMN}', "
        + (f"colocate_with => 'none', shard_count => {shards})" if table == FIRST
           else f"colocate_with => '{FIRST}')") for table in spread]
    statements += [made.make for made in keys]
    statements += [f"ALTER TABLE {table} ADD CONSTRAINT {_forgetting(table)} FOREIGN KEY "
                   f"({COLUMN}) REFERENCES tenants (id) ON DELETE CASCADE" for table in forgotten]
    statements += [f"SELECT create_distributed_function('{name}')"
                   for name in definitions.functions(connection) if name not in indexing]
    statements += [made.make for made in kept]
    return statements + [
        f"CREATE TRIGGER flexdb_refuse_distributed BEFORE INSERT ON {table} FOR EACH ROW "
        "EXECUTE FUNCTION flexdb_refuse_distributed()" for table in _REFUSED if table in spread]


def undoing(connection: Database, tables: list[str]) -> list[str]:
    """Return the statements that bring some tables back, in their order."""
    keys = definitions.foreign_keys(connection, tables)
    triggers = sum(definitions.triggers(connection, tables), [])
    aside = [row[0] for row in connection.execute(
        "SELECT s.definition FROM flexdb_set_aside s "
        # A migration that made it anew since knows better.
        "WHERE s.definition NOT LIKE %s OR pg_get_functiondef('flexdb_number_changes'::regproc) "
        "LIKE '%%FD001%%' ORDER BY s.place", ("%FUNCTION%flexdb_number_changes(%",))]
    defaults = [f"ALTER TABLE {table} ALTER COLUMN {name} DROP DEFAULT"
                for table, name in _timed(connection, tables)]
    forgetting = {_forgetting(table) for table in FORGOTTEN}
    numbers = [f"SELECT setval(pg_get_serial_sequence('{table}', '{name}'), "
               f"(SELECT max({name}) FROM {table}))" for table, name in _timed(connection, tables)]
    return [
        *_BEGIN, *_locking(tables),
        *(made.drop for made in [*keys, *triggers]),
        *(f"SELECT undistribute_table('{table}')" for table in reversed(tables)),
        # Each may call another of them.
        "SET LOCAL check_function_bodies = off", *definitions.row_functions(connection, tables),
        *defaults, *aside, *_ANEW, *numbers,
        *(made.make for made in keys if made.name not in forgetting),
        *(made.make for made in triggers if made.name != "flexdb_refuse_distributed"),
        "DROP FUNCTION IF EXISTS flexdb_refuse_distributed()", "DROP TABLE flexdb_set_aside"]


def shortened(statement: str) -> str:
    """Return a statement in one line, cut where it is long."""
    line = " ".join(statement.split())
    return f"{line if len(line) <= 150 else line[:149] + '…'};"


def _run(connection: Database, statements: list[str]) -> None:
    with connection.transaction():
        for statement in statements:
            connection.execute(statement.encode())


def _locking(tables: list[str]) -> list[str]:
    # Asked for at once, and calls are not to wait behind a lock that waits for a long transaction.
    return ["SET LOCAL lock_timeout = '5s'", f"LOCK TABLE {', '.join(tables)} "
            "IN ACCESS EXCLUSIVE MODE", "SET LOCAL lock_timeout = 0"] if tables else []


def _set_aside(definition: str) -> str:
    quoted = sql.Literal(definition).as_string()
    return f"INSERT INTO flexdb_set_aside (definition) VALUES ({quoted})"


def _forgetting(table: str) -> str:
    return f"{table}_{COLUMN}_fkey"


def _timed(connection: Database, tables: list[str]) -> list[tuple[str, str]]:
    """Return the columns that are numbered by time, with their tables."""
    return connection.execute(
        "SELECT c.relname, a.attname FROM pg_attrdef d "
        "JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum "
        "JOIN pg_class c ON c.oid = d.adrelid "
        "WHERE c.relname = ANY (%s) AND pg_table_is_visible(c.oid) "
        "AND pg_get_expr(d.adbin, d.adrelid) LIKE '%%clock_timestamp()%%1000000%%' ORDER BY 1, 2",
        (tables,)).fetchall()
