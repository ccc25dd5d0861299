"""The original flex-db's database and its own statements, and what a database holds, for comparing.

The sources of the original are not needed: it is known by its tables, keys, indexes and statements.
"""

from __future__ import annotations

from typing import Any

from psycopg import Connection
from psycopg.types.json import Jsonb

Rows = dict[str, list[str]]

VERSIONS = ("001_create_tenants", "002_create_users", "003_create_node_types", "004_create_nodes",
            "005_create_relationships")
# In the order in which foreign keys let them be filled.
COLUMNS = {
    "tenants": "id slug name status created_at updated_at",
    "users": "id email display_name created_at updated_at",
    "tenant_users": "tenant_id user_id role status",
    "node_types": "id tenant_id name description schema created_at updated_at",
    "nodes": "id tenant_id node_type_id data created_at updated_at",
    "relationships": "id tenant_id source_node_id target_node_id relationship_type data "
                     "created_at updated_at",
}
TABLES = tuple(COLUMNS)

_TIMES = """created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()"""
_OF_TENANT = "tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE"
SCHEMA = f"""
CREATE TABLE schema_migrations (
    version text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE tenants (
    id uuid PRIMARY KEY, slug text NOT NULL UNIQUE, name text NOT NULL,
    status text NOT NULL DEFAULT 'active', {_TIMES});
CREATE TABLE users (
    id uuid PRIMARY KEY, email text NOT NULL UNIQUE, display_name text NOT NULL, {_TIMES});
CREATE TABLE tenant_users (
    {_OF_TENANT}, user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role text NOT NULL DEFAULT 'member', status text NOT NULL DEFAULT 'active',
    PRIMARY KEY (tenant_id, user_id));
CREATE TABLE node_types (
    id uuid PRIMARY KEY, {_OF_TENANT}, name text NOT NULL, description text, schema jsonb,
    {_TIMES}, UNIQUE (tenant_id, name));
CREATE TABLE nodes (
    id uuid PRIMARY KEY, {_OF_TENANT},
    node_type_id uuid NOT NULL REFERENCES node_types (id) ON DELETE CASCADE,
    data jsonb DEFAULT '{{}}', {_TIMES});
CREATE TABLE relationships (
    id uuid PRIMARY KEY, {_OF_TENANT},
    source_node_id uuid NOT NULL REFERENCES nodes (id) ON DELETE CASCADE,
    target_node_id uuid NOT NULL REFERENCES nodes (id) ON DELETE CASCADE,
    relationship_type text NOT NULL, data jsonb DEFAULT '{{}}', {_TIMES});
"""
INDEXED = ("tenants (slug)", "tenants (status)", "users (email)", "tenant_users (tenant_id)",
           "tenant_users (user_id)", "node_types (tenant_id)", "node_types (name)",
           "nodes (tenant_id)", "nodes (node_type_id)", "nodes USING gin (data)",
           "relationships (tenant_id)", "relationships (source_node_id)",
           "relationships (target_node_id)", "relationships (relationship_type)",
           "relationships USING gin (data)")
# Names differ between the original's versions, and some need quotes.
_RENAME = """
DO $$ DECLARE found record; BEGIN
    FOR found IN SELECT conrelid::regclass AS owner, conname AS name FROM pg_constraint
                 WHERE connamespace = 'public'::regnamespace AND contype IN ('p', 'u', 'f')
                 AND conrelid <> 'schema_migrations'::regclass LOOP
        EXECUTE format('ALTER TABLE %s RENAME CONSTRAINT %I TO %I', found.owner, found.name,
                       'Odd "' || found.name);
    END LOOP;
    FOR found IN SELECT indexrelid::regclass AS name, c.relname FROM pg_index
                 JOIN pg_class c ON c.oid = indexrelid
                 WHERE c.relnamespace = 'public'::regnamespace AND NOT indisunique LOOP
        EXECUTE format('ALTER INDEX %s RENAME TO %I', found.name, 'idx ' || found.relname);
    END LOOP;
END $$
"""


