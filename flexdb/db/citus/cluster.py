"""What there is of Citus: its version, this node's part in it, the tables that are distributed."""

from __future__ import annotations

from typing import Any, NamedTuple

import psycopg

from flexdb.config import Settings
from flexdb.db.citus.tables import FIRST, TABLES, Spread
from flexdb.db.migrate import MigrationError, connected

LEAST = (13, 2)
Database = psycopg.Connection[Any]


class DistributionError(MigrationError):
    """The database cannot be distributed, or is in part; the message says in one line why."""


class Machine(NamedTuple):
    """A machine with shards.

    :param name: where the other machines find it, as host:port
    :param tenants: how many are there
    :param shards: how many shards of a table are there
    :param bytes: what all tables' shards weigh
    """

    name: str
    tenants: int
    shards: int
    bytes: int


# Beside what is distributed by a hash, what is written in two phases is on each machine.
_PLACES = """
    SELECT c.relname, CASE WHEN p.partmethod = 'h' THEN 'DISTRIBUTED'
                           WHEN p.repmodel = 't' THEN 'REFERENCE' ELSE 'LOCAL' END
    FROM pg_dist_partition p
    JOIN pg_class c ON c.oid = p.logicalrelid
    WHERE pg_table_is_visible(c.oid)
"""
# On each of the machines they would run once.
_TRIGGERS = """
    SELECT count(*) FROM pg_trigger t
    WHERE t.tgrelid = ANY (ARRAY(SELECT to_regclass(n.name) FROM unnest(%s::text[]) n (name)))
      AND NOT t.tgisinternal
"""
# Each shard of the first table with its least hash, and what all that lie beside it weigh together.
_SHARDS = """
    SELECT s.shardminvalue::integer, n.nodename || ':' || n.nodeport, coalesce(w.bytes, 0)::bigint
    FROM pg_dist_shard s
    JOIN pg_dist_placement p ON p.shardid = s.shardid
    JOIN pg_dist_node n ON n.groupid = p.groupid AND n.noderole = 'primary'
    JOIN (
        SELECT b.shardminvalue, sum(z.shard_size) AS bytes
        FROM citus_shards z
        JOIN pg_dist_shard b ON b.shardid = z.shardid
        WHERE z.colocation_id = (SELECT f.colocation_id FROM citus_shards f
                                 WHERE f.table_name = to_regclass(%(first)s) LIMIT 1)
        GROUP BY b.shardminvalue
    ) w ON w.shardminvalue = s.shardminvalue
    WHERE s.logicalrelid = to_regclass(%(first)s)
    ORDER BY 1
"""
_TENANTS = """
    SELECT width_bucket(worker_hash(t.id), %s::integer[]), count(*) FROM tenants t GROUP BY 1
"""


def scalar(connection: Database, sql: str, *arguments: Any) -> Any:
    """Return the one value that a statement gives."""
    row = connection.execute(sql.encode(), arguments).fetchone()
    return row[0] if row else None


def places(connection: Database) -> dict[str, Spread]:
    """Return where those of our tables are that Citus knows; none where there is no Citus."""
    if scalar(connection, "SELECT to_regclass('pg_dist_partition')") is None:
        return {}
    return {table: Spread[place] for table, place in connection.execute(_PLACES.encode())
            if table in TABLES}


def is_distributed(connection: Database) -> bool:
    """Tell whether one of our tables is distributed."""
    return bool({*places(connection).values()} - {Spread.LOCAL})


def undone(connection: Database) -> list[str]:
    """Return the tables that are not yet where they are in a distributed database."""
    found = places(connection)
    there = {row[0] for row in connection.execute(
        "SELECT n.name FROM unnest(%s::text[]) n (name) WHERE to_regclass(n.name) IS NOT NULL",
        ([*TABLES],))}
    return [table for table, place in TABLES.items()
            if table in there and found.get(table, Spread.LOCAL) is not place]


def stray_triggers(connection: Database) -> int:
    """Return how many triggers there are of tables that are on each machine."""
    return int(scalar(connection, _TRIGGERS, [
        table for table, place in places(connection).items() if place is Spread.REFERENCE]))


def check_whole(settings: Settings) -> None:
    """Refuse a database of which a part is distributed and another is not.

    :raises DistributionError: when it is so
    :raises NotReachable: when PostgreSQL does not answer
    """
    with connected(settings, "it is not known whether the database is distributed") as connection:
        if not is_distributed(connection):
            return
        left, triggers = undone(connection), stray_triggers(connection)
    if left or triggers:
        what = ", ".join(left) or f"{triggers} triggers of tables that are on each machine"
        raise DistributionError(f"the database is distributed in part, without {what}: run the "
                                "command `flexdb distribute`")


def check_citus(connection: Database) -> None:
    """Refuse where tables cannot be distributed at all.

    :raises DistributionError: when it is so
    """
    version = scalar(connection, "SELECT extversion FROM pg_extension WHERE extname = 'citus'")
    wanted = ".".join(map(str, LEAST))
    if version is None:
        raise DistributionError(
            f"this database has no Citus: install Citus {wanted} or later on each machine, name it "
            "in shared_preload_libraries, and run CREATE EXTENSION citus in the database")
    if tuple(int(part) for part in version.partition("-")[0].split(".")[:2]) < LEAST:
        raise DistributionError(f"this is Citus {version}: flexdb needs {wanted} or later, and "
                                "ALTER EXTENSION citus UPDATE behind it")
    if scalar(connection, "SELECT groupid FROM pg_dist_local_group") != 0:
        raise DistributionError("this is a worker of Citus: set DB_DIRECT_HOST, or DB_HOST, to the "
                                "coordinator")
    if not scalar(connection, "SELECT count(*) FROM citus_get_active_worker_nodes()"):
        raise DistributionError("Citus has no worker that is active: add one, as by "
                                "SELECT citus_add_node('10.0.0.2', 5432)")


def is_logical(connection: Database) -> bool:
    """Tell whether shards can be moved while they are written to, as every node's log allows."""
    levels = [row[0] for row in connection.execute(
        "SELECT current_setting('wal_level') UNION ALL "
        "SELECT w.result FROM run_command_on_workers('SHOW wal_level') w")]
    return all(level == "logical" for level in levels)


def nodes(settings: Settings) -> list[Machine]:
    """Return the machines with the tenants that each has; none where nothing is distributed.

    :raises NotReachable: when PostgreSQL does not answer
    :raises MigrationError: when Citus does not tell
    """
    with connected(settings, "it is not known where the tenants are") as connection:
        if places(connection).get(FIRST) is not Spread.DISTRIBUTED:
            return []
        shards = connection.execute(_SHARDS.encode(), {"first": FIRST}).fetchall()
        tenants = dict(connection.execute(
            _TENANTS.encode(), ([least for least, _, _ in shards],)).fetchall())
    found: dict[str, Machine] = {}
    for place, (_, name, weight) in enumerate(shards, start=1):
        before = found.get(name, Machine(name, 0, 0, 0))
        found[name] = Machine(name, before.tenants + tenants.get(place, 0), before.shards + 1,
                           before.bytes + weight)
    return [found[name] for name in sorted(found)]
