"""A connection that keeps statements prepared, and runs them without a cursor.

Most calls are one statement, and psycopg's cursor, which serves every kind of statement and of
value, costs a sixth of such a call, and a third of one in a batch (docs/performance.md).
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any, NamedTuple

import psycopg
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result
from psycopg.generators import fetch, pipeline_communicate
from psycopg.pq import ConnStatus, ExecStatus, Format
from psycopg.pq.abc import PGresult

from flexdb.plan import Query, Row

# As many as psycopg itself keeps for a connection.
MOST_KEPT = 100
_ARGUMENT = re.compile(rb"%(?:\((\w+)\)s|%)")
# Text is what every type can be given as; PostgreSQL tells the type of each argument itself.
_TO_TEXT: dict[type, Callable[[Any], bytes | None]] = {
    str: str.encode,
    int: lambda value: b"%d" % value,
    bool: lambda value: b"true" if value else b"false",
    type(None): lambda value: None,
}
# By the oid of the type (pg_type.dat); psycopg knows all others.
_FROM_TEXT: dict[int, Callable[[bytes], Any]] = {
    16: b"t".__eq__, 20: int, 23: int, 25: bytes.decode, 114: bytes,
}


@lru_cache(maxsize=1024)
def _numbered(sql: bytes) -> tuple[bytes, tuple[str, ...]]:
    """Return SQL as PostgreSQL wants it, with ``$1``, and the names of the arguments in order."""
    names: dict[str, int] = {}

    def number(found: re.Match[bytes]) -> bytes:
        if found[1] is None:
            return b"%"
        return b"$%d" % names.setdefault(found[1].decode(), len(names) + 1)

    return _ARGUMENT.sub(number, sql), tuple(names)


class Asked(NamedTuple):
    """What is to be run.

    :param sql: one of the query's two forms
    """

    query: Query
    sql: bytes
    arguments: Mapping[str, Any]


class Connection(psycopg.Connection[Any]):
    """A connection that knows the statements which it prepared."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.may_prepare = True
        self._kept: dict[bytes, bytes] = {}

    def fetch(self, asked: Asked) -> Row | None:
        """Run a statement and return its row.

        :raises psycopg.Error: when it fails
        """
        text, names = _numbered(asked.sql)
        # Of an error and the connection's end right after it, as PgBouncer sends them, libpq's
        # own calls tell the end alone.
        values = _values(asked, names) if self.may_prepare else None
        if values is None:
            return self.execute(asked.sql, asked.arguments).fetchone()
        name = self._name_of(asked, text)
        return self._row(self.pgconn.exec_prepared(name, values) if name else
                         self.pgconn.exec_params(text, values))

    def fetch_all(self, asked: Sequence[Asked]) -> list[Row | None]:
        """Run statements in one go, inside a transaction, and return their rows.

        :raises psycopg.Error: when one fails; those behind it were not run
        """
        commands: deque[Callable[[], None]] = deque()
        for one in asked:
            text, names = _numbered(one.sql)
            values = _values(one, names)
            if values is None:
                return [self.fetch(one) for one in asked]
            name = self._name_of(one, text)
            commands.append(
                partial(self.pgconn.send_query_prepared, name, values) if name else
                partial(self.pgconn.send_query_params, text, values))
        commands.append(self.pgconn.pipeline_sync)
        self.pgconn.enter_pipeline_mode()
        results = [result for of_one in self.wait(pipeline_communicate(self.pgconn, commands))
                   for result in of_one]
        while not results or results[-1].status != ExecStatus.PIPELINE_SYNC:
            if (result := self.wait(fetch(self.pgconn))) is not None:
                results.append(result)
            elif self.pgconn.status != ConnStatus.OK:
                raise psycopg.OperationalError("the connection is lost")
        self.pgconn.exit_pipeline_mode()
        return [self._row(result) for result in results[:-1]]

    def is_lost_by(self, error: psycopg.Error) -> bool:
        """Tell whether an error is the connection's end; what became of statements is unknown then.

        The server's farewell may arrive before the connection's end does; what libpq says itself
        has no SQLSTATE.
        https://www.postgresql.org/docs/current/protocol-error-fields.html (severity)
        """
        farewell = error.diag.severity_nonlocalized in ("FATAL", "PANIC")
        own = isinstance(error, psycopg.OperationalError) and error.sqlstate is None
        return self.broken or farewell or own

    def _row(self, result: PGresult) -> Row | None:
        if result.status != ExecStatus.TUPLES_OK:
            raise error_from_result(result)
        if not result.ntuples:
            return None
        row = []
        for place in range(result.nfields):
            text = result.get_value(0, place)
            if text is not None:
                oid = result.ftype(place)
                from_text = (_FROM_TEXT.get(oid)
                             or Transformer(self).get_loader(oid, Format.TEXT).load)
                text = from_text(text)
            row.append(text)
        return tuple(row)

    def _name_of(self, asked: Asked, text: bytes) -> bytes | None:
        """Return the name of a prepared statement; None for one that is not worth it."""
        name = self._kept.get(asked.sql)
        if name or not (asked.query.lasting and self.may_prepare
                        and len(self._kept) < MOST_KEPT):
            return name
        name = b"flexdb_%d" % len(self._kept)
        result = self.pgconn.prepare(name, text)
        if result.status != ExecStatus.COMMAND_OK:
            raise error_from_result(result)
        self._kept[asked.sql] = name
        return name


def _values(asked: Asked, names: tuple[str, ...]) -> list[Any] | None:
    """Return the arguments as text; None where one needs a cursor."""
    values: list[Any] = []
    for argument in names:
        value = asked.arguments[argument]
        to_text = _TO_TEXT.get(type(value))
        if to_text is None:
            return None
        text = to_text(value)
        if text and 0 in text:
            # libpq would end the value there.
            raise psycopg.DataError("an argument holds the character U+0000")
        values.append(text)
    return values
