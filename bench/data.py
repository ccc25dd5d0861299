"""The data: databases that hold equally many nodes of each of their tenants, kept between runs."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson
import psycopg
from psycopg import sql

from bench.load import call
from bench.statements import statement_of
from flexdb.config import Settings
from flexdb.db.migrate import FOLDER as MIGRATIONS
from flexdb.db.migrate import migrate

# The milliseconds since 1970 at which the first row was made, as the rows tell.
_START = 1_700_000_000_000
_CHUNK = 100_000
GROUP = 1000
# What load.lua replaces by a text that no other body has.
MARK = "NEW-IN-EACH-BODY"
SCHEMA = {
    "type": "object",
    "properties": {
        "title": {"type": "string", "minLength": 1, "maxLength": 200},
        "status": {"enum": ["open", "done"]},
        "priority": {"type": "integer", "minimum": 1, "maximum": 5},
        "group": {"type": "integer"},
    },
    "required": ["title", "status"],
    "additionalProperties": False,
}
_MAKE_ID = """
CREATE OR REPLACE FUNCTION pg_temp.make_id(kind text, place bigint) RETURNS uuid
LANGUAGE sql IMMUTABLE AS $$
    SELECT concat(lpad(to_hex({start} + place), 12, '0'), '7', kind, '8000',
                  lpad(to_hex(place), 12, '0'))::uuid
$$""".replace("{start}", str(_START))
_TENANTS = """
INSERT INTO tenants (id, slug, name)
SELECT pg_temp.make_id('001', i), 'tenant-' || i, 'Tenant ' || i
FROM generate_series(0, %(tenants)s - 1) i"""
_TYPES = """
INSERT INTO node_types (tenant_id, id, name, schema)
SELECT pg_temp.make_id('001', i), pg_temp.make_id('002', i), 'Task', %(schema)s::jsonb
FROM generate_series(0, %(tenants)s - 1) i"""
# Each tenant's nodes are strewn over all the time there is, as if all had worked side by side.
_NODES = """
INSERT INTO nodes (tenant_id, id, node_type_id, data, created_at, updated_at)
SELECT pg_temp.make_id('001', i %% %(tenants)s), pg_temp.make_id('003', i),
       pg_temp.make_id('002', i %% %(tenants)s),
       jsonb_build_object('title', 'Task ' || i, 'status', 'open', 'priority', 1 + i %% 5,
                          'group', i %% %(groups)s),
       moment.now, moment.now
FROM generate_series(%(first)s::bigint, %(last)s::bigint) i,
     to_timestamp((%(start)s + i) / 1000.0) AS moment (now)"""


def _id(kind: str, place: int) -> str:
    digits = f"{_START + place:012x}7{kind}8000{place:012x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


@dataclass(frozen=True)
class Data:
    """A database and what was put into it.

    :param settings: where it is
    :param tenants: how many tenants it has
    :param nodes: how many nodes each of them has
    """

    settings: Settings
    tenants: int
    nodes: int

    def tenant(self, number: int = 0) -> dict[str, str]:
        """Return a tenant as parameters."""
        return {"tenant_id": _id("001", number)}

    def new_node(self, number: int) -> dict[str, Any]:
        """Return a node to be created, of the first tenant's type."""
        data = {"title": f"Task {number}", "status": "open", "priority": 1 + number % 5}
        return {"node_type_id": _id("002", 0), "data": data}

    def creates(self, count: int) -> list[dict[str, Any]]:
        """Return calls that create one node each in the first tenant."""
        return [call("create_node", self.tenant() | self.new_node(number))
                for number in range(count)]

    def gets(self, count: int) -> list[dict[str, Any]]:
        """Return calls that get nodes, chosen at random but the same in every run."""
        places = random.Random(1).choices(range(self.tenants * self.nodes), k=count)
        return [call("get_node", {"id": _id("003", place), **self.tenant(place % self.tenants)})
                for place in places]

    def pages(self, after: Sequence[int] = (0,), tenants: int = 1, **params: Any
              ) -> list[dict[str, Any]]:
        """Return calls that list ten nodes each.

        :param after: how many nodes stand before the page; with 0 it is the first
        :param tenants: of how many tenants, chosen at random
        :param params: what else is asked for
        """
        places = random.Random(2).sample(range(self.tenants), tenants)
        calls = []
        for tenant in map(self.tenant, places):
            for depth in after:
                pagination = {"page_token": self._token(depth)} if depth else {}
                calls.append(call("list_nodes", tenant | params | {"pagination": pagination}))
        return calls

    def before(self, depth: int) -> tuple[str, str]:
        """Return when the last of the first tenant's first so many nodes was made, and its id."""
        id = _id("003", (self.nodes - depth) * self.tenants)
        with connect(self.settings) as connection:
            (moment,) = connection.execute(
                "SELECT created_at::text FROM nodes WHERE tenant_id = %s AND id = %s",
                (self.tenant()["tenant_id"], id)).fetchone() or ("",)
        return moment, id

    def _token(self, depth: int) -> str:
        """Return the token of the page of the first tenant after so many nodes."""
        # The service makes it of the last row of the page before.
        statement = statement_of(self.settings, call("list_nodes", self.tenant()))
        reply = orjson.loads(statement.result((b"[]", 0, 0, *self.before(depth))).text)
        token: str = reply["pagination"]["next_page_token"]
        return token


