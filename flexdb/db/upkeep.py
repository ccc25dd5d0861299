"""Upkeep: what need not be kept any longer goes, a little at a time, while calls are served.

What may go is said in SQL, in migrations/0021-changes.sql and 0022-idempotency.sql.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import psycopg

from flexdb.config import Settings
from flexdb.db.migrate import check_direct, connected

# What one transaction takes away, and how long others have the database then, in seconds.
_CHUNK, _PAUSE = 5000, 0.05
# What one transaction gives positions to.
_NUMBERED = 50_000
_LOCK = "hashtextextended('flexdb upkeep', 0)"


def keep_up(settings: Settings, is_ended: Callable[[], bool] = lambda: False) -> int | None:
    """Take away what is no longer to be kept, and return how many rows were dealt with.

    It may be ended anywhere, and goes on from there the next time.

    :param is_ended: tells whether to stop
    :return: None where another process is at it
    :raises NotReachable: when PostgreSQL does not answer
    :raises MigrationError: when the database has no tables of this version, or there is no way past
        PgBouncer
    """
    check_direct(settings, "the upkeep")
    with connected(settings, "the upkeep came to no end") as connection:
        # The user may have limits, which are meant for calls.
        connection.execute("SET statement_timeout = 0")
        # Each statement is about one tenant, and names it.
        connection.execute("SET row_security = on")
        if not _one(connection, f"SELECT pg_try_advisory_lock({_LOCK})"):
            return None
        done = _keep_up(connection, settings, is_ended)
        # The end of a connection comes somewhat later than it is closed.
        connection.execute(f"SELECT pg_advisory_unlock({_LOCK})".encode())
        return done


def _keep_up(connection: psycopg.Connection[Any], settings: Settings,
             is_ended: Callable[[], bool]) -> int:
    done = _chunks(connection, "SELECT flexdb_forget_keys(%s, %s)",
                   (settings.idempotency_hours, _CHUNK), is_ended)
    tenants = connection.execute("SELECT h.tenant_id FROM flexdb_change_heads h").fetchall()
    for (tenant_id,) in tenants:
        _one(connection, "SELECT set_config('flexdb.tenant_id', %s, false)", (str(tenant_id),))
        _number(connection, tenant_id, is_ended)
        done += _chunks(connection, "SELECT flexdb_prune_changes(%s, %s, %s, %s)",
                        (tenant_id, settings.changes_days, settings.changes_most, _CHUNK), is_ended)
    return done


def _number(connection: psycopg.Connection[Any], tenant_id: Any, is_ended: Callable[[], bool]
            ) -> None:
    """Give positions to what has none: what goes is said by them, and there may be no reader."""
    before, last = -1, 0
    while last > before and not is_ended():
        before = last
        last = _one(connection, "SELECT flexdb_number_changes(%s, %s)", (tenant_id, _NUMBERED))


def _chunks(connection: psycopg.Connection[Any], statement: str, arguments: tuple[Any, ...],
            is_ended: Callable[[], bool]) -> int:
    """Run a statement until it finds nothing to do, and return how much it did."""
    done = 0
    while not is_ended() and (more := _one(connection, statement, arguments)):
        done += more
        time.sleep(_PAUSE)
    return done


def _one(connection: psycopg.Connection[Any], statement: str, arguments: tuple[Any, ...] = ()
         ) -> Any:
    row = connection.execute(statement.encode(), arguments).fetchone()
    return row[0] if row else None
