"""JSON documents of every kind, with every digit of their numbers, and a tenant full of them."""

from __future__ import annotations

import json
import random
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import orjson

from tests.support.postgres import connect
from tests.support.service import Service

NAMES = ["a", "b", "é", "0", "-1", "%s"]
NUMBERS = [0, 1, -1, 3, Decimal("1.0"), Decimal("1.50"), Decimal("-2.25"), 2**63, 2**63 + 1,
           10**30, Decimal("0.1000000000000000055"), Decimal("0.1"), Decimal("1E+3")]
TEXTS = ["", "a", "A", "ab", "b", "ä", "z", "1", "null", "😀", "\uffff", "a%s'", '"\\', "\x7f\n"]
SCALARS = [None, True, False, *NUMBERS, *TEXTS]


def document(source: random.Random, depth: int = 0) -> Any:
    """Return a random JSON value; the outermost is an object."""
    kind = source.random()
    if depth == 0 or kind < 0.25 and depth < 4:
        names = source.sample(NAMES, source.randint(1, 4) if depth == 0 else source.randint(0, 2))
        return {name: document(source, depth + 1) for name in names}
    if kind < 0.45 and depth < 4:
        return [document(source, depth + 1) for _ in range(source.randint(0, 3))]
    return source.choice(SCALARS)


def text_of(value: Any) -> bytes:
    """Return the JSON text of a value, with every digit of its numbers."""
    def prepared(inner: Any) -> Any:
        if isinstance(inner, list):
            return [prepared(one) for one in inner]
        if isinstance(inner, dict):
            return {name: prepared(one) for name, one in inner.items()}
        number = isinstance(inner, (int, Decimal)) and not isinstance(inner, bool)
        return orjson.Fragment(str(inner)) if number else inner

    return orjson.dumps(prepared(value))


def wire(value: Any) -> Any:
    """Return what orjson writes with every digit."""
    return orjson.Fragment(text_of(value))


class Pool:
    """A tenant with many random nodes, and what each of them holds."""

    def __init__(self, service: Service, rows: int = 150) -> None:
        self.service = service
        node_type = service.node_type(service.tenant())
        self.tenant_id = node_type["tenant_id"]
        source = random.Random(1)
        start = datetime(2024, 1, 1, tzinfo=timezone.utc)
        with connect(service.settings) as connection:
            for _ in range(rows):
                connection.execute(
                    "INSERT INTO nodes (tenant_id, node_type_id, id, data, version, created_at) "
                    "VALUES (%s, %s, gen_random_uuid(), %s::jsonb, %s, %s)",
                    [self.tenant_id, node_type["id"], text_of(document(source)).decode(),
                     source.randint(1, 4), start + timedelta(hours=source.randint(0, 3))])
            found = connection.execute(
                "SELECT id::text, data::text, version, created_at FROM nodes WHERE tenant_id = %s",
                [self.tenant_id]).fetchall()
        self.rows = [{"id": id, "data": parse(data), "version": version,
                      "created_at": created_at} for id, data, version, created_at in found]

    def listed(self, **query: Any) -> Any:
        """Return what ``list_nodes`` gives for a query."""
        if "filter" in query:
            query["filter"] = wire(query["filter"])
        return self.service.call("list_nodes", tenant_id=self.tenant_id, **query)


def parse(text: str) -> Any:
    """Read JSON with every digit of its numbers."""
    return json.loads(text, parse_float=Decimal)
