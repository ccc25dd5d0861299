"""The migrations, run by yoyo under a lock that no killed process leaves behind."""

from __future__ import annotations

import getpass
import glob
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import psycopg
from psycopg.conninfo import conninfo_to_dict

from flexdb.config import Settings
from flexdb.db.address import (
    READ_ONLY,
    NotReachable,
    conninfo,
    direct,
    ends_connection,
    not_reached,
    reason,
)

# In the package where flexdb is installed, and beside it in the repository.
_PACKAGE = Path(__file__).resolve().parents[1]
FOLDER = next(folder for folder in (_PACKAGE / "migrations", _PACKAGE.parent / "migrations")
              if folder.is_dir())
_LOCK = int.from_bytes(b"flexdb", "big")
_FAILED = "the migrations cannot be run"
# What a migration does to tables on many machines, and that it is marked, is one transaction's. Our
# triggers write what is the same tenant's, so on the same machine.
ON_CITUS = {"citus.multi_shard_modify_mode": "sequential", "citus.enable_unsafe_triggers": "on"}


class MigrationError(Exception):
    """A migration failed and was rolled back; the message says in one line which and why."""


def migration_ids() -> list[str]:
    """Return the ids of all migrations in their order."""
    return sorted(path.stem for path in FOLDER.glob("*.sql")
                  if not path.name.endswith(".rollback.sql"))


def migrate(settings: Settings, on_connected: Callable[[], None] = lambda: None) -> list[str]:
    """Apply what is not yet applied and return the ids of that.

    Any number of processes may call this at once: one applies, the others find it done. A user who
    may not change tables may call it where nothing is to be done.

    :param on_connected: called when PostgreSQL has answered
    :raises NotReachable: when PostgreSQL does not answer
    :raises ConfigError: when it does not let flexdb in
    :raises MigrationError: when a migration fails
    """
    with connected(settings, _FAILED) as connection:
        on_connected()
        if _applied(connection) >= set(migration_ids()):
            return []
        with locked(connection, settings), _backend(connection, settings) as backend:
            return [_step(backend, migration, "apply")
                    for migration in backend.to_apply(_all_migrations())]


def migration_states(settings: Settings) -> tuple[list[str], list[str]]:
    """Return the ids of the migrations that are applied, and of those that are to be.

    :raises NotReachable: when PostgreSQL does not answer
    :raises ConfigError: when it does not let flexdb in
    :raises MigrationError: when the user may not see it
    """
    with connected(settings, "it is not known which migrations are applied") as connection:
        applied = _applied(connection)
    known = migration_ids()
    return [id for id in known if id in applied], [id for id in known if id not in applied]


def rollback(settings: Settings) -> str | None:
    """Take the newest applied migration back and return its id, or None when there is none.

    :raises NotReachable: when PostgreSQL does not answer
    :raises ConfigError: when it does not let flexdb in
    :raises MigrationError: when it cannot be taken back, as when it would drop a row
    """
    with (connected(settings, _FAILED) as connection, locked(connection, settings),
          _backend(connection, settings) as backend):
        if _scalar(connection, "SELECT to_regclass('flexdb_set_aside')"):
            raise MigrationError("the database is distributed, and no migration is taken back: run "
                                 "`flexdb distribute --undo` first")
        for migration in backend.to_rollback(_all_migrations()):
            return _step(backend, migration, "rollback")
    return None


def stored_schemas(settings: Settings) -> Iterator[tuple[str, str, str, str]]:
    """Give the tenant's id, the id, the name and the schema's JSON text of each node type with one.

    :raises NotReachable: when PostgreSQL does not answer
    :raises MigrationError: when they cannot be read
    """
    with (connected(settings, _FAILED) as connection, connection.transaction(),
          connection.cursor("schemas") as cursor):
        yield from cursor.execute(
            "SELECT tenant_id::text, id::text, name, schema::text FROM node_types "
            "WHERE nullif(schema, 'null') IS NOT NULL ORDER BY tenant_id, id")


def _all_migrations() -> Any:
    # The library is there for whoever has something to apply, which at most starts is nothing.
    from yoyo import read_migrations

    return read_migrations(glob.escape(str(FOLDER)))


