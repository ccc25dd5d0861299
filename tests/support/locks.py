"""Rows that are held, calls that wait for them, and what PostgreSQL counts of that."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from tests.support import postgres
from tests.support.service import Service
from tests.support.waiting import wait_until

Row = dict[str, Any]


def statistic(service: Service, name: str) -> int:
    """Return a column of pg_stat_database, after the service's connections have told theirs."""
    service.close()
    with postgres.connect(service.settings) as ours:
        wait_until(lambda: ours.execute(
            "SELECT FROM pg_stat_activity WHERE application_name = 'flexdb'"
            " AND datname = current_database()").rowcount == 0)
        row = ours.execute(f"SELECT {name} FROM pg_stat_database WHERE datname = current_database()"
                           .encode()).fetchone()
    assert row
    return int(row[0])


@contextmanager
def locked(service: Service, table: str, row: Row) -> Iterator[psycopg.Connection]:
    """Hold the lock of a row on a connection of our own."""
    with postgres.connect(service.settings) as connection, connection.transaction():
        lock(connection, table, row)
        yield connection


def lock(connection: psycopg.Connection, table: str, row: Row) -> None:
    """Take the lock of a row until the transaction ends."""
    query = f"SELECT FROM {table} WHERE id = %s FOR UPDATE"
    assert connection.execute(query.encode(), (row["id"],)).rowcount == 1


def waiting(service: Service, connections: int, seconds: float = 0) -> None:
    """Wait until so many connections have waited for a lock for so long."""
    with postgres.connect(service.settings) as ours:
        wait_until(lambda: ours.execute(
            "SELECT FROM pg_stat_activity WHERE datname = current_database()"
            " AND wait_event_type = 'Lock'"
            " AND clock_timestamp() - query_start > make_interval(secs => %s)",
            (seconds,)).rowcount == connections)