def build(connection: Connection, renamed: bool = False) -> None:
    """Make the original's tables, keys and indexes in an empty database.

    :param renamed: whether constraints and indexes have other names than PostgreSQL gives them
    """
    connection.execute(SCHEMA.encode())
    for indexed in INDEXED:
        connection.execute(f"CREATE INDEX ON {indexed}".encode())
    for version in VERSIONS:
        connection.execute("INSERT INTO schema_migrations VALUES (%s, '2024-01-01')", [version])
    if renamed:
        connection.execute(_RENAME)


def insert(connection: Connection, table: str, **row: Any) -> None:
    """Insert a row as the original does, naming the columns; an absent value is NULL."""
    columns = COLUMNS[table].split()
    again = ("ON CONFLICT (tenant_id, user_id) DO UPDATE SET role = EXCLUDED.role,"
             " status = EXCLUDED.status" if table == "tenant_users" else "")
    connection.execute(
        f"INSERT INTO {table} ({', '.join(columns)})"
        f" VALUES ({', '.join(f'%({column})s' for column in columns)}) {again}".encode(),
        {column: _bound(row.get(column)) for column in columns})


def select(connection: Connection, table: str, **key: Any) -> tuple[Any, ...] | None:
    """Read one row as the original does."""
    columns = ", ".join(f"COALESCE({column}::text, '')" if column in ("data", "schema") else column
                        for column in COLUMNS[table].split())
    return connection.execute(f"SELECT {columns} FROM {table} WHERE {_and(key)}".encode(), key
                              ).fetchone()


def update(connection: Connection, table: str, key: dict[str, Any], **changed: Any) -> int:
    """Change one row as the original does and return how many rows that were."""
    assigned = ", ".join(f"{column} = %({column})s" for column in changed)
    return connection.execute(
        f"UPDATE {table} SET {assigned}, updated_at = now() WHERE {_and(key)}".encode(),
        key | {column: _bound(value) for column, value in changed.items()}).rowcount


def delete(connection: Connection, table: str, **key: Any) -> int:
    """Delete one row as the original does and return how many rows that were."""
    return connection.execute(f"DELETE FROM {table} WHERE {_and(key)}".encode(), key).rowcount


def _and(key: dict[str, Any]) -> str:
    return " AND ".join(f"{column} = %({column})s" for column in key)


def _bound(value: Any) -> Any:
    return Jsonb(value) if isinstance(value, (dict, list)) else value


# The migrations' own bookkeeping is no part of what they are compared by.
_OURS = """SELECT c.oid, c.relname FROM pg_class c
           WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
           AND c.relname !~ '^_?yoyo'"""
_CATALOG = f"""
WITH ours AS ({_OURS})
SELECT format('table %s %s', o.relname, c.reloptions) FROM ours o JOIN pg_class c USING (oid)
UNION ALL
SELECT format('column %s.%s %s%s %s%s', o.relname, a.attname, format_type(a.atttypid, a.atttypmod),
              CASE WHEN a.attnotnull THEN ' not null' END, a.attgenerated,
              pg_get_expr(d.adbin, d.adrelid))
FROM ours o JOIN pg_attribute a ON a.attrelid = o.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef d ON d.adrelid = o.oid AND d.adnum = a.attnum
UNION ALL
SELECT format('constraint %s on %s %s', k.conname, o.relname, pg_get_constraintdef(k.oid))
FROM ours o JOIN pg_constraint k ON k.conrelid = o.oid AND k.contype <> 'n'
UNION ALL
SELECT pg_get_indexdef(i.indexrelid) FROM ours o JOIN pg_index i ON i.indrelid = o.oid
UNION ALL
SELECT pg_get_triggerdef(t.oid) FROM ours o JOIN pg_trigger t ON t.tgrelid = o.oid
WHERE NOT t.tgisinternal
UNION ALL
SELECT pg_get_functiondef(p.oid) FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace
"""


def catalog(connection: Connection) -> set[str]:
    """Return what the schema consists of: tables, columns, constraints, indexes and so on."""
    return {line for (line,) in connection.execute(_CATALOG.encode())}


def rows(connection: Connection, *tables: str) -> Rows:
    """Return the rows of some tables, or of all, as text."""
    names = tables or [name for _, name in connection.execute(_OURS.encode())]
    return {name: sorted(str(row) for row in connection.execute(f"SELECT * FROM {name}".encode()))
            for name in names}
