"""A tenant's feed as SQL has it: who reads it to its end, and what they have seen."""

from __future__ import annotations

from typing import Any, NamedTuple
from uuid import UUID, uuid4

import psycopg

Connection = psycopg.Connection[Any]


class Change(NamedTuple):
    """A change that a reader was given."""

    position: int
    seq: int
    object_id: UUID
    version: int
    op: str


_READ = """SELECT p.position, c.seq, c.object_id, c.version, c.op::text
FROM flexdb_change_positions p
JOIN flexdb_changes c ON c.tenant_id = p.tenant_id AND c.seq = p.seq
WHERE p.tenant_id = %s AND p.position > %s ORDER BY p.position LIMIT %s"""


class Reader:
    """Whoever reads a tenant's feed from its beginning, each time from where they were.

    :param most: how many changes are numbered, and read, at once
    """

    def __init__(self, connection: Connection, tenant: UUID, most: int = 1000) -> None:
        self.connection, self.tenant, self.most = connection, tenant, most
        self.seen: list[Change] = []

    @property
    def position(self) -> int:
        """Return the position of the change that was read last."""
        return self.seen[-1].position if self.seen else 0

    def read(self) -> list[Change]:
        """Number what is to be numbered and return what comes next."""
        number(self.connection, self.tenant, self.most)
        found = [Change(*row) for row in self.connection.execute(
            _READ, (self.tenant, self.position, self.most))]
        self.seen += found
        return found

    def read_all(self) -> list[Change]:
        """Read to the end and return all that was ever seen."""
        while self.read():
            pass
        return self.seen


class Naive:
    """Whoever takes a column that grows for a cursor, and reads what is beyond the last value.

    :param by: a query that gives the value, the id and the version of each row beyond a value, the
        least first; and a value that all are beyond
    """

    BY_SEQUENCE = ("SELECT c.seq, c.object_id, c.version FROM flexdb_changes c"
                   " WHERE c.tenant_id = %(tenant)s AND c.seq > %(last)s ORDER BY 1", 0)
    BY_TIME = ("SELECT n.updated_at, n.id, n.version FROM nodes n"
               " WHERE n.tenant_id = %(tenant)s AND n.updated_at > %(last)s ORDER BY 1",
               "-infinity")

    def __init__(self, connection: Connection, tenant: UUID, by: tuple[str, Any]) -> None:
        self.connection, self.tenant = connection, tenant
        self._query, self._first = by
        self._last = self._first
        self._seen: set[tuple[UUID, int]] = set()

    def read(self) -> None:
        """Read what comes next."""
        for last, id, version in self._beyond(self._last):
            self._last = last
            self._seen.add((id, version))

    def lost(self) -> set[tuple[UUID, int]]:
        """Read to the end and return the id and version of each row that was never read."""
        self.read()
        return {(id, version) for _, id, version in self._beyond(self._first)} - self._seen

    def _beyond(self, value: Any) -> list[tuple[Any, UUID, int]]:
        return self.connection.execute(self._query.encode(),
                                       {"tenant": self.tenant, "last": value}).fetchall()


def number(connection: Connection, tenant: UUID, most: int = 1000) -> int:
    """Number at most so many changes of a tenant and return the last position."""
    row = connection.execute("SELECT flexdb_number_changes(%s, %s)", (tenant, most)).fetchone()
    assert row
    return int(row[0])


def new_tenant(connection: Connection) -> tuple[UUID, UUID]:
    """Make a tenant with a node type, and return their ids."""
    tenant, type = uuid4(), uuid4()
    connection.execute("INSERT INTO tenants (id, slug, name) VALUES (%s, %s, 'A tenant')",
                       (tenant, str(tenant)))
    connection.execute("INSERT INTO node_types (tenant_id, id, name) VALUES (%s, %s, 'Thing')",
                       (tenant, type))
    return tenant, type


def new_node(connection: Connection, tenant: UUID, type: UUID) -> UUID:
    """Make a node and return its id."""
    node = uuid4()
    connection.execute("INSERT INTO nodes (tenant_id, id, node_type_id) VALUES (%s, %s, %s)",
                       (tenant, node, type))
    return node


def new_relationship(connection: Connection, tenant: UUID, source: UUID, target: UUID) -> UUID:
    """Make a relationship and return its id."""
    relationship = uuid4()
    connection.execute(
        "INSERT INTO relationships (tenant_id, id, source_node_id, target_node_id,"
        " relationship_type) VALUES (%s, %s, %s, %s, 'x')", (tenant, relationship, source, target))
    return relationship


def assert_whole(reader: Reader) -> None:
    """Hold that a reader who is at the end saw every change once, and no record go back."""
    rows = reader.connection.execute(
        "SELECT c.seq, c.object_id, c.version FROM flexdb_changes c WHERE c.tenant_id = %s",
        (reader.tenant,)).fetchall()
    seen = reader.seen
    assert [change.position for change in seen] == list(range(1, len(seen) + 1))
    lost = {row[0] for row in rows} - {change.seq for change in seen}
    assert not lost, f"{len(lost)} of {len(rows)} were lost: {sorted(lost)[:10]}"
    assert len(seen) == len(rows)
    versions: dict[UUID, int] = {}
    for change in seen:
        assert change.version > versions.get(change.object_id, 0), f"{change} came too late"
        versions[change.object_id] = change.version
