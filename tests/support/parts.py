"""Tables of tenants in parts by the tenant, as they would be kept by several servers.

A statement that touches one part of each is one that a server could run alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import psycopg
from psycopg.sql import SQL, Composable, Identifier, Literal

from flexdb.db.citus.tables import Spread, tables_of
from flexdb.plan import Query
from tests.support.queries import A, B, tenant_in

PARTS = 4
TABLES = tables_of(Spread.DISTRIBUTED)
# Of each type something that holds for some row; of JSON and of what is read as such, by its name.
_VALUES = {
    "uuid": B, "text": ".a", "varchar": ".a", "boolean": "true", "integer": "1", "bigint": "1",
    "smallint": "1", "double precision": "1", "numeric": "1", "real": "1", "xid8": "1",
    "timestamp with time zone": "2024-01-01 00:00:00Z", "json": "{}", "jsonb": "{}",
    "bytea": "\\x00", "oid": "1", "\"char\"": "n"}
_NAMED = {"items": "[]", "slug_spellings": '["x"]', "email_spellings": '["x"]', "names": '["x"]',
          "changed": '["x"]', "key": '[["x"]]', "after": "0", "is_blind": "false"}


def split(connection: psycopg.Connection) -> None:
    """Put tables in parts before those that are distributed."""
    connection.execute("CREATE SCHEMA parts")
    for table in TABLES:
        names = {"table": Identifier(table), "parts": Literal(PARTS)}
        connection.execute(SQL(
            "CREATE TABLE parts.{table} (LIKE public.{table} INCLUDING DEFAULTS "
            "INCLUDING GENERATED INCLUDING INDEXES) PARTITION BY HASH (tenant_id)").format(**names))
        for part in range(PARTS):
            connection.execute(SQL(
                "CREATE TABLE parts.{part} PARTITION OF parts.{table} FOR VALUES "
                "WITH (MODULUS {parts}, REMAINDER {number})").format(
                    part=Identifier(f"{table}_{part}"), number=Literal(part), **names))
    connection.execute("SET search_path = parts, public")


def touched(connection: psycopg.Connection, query: Query) -> list[set[str]]:
    """Return the tables that a statement touches, with optional arguments and without."""
    return [set(_tables(_plan(connection, query, given))) for given in (True, False)]


def _plan(connection: psycopg.Connection, query: Query, given: bool) -> Any:
    """Return the plan for a tenant.

    :param given: whether there are those arguments that may be null
    """
    connection.execute(b"PREPARE planned AS " + query.text)
    try:
        types = connection.execute("SELECT parameter_types::text[] FROM pg_prepared_statements "
                                   "WHERE name = 'planned'").fetchone()
        assert types
        values = [SQL("NULL") if not given and _may_be_null(query, place) else
                  _value(name, type, place == tenant_in(query))
                  for place, (name, type) in enumerate(zip(query.arguments, types[0]), 1)]
        execute = SQL("EXPLAIN (FORMAT JSON) EXECUTE planned{}").format(
            SQL("({})").format(SQL(", ").join(values)) if values else SQL(""))
        row = connection.execute(execute).fetchone()
        assert row
        return row[0]
    finally:
        connection.execute("DEALLOCATE planned")


def _may_be_null(query: Query, place: int) -> bool:
    """Tell whether a statement asks of an argument whether it is null."""
    return place != tenant_in(query) and re.search(
        rb"\$%d(::[\w\[\]]+)? IS (NOT )?NULL|coalesce\(\$%d\b" % (place, place), query.text
    ) is not None


def _value(name: str, type: str, is_tenant: bool) -> Composable:
    of = type.removesuffix("[]")
    value = A if is_tenant else _NAMED.get(name, _VALUES[of])
    return Literal(f'{{"{value}"}}' if type.endswith("[]") else value)


def _tables(plan: Any) -> Iterator[str]:
    if isinstance(plan, dict):
        if name := plan.get("Relation Name"):
            yield name
        plan = [*plan.values()]
    if isinstance(plan, list):
        for one in plan:
            yield from _tables(one)
