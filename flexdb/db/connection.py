"""A connection that keeps statements prepared, and runs them without a cursor.

Most calls are one statement, and psycopg's cursor, which serves every kind of statement and of
value, costs a sixth of such a call, and a third of one in a batch (docs/performance.md).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from itertools import compress
from typing import Any

import psycopg
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result
from psycopg.generators import fetch
from psycopg.pq import ConnStatus, ExecStatus, Format, TransactionStatus
from psycopg.pq.abc import PGresult
from psycopg.waiting import Ready, Wait

from flexdb.db import fence
from flexdb.db.address import ends_connection
from flexdb.db.farewell import Farewell
from flexdb.db.prepared import Prepared
from flexdb.plan import Query, Row, Statement


def _array(values: list[Any]) -> bytes:
    return b"{%b}" % b",".join(map(_quoted, values))


def _quoted(value: Any) -> bytes:
    text = _TO_TEXT[type(value)](value)
    return b"NULL" if text is None else b'"%b"' % (
        text.replace(b"\\", rb"\\").replace(b'"', rb'\"'))


# Text is what every type can be given as; PostgreSQL tells the type of each argument itself. Bytes
# are JSON text, lists are arrays.
_TO_TEXT: dict[type, Callable[[Any], bytes | None]] = {
    str: str.encode,
    bytes: bytes,
    int: lambda value: b"%d" % value,
    float: lambda value: repr(value).encode(),
    bool: lambda value: b"true" if value else b"false",
    list: _array,
    type(None): lambda value: None,
}
# By the oid of the type (pg_type.dat); psycopg knows all others. A varchar is JSON that was written
# as text (flexdb/sql/loader.py).
_FROM_TEXT: dict[int, Callable[[bytes], Any]] = {
    16: b"t".__eq__, 20: int, 23: int, 25: bytes.decode, 114: bytes, 1043: bytes,
}


# What names a tenant to the policies of 0009-row-security, for one transaction.
_NAME_TENANT = Query("name_tenant", b"SELECT set_config('flexdb.tenant_id', $1, true)",
                     ("tenant_id",), lasting=True)
# BEGIN and its like give no rows.
_DONE = (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK)
_Sent = tuple[Query, list[Any]]


class Connection(psycopg.Connection[Any]):
    """A connection that knows the statements which it prepared."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.may_prepare = True
        # How large pages may be for whoever has it, where they are not to be as large as wanted.
        self.lent = 0
        # The tenants that whoever has it sees.
        self.bound: fence.Bound = None
        # What is to be run as the last of the transaction, by its name and the tenant.
        self.late: dict[tuple[str, str], Statement] = {}
        # Whether the database shows rows to whoever names their tenant alone; and who is named.
        self.names_tenant = False
        self._named = ""
        self._kept = Prepared(self.pgconn)
        self.farewell = Farewell(self)

    def transaction(self, *arguments: Any, **options: Any) -> Any:
        """Begin a transaction, in which no tenant is named yet."""
        self._named = ""
        return super().transaction(*arguments, **options)

    def fetch(self, statement: Statement) -> Row | None:
        """Run a statement and return its row.

        :raises psycopg.Error: when it fails
        :raises FenceError: when it is about more than the connection is lent for
        """
        self._forget_named()
        query = statement.query
        values, first = _values(query, statement.arguments), self._ahead_of(statement)
        # Of an error and the connection's end right after it, as PgBouncer sends them, libpq's
        # own calls tell the end alone.
        if not (first or self.may_prepare):
            return self._fetch_by_cursor(query, values)
        if first:
            # All is read to its end: an error may still come behind the row, when it is committed.
            return self._row([*self._in_pipeline([*first, (query, values)])][-1])
        (name,) = self._names_of([query])
        return self._row(self.pgconn.exec_prepared(name, values) if name else
                         self.pgconn.exec_params(query.text, values))

    def _fetch_by_cursor(self, query: Query, values: list[Any]) -> Row | None:
        with psycopg.RawCursor(self) as cursor:
            cursor.execute(query.text, [value and value.decode() for value in values])
            return cursor.fetchone()

    def fetch_all(self, statements: Sequence[Statement]) -> Iterator[Row | None]:
        """Run statements in one go, as one transaction, and give their rows as they come.

        All are to be taken before the connection is used again.

        :raises psycopg.Error: when one fails; those behind it were not run
        :raises FenceError: when one is about more than the connection is lent for
        """
        self._forget_named()
        sent: list[_Sent] = []
        given: list[bool] = []
        for statement in statements:
            first = self._ahead_of(statement)
            values = _values(statement.query, statement.arguments)
            sent += [*first, (statement.query, values)]
            given += [False] * len(first) + [True]
        for result in compress(self._in_pipeline(sent), given):
            row = self._row(result)
            # Of what may be large one copy is enough.
            result.clear()
            yield row
            row = None

    def _ahead_of(self, statement: Statement) -> list[_Sent]:
        """Return what is to be sent ahead of a statement, when it may be sent.

        That is the name of the tenant whose rows the statement is to see, where the database asks
        for one. It holds until the transaction ends, which may be the statement's own.
        """
        if self.bound is not None:
            fence.check(statement, self.bound)
        if not self.names_tenant:
            return []
        wanted = fence.named_by(statement)
        if wanted == self._named:
            return []
        self._named = wanted
        return [(_NAME_TENANT, [wanted.encode()])]

    def _forget_named(self) -> None:
        """Name the tenant once more where the transaction in which it was named has ended."""
        if self.names_tenant and self.pgconn.transaction_status == TransactionStatus.IDLE:
            self._named = ""

    def _names_of(self, queries: Sequence[Query]) -> list[Any]:
        return (self._kept.names_of(queries) if self.may_prepare else [None] * len(queries))

    def _in_pipeline(self, sent: Sequence[_Sent]) -> Iterator[PGresult]:
        """Run what is sent in one round trip, and give the results as they come."""
        names = self._names_of([query for query, _ in sent])
        self.pgconn.enter_pipeline_mode()
        # In libpq's own memory, so that nothing waits until PostgreSQL reads it.
        for name, (query, values) in zip(names, sent):
            if name:
                self.pgconn.send_query_prepared(name, values)
            else:
                self.pgconn.send_query_params(query.text, values)
        self.pgconn.pipeline_sync()
        failed: PGresult | None = None
        for result in self._results():
            if failed is None and result.status in _DONE:
                yield result
            else:
                failed = failed or result
        self.pgconn.exit_pipeline_mode()
        if failed is not None:
            raise error_from_result(failed)

    def _results(self) -> Iterator[PGresult]:
        """Give the results of a pipeline, each as soon as it is there."""
        sent = False
        while True:
            sent = sent or self.pgconn.flush() == 0
            if sent:
                # What has arrived need not be waited for.
                result = (self.wait(fetch(self.pgconn)) if self.pgconn.is_busy()
                          else self.pgconn.get_result())
            else:
                # PostgreSQL may read no further before its own answers are read.
                if self.wait(_readiness()) & Ready.R:
                    self.pgconn.consume_input()
                if self.pgconn.is_busy():
                    continue
                result = self.pgconn.get_result()
            if result is None:
                if self.pgconn.status != ConnStatus.OK:
                    raise psycopg.OperationalError("the connection is lost")
            elif result.status == ExecStatus.PIPELINE_SYNC:
                return
            else:
                yield result

    def is_lost_by(self, error: psycopg.Error) -> bool:
        """Tell whether an error is the connection's end; what became of statements is unknown then.
        """
        return self.broken or ends_connection(error)

    def _row(self, result: PGresult) -> Row | None:
        if result.status not in _DONE:
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


def _values(query: Query, arguments: Mapping[str, Any]) -> list[Any]:
    """Return the arguments as text.

    :raises psycopg.DataError: when one holds what no text of PostgreSQL can hold
    """
    values: list[Any] = []
    for name in query.arguments:
        value = arguments[name]
        text = _TO_TEXT[type(value)](value)
        if text and 0 in text:
            # libpq would end the value there.
            raise psycopg.DataError("an argument holds the character U+0000")
        values.append(text)
    return values


def _readiness() -> Generator[Wait, int, int]:
    """Wait until the connection can be written to or read from, and return which."""
    return (yield Wait.RW)
