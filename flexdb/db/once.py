"""What is done once, however often it is asked for: what came of it is kept with what it did."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import NamedTuple

import psycopg
from psycopg.errors import LockNotAvailable, NotNullViolation
from psycopg.pq import TransactionStatus

from flexdb import errors
from flexdb.db.connection import Connection
from flexdb.db.ends import Ended
from flexdb.db.positions import FLUSHED, note
from flexdb.plan import Outcome, Query, Row, Statement

# Sent along with what is the first and the last in a transaction, since each round trip costs.
_BEGIN, _COMMIT = Statement(Query("begin", b"BEGIN"), {}), Statement(Query("commit", b"COMMIT"), {})
_LOOK = Statement(FLUSHED, {})


class DoneBefore(Exception):
    """It was done before.

    :param row: what was kept of it
    """

    def __init__(self, row: Row) -> None:
        super().__init__("it was done before")
        self.row = row


class Once(NamedTuple):
    """What makes a transaction one that is done once.

    The statements are the service's own, and no caller's.

    :param take: keep others that would do the same out until the transaction ends; the row of the
        last is what was kept of it before
    :param keep: makes of the outcomes the statement that keeps them, which fails where that was
        done meanwhile
    :param apart: whether a plan that fails is taken back alone
    """

    take: Sequence[Statement]
    keep: Callable[[Sequence[Outcome]], Statement]
    apart: bool = False

    @contextmanager
    def transaction(self, connection: Connection) -> Iterator[None]:
        """Begin a transaction with it; unless :meth:`end` ended it, all is taken back.

        :raises DoneBefore: when it was
        :raises Aborted: when somebody else is doing it for longer than may be waited
        """
        try:
            try:
                *_, row = _fetch(connection, [_BEGIN, *self.take])
                # Also of what was done before it is told behind which position it is.
                connection.changes = True
            except LockNotAvailable:
                raise errors.Aborted() from None
            if row is not None:
                raise DoneBefore(row)
            yield
        except psycopg.Rollback:
            pass
        finally:
            if connection.pgconn.transaction_status != TransactionStatus.IDLE:
                # Of a connection that is lost nothing is left to be taken back.
                with suppress(psycopg.Error):
                    connection.end(b"ROLLBACK")

    def end(self, connection: Connection, ended: Sequence[Ended]) -> None:
        """Commit, and keep what came of it, where that leaves anything behind.

        :raises Aborted: when somebody else has done it meanwhile
        """
        kept = ([self.keep([one.outcome for one in ended])] if any(one.stays for one in ended)
                else [])
        try:
            if connection.tells_position:
                *_, row = _fetch(connection, [*kept, _COMMIT, _LOOK])
                note(row)
            else:
                _fetch(connection, [*kept, _COMMIT])
        except NotNullViolation:
            raise errors.Aborted() from None


def _fetch(connection: Connection, statements: Sequence[Statement]) -> list[Row | None]:
    bound, connection.bound = connection.bound, None
    try:
        return [*connection.fetch_all(statements)]
    finally:
        connection.bound = bound
