"""What is done once, however often it is asked for: what came of it is kept with what it did."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from psycopg.errors import LockNotAvailable

from flexdb import errors
from flexdb.db.connection import Connection
from flexdb.db.ends import Ended
from flexdb.plan import Outcome, Row, Statement


class DoneBefore(Exception):
    """It was done before.

    :param row: what was kept of it
    """

    def __init__(self, row: Row) -> None:
        super().__init__("it was done before")
        self.row = row


class Once(NamedTuple):
    """What makes a transaction one that is done once.

    Both statements are the service's own, and no caller's.

    :param take: keeps others that would do the same out until the transaction ends; its row is
        what was kept of it before
    :param keep: makes of the outcomes the statement that keeps them; its row says that it did
    :param apart: whether a plan that fails is taken back alone
    """

    take: Statement
    keep: Callable[[Sequence[Outcome]], Statement]
    apart: bool = False

    def begin(self, connection: Connection) -> None:
        """Begin a transaction with it.

        :raises DoneBefore: when it was
        :raises Aborted: when somebody else is doing it for longer than may be waited
        """
        try:
            row = _fetch(connection, self.take)
        except LockNotAvailable:
            raise errors.Aborted() from None
        if row is not None:
            raise DoneBefore(row)

    def end(self, connection: Connection, ended: Sequence[Ended]) -> None:
        """Keep what came of it, where that leaves anything behind.

        :raises Aborted: when somebody else has done it meanwhile
        """
        if (any(one.stays for one in ended)
                and _fetch(connection, self.keep([one.outcome for one in ended])) is None):
            raise errors.Aborted()


def _fetch(connection: Connection, statement: Statement) -> Row | None:
    bound, connection.bound = connection.bound, None
    try:
        return connection.fetch(statement)
    finally:
        connection.bound = bound
