"""The statements that a connection keeps prepared: those that were used last."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count

from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn, PGresult

from flexdb.plan import Query

# As many as psycopg itself keeps for a connection.
MOST_KEPT = 100
# Of SQL. What PostgreSQL keeps of a statement takes some 40 times as much.
MOST_BYTES = 256 * 1024

Prepare = Callable[[bytes, bytes], PGresult]


class Prepared:
    """What a connection has prepared.

    :param pgconn: libpq's connection, outside of a pipeline
    """

    def __init__(self, pgconn: PGconn) -> None:
        self._pgconn = pgconn
        self._number = count()
        # The last used stands last.
        self._names: dict[bytes, bytes] = {}
        self._bytes = 0

    def names_of(self, queries: Sequence[Query], prepare: Prepare) -> list[bytes | None]:
        """Return the names of statements that are to be run, of each that is worth it.

        :param prepare: prepares a statement's text under a name
        :raises psycopg.Error: when one cannot be prepared
        """
        # Of no more than are kept, none takes the place of another.
        may_take = (len(queries) <= MOST_KEPT
                    and sum(len(query.text) for query in queries) <= MOST_BYTES)
        return [self._name_of(query, may_take, prepare) for query in queries]

    def _name_of(self, query: Query, may_take: bool, prepare: Prepare) -> bytes | None:
        name = self._names.pop(query.text, None)
        if name is None:
            if not query.lasting or not (may_take or self._has_room(query.text)):
                return None
            while self._names and not self._has_room(query.text):
                self._forget(next(iter(self._names)))
            name = b"flexdb_%d" % next(self._number)
            _check(prepare(name, query.text))
            self._bytes += len(query.text)
        self._names[query.text] = name
        return name

    def _has_room(self, text: bytes) -> bool:
        return len(self._names) < MOST_KEPT and self._bytes + len(text) <= MOST_BYTES

    def _forget(self, text: bytes) -> None:
        _check(self._pgconn.exec_(b"DEALLOCATE " + self._names[text]))
        del self._names[text]
        self._bytes -= len(text)


def _check(result: PGresult) -> None:
    if result.status != ExecStatus.COMMAND_OK:
        raise error_from_result(result)
