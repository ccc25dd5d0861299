"""A small tenant as lines of an export, and the way of lines into a database and out of it."""

from __future__ import annotations

import io
import json
from typing import Any
from uuid import UUID

from flexdb.config import Settings
from flexdb.db.copy import exporting
from flexdb.db.load import Place, load
from flexdb.sql.loader import EXPORTS, IMPORTS
from flexdb.transfer.lines import KINDS, Reader
from flexdb.transfer.lookahead import ahead
from tests.support.postgres import connect

Lines = list[dict[str, Any]]

# Where the rows are of a kind whose table has another name.
TABLES = {"relationship_type": "flexdb_relationship_types"}
TENANT, TYPE, USER = (str(UUID(int=number)) for number in (1, 2, 3))


def node_id(number: int) -> str:
    """Return the id of a node of that chain by its number."""
    return str(UUID(int=1000 + number))


def small(nodes: int = 3) -> Lines:
    """Return the lines of a tenant with a chain of nodes; what is absent gets its default."""
    return [
        {"tenant": {"id": TENANT, "slug": "acme", "name": "Acme"}},
        {"user": {"id": USER, "email": "someone@example.org", "display_name": "Someone"}},
        {"tenant_user": {"tenant_id": TENANT, "user_id": USER, "role": "admin"}},
        {"node_type": {"id": TYPE, "name": "Task"}},
        *({"node": {"id": node_id(n), "node_type_id": TYPE, "data": {"n": n}}}
          for n in range(nodes)),
        *({"relationship": {"source_node_id": node_id(n), "target_node_id": node_id(n + 1),
                            "relationship_type": "depends_on"}} for n in range(nodes - 1))]


def written(lines: Lines) -> bytes:
    """Return lines as the text of a file."""
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def taken(database: Settings, text: bytes, place: Place | None = None) -> Any:
    """Load a text and return how many rows of each kind that were."""
    with ahead(Reader().lines(io.BytesIO(text))) as lines:
        return load(database, IMPORTS, lines, place)


def given_back(database: Settings, tenant: str = "acme") -> bytes:
    """Return the text that a tenant is exported as."""
    with exporting(database, tenant) as export:
        return b"".join(line for kind in EXPORTS for line in export.lines(EXPORTS[kind]))


def total_rows(database: Settings) -> int:
    """Return how many rows the tables that lines come from have together."""
    with connect(database) as connection:
        row = connection.execute(" UNION ALL ".join(
            f"SELECT count(*) FROM {TABLES.get(kind, f'{kind}s')}" for kind in KINDS).join(
            ("SELECT sum(count)::int FROM (", ") counts"))).fetchone()
    assert row
    return int(row[0])
