"""A connection that keeps statements prepared, and runs one alone without a cursor.

Most calls are one statement, and psycopg's cursor, which serves every kind of statement and of
value, costs a sixth of such a call (docs/performance.md).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import psycopg
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGresult

from flexdb.db.statement import Query, Row

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
# By the oid of the type (pg_type.dat); any other is text.
_FROM_TEXT: dict[int, Callable[[bytes], Any]] = {
    16: b"t".__eq__, 20: int, 23: int, 114: bytes,
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


class Connection(psycopg.Connection[Any]):
    """A connection that knows the statements which it prepared."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._kept: dict[bytes, tuple[bytes, tuple[str, ...]]] = {}

    def fetch(self, query: Query, sql: bytes, arguments: Mapping[str, Any]) -> Row | None:
        """Run a statement outside of transactions and pipelines, and return its row.

        :param sql: one of the query's two forms
        :raises psycopg.Error: when it fails
        """
        known = self._kept.get(sql)
        if known is None:
            if (not query.lasting or len(self._kept) >= MOST_KEPT
                    or self.prepare_threshold is None):
                return self.execute(sql, arguments).fetchone()
            known = self._prepare(sql)
        name, names = known
        values: list[Any] = []
        for argument in names:
            value = arguments[argument]
            to_text = _TO_TEXT.get(type(value))
            if to_text is None:
                return self.execute(sql, arguments).fetchone()
            text = to_text(value)
            if text and 0 in text:
                # libpq would end the value there.
                raise psycopg.DataError("an argument holds the character U+0000")
            values.append(text)
        result = self.pgconn.exec_prepared(name, values)
        if result.status != ExecStatus.TUPLES_OK:
            raise error_from_result(result)
        return _row(result) if result.ntuples else None

    def _prepare(self, sql: bytes) -> tuple[bytes, tuple[str, ...]]:
        text, names = _numbered(sql)
        # Another name than psycopg's own have.
        name = b"flexdb_%d" % len(self._kept)
        result = self.pgconn.prepare(name, text)
        if result.status != ExecStatus.COMMAND_OK:
            raise error_from_result(result)
        self._kept[sql] = name, names
        return name, names


def _row(result: PGresult) -> Row:
    row = []
    for place in range(result.nfields):
        text = result.get_value(0, place)
        row.append(text if text is None else
                   _FROM_TEXT.get(result.ftype(place), bytes.decode)(text))
    return tuple(row)