def connect(settings: Settings) -> psycopg.Connection[Any]:
    """Connect as the service does."""
    return psycopg.connect(host=settings.db_host, port=settings.db_port, user=settings.db_user,
                           dbname=settings.db_name, autocommit=True,
                           options="-c timezone=UTC -c datestyle=ISO")


def prepare(server: Settings, tenants: int, nodes: int) -> Data:
    """Return a database with so many tenants and nodes, made unless it is there already."""
    # All but the tables alone are made from those.
    tables = prepare(server, 0, 0).settings.db_name if tenants else "template0"
    name = f"bench_{tenants}x{nodes}"
    data = Data(replace(server, db_name=name), tenants, nodes)
    files = [Path(__file__), *sorted(MIGRATIONS.glob("*.sql"))]
    mark = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    with connect(server) as connection:
        found = connection.execute(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s",
            (name,)).fetchone()
        if found == (mark,):
            return data
        _create(connection, name, tables)
        if tenants:
            _fill(data)
        else:
            migrate(data.settings)
        connection.execute(sql.SQL("COMMENT ON DATABASE {} IS {}").format(
            sql.Identifier(name), sql.Literal(mark)))
        connection.execute("CHECKPOINT")
    return data


@contextmanager
def fresh(server: Settings, name: str = "bench_writes", nodes: int = 0, tenants: int = 1
          ) -> Iterator[Data]:
    """Give a database to be written to, a copy of what is kept; it goes away at the end."""
    kept = prepare(server, tenants, nodes)
    with empty(server, name, kept.settings.db_name) as settings:
        yield replace(kept, settings=settings)


@contextmanager
def empty(server: Settings, name: str, template: str = "template0") -> Iterator[Settings]:
    """Give a database that holds what another one does; it goes away at the end."""
    with connect(server) as connection:
        _create(connection, name, template)
        try:
            yield replace(server, db_name=name)
        finally:
            _drop(connection, name)


def _create(connection: psycopg.Connection[Any], name: str, template: str) -> None:
    _drop(connection, name)
    connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
        sql.Identifier(name), sql.Identifier(template)))


def _drop(connection: psycopg.Connection[Any], name: str) -> None:
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(
        sql.Identifier(name)))


def _fill(data: Data) -> None:
    total = data.tenants * data.nodes
    arguments = {"tenants": data.tenants, "schema": orjson.dumps(SCHEMA).decode(),
                 "groups": max(1, total // GROUP), "start": _START}
    with connect(data.settings) as connection:
        connection.execute(_MAKE_ID)
        connection.execute(_TENANTS, arguments)
        connection.execute(_TYPES, arguments)
        for first in range(0, total, _CHUNK):
            last = min(first + _CHUNK, total) - 1
            connection.execute(_NODES, arguments | {"first": first, "last": last})
        connection.execute("VACUUM (ANALYZE)")
