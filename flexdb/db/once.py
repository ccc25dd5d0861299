"""What is done once, however often it is asked for: what came of it is kept with what it did."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import Context
from typing import NamedTuple

import psycopg
from psycopg.errors import LockNotAvailable, NotNullViolation
from psycopg.pq import TransactionStatus

from flexdb import errors
from flexdb.db.connection import Connection
from flexdb.db.ends import Ended, admit, end
from flexdb.db.positions import FLUSHED, note
from flexdb.plan import Budget, Outcome, Query, Row, Statement

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


class IdempotencyKey(NamedTuple):
    """By what it is known that the same was asked for before: a caller's key in a tenant."""

    tenant_id: str
    caller: str
    key: str


class Together(NamedTuple):
    """How several are done once in one transaction, all in one tenant.

    :param take: makes of keys the statements that keep others out, without waiting; the row of the
        last begins with "t" for each key that nobody uses or used, and with "f" for the others
    :param keep: makes of the statements that would keep what came of each the one that keeps all,
        which fails where one was done meanwhile
    """

    take: Callable[[Sequence[IdempotencyKey]], Sequence[Statement]]
    keep: Callable[[Sequence[Statement]], Statement]


class Once(NamedTuple):
    """What makes a transaction one that is done once.

    The statements are the service's own, and no caller's.

    :param key: by what it is known
    :param take: keep others that would do the same out until the transaction ends; the row of the
        last is what was kept of it before, and begins with NULL where nothing was
    :param keep: makes of the outcomes the statement that keeps them, which fails where that was
        done meanwhile
    :param together: how it is done with others
    :param apart: whether a plan that fails is taken back alone
    """

    key: IdempotencyKey
    take: Sequence[Statement]
    keep: Callable[[Sequence[Outcome]], Statement]
    together: Together
    apart: bool = False

    @contextmanager
    def transaction(self, connection: Connection) -> Iterator[None]:
        """Begin a transaction with it; unless :meth:`end` ended it, all is taken back.

        :raises DoneBefore: when it was
        :raises Aborted: when somebody else is doing it for longer than may be waited
        """
        with _taken_back(connection):
            try:
                *_, row = _fetch(connection, [_BEGIN, *self.take])
                # Also of what was done before it is told behind which position it is.
                connection.changes = True
            except LockNotAvailable:
                raise errors.Aborted() from None
            if row and row[0] is not None:
                raise DoneBefore(row)
            with suppress(psycopg.Rollback):
                yield

    def end(self, connection: Connection, ended: Sequence[Ended]) -> None:
        """Commit, and keep what came of it, where that leaves anything behind.

        :raises Aborted: when somebody else has done it meanwhile
        """
        try:
            _commit(connection, [self.keep([one.outcome for one in ended])]
                    if any(one.stays for one in ended) else [])
        except NotNullViolation:
            raise errors.Aborted() from None


class Keyed(NamedTuple):
    """A statement that is done once, as one of several in a transaction.

    :param context: of whoever asks for it, in which the answer is made
    """

    statement: Statement
    once: Once
    budget: Budget
    context: Context

    def end(self, row: Row | None) -> tuple[Ended, Statement | None]:
        """Say how it ended, and what keeps that, where it leaves anything behind."""
        ended = admit(end(self.statement, row), self.budget)
        return ended, self.once.keep([ended.outcome]) if ended.stays else None


def do_together(connection: Connection, asked: Sequence[Keyed]) -> list[Outcome | None]:
    """Do in one transaction what several ask for, and return what came of each.

    :param asked: what is asked for in one tenant
    :return: None for each that is to go alone, since it was done before or another is doing it;
        nothing where all are, since one came to no end
    :raises psycopg.Error: when one failed and everything was rolled back
    """
    together = asked[0].once.together
    with _taken_back(connection):
        first: dict[IdempotencyKey, Keyed] = {}
        for one in asked:
            # Of two with one key the second goes alone behind these, and finds what was answered.
            first.setdefault(one.once.key, one)
        *_, row = _fetch(connection, [_BEGIN, *together.take([*first])])
        free = [one for one, is_free in zip(first.values(), row[0] if row else "")
                if is_free == "t"]
        if not free:
            return [None] * len(asked)
        rows = [*connection.fetch_all([one.statement for one in free])]
        ended = [one.context.run(one.end, row) for one, row in zip(free, rows)]
        if any(how.undo for how, _ in ended):
            return []
        kept = [statement for _, statement in ended if statement]
        _commit(connection, [together.keep(kept)] if kept else [])
    outcomes = {id(one): how.outcome for one, (how, _) in zip(free, ended)}
    return [outcomes.get(id(one)) for one in asked]


@contextmanager
def _taken_back(connection: Connection) -> Iterator[None]:
    """Take back what is not committed at the end."""
    try:
        yield
    finally:
        if connection.pgconn.transaction_status != TransactionStatus.IDLE:
            # Of a connection that is lost nothing is left to be taken back.
            with suppress(psycopg.Error):
                connection.end(b"ROLLBACK")


def _commit(connection: Connection, kept: Sequence[Statement]) -> None:
    if connection.tells_position:
        *_, row = _fetch(connection, [*kept, _COMMIT, _LOOK])
        note(row)
    else:
        _fetch(connection, [*kept, _COMMIT])


def _fetch(connection: Connection, statements: Sequence[Statement]) -> list[Row | None]:
    bound, connection.bound = connection.bound, None
    try:
        return [*connection.fetch_all(statements)]
    finally:
        connection.bound = bound
