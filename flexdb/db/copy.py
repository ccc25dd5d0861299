"""Whole tenants out, by COPY, in one transaction that sees one moment, whatever the size."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg

from flexdb.config import Settings
from flexdb.db.address import conninfo, direct, not_reached, reason
from flexdb.errors import InvalidParams, NotFound
from flexdb.plan import Query, Row

# JSON text has no control character, so with these nothing in a line is ever quoted or escaped.
_AS_IT_IS = b"COPY (%b) TO STDOUT (FORMAT csv, QUOTE E'\\x01', DELIMITER E'\\x02')"
# How many rows of a query are had at once; each may weigh what a document may.
_FETCHED = 100
# A member has two lines, the user and the membership.
_LISTS = ("tenant_users", "tenant_users", "node_types", "nodes", "relationships")
# By the ledger (0005), and what it has nothing of.
_KEPT = b"""SELECT sum(c.total)
FROM (
    SELECT c.list, c.total
    FROM flexdb_counts c
    WHERE c.tenant_id = %(tenant_id)s AND c.key = flexdb_nil()
    UNION ALL
    SELECT d.list, d.change
    FROM flexdb_count_changes d
    WHERE d.tenant_id = %(tenant_id)s
) c
JOIN unnest(%(lists)s::text[]) l (list) ON l.list = c.list"""
_RELATIONSHIP_TYPES = b"""SELECT count(*) FROM flexdb_relationship_types rt
WHERE rt.tenant_id = %(tenant_id)s"""
_USERS = b"SELECT count(*) FROM users"

_NIL = "00000000-0000-0000-0000-000000000000"


@contextmanager
def transaction(settings: Settings, reads: bool = False, patience: float = 0
                ) -> Iterator[psycopg.Connection[Any]]:
    """Give a connection that commits at the end, or leaves nothing behind, however long it takes.

    :param reads: whether it only reads, and sees one moment
    :param patience: how long a statement may take, and the time between two, in seconds; 0 for
        as long as they do
    :raises NotReachable: when PostgreSQL does not answer, or no longer
    :raises FlexdbError: with PostgreSQL's own words for whatever else it refuses
    """
    try:
        with psycopg.connect(conninfo(direct(settings)), prepare_threshold=None) as connection:
            if reads:
                connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
                connection.read_only = True
            # Behind PgBouncer the user has limits, which are meant for calls.
            for name in ("statement_timeout", "idle_in_transaction_session_timeout"):
                connection.execute("SELECT set_config(%s, %s, true)",
                                   (name, str(round(patience * 1000))))
            yield connection
    except psycopg.Error as error:
        if error.sqlstate is None:
            raise not_reached(error, direct(settings)) from error
        if error.sqlstate in ("42P01", "42703", "42883"):
            raise NotFound("the database has no tables of this version: run the command migrate "
                           "first") from error
        raise InvalidParams(reason(error)) from error


class Export:
    """What tenants were at one moment, as lines of JSON.

    :param connection: with a transaction that sees one moment
    :param tenant_ids: whose lines
    :param users: whether all users are exported once, and not those of each tenant with it
    """

    def __init__(self, connection: psycopg.Connection[Any], tenant_ids: list[str],
                 users: bool = False) -> None:
        self._connection, self.tenant_ids, self._users = connection, tenant_ids, users

    def total(self) -> int:
        """Return the number of lines."""
        lists = list(_LISTS[1:] if self._users else _LISTS)
        total = self._count(_USERS) if self._users else 0
        return total + sum(1 + self._count(_KEPT, tenant_id=tenant_id, lists=lists)
                           + self._count(_RELATIONSHIP_TYPES, tenant_id=tenant_id)
                           for tenant_id in self.tenant_ids)

    def lines(self, statement: bytes, tenant_id: str | None = None) -> Iterator[bytes]:
        """Give what a statement selects, line by line as PostgreSQL writes it.

        :param tenant_id: whose lines, where they are those of several
        """
        of = tenant_id or next(iter(self.tenant_ids), _NIL)
        with self._connection.cursor() as cursor, cursor.copy(
                _AS_IT_IS % statement, {"tenant_id": of}) as copy:
            yield from map(bytes, copy)

    def rows(self, query: Query, arguments: Mapping[str, Any]) -> Iterator[Row]:
        """Give the rows of a query, a few of them at a time.

        :param arguments: its arguments by name, and perhaps others
        """
        values = [_as_text(arguments[name]) for name in query.arguments]
        with psycopg.RawServerCursor(self._connection, "rows") as cursor:
            cursor.itersize = _FETCHED
            yield from cursor.execute(query.text, values)

    def _count(self, statement: bytes, **arguments: Any) -> int:
        row = self._connection.execute(statement, arguments).fetchone()
        return int(row[0] or 0) if row else 0


def _as_text(value: Any) -> Any:
    """Return an argument with its JSON text as a string, which psycopg would send as bytes."""
    if isinstance(value, list):
        return [_as_text(one) for one in value]
    return value.decode() if isinstance(value, bytes) else value


@contextmanager
def exporting(settings: Settings, tenant: str | None, patience: float = 0) -> Iterator[Export]:
    """Open the export of a tenant or of all; whatever others write meanwhile, it sees one moment.

    :param tenant: its id or slug, where what may be an id names the tenant with that id first; None
        for all tenants and users
    :param patience: as for :func:`transaction`
    :raises NotFound: when there is none, or the database has no tables
    :raises NotReachable: when PostgreSQL does not answer
    """
    with transaction(settings, reads=True, patience=patience) as connection:
        if tenant is None:
            rows = connection.execute(
                "SELECT t.id::text FROM tenants t ORDER BY t.created_at, t.id").fetchall()
            yield Export(connection, [id for (id,) in rows], users=True)
            return
        row = connection.execute(
            "SELECT t.id::text FROM tenants t"
            " WHERE t.slug = %(tenant)s OR t.id::text = lower(%(tenant)s)"
            " ORDER BY t.id::text <> lower(%(tenant)s) LIMIT 1", {"tenant": tenant}).fetchone()
        if row is None:
            raise NotFound(f"there is no tenant with the slug or id {tenant}")
        yield Export(connection, [row[0]])
