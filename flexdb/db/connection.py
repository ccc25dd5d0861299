"""A connection that keeps statements prepared, and runs them without a cursor.

Most calls are one statement, and psycopg's cursor, which serves every kind of statement and of
value, costs a sixth of such a call, and a third of one in a batch (docs/performance.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import compress
from typing import Any

import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import Loader
from psycopg.errors import error_from_result
from psycopg.pq import TransactionStatus
from psycopg.pq.abc import PGresult

from flexdb.db import fence
from flexdb.db.farewell import Farewell
from flexdb.db.pipeline import DONE, PipelineConnection, Sent
from flexdb.db.positions import FLUSHED, REPLAYED
from flexdb.plan import Query, Row, Statement


def _array(values: list[Any]) -> bytes:
    if {*map(type, values)} == {str} and not ('"' in (whole := "".join(values)) or "\\" in whole):
        # Ids above all, of which there may be thousands.
        return b'{"%b"}' % '","'.join(values).encode()
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


# What names a tenant to the policies of 0009-row-security, for one transaction.
_NAME_TENANT = Query("name_tenant", b"SELECT set_config('flexdb.tenant_id', $1, true)",
                     ("tenant_id",), lasting=True)
# Lets a transaction wait no longer than 100 ms for what another one holds.
WAIT_BRIEFLY = Query("wait_briefly", b"SELECT set_config('lock_timeout', '100', true)",
                     lasting=True)
# What sees nothing that is anybody's.
_UNBOUND = (FLUSHED, REPLAYED, WAIT_BRIEFLY)


class _RawJson(Loader):
    """Hand JSON over as PostgreSQL wrote it."""

    def load(self, data: Buffer) -> bytes:
        return bytes(data)


class Connection(PipelineConnection):
    """A connection that knows the statements which it prepared."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        for name in ("json", "varchar"):
            self.adapters.register_loader(name, _RawJson)
        # How large pages may be for whoever has it, where they are not to be as large as wanted.
        self.lent = 0
        # The tenants that whoever has it sees.
        self.bound: fence.Bound = None
        # What is to be run as the last of the transaction, by its name and the tenant.
        self.late: dict[tuple[str, str], Statement] = {}
        # Whether the database shows rows to whoever names their tenant alone; and who is named.
        self.names_tenant = False
        self._named = ""
        self.farewell = Farewell(self)
        # Whether it is noted how far the server is behind each change; and whether the transaction
        # may have made one, or tells of one.
        self.tells_position = False
        self.changes = False

    def transaction(self, *arguments: Any, **options: Any) -> Any:
        """Begin a transaction, in which no tenant is named yet."""
        self._named = ""
        return (self._told_transaction() if self.tells_position and self._is_idle
                else super().transaction(*arguments, **options))

    @contextmanager
    def _told_transaction(self) -> Iterator[None]:
        """Begin a transaction at whose end it is noted how far the server is."""
        self.changes = False
        self._command(b"BEGIN")
        try:
            yield
        except BaseException as error:
            # Of a connection that is lost nothing is left to be taken back.
            with suppress(psycopg.Error):
                self.end(b"ROLLBACK")
            if not isinstance(error, psycopg.Rollback):
                raise
        else:
            self.end(b"COMMIT")

    def end(self, command: bytes) -> None:
        """End a transaction, and note in the same round trip how far the server is, where there
        may be a change behind that.
        """
        if self.tells_position and self.changes:
            self._note(self._command(command + b";" + FLUSHED.text))
        else:
            self._command(command)

    def _command(self, text: bytes) -> PGresult:
        result = self.pgconn.exec_(text)
        if result.status not in DONE:
            raise error_from_result(result)
        return result

    @property
    def _is_idle(self) -> bool:
        """Tell whether no transaction is open, so that what is sent is one of its own."""
        return self.pgconn.transaction_status == TransactionStatus.IDLE

    def fetch(self, statement: Statement) -> Row | None:
        """Run a statement and return its row.

        :raises psycopg.Error: when it fails
        :raises FenceError: when it is about more than the connection is lent for
        """
        self._forget_named()
        query = statement.query
        values, first = _values(query, statement.arguments), self._ahead_of(statement)
        is_told = self._will_tell(query)
        # Of an error and the connection's end right after it, as PgBouncer sends them, libpq's
        # own calls tell the end alone.
        if not (first or self.may_prepare):
            row = self._fetch_by_cursor(query, values)
            if is_told and self._is_idle:
                self._note(self._command(FLUSHED.text))
            return row
        if first or is_told or self.patience[0]:
            # All is read to its end: an error may still come behind the row, when it is committed.
            return self._row([*self._in_pipeline([*first, (query, values)], is_told)][-1])
        (name,) = self._names_of([query])
        return self._row(self.pgconn.exec_prepared(name, values) if name else
                         self.pgconn.exec_params(query.text, values))

    def _fetch_by_cursor(self, query: Query, values: list[Any]) -> Row | None:
        with psycopg.RawCursor(self) as cursor:
            cursor.execute(query.text, [
                None if value is None else value.decode() for value in values])
            return cursor.fetchone()

    def fetch_all(self, statements: Sequence[Statement]) -> Iterator[Row | None]:
        """Run statements in one go, as one transaction, and give their rows as they come.

        All are to be taken before the connection is used again.

        :raises psycopg.Error: when one fails; those behind it were not run
        :raises FenceError: when one is about more than the connection is lent for
        """
        self._forget_named()
        sent: list[Sent] = []
        given: list[bool] = []
        for statement in statements:
            first = self._ahead_of(statement)
            values = _values(statement.query, statement.arguments)
            self._will_tell(statement.query)
            sent += [*first, (statement.query, values)]
            given += [False] * len(first) + [True]
        writes = self._is_idle and any(statement.query.writes for statement in statements)
        try:
            for result in compress(self._in_pipeline(sent), given):
                row = self._row(result)
                # Of what may be large one copy is enough.
                result.clear()
                yield row
                row = None
        except Exception as error:
            if writes and self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                # It was not read to its end, and may be committed all the same.
                self.pgconn.finish()
                raise psycopg.OperationalError("what became of a transaction is unknown") from error
            raise

    def _ahead_of(self, statement: Statement) -> list[Sent]:
        """Return what is to be sent ahead of a statement, when it may be sent.

        That is the name of the tenant whose rows the statement is to see, where the database asks
        for one. It holds until the transaction ends, which may be the statement's own.
        """
        if self.bound is None and not self.names_tenant or statement.query in _UNBOUND:
            return []
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
        if self.names_tenant and self._is_idle:
            self._named = ""

    def _will_tell(self, query: Query) -> bool:
        """Tell whether a statement is a transaction of its own that may change something; where
        it is part of one, that is noted until its end.
        """
        if not self.tells_position or query.kind == "read":
            return False
        self.changes = True
        return self._is_idle


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
