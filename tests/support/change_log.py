"""A tenant whose log of changes is looked at from the outside."""

from __future__ import annotations

from typing import Any

import psycopg

from flexdb.config import Settings
from tests.support import postgres
from tests.support.service import Service

# What a change is told by: its kind, what was done, and the version that it led to.
Told = tuple[str, str, int]
NODES = ("INSERT INTO nodes (id, tenant_id, node_type_id, data)"
         " SELECT gen_random_uuid(), %(tenant)s, %(type)s, '{\"n\": 1}' FROM generate_series(1, 3)")


class Log:
    """A tenant of a database of its own with a node type, and what is logged of it since."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.service = Service.of(settings)
        self.connection = postgres.connect(settings)
        self.tenant = self.service.tenant()
        self.type = self.service.node_type(self.tenant)
        self.ids = {"tenant": self.tenant["id"], "type": self.type["id"]}
        self._seen = 0
        self.new()

    def run(self, statement: str, **arguments: Any) -> None:
        """Run SQL that may name the tenant, the type and more."""
        self.connection.execute(statement.encode(), self.ids | arguments)

    def rows(self, columns: str = "kind, op, version") -> list[tuple[Any, ...]]:
        """Return what was logged since the last look."""
        found = self.connection.execute(
            f"SELECT c.seq, {columns} FROM flexdb_changes c WHERE c.tenant_id = %s AND c.seq > %s"
            " ORDER BY c.seq".encode(), [self.tenant["id"], self._seen]).fetchall()
        self._seen = found[-1][0] if found else self._seen
        return [tuple(one.decode() if isinstance(one, bytes) else one for one in row)
                for _, *row in found]

    def new(self) -> list[Told]:
        """Return the kind, what was done and the version of what was logged since."""
        return [(kind, op, version) for kind, op, version in self.rows()]

    def node(self, **given: Any) -> Any:
        """Create a node, and look past what was logged of it."""
        made = self.service.node(self.type, **given)
        self.new()
        return made

    def call(self, method: str, **params: Any) -> Any:
        """Call a method about the tenant."""
        return self.service.call(method, {"tenant_id": self.tenant["id"]} | params)

    def tables(self) -> dict[str, int]:
        """Return how many rows the tenant has in the tables of the log."""
        return {name: self._one(f"SELECT count(*) FROM flexdb_{name} t"
                                " WHERE t.tenant_id = %(tenant)s")[0]
                for name in ("changes", "change_positions", "change_heads", "histories")}

    def head(self) -> tuple[Any, ...]:
        """Return the feed's name, the tenant's epoch and its last position."""
        return self._one("SELECT f.name, h.epoch, h.position FROM flexdb_change_heads h,"
                         " flexdb_feed f WHERE h.tenant_id = %(tenant)s")

    def number(self, connection: psycopg.Connection | None = None) -> int:
        """Give positions to what has none, and return the last."""
        return int(self._one("SELECT flexdb_number_changes(%(tenant)s, 1000)", connection)[0])

    def _one(self, query: str, connection: psycopg.Connection | None = None) -> tuple[Any, ...]:
        row = (connection or self.connection).execute(query.encode(), self.ids).fetchone()
        assert row
        return tuple(row)

    def close(self) -> None:
        """Close the connections."""
        self.connection.close()
        self.service.close()
