"""The migrations, run by yoyo under a lock that no killed process leaves behind."""

from __future__ import annotations

import getpass
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
from yoyo import get_backend, read_migrations

from flexdb.config import Settings
from flexdb.db.pool import conninfo

FOLDER = Path(__file__).resolve().parents[2] / "migrations"
_LOCK = int.from_bytes(b"flexdb", "big")


class MigrationError(Exception):
    """A migration failed and was rolled back; the message says in one line which and why."""


class NotReachable(Exception):
    """PostgreSQL does not answer yet; the message says in one line why."""


def migration_ids() -> list[str]:
    """Return the ids of all migrations in their order."""
    return sorted(path.stem for path in FOLDER.glob("*.sql")
                  if not path.name.endswith(".rollback.sql"))


def migrate(settings: Settings, on_connected: Callable[[], None] = lambda: None) -> list[str]:
    """Apply what is not yet applied and return the ids of that.

    Any number of processes may call this at once: one applies, the others find it done.

    :param on_connected: called when PostgreSQL has answered
    :raises NotReachable: when PostgreSQL does not answer
    :raises MigrationError: when a migration fails
    """
    with _locked(settings, on_connected), _backend(settings) as backend:
        return [_step(backend, migration, "apply")
                for migration in backend.to_apply(read_migrations(str(FOLDER)))]


def rollback(settings: Settings) -> str | None:
    """Take the newest applied migration back and return its id, or None when there is none.

    :raises NotReachable: when PostgreSQL does not answer
    :raises MigrationError: when it cannot be taken back, as when it would drop a row
    """
    with _locked(settings), _backend(settings) as backend:
        for migration in backend.to_rollback(read_migrations(str(FOLDER))):
            return _step(backend, migration, "rollback")
    return None


def _step(backend: Any, migration: Any, direction: str) -> str:
    try:
        getattr(backend, f"{direction}_one")(migration)
    except psycopg.Error as error:
        reason = error.diag.message_primary or str(error) or type(error).__name__
        raise MigrationError(
            f"migration {migration.id} failed ({direction}), nothing was changed: "
            f"{' '.join(reason.split())}") from error
    return str(migration.id)


@contextmanager
def _locked(settings: Settings, on_connected: Callable[[], None] = lambda: None
            ) -> Iterator[None]:
    """Hold a lock of PostgreSQL that ends with the connection.

    It is polled for: a process that waits *in* the lock holds a snapshot, for which a CREATE INDEX
    CONCURRENTLY of the lock's holder would wait for ever.
    """
    try:
        connection = psycopg.connect(conninfo(settings), autocommit=True)
    except psycopg.OperationalError as error:
        raise NotReachable(" ".join(str(error).split())) from error
    on_connected()
    with connection:
        while not _scalar(connection, "SELECT pg_try_advisory_lock(%s)", _LOCK):
            time.sleep(0.1)
        yield


def _scalar(connection: psycopg.Connection[Any], sql: str, argument: int) -> Any:
    row = connection.execute(sql.encode(), (argument,)).fetchone()
    return row[0] if row else None


@contextmanager
def _backend(settings: Settings) -> Iterator[Any]:
    try:
        getpass.getuser()
    except (KeyError, OSError):
        # yoyo writes the user's name down, and in a container the uid may have none.
        os.environ["USER"] = "flexdb"
    address = "postgresql+psycopg://{}:{}@/{}?host={}&port={}&sslmode={}&application_name=flexdb"
    backend = get_backend(address.format(*(quote(str(part), safe="") for part in (
        settings.db_user, settings.db_password, settings.db_name, settings.db_host,
        settings.db_port, settings.db_ssl_mode))))
    with backend:
        backend.init_database()
        # We hold the real lock, so a row in yoyo's is a dead process's.
        backend.break_lock()
        yield backend
