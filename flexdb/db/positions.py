"""Positions in PostgreSQL's write-ahead log (WAL): how far the primary is, and how far a standby.

What is committed on the primary is flushed, and a standby shows it when it has replayed that. The
position at which the primary writes would not do: it may lie in what is flushed with the next
change only, and until then no standby reaches it.
https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADMIN-BACKUP
"""

from __future__ import annotations

from typing import NamedTuple

from flexdb.plan import Query, Result, Row, Statement
from flexdb.telemetry import watch

FLUSHED = Query("get_flushed", b"SELECT pg_current_wal_flush_lsn()::text", lasting=True)
# Of what is no standby, or none any more, nothing; and how old is what was replayed last.
REPLAYED = Query("get_replayed", b"""
    SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()::text END,
           EXTRACT(EPOCH FROM clock_timestamp() - pg_last_xact_replay_timestamp())::text
""", lasting=True)


class Freshness(NamedTuple):
    """How fresh must be what a request reads, where that need not be the newest.

    :param after: the position up to which all is to be seen; 0 for any state
    :param by_replica: whether all that is asked for may be read from a replica
    """

    after: int = 0
    by_replica: bool = False


def number(text: str) -> int:
    """Return a position as a number, of what PostgreSQL writes: two hexadecimal ones."""
    high, low = text.split("/")
    return (int(high, 16) << 32) + int(low, 16)


def note(row: Row | None) -> None:
    """Note for the answer under way how far a server is, where it said that."""
    if row and row[0]:
        watch.current().see_position(number(row[0]))


class Look:
    """A look at how far a server is, as one statement among others.

    ``position`` is how far; None where that is not known, or it is not such a server. ``seconds``
    is how long ago a standby's last change was made; None where that is not known.
    """

    def __init__(self, query: Query) -> None:
        self.position: int | None = None
        self.seconds: float | None = None
        self.statement = Statement(query, {}, self._read)

    def _read(self, row: Row | None) -> Result:
        if row and row[0]:
            self.position = number(row[0])
            self.seconds = float(row[1]) if row[1:] and row[1] else None
        return Result(b"")
