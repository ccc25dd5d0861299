"""What PostgreSQL is set to, where flexdb's settings depend on it."""

from __future__ import annotations

import logging
from typing import NamedTuple

import psycopg

from flexdb.config import Settings
from flexdb.db.address import conninfo, not_reached

logger = logging.getLogger(__name__)

# Those kept for others, and whatever limits the user and the database have besides; a superuser
# has no such limits. https://www.postgresql.org/docs/current/runtime-config-connection.html
_CONNECTIONS = """
    SELECT least(current_setting('max_connections')::int
                 - current_setting('superuser_reserved_connections')::int
                 - coalesce(current_setting('reserved_connections', true)::int, 0),
                 CASE WHEN r.rolconnlimit >= 0 AND NOT r.rolsuper THEN r.rolconnlimit END,
                 CASE WHEN d.datconnlimit >= 0 AND NOT r.rolsuper THEN d.datconnlimit END)
    FROM pg_roles r, pg_database d
    WHERE r.rolname = current_user AND d.datname = current_database()
"""
_TIMEOUTS = """
    SELECT s.name, s.setting FROM pg_settings s
    WHERE s.name IN ('statement_timeout', 'idle_in_transaction_session_timeout')
"""


class TooFewConnections(Exception):
    """PostgreSQL has fewer connections than the workers open; the message says so in one line."""


class Capacity(NamedTuple):
    """What the calls may use.

    :param connections: how many the user may have at once; None behind PgBouncer, which shares few
    :param statement_timeout: how long a statement may take, in ms; 0 for as long as it likes
    :param idle_timeout: how long a transaction may pause, in ms; 0 likewise
    """

    connections: int | None
    statement_timeout: int
    idle_timeout: int


def capacity(settings: Settings) -> Capacity:
    """Ask PostgreSQL, on the way that the calls take.

    :raises NotReachable: when PostgreSQL does not answer
    :raises ConfigError: when it does not let flexdb in
    """
    try:
        with psycopg.connect(conninfo(settings, settings.statement_timeout), autocommit=True,
                             prepare_threshold=None) as connection:
            timeouts: dict[str, str] = dict(connection.execute(_TIMEOUTS).fetchall())
            row = None if settings.db_pgbouncer else connection.execute(_CONNECTIONS).fetchone()
    except psycopg.Error as error:
        raise not_reached(error, settings) from error
    return Capacity(row[0] if row else None, int(timeouts["statement_timeout"]),
                    int(timeouts["idle_in_transaction_session_timeout"]))


def check_capacity(settings: Settings) -> None:
    """Warn where PostgreSQL's own settings will not do, and refuse what cannot be.

    A reload starts new workers before the old ones have ended, so twice the connections are
    wanted, and some for the migrations, the commands and a look from outside.

    :raises TooFewConnections: when there are not even those of the workers
    :raises NotReachable: when PostgreSQL does not answer
    :raises ConfigError: when it does not let flexdb in
    """
    found = capacity(settings)
    if settings.db_pgbouncer and (commands := _missing_timeouts(settings, found)):
        logger.warning("behind PgBouncer, PostgreSQL itself must know the timeouts: %s (and then "
                       "RECONNECT; in PgBouncer)", " ".join(commands))
    if found.connections is None:
        return
    asked = (f"WORKERS={settings.workers} with DB_POOL_SIZE={settings.db_pool_size} each need up "
             f"to {{}} and PostgreSQL has {found.connections} for them: lower one, or raise "
             "max_connections or the limit of the user or the database")
    needed = settings.workers * settings.db_pool_size
    if needed > found.connections:
        raise TooFewConnections(asked.format(f"{needed} connections"))
    if needed * 2 + 10 > found.connections:
        logger.warning(asked.format(f"{needed * 2 + 10} connections while they are reloaded"))


def _missing_timeouts(settings: Settings, found: Capacity) -> list[str]:
    timeout = round(settings.statement_timeout * 1000)
    wanted = {"statement_timeout": 0 if found.statement_timeout == timeout else timeout,
              "idle_in_transaction_session_timeout": 0 if found.idle_timeout else 60_000}
    return [f'ALTER ROLE "{settings.db_user}" SET {name} = {value};'
            for name, value in wanted.items() if value]
