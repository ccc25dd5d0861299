"""What a distributed database cannot do, so that it is not distributed while somebody needs it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from flexdb.config import Settings
from flexdb.db.citus.cluster import Database, scalar
from flexdb.db.citus.tables import TABLES

_FENCED = """
    SELECT EXISTS (SELECT FROM pg_class c
                   WHERE c.oid = ANY (ARRAY(SELECT to_regclass(n.name)
                                            FROM unnest(%s::text[]) n (name)))
                     AND c.relrowsecurity)
"""
_IN_USE = {
    "SELECT EXISTS (SELECT FROM flexdb_webhooks w)":
        "webhooks are told changes in the order in which they were committed, which no machine "
        "knows of another: delete the webhooks first",
    "SELECT EXISTS (SELECT FROM flexdb_invitations i WHERE i.expires_at > clock_timestamp())":
        "invitations wait for users who are created, and a trigger that is on each machine would "
        "take them up on each: delete the invitations first",
    "SELECT EXISTS (SELECT FROM flexdb_limits l "
    "WHERE greatest(l.max_nodes, l.max_relationships, l.max_bytes) > 0)":
        "tenants have quotas, which compare transactions of one machine: take the quotas away "
        "first, by update_limits",
}
_TRIGGERS = """
    SELECT DISTINCT p.proname, p.prosrc, concat_ws(' ', t.tgoldtable, t.tgnewtable)
    FROM pg_trigger t
    JOIN pg_proc p ON p.oid = t.tgfoid
    WHERE t.tgrelid = ANY (ARRAY(SELECT to_regclass(n.name) FROM unnest(%s::text[]) n (name)))
      AND NOT t.tgisinternal AND (t.tgoldtable IS NOT NULL OR t.tgnewtable IS NOT NULL)
    ORDER BY 1
"""
# Of a table that is whole, many rows are followed at once (0026); a shard's name is another.
_OF_WHOLE = re.compile(r"^    IF is_whole THEN\n.*?^    END IF;", re.M | re.S)
_READ = r"(?:FROM|JOIN|USING)\s+(?:ONLY\s+)?(?:{names})\b"
_TOUCHED = r"(?:FROM|JOIN|USING|INTO|UPDATE)\s+(?:ONLY\s+)?(?:{names})\b"


def in_use(connection: Database, settings: Settings) -> Iterator[str]:
    """Give a line on each thing that is in use and that a distributed database cannot do."""
    if settings.db_row_security or scalar(connection, _FENCED, [*TABLES]):
        yield ("row security is on, and the tenant that a statement names is not told to the "
               "workers: run `flexdb row-security off` and set DB_ROW_SECURITY=false")
    if settings.max_nodes or settings.max_relationships or settings.max_bytes:
        yield ("MAX_NODES, MAX_RELATIONSHIPS or MAX_BYTES is set, and quotas compare transactions "
               "of one machine: set them to 0")
    yield from (why for asks, why in _IN_USE.items() if scalar(connection, asks))


def unfit_triggers(connection: Database, tables: list[str]) -> list[str]:
    """Return the functions of triggers which a shard cannot run.

    :param tables: those that are to be distributed
    """
    return [name for name, source, rows in connection.execute(_TRIGGERS.encode(), (tables,))
            if reads_rows_beside_tables(source, rows.split())]


def reads_rows_beside_tables(source: str, rows: list[str]) -> bool:
    """Tell whether a statement reads what changed together with a table.

    Citus plans whatever names a distributed table, and does not find the rows that a trigger is
    given ("could not find named tuplestore"): these are to be looped over.

    :param source: of a function in PL/pgSQL
    :param rows: the names that the trigger gives to them
    """
    read = re.compile(_READ.format(names="|".join(map(re.escape, rows))), re.I)
    touched = re.compile(_TOUCHED.format(names="|".join(TABLES)), re.I)
    return any(read.search(part) and touched.search(part)
               for part in _statements(_OF_WHOLE.sub("", source)))


def _statements(source: str) -> Iterator[str]:
    """Give the statements of a function, and the conditions and queries of IF and FOR alone."""
    without_comments = re.sub(r"--[^\n]*|/\*.*?\*/", " ", source, flags=re.S)
    for part in re.split(r";|\bLOOP\b", without_comments, flags=re.I):
        rest = part
        while branch := re.match(r"\s*(?:BEGIN\b|ELSE\b|(?:IF|ELSIF)\b(.*?)\bTHEN\b)", rest,
                                 flags=re.I | re.S):
            yield branch[1] or ""
            rest = rest[branch.end():]
        yield rest