def _step(backend: Any, migration: Any, direction: str) -> str:
    mark = backend.mark_one if direction == "apply" else backend.unmark_one
    try:
        # Marked in the same transaction: a process that is killed leaves both or none.
        with backend.transaction():
            migration.process_steps(backend, direction)
            mark(migration)
    except psycopg.Error as error:
        raise MigrationError(f"migration {migration.id} failed ({direction}), nothing was changed: "
                             f"{reason(error)}") from error
    return str(migration.id)


@contextmanager
def connected(settings: Settings, failed: str) -> Iterator[psycopg.Connection[Any]]:
    """Give a connection to PostgreSQL itself, on which each statement is committed.

    :param failed: what is told before the reason of an error, as ``the migrations cannot be run``
    :raises NotReachable: when PostgreSQL does not answer, or no longer, or is a standby
    :raises ConfigError: when it does not let flexdb in
    :raises MigrationError: with its own words for whatever else it refuses
    """
    try:
        with psycopg.connect(conninfo(direct(settings)), autocommit=True,
                             prepare_threshold=None) as connection:
            yield connection
    except psycopg.Error as error:
        # A standby may be promoted at any time.
        if ends_connection(error) or error.sqlstate == READ_ONLY:
            raise not_reached(error, direct(settings)) from error
        raise MigrationError(f"{failed}: {reason(error)}") from error


def check_direct(settings: Settings, work: str) -> None:
    """Refuse to do through PgBouncer what holds a lock, or has settings, of a connection's own.

    Its connections to PostgreSQL outlive ours, and others have them next.

    :param work: what is to be done
    :raises MigrationError: when there is no way past it
    """
    if direct(settings).db_pgbouncer:
        raise MigrationError(f"{work} cannot go through PgBouncer: set DB_DIRECT_HOST or "
                             "DB_DIRECT_PORT to PostgreSQL's own address")


def _applied(connection: psycopg.Connection[Any]) -> set[str]:
    try:
        return {row[0] for row in connection.execute("SELECT migration_id FROM _yoyo_migration")}
    except psycopg.errors.UndefinedTable:
        return set()


def unapplied(connection: psycopg.Connection[Any]) -> list[str]:
    """Return the ids of the migrations that are to be applied."""
    applied = _applied(connection)
    return [id for id in migration_ids() if id not in applied]


@contextmanager
def locked(connection: psycopg.Connection[Any], settings: Settings) -> Iterator[None]:
    """Hold the lock of whoever changes tables, which ends with the connection.

    It is polled for: a process that waits *in* the lock holds a snapshot, for which a CREATE INDEX
    CONCURRENTLY of the lock's holder would wait for ever.

    :raises MigrationError: when there is no way past PgBouncer
    """
    check_direct(settings, "migrations")
    if connection.info.parameter_status("in_hot_standby") == "on":
        raise NotReachable("it is a standby, and takes no writes until it is promoted")
    while not _scalar(connection, "SELECT pg_try_advisory_lock(%s)", _LOCK):
        time.sleep(0.1)
    yield


def _scalar(connection: psycopg.Connection[Any], sql: str, *arguments: int) -> Any:
    row = connection.execute(sql.encode(), arguments).fetchone()
    return row[0] if row else None


@contextmanager
def _backend(connection: psycopg.Connection[Any], settings: Settings) -> Iterator[Any]:
    try:
        getpass.getuser()
    except (KeyError, OSError):
        # yoyo writes the user's name down, and in a container the uid may have none.
        os.environ["USER"] = "flexdb"
    # yoyo would not unquote a database's name in the address's path.
    named = {name: value for name, value in conninfo_to_dict(conninfo(direct(settings))).items()
             if name not in ("user", "password")}
    if _scalar(connection, "SELECT to_regclass('pg_dist_partition')"):
        named["options"] = " ".join([str(named.get("options", "")), *(
            f"-c {name}={value}" for name, value in ON_CITUS.items())])
    from yoyo import get_backend

    backend = get_backend("postgresql+psycopg://{}:{}@/?{}".format(
        quote(settings.db_user, safe=""), quote(settings.db_password, safe=""),
        urlencode(named, quote_via=quote)))
    with backend:
        # So yoyo takes a CREATE TABLE that was refused.
        if not backend.has_transactional_ddl:
            raise MigrationError(f"the user {settings.db_user} may not create tables in the "
                                 f"database {settings.db_name}")
        # We hold the real lock, so a row in yoyo's is a dead process's.
        backend.break_lock()
        yield backend
